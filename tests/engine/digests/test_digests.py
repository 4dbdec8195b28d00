"""Digests: whoever chose them is told once a day whose cards changed, of what they may see, and of nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from sqlalchemy import delete, insert, select, update

from sync.accounts import addresses, preference_changes, registration
from sync.database.engine import Database, Session
from sync.digests import changes, choices, rounds, times
from sync.errors import InvalidInput, InvalidOneTimeToken, NotFound
from sync.fields import CATALOGUE
from sync.models import BUCKETS, Digest, DigestSeen, GivenUp, Message, new_id, now
from sync.notify import given_up, outbox, suppression, templates
from sync.notify.outbox import Letter, Undeliverable, Unreachable
from sync.profiles import profiles
from sync.settings import Sending, Settings
from sync.sharing import connections, grants, groups
from tests.support import factories
from tests.support.databases import opened
from tests.support.factories import connect, connected, crowd, group, people, set_field
from tests.support.meeting import prefer
from tests.support.statements import sent

SITE = "https://cards.example.org"
NUMBER, OTHER = "+86 138 0013 8000", "+86 138 0013 8001"
DAY = 24 * 3600


@dataclass
class Mail:
    """A server that sends digests, and what left it. *trouble* is what its mail server says, once each."""

    database: Database
    letters: list[Letter] = field(default_factory=list)
    trouble: list[Exception] = field(default_factory=list)

    def send(self, letter: Letter) -> None:
        """Take a message, or be in trouble."""
        if self.trouble:
            raise self.trouble.pop(0)
        self.letters.append(letter)

    def work(self) -> int:
        """Do what the worker does in one round."""
        rounds.work(self.database)
        return outbox.work(self.database, {"email": self.send}, {rounds.TEMPLATE: rounds.compose})

    def due(self) -> None:
        """Let it be the hour, of a day on which none was sent."""
        past = update(Digest).values(next_at=now() - 1, sent_at=now() - 2 * DAY)
        self.database.write(lambda session: session.execute(past))

    def round(self) -> list[str]:
        """Let it be the hour, and return what was sent."""
        self.due()
        before = len(self.letters)
        self.work()
        return [letter.text.body for letter in self.letters[before:]]

    def change(self, change: Callable[[Session], object]) -> None:
        """Change something."""
        self.database.write(change)


@pytest.fixture
def mail(database_url: str) -> Iterator[Mail]:
    """A server that sends."""
    sending = Sending(smtp_host="127.0.0.1", mail_from="x@example.org")
    with opened(database_url, Settings(base_url=SITE, sending=sending)) as database:
        yield Mail(database)


@dataclass(frozen=True)
class Two:
    """Anna, who shows Bo her number and not her bank account; Bo gets the digest."""

    anna: int
    bo: int
    mobile: int
    bank: int
    friends: int


@pytest.fixture
def two(mail: Mail) -> Two:
    """Anna and Bo."""
    anna, bo = connected(mail.database, "anna", "bo")
    mobile = factories.field(mail.database, anna)
    bank = factories.field(mail.database, anna, "bank-account", "6222 0138")
    friends = group(mail.database, anna, "Friends", [bo], [mobile])
    subscribe(mail.database, bo, "bo@example.org")
    return Two(anna, bo, mobile, bank, friends)


def subscribe(database: Database, viewer_id: int, address: str) -> None:
    database.write(lambda session: addresses.add(session, viewer_id, "email", address))
    database.write(lambda session: choices.want(session, viewer_id, 8, "Europe/Berlin"))


def look(database: Database, viewer_id: int) -> None:
    """Look at the activity page."""
    with database.reading() as session:
        position = changes.reached(session, viewer_id)
    if position is not None:
        database.write(lambda session: changes.note(session, viewer_id, position))


def waiting(database: Database) -> int:
    with database.reading() as session:
        return len(session.scalars(select(Message.id)).all())


def test_nobody_gets_one_who_did_not_choose_it(mail: Mail) -> None:
    anna, bo = connected(mail.database, "anna", "bo")
    mail.change(lambda session: addresses.add(session, bo, "email", "bo@example.org"))
    group(mail.database, anna, "Friends", [bo], [factories.field(mail.database, anna)])
    assert mail.round() == []
    with mail.database.reading() as session:
        assert not choices.choice_of(session, bo).is_wanted


def test_a_change_is_told_once_by_its_kind_and_without_its_value(mail: Mail, two: Two) -> None:
    assert mail.round() == []
    set_field(mail.database, two.anna, two.mobile, OTHER)
    (said,) = mail.round()
    assert "anna: mobile phone\n" in said
    assert "+86 138" not in said
    (letter,) = mail.letters
    assert (letter.recipient, letter.text.subject) == ("bo@example.org", "anna changed their card")
    assert mail.round() == []
    assert waiting(mail.database) == 0


def test_whoever_sees_nothing_of_a_change_is_not_told_that_there_was_one(mail: Mail, two: Two) -> None:
    set_field(mail.database, two.anna, two.bank, "6222 0139", "bank-account")
    factories.field(mail.database, two.anna, "qq", "10001")
    assert mail.round() == []
    assert waiting(mail.database) == 0


def test_what_was_taken_back_in_between_is_not_told(mail: Mail, two: Two) -> None:
    qq = factories.field(mail.database, two.anna, "qq", "10001")
    mail.change(lambda session: grants.grant(session, two.anna, two.friends, [qq, two.bank]))
    mail.change(lambda session: grants.take_back(session, two.anna, two.friends, [two.bank]))
    (said,) = mail.round()
    assert "anna: QQ\n" in said
    mail.change(lambda session: grants.grant(session, two.anna, two.friends, [two.bank]))
    mail.change(lambda session: grants.take_back(session, two.anna, two.friends, [two.bank]))
    assert mail.round() == []


def test_what_a_digest_says_is_decided_when_it_is_sent(mail: Mail, two: Two) -> None:
    """It is posted, and waits for the mail server; what is taken back meanwhile is not in it."""
    mail.change(lambda session: grants.grant(session, two.anna, two.friends, [two.bank]))
    set_field(mail.database, two.anna, two.mobile, OTHER)
    mail.due()
    assert rounds.work(mail.database) == 1
    mail.change(lambda session: grants.take_back(session, two.anna, two.friends, [two.bank]))
    assert mail.work() == 1
    assert "anna: mobile phone\n" in mail.letters[0].text.body
    assert "bank" not in mail.letters[0].text.body


@pytest.mark.parametrize("how", ["changed back", "taken back", "hidden", "parted", "looked", "stopped", "disabled"])
def test_a_digest_that_has_nothing_to_say_any_more_is_not_sent(mail: Mail, two: Two, how: str) -> None:
    set_field(mail.database, two.anna, two.mobile, OTHER)
    mail.due()
    assert rounds.work(mail.database) == 1
    anna, bo = two.anna, two.bo
    happens: dict[str, Callable[[Session], object]] = {
        "changed back": lambda s: profiles.set_field(s, anna, two.mobile, factories.content(text=NUMBER)),
        "taken back": lambda s: grants.take_back(s, anna, two.friends, [two.mobile]),
        "hidden": lambda s: connections.hide(s, bo, anna),
        "parted": lambda s: connections.disconnect(s, anna, bo),
        "looked": lambda _: look(mail.database, bo),
        "stopped": lambda s: choices.stop(s, bo),
        "disabled": lambda s: registration.set_disabled(s, bo, disabled=True),
    }
    if how == "looked":
        look(mail.database, bo)
    else:
        mail.change(happens[how])
    assert mail.work() == 0
    assert mail.letters == []
    assert waiting(mail.database) == 0


def test_whoever_looked_at_what_changed_is_not_told_of_it_again(mail: Mail, two: Two) -> None:
    set_field(mail.database, two.anna, two.mobile, OTHER)
    look(mail.database, two.bo)
    assert mail.round() == []
    set_field(mail.database, two.anna, two.mobile, NUMBER)
    assert len(mail.round()) == 1


def test_an_older_look_never_undoes_a_newer_one(mail: Mail, two: Two) -> None:
    set_field(mail.database, two.anna, two.mobile, OTHER)
    with mail.database.reading() as session:
        older = changes.reached(session, two.bo)
    set_field(mail.database, two.anna, two.mobile, "+86 138 0013 8002")
    look(mail.database, two.bo)
    assert older is not None
    mail.change(lambda session: changes.note(session, two.bo, older))
    assert mail.round() == []


def test_what_a_viewer_adds_to_a_card_is_no_change_of_it(mail: Mail, two: Two) -> None:
    held = factories.served(mail.database, two.bo, two.anna)
    assert held is not None
    factories.put(mail.database, two.bo, held.href, held.text.encode().replace(b"END:", b"NOTE:mine\r\nEND:"))
    assert mail.round() == []


def test_whoever_is_new_in_the_address_book_has_changed_nothing_yet(mail: Mail, two: Two) -> None:
    (carl,) = people(mail.database, "carl")
    mobile = factories.field(mail.database, carl)
    connect(mail.database, two.bo, carl)
    group(mail.database, carl, "Friends", [two.bo], [mobile])
    assert mail.round() == []
    set_field(mail.database, carl, mobile, OTHER)
    (said,) = mail.round()
    assert "carl: mobile phone\n" in said


def test_people_who_met_again_begin_anew(mail: Mail, two: Two) -> None:
    mail.change(lambda session: connections.disconnect(session, two.anna, two.bo))
    set_field(mail.database, two.anna, two.mobile, OTHER)
    mail.change(lambda session: connections.connect(session, two.anna, two.bo))
    mail.change(lambda session: groups.add_member(session, two.anna, two.friends, two.bo))
    assert mail.round() == []


def test_the_first_one_is_about_what_changes_from_then_on(mail: Mail, two: Two) -> None:
    mail.change(lambda session: choices.stop(session, two.bo))
    set_field(mail.database, two.anna, two.mobile, OTHER)
    mail.change(lambda session: choices.want(session, two.bo, 9, "UTC"))
    assert mail.round() == []
    set_field(mail.database, two.anna, two.mobile, NUMBER)
    assert len(mail.round()) == 1


def test_many_are_counted_in_the_readers_language(mail: Mail, two: Two) -> None:
    owners = people(mail.database, *(f"person{number:02}" for number in range(22)))
    fields = {}
    for owner in owners:
        fields[owner] = factories.field(mail.database, owner)
    connect(mail.database, two.bo, *owners)
    for owner in owners:
        group(mail.database, owner, "Friends", [two.bo], [fields[owner]])
    mail.round()
    for owner in owners:
        set_field(mail.database, owner, fields[owner], OTHER)
    prefer(mail.database, two.bo, language="zh-Hans")
    (said,) = mail.round()
    assert mail.letters[-1].text.subject == "名片有更新：您的 22 位联系人"
    assert mail.letters[-1].language == "zh-Hans"
    assert sum(f"person{number:02}：手机\n" in said for number in range(22)) == 20
    assert "以及另外 2 位" in said


@pytest.mark.parametrize("language", templates.LANGUAGES)
def test_every_kind_of_field_has_a_word(language: str) -> None:
    words = dict(line.split(" = ", 1) for line in templates.lines("digest.words", language))
    assert CATALOGUE.keys() <= words.keys()


def test_a_name_cannot_add_lines_links_or_headers(mail: Mail, two: Two) -> None:
    hostile = "Anna\r\n\r\nBcc: all@example.org $link https://evil.example"
    name = mail.database.write(lambda s: profiles.add_field(s, two.anna, factories.content("name", hostile)))
    mail.change(lambda session: grants.grant(session, two.anna, two.friends, [name]))
    (said,) = mail.round()
    assert "\n\nBcc" not in said
    assert "\n" not in mail.letters[0].text.subject
    assert all(link.startswith(SITE) for link in mail.letters[0].links)


def test_nothing_is_sent_to_an_address_that_wants_none_or_is_not_theirs_any_more(mail: Mail, two: Two) -> None:
    set_field(mail.database, two.anna, two.mobile, OTHER)
    token = mail.database.write(lambda session: suppression.token_for(session, "email", "bo@example.org"))
    mail.due()
    assert rounds.work(mail.database) == 1
    mail.change(lambda session: suppression.suppress(session, token))
    assert mail.work() == 0
    assert mail.round() == []
    mail.change(lambda session: addresses.add(session, two.bo, "email", "bo@other.example"))
    mail.change(lambda session: addresses.remove(session, two.bo, "email", "bo@example.org"))
    assert len(mail.round()) == 1
    assert mail.letters[0].recipient == "bo@other.example"


def test_people_who_share_an_address_get_one_each(mail: Mail, two: Two) -> None:
    (carl,) = people(mail.database, "carl")
    connect(mail.database, two.anna, carl)
    mail.change(lambda session: groups.add_member(session, two.anna, two.friends, carl))
    subscribe(mail.database, carl, "bo@example.org")
    set_field(mail.database, two.anna, two.mobile, OTHER)
    assert len(mail.round()) == 2


def test_a_mail_server_that_is_down_for_days_makes_one_digest_of_all(mail: Mail, two: Two) -> None:
    mail.trouble = [Unreachable("later")] * 2
    set_field(mail.database, two.anna, two.mobile, OTHER)
    assert mail.round() == []
    set_field(mail.database, two.anna, two.mobile, NUMBER)
    set_field(mail.database, two.anna, two.bank, "6222 0139", "bank-account")
    assert mail.round() == []
    assert waiting(mail.database) == 1
    mail.change(lambda session: grants.grant(session, two.anna, two.friends, [two.bank]))
    mail.change(lambda session: session.execute(update(Message).values(due_at=now())))
    assert mail.round() == []
    mail.change(lambda session: session.execute(update(Message).values(due_at=now())))
    (said,) = mail.round()
    assert "anna: bank account\n" in said


def test_one_that_was_given_up_and_put_back_repeats_nothing(mail: Mail, two: Two) -> None:
    mail.trouble = [Undeliverable("the mail server refuses it (554)")]
    set_field(mail.database, two.anna, two.mobile, OTHER)
    assert mail.round() == []
    assert len(mail.round()) == 1
    assert mail.database.write(given_up.put_back) == 1
    assert mail.work() == 0
    with mail.database.reading() as session:
        assert session.scalars(select(GivenUp.id)).all() == []
    assert waiting(mail.database) == 0


def test_workers_at_once_post_one(mail: Mail, two: Two) -> None:
    set_field(mail.database, two.anna, two.mobile, OTHER)
    mail.due()
    with mail.database.reading() as session:
        found = rounds._due(session, 0)
    assert [mail.database.write(lambda session: rounds.post(session, found)) for _ in range(3)] == [1, 0, 0]


def test_it_is_not_due_again_before_the_next_day(mail: Mail, two: Two) -> None:
    set_field(mail.database, two.anna, two.mobile, OTHER)
    past = update(Digest).values(next_at=now() - 1)
    mail.change(lambda session: session.execute(past))
    assert mail.work() == 1
    set_field(mail.database, two.anna, two.mobile, NUMBER)
    assert mail.work() == 0
    # Another hour, or another choice altogether, makes it no more.
    for hour in range(24):
        mail.change(lambda session, hour=hour: choices.want(session, two.bo, hour, "UTC"))  # type: ignore[misc]
        assert mail.work() == 0
    mail.change(lambda session: choices.stop(session, two.bo))
    mail.change(lambda session: choices.want(session, two.bo, 8, "UTC"))
    with mail.database.reading() as session:
        assert session.scalars(select(Digest.next_at)).one() >= now() + times.GAP - 5


def test_a_clock_that_is_put_back_neither_repeats_a_digest_nor_ends_them(mail: Mail, two: Two) -> None:
    set_field(mail.database, two.anna, two.mobile, OTHER)
    assert len(mail.round()) == 1
    for days in (1, 400):
        # It was sent, and the next one planned, by a clock that was ahead by so much.
        ahead = update(Digest).values(next_at=now() + (days + 1) * DAY, sent_at=now() + days * DAY)
        mail.change(lambda session, ahead=ahead: session.execute(ahead))  # type: ignore[misc]
        assert mail.work() == 0
        with mail.database.reading() as session:
            assert session.scalars(select(Digest.next_at)).one() <= now() + times.LONGEST
    set_field(mail.database, two.anna, two.mobile, NUMBER)
    assert mail.work() == 0
    assert len(mail.round()) == 1


@pytest.mark.parametrize(
    ("hour", "zone", "at", "sent_at", "expected"),
    [
        (8, "Europe/Berlin", "2026-11-26T06:59", None, "2026-11-26T07:00"),
        (8, "Europe/Berlin", "2026-11-26T07:00", None, "2026-11-27T07:00"),
        (8, "Asia/Shanghai", "2026-11-26T23:59", None, "2026-11-27T00:00"),
        # The clocks go forward at two, and back at three.
        (2, "Europe/Berlin", "2026-03-28T20:00", None, "2026-03-29T01:00"),
        (2, "Europe/Berlin", "2026-10-24T20:00", None, "2026-10-25T00:00"),
        (8, "Europe/Berlin", "2026-03-28T08:00", "2026-03-28T07:00", "2026-03-29T06:00"),
        # Two on one day, because another hour was chosen, are one too many.
        (9, "UTC", "2026-11-26T08:30", "2026-11-26T08:00", "2026-11-27T09:00"),
        (8, "UTC", "2026-11-26T08:30", "2030-01-01T00:00", "2026-11-27T08:00"),
        # A day that Samoa left out.
        (8, "Pacific/Apia", "2011-12-29T19:00", None, "2011-12-30T18:00"),
        (8, "Mars/Olympus_Mons", "2026-11-26T07:00", None, "2026-11-26T08:00"),
    ],
)
def test_the_hour_is_that_of_the_readers_place(
    hour: int, zone: str, at: str, sent_at: str | None, expected: str
) -> None:
    def moment(text: str) -> int:
        return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())

    found = times.next_time(hour, zone, moment(at), moment(sent_at) if sent_at else None)
    assert datetime.fromtimestamp(found, UTC).isoformat()[:16] == expected


def test_no_digest_is_ever_planned_for_later_than_is_believed() -> None:
    for zone in times.time_zones():
        for hour in range(0, 24, 5):
            at = 1_700_000_000 + hour * 777_777
            assert at < times.next_time(hour, zone, at, at) <= at + times.LONGEST


@pytest.mark.parametrize(("hour", "zone"), [(-1, "UTC"), (24, "UTC"), (8, ""), (8, "../UTC"), (8, "Mars/Olympus")])
def test_there_are_24_hours_and_the_time_zones_that_there_are(mail: Mail, two: Two, hour: int, zone: str) -> None:
    with pytest.raises(InvalidInput):
        mail.change(lambda session: choices.want(session, two.bo, hour, zone))


def test_nobody_who_is_not_there_can_choose(mail: Mail) -> None:
    with pytest.raises(NotFound):
        mail.change(lambda session: choices.want(session, 12345, 8, "UTC"))


def test_the_link_ends_the_digest_of_its_reader_and_nothing_else(mail: Mail, two: Two) -> None:
    set_field(mail.database, two.anna, two.mobile, OTHER)
    mail.round()
    (letter,) = mail.letters
    assert letter.unsubscribe is not None
    token = letter.unsubscribe.partition("?token=")[2]
    assert letter.unsubscribe == f"{SITE}/.web/{choices.PURPOSE}?token={token}"
    for _ in range(2):
        mail.change(lambda session: choices.stop_by_token(session, token))
    set_field(mail.database, two.anna, two.mobile, NUMBER)
    assert mail.round() == []
    with mail.database.reading() as session:
        assert session.scalars(select(DigestSeen.owner_id)).all() == []
        assert preference_changes.preferences_of(session, two.bo).told_of_requests
    # Requests go to the address all the same, and their link ends no digest.
    asked = {"name": "Carl", "message": "Hello", "link": SITE}
    assert mail.database.write(lambda s: outbox.post(s, "email", "bo@example.org", "request", **asked))
    other = mail.database.write(lambda session: suppression.token_for(session, "email", "bo@example.org"))
    for wrong in (other, "", "é", "\ud800", f"{two.bo}"):
        with pytest.raises(InvalidOneTimeToken):
            mail.change(lambda session, wrong=wrong: choices.stop_by_token(session, wrong))  # type: ignore[misc]
    with pytest.raises(InvalidOneTimeToken):
        mail.change(lambda session: suppression.suppress(session, token))


def test_a_round_takes_as_many_statements_however_many_digests_it_posts(mail: Mail, two: Two) -> None:
    readers = people(mail.database, *(f"reader{number}" for number in range(40)))
    connect(mail.database, two.anna, *readers)
    mail.change(lambda session: groups.add_members(session, two.anna, two.friends, readers))
    for reader in readers:
        subscribe(mail.database, reader, f"{reader}@example.org")
    # The first makes the server's key.
    mail.change(lambda session: choices.signer(session)(two.bo))
    counted = []
    for count in (4, 40):
        set_field(mail.database, two.anna, two.mobile, f"{OTHER}{count}")
        mail.due()
        with mail.database.reading() as session:
            found = [due for due in rounds._due(session, 0) if due.viewer_id in readers[:count]]
        with sent(mail.database.engine) as statements:
            assert mail.database.write(lambda session, found=found: rounds.post(session, found)) == count  # type: ignore[misc]
        counted.append(len(statements))
        mail.change(lambda session: session.execute(delete(Message)))
    assert counted[0] == counted[1]


def test_a_thousand_people_who_have_nothing_to_be_told_get_none_and_are_planned_anew(mail: Mail, two: Two) -> None:
    viewers = crowd(mail.database, two.anna, 1000)
    past = {"is_wanted": True, "hour": 8, "time_zone": "UTC", "next_at": 1, "revision": 10**6}

    def all_of_them(session: Session) -> None:
        session.execute(insert(Digest), [{"viewer_id": each, **past} for each in viewers])

    mail.change(all_of_them)
    set_field(mail.database, two.anna, two.mobile, OTHER)
    assert rounds.work(mail.database) == 0
    with mail.database.reading() as session:
        assert session.scalars(select(Digest.viewer_id).where(Digest.next_at <= now())).all() == []
    assert waiting(mail.database) == 0


def test_a_server_without_mail_or_address_has_no_digests(database: Database) -> None:
    (anna,) = people(database, "anna")
    subscribe(database, anna, "anna@example.org")
    database.write(lambda session: session.execute(update(Digest).values(next_at=1)))
    assert rounds.work(database) == 0


def test_a_message_that_nobody_knows_how_to_put_together_is_kept_for_an_administrator(mail: Mail, two: Two) -> None:
    number = new_id()
    row = {"bucket": number % BUCKETS, "id": number, "channel": "email", "recipient": "bo@example.org", "values": "{}"}
    times_of = {"created_at": now(), "due_at": now(), "attempts": 0}
    mail.change(lambda s: s.execute(insert(Message).values(template="unknown", language="en", **row, **times_of)))
    assert mail.work() == 0
    with mail.database.reading() as session:
        (kept,) = given_up.listed(session, 10)
    assert (kept.kind, kept.domain) == ("unknown", "example.org")
    assert "bo" not in kept.reason
