"""A card link shows what its group sees and strangers do, as it is now, and nothing once it is over."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import delete, func, select, update

from sync import verification
from sync.accounts.rate_limits import Limit
from sync.card_links import link_secrets, links, opening
from sync.card_links.link_secrets import LinkKeys
from sync.card_links.opening import DOWNLOADED, FETCHED, OPENED, LinkGate
from sync.database import accounts
from sync.database.engine import Database
from sync.ends import carrying, setting
from sync.ends.targets import Target
from sync.ends.watch import Watch
from sync.errors import InvalidInput, InvalidSyncToken, LimitExceeded, NotFound, TooManyTries
from sync.models import Account, Audience, CardLink, NextEnd
from sync.revisions import address_books
from sync.sharing import cards, grants, groups
from sync.sign_in import administrators, deletion
from tests.support.card_links import Handed, made, shown
from tests.support.clock import DAY, HOUR, Clock, StoppedClock
from tests.support.factories import (
    MOBILE,
    connected,
    everybody_connected,
    field,
    group,
    person,
    set_field,
    strangers,
)


class Stage:
    """Anna, whose clients see her number at work, and nothing else of what she has."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.anna, self.bert = connected(database, "anna", "bert")
        self.work = field(database, self.anna, "office-phone", "+49 30 1234")
        self.mobile = field(database, self.anna)
        self.clients = group(database, self.anna, "clients", [], [self.work])
        self.gate = LinkGate(database)
        self.link = made(database, self.anna, self.clients)

    def text(self, handed: Handed | None = None, version: str = "3.0") -> str:
        """Return the card that the link shows."""
        found = shown(self.gate, handed or self.link, version)
        assert found is not None
        return found

    def is_open(self, handed: Handed | None = None) -> bool:
        """Whether a link opens anything, by either secret, which agree."""
        one = handed or self.link
        doors = {self.gate.opened(one.token) is not None, self.gate.admitted(one.login, one.password) is not None}
        (said,) = doors
        return said

    def grant(self, group_id: int, field_id: int) -> None:
        """Let a group see a field."""
        self.database.write(lambda session: grants.grant(session, self.anna, group_id, [field_id]))

    def audiences(self) -> int:
        """Count the audiences that links have."""
        with self.database.reading() as session:
            counted = select(func.count()).where(Audience.owner_id == self.anna, Audience.kind == cards.LINK)
            return session.scalars(counted).one()

    def row(self) -> CardLink:
        """Return what is stored of the link."""
        with self.database.reading() as session:
            return links.link_of(session, self.anna, self.link.id)


@pytest.fixture
def stage(database: Database) -> Stage:
    """Set the stage."""
    return Stage(database)


def test_it_shows_what_the_group_sees_and_strangers_do(stage: Stage) -> None:
    assert "+49 30 1234" in stage.text()
    assert "VERSION:3.0" in stage.text()
    assert "VERSION:4.0" in stage.text(version="4.0")
    assert MOBILE not in stage.text()
    nick = field(stage.database, stage.anna, "nickname", "Annie")
    stage.grant(strangers(stage.database, stage.anna), nick)
    assert "Annie" in stage.text()


def test_it_shows_nothing_of_what_connections_see_or_one_person_does(stage: Stage) -> None:
    stage.grant(everybody_connected(stage.database, stage.anna), stage.mobile)
    secret = field(stage.database, stage.anna, "hobby", "Falconry")
    stage.database.write(lambda session: grants.except_fields(session, stage.anna, stage.bert, {secret: True}))
    stage.database.write(lambda session: groups.add_member(session, stage.anna, stage.clients, stage.bert))
    stage.database.write(lambda session: grants.except_fields(session, stage.anna, stage.bert, {stage.work: False}))
    assert MOBILE not in stage.text()
    assert "Falconry" not in stage.text()
    assert "+49 30 1234" in stage.text()
    of_connections = made(stage.database, stage.anna, everybody_connected(stage.database, stage.anna))
    assert MOBILE in stage.text(of_connections)


def test_a_change_is_there_at_once_with_another_revision_and_etag(stage: Stage) -> None:
    before = stage.gate.opened(stage.link.token)
    assert before is not None
    set_field(stage.database, stage.anna, stage.work, "+49 30 9999", "office-phone")
    after = stage.gate.opened(stage.link.token)
    assert after is not None
    assert "9999" in stage.text()
    assert after.revision > before.revision
    assert after.etag != before.etag
    stage.database.write(lambda session: grants.take_back(session, stage.anna, stage.clients, [stage.work]))
    assert "+49" not in stage.text()


def test_what_it_does_not_show_changes_nothing_of_it(stage: Stage) -> None:
    before = stage.gate.opened(stage.link.token), stage.text()
    set_field(stage.database, stage.anna, stage.mobile, "+49 170 1")
    stage.database.write(lambda session: groups.add_member(session, stage.anna, stage.clients, stage.bert))
    assert (stage.gate.opened(stage.link.token), stage.text()) == before


def test_links_of_one_group_share_a_card_and_have_secrets_of_their_own(stage: Stage) -> None:
    other = made(stage.database, stage.anna, stage.clients)
    assert stage.audiences() == 1
    assert stage.text(other).count("+49 30 1234") == 1
    assert len({stage.link.token, other.token, stage.link.password, other.password}) == 4
    assert stage.gate.admitted(stage.link.login, other.password) is None
    stage.database.write(lambda session: links.end(session, stage.anna, other.id))
    assert (stage.is_open(), stage.is_open(other), stage.audiences()) == (True, False, 1)
    stage.database.write(lambda session: links.end(session, stage.anna, stage.link.id))
    assert (stage.is_open(), stage.audiences()) == (False, 0)


@pytest.mark.parametrize("how", ["ended", "group", "account", "leaving", "disabled"])
def test_when_it_is_over_it_opens_nothing(stage: Stage, how: str) -> None:
    anna, database = stage.anna, stage.database
    assert stage.is_open()
    match how:
        case "ended":
            database.write(lambda session: links.end(session, anna, stage.link.id))
        case "group":
            database.write(lambda session: groups.remove(session, anna, stage.clients))
            assert stage.audiences() == 0
        case "account":
            deletion.leave(database, anna)
        case "leaving":
            closing = update(Account).where(Account.id == anna).values(deletion_began_at=1)
            database.write(lambda session: session.execute(closing))
        case _:
            database.write(lambda session: administrators.disable(session, anna))
    assert not stage.is_open()
    if how == "disabled":
        database.write(lambda session: administrators.enable(session, anna))
        assert stage.is_open()


def test_it_ends_on_the_minute_and_stays_so_whatever_the_clock_does(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = StoppedClock(monkeypatch)
    at = clock.soon(HOUR)
    link = made(stage.database, stage.anna, stage.clients, until=at)
    clock.put(at - 1)
    assert stage.is_open(link)
    clock.put(at)
    assert not stage.is_open(link)
    clock.put(at - HOUR)
    assert not stage.is_open(link)
    assert stage.is_open()


def test_the_worker_ends_what_nobody_asks_for(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    first = clock.soon(HOUR)
    made(stage.database, stage.anna, stage.clients, until=first)
    later = made(stage.database, stage.anna, stage.clients, until=first + DAY)
    clock.put(first)
    assert carrying.work(stage.database) == 1
    with stage.database.reading() as session:
        assert session.scalars(select(func.count()).select_from(CardLink)).one() == 2
    clock.put(first + DAY)
    assert carrying.work(stage.database) == 1
    assert not stage.is_open(later)
    assert carrying.work(stage.database) == 0


def test_what_a_group_is_granted_until_a_time_is_gone_from_it_on_the_minute(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)
    at = clock.soon(HOUR)
    target = Target(group_id=stage.clients, field_id=stage.work)
    stage.database.write(lambda session: setting.set_end(session, stage.anna, target, at))
    watch = Watch(stage.database)
    clock.put(at)
    watch.settle(stage.anna)
    assert "+49" not in stage.text()


def test_what_cannot_be_is_refused(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    bert, database = stage.bert, stage.database
    for at in (clock.now() - DAY, clock.now() + 30, clock.now() + 20 * 366 * DAY):
        with pytest.raises(InvalidInput):
            made(database, stage.anna, stage.clients, until=at)
    with pytest.raises(InvalidInput):
        made(database, stage.anna, stage.clients, label="x" * 101)
    with pytest.raises(NotFound):
        made(database, bert, stage.clients)
    with pytest.raises(NotFound):
        database.write(lambda session: links.end(session, bert, stage.link.id))
    with pytest.raises(InvalidInput):
        database.write(lambda session: links.secrets_of(session, stage.anna, stage.link.id))
    assert stage.is_open()


def test_a_person_has_so_many_links_at_most_also_when_they_are_made_at_once(stage: Stage) -> None:
    for _ in range(links.MOST - 2):
        made(stage.database, stage.anna, stage.clients)
    together = threading.Barrier(3)

    def make(_: int) -> bool:
        together.wait()
        try:
            made(stage.database, stage.anna, stage.clients)
        except LimitExceeded:
            return False
        return True

    with ThreadPoolExecutor(3) as pool:
        assert sorted(pool.map(make, range(3))) == [False, False, True]
    with stage.database.reading() as session:
        assert len(links.links_of(session, stage.anna)) == links.MOST


def test_only_the_very_secret_opens_it(stage: Stage) -> None:
    database, link, ids = stage.database, stage.link, (stage.anna, stage.link.id)
    other = person(database, "carl")
    foreign = made(database, other, group(database, other, "x"))
    token, signature = link.token.rsplit(".", 1)
    for wrong in (
        *("", ".", token, f"{token}.", f"{token}.{signature[:-1]}", link.token + "A", "é", "\x00", "a" * 10_000),
        *(f"{foreign.token.rsplit('.', 1)[0]}.{signature}", link.password, f"{ids[0]}.{ids[1]}"),
    ):
        assert stage.gate.opened(wrong) is None
    for login, password in (
        *((link.login, ""), (link.login, foreign.password), ("", link.password), ("anna", link.password)),
        *((link.login, link.token), (link.login[:-1], link.password), (foreign.login, link.password)),
        *((f"_{'a' * 26}", link.password), (link.login, link.password[:-1]), (link.login, "é\ud800")),
    ):
        assert stage.gate.admitted(login, password) is None
    assert stage.gate.admitted(link.login.upper(), link.password.replace("-", " ").upper()) is not None


def test_a_login_of_a_link_has_one_spelling_and_is_nobodys(stage: Stage) -> None:
    assert not accounts.is_possible(stage.link.login)
    spelled = [f"{stage.link.login[:-1]}{letter}" for letter in "abcdefghijklmnopqrstuvwxyz234567"]
    opened = [ids for each in spelled if (ids := link_secrets.ids_of_login(each)) is not None]
    assert opened.count((stage.anna, stage.link.id)) == 1
    assert len(opened) == len(set(opened))


def test_nothing_that_opens_it_is_stored(stage: Stage) -> None:
    row = stage.row()
    stored = repr({column.key: getattr(row, column.key) for column in CardLink.__table__.columns})
    for secret in (stage.link.token, stage.link.password, stage.link.login):
        assert secret not in stored
    keys = stage.database.write(LinkKeys.of)
    assert keys.token_for((stage.anna, stage.link.id)) == stage.link.token


def test_it_is_counted_how_often_and_no_finer_than_a_day(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    link = stage.gate.opened(stage.link.token)
    assert link is not None
    before = stage.row()
    assert (before.opened, before.downloaded, before.fetched, before.used_on) == (0, 0, 0, None)
    for what in (OPENED, OPENED, OPENED, DOWNLOADED, DOWNLOADED, FETCHED):
        stage.gate.note(link, what)
    after = stage.row()
    assert (after.opened, after.downloaded, after.fetched, after.used_on) == (3, 2, 1, clock.now() // DAY)
    assert (after.revision, after.changed_at) == (before.revision, before.changed_at)


def test_who_tries_addresses_is_stopped_and_nobody_else(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "GUESSES", Limit("card-link-guess", 3, HOUR))
    for _ in range(3):
        stage.gate.guessed("203.0.113.7")
    with pytest.raises(TooManyTries):
        stage.gate.guessed("203.0.113.7")
    stage.gate.guessed("203.0.113.8")


def test_a_restored_backup_makes_every_token_of_a_follower_invalid(stage: Stage) -> None:
    before = stage.gate.opened(stage.link.token)
    assert before is not None
    token = before.book().sync_token
    assert before.book().revision_of(token) == before.revision
    stage.database.write(address_books.begin_new_epoch)
    after = stage.gate.opened(stage.link.token)
    assert after is not None
    with pytest.raises(InvalidSyncToken):
        after.book().revision_of(token)


def test_a_card_is_offered_again_with_another_etag_and_not_without_end(stage: Stage) -> None:
    link = stage.gate.opened(stage.link.token)
    assert link is not None
    seen = {link.etag}
    for _ in range(3):
        stage.gate.offer_again(link)
        again = stage.gate.again(link)
        assert again is not None
        seen.add(again.etag)
    assert len(seen) == 4
    for _ in range(120):
        stage.gate.offer_again(link)
    last = stage.gate.again(link)
    assert last is not None
    assert last.revision - link.revision == 100


def test_the_database_is_as_it_was_promised_with_links(stage: Stage) -> None:
    def problems() -> list[str]:
        with stage.database.reading() as session:
            return [str(finding) for finding in verification.findings(session)]

    assert problems() == []
    stage.grant(stage.clients, stage.mobile)
    stage.grant(everybody_connected(stage.database, stage.anna), stage.work)
    assert problems() == []
    stage.database.write(lambda session: groups.remove(session, stage.anna, stage.clients))
    assert problems() == []


def test_a_link_that_would_show_another_card_or_not_end_is_found(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    def findings() -> list[str]:
        with stage.database.reading() as session:
            return [str(finding) for finding in verification.findings(session)]

    at = Clock(monkeypatch).soon(HOUR)
    family = group(stage.database, stage.anna, "family", [], [stage.mobile])
    other = made(stage.database, stage.anna, family, label="other", until=at)
    assert findings() == []
    mine = CardLink.owner_id == stage.anna
    audience = select(CardLink.audience_id).where(mine, CardLink.id == other.id).scalar_subquery()
    swapped = update(CardLink).where(mine, CardLink.id == stage.link.id).values(audience_id=audience)
    stage.database.write(lambda session: session.execute(swapped))
    assert findings() == ["anna: The card link '' shows another card than that of its group alone."]
    stage.database.write(lambda session: session.execute(delete(NextEnd)))
    assert len(findings()) == 2
