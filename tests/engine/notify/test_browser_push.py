"""A browser that is told: of whom it sees a change, in the reader's language, as things are when it is sent."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select, update

from sync import gauges
from sync.accounts import preference_changes
from sync.database import accounts
from sync.database.engine import Database, Session
from sync.errors import InvalidInput, LimitExceeded, NotFound
from sync.models import BrowserSession, CardNews
from sync.push import browsers, claims, keys, news, subscriptions
from sync.push.browsers import Keys
from sync.push.lanes import FRESH_OF_PEOPLE
from sync.revisions import fan_out
from sync.settings import Limits
from sync.sharing import changes, connections, grants, groups
from sync.sign_in import credentials, deletion, sessions
from tests.support import factories
from tests.support.push_service import PushService, Received, Subscriber
from tests.support.statements import sent
from tests.support.subscribing import SETTINGS, Telling, rows, set_all, telling

OLD, NEW = "+49 555 0100", "+49 555 0101"


class Reader:
    """Somebody whose browser is told."""

    def __init__(
        self,
        database: Database,
        service: PushService,
        account_id: int,
        language: str = "en",
        place: Subscriber | None = None,
    ) -> None:
        """Switch it on, at a push service that gave it a *place*."""
        self.database, self.service, self.id = database, service, account_id
        self.place = place or service.subscribe()
        token = database.write(lambda session: sessions.start(session, account_id, "Test browser"))
        key = sessions.key_of(token)
        assert key is not None
        self.session_id = key.session_id
        database.write(lambda session: self.register(session, language))

    def register(self, session: Session, language: str = "en") -> None:
        """Register, or do so again."""
        keys.ensure(session)
        wanted = Keys(self.place.url, self.place.public_key, self.place.auth_secret)
        browsers.register(session, self.id, self.session_id, language, wanted)

    @property
    def received(self) -> list[Received]:
        """What its push service handed over."""
        return self.service.of(self.place)

    @property
    def told(self) -> list[dict[str, Any]]:
        """What it was told, message for message."""
        return [json.loads(each.text) for each in self.received]

    @property
    def telling(self) -> list[browsers.TellingBrowser]:
        """How it is listed."""
        with self.database.reading() as session:
            return list(browsers.telling(session, self.id))


@pytest.fixture
def ids(told: Database) -> tuple[int, int]:
    """Anna and Ben, who are connected."""
    anna, ben = factories.connected(told, "anna", "ben")
    return anna, ben


@pytest.fixture
def phone(told: Database, ids: tuple[int, int]) -> int:
    """Ben's number, which Anna sees."""
    field_id = factories.field(told, ids[1], "mobile", OLD)
    factories.group(told, ids[1], "Friends", [ids[0]], [field_id])
    return field_id


@pytest.fixture
def anna(told: Database, service: PushService, ids: tuple[int, int], phone: int) -> Reader:
    """Anna's browser, which is told."""
    return Reader(told, service, ids[0])


@pytest.fixture
def ben(ids: tuple[int, int]) -> int:
    """Ben."""
    return ids[1]


def friends(session: Session, owner_id: int) -> int:
    return groups.find(session, owner_id, "Friends").id


def show_all(database: Database, owner_id: int, field_id: int) -> None:
    """Show a field to the owner's friends."""
    database.write(lambda session: grants.grant(session, owner_id, friends(session, owner_id), [field_id]))


def hide(database: Database, owner_id: int, field_id: int) -> None:
    """Take it back."""
    database.write(lambda session: grants.take_back(session, owner_id, friends(session, owner_id), [field_id]))


def waiting(database: Database) -> float:
    """Return for how many registrations news are late."""
    with database.reading() as session:
        return gauges.waiting(session)["push_waiting"]


def test_a_change_is_told_with_who_and_what_kind_and_no_value(
    told: Database, worker: Telling, anna: Reader, ben: int, phone: int
) -> None:
    factories.set_field(told, ben, phone, NEW)
    worker.later(news.QUIET + 1)
    person = {"id": str(ben), "name": "ben", "kinds": ["mobile"], "more": 0}
    assert anna.told == [{"language": "en", "people": [person], "more": 0}]
    (message,) = anna.received
    assert NEW not in message.text
    headers = {name.lower(): value for name, value in message.headers.items()}
    assert headers["content-type"] == "application/json"
    assert "topic" not in headers
    assert anna.telling[0].told_at is not None
    worker.later(10_000)
    assert len(anna.told) == 1


def test_nothing_is_told_of_what_is_not_shown(
    told: Database, worker: Telling, anna: Reader, ben: int, phone: int
) -> None:
    """Neither hidden fields, nor the reader's own, nor what says the same, nor people whom the reader does not know."""
    carl = factories.person(told, "carl")
    factories.field(told, ben, "qq", "100010001")
    factories.field(told, anna.id, "qq", "10002")
    factories.field(told, carl, "mobile", NEW)
    factories.put(told, anna.id, "own.vcf", factories.vcard())
    factories.set_field(told, ben, phone, OLD)
    factories.connect(told, ben, carl)
    worker.later(10_000)
    assert anna.told == []
    with told.reading() as session:
        assert session.scalars(select(CardNews)).all() == []


def test_what_is_taken_back_in_between_is_not_said(
    told: Database, worker: Telling, anna: Reader, ben: int, phone: int
) -> None:
    secret = factories.field(told, ben, "qq", "100010001")
    show_all(told, ben, secret)
    hide(told, ben, secret)
    worker.later(news.QUIET + 1)
    assert anna.told == []
    show_all(told, ben, secret)
    factories.set_field(told, ben, phone, NEW)
    hide(told, ben, secret)
    worker.later(news.QUIET + 1)
    assert [each["people"][0]["kinds"] for each in anna.told] == [["mobile"]]
    assert "100010001" not in anna.received[0].text


def test_what_is_taken_back_while_others_are_told_is_not_said(
    told: Database,
    service: PushService,
    worker: Telling,
    ids: tuple[int, int],
    phone: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """However long the push service takes with the first: of what was read before it, nothing more is said."""
    readers = [Reader(told, service, ids[0]) for _ in range(2)]
    take = service.take

    def slowly(path: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str]]:
        if service.asked == 0:
            hide(told, ids[1], phone)
            time.sleep(FRESH_OF_PEOPLE + 0.1)
        return take(path, headers, body)

    monkeypatch.setattr(service, "take", slowly)
    factories.set_field(told, ids[1], phone, NEW)
    worker.later(10_000)
    worker.later(10_000)
    assert sorted(len(reader.told) for reader in readers) == [0, 1]


def test_what_is_changed_back_is_not_said(told: Database, worker: Telling, anna: Reader, ben: int, phone: int) -> None:
    factories.set_field(told, ben, phone, NEW)
    factories.set_field(told, ben, phone, OLD)
    worker.later(news.QUIET + 1)
    assert anna.told == []
    assert anna.telling[0].told_at is None
    factories.set_field(told, ben, phone, NEW)
    worker.later(news.QUIET + 1)
    assert len(anna.told) == 1


def test_whoever_is_gone_or_hidden_by_then_is_not_named(
    told: Database, worker: Telling, anna: Reader, ben: int, phone: int
) -> None:
    factories.set_field(told, ben, phone, NEW)
    told.write(lambda session: connections.hide(session, anna.id, ben))
    worker.later(news.QUIET + 1)
    told.write(lambda session: connections.show(session, anna.id, ben))
    worker.later(10_000)
    factories.set_field(told, ben, phone, OLD)
    told.write(lambda session: connections.disconnect(session, anna.id, ben))
    worker.later(10_000)
    assert anna.told == []


def test_many_changes_are_one_message_and_the_next_comes_minutes_later(
    told: Database, worker: Telling, anna: Reader, ben: int, phone: int
) -> None:
    mail = factories.field(told, ben, "email", "ben@example.org")
    for number in range(5):
        factories.set_field(told, ben, phone, f"+49 555 02{number:02}")
    worker.work()
    assert anna.told == [], "whoever edits a card is not done yet"
    assert waiting(told) == 0, "and that is not late"
    show_all(told, ben, mail)
    worker.later(news.QUIET + 1)
    assert [each["kinds"] for each in anna.told[0]["people"]] == [["email", "mobile"]]
    factories.set_field(told, ben, phone, NEW)
    worker.later(news.QUIET + 1)
    assert len(anna.told) == 1
    worker.later(claims.PAUSE_OF_BROWSER)
    assert [each["people"][0]["kinds"] for each in anna.told] == [["email", "mobile"], ["mobile"]]


def test_many_people_are_a_few_names_and_a_number(told: Database, worker: Telling, anna: Reader, ben: int) -> None:
    for number in range(5):
        other = factories.person(told, f"other{number}")
        factories.connect(told, anna.id, other)
        shown = factories.field(told, other, "mobile", OLD)
        factories.group(told, other, "Friends", [anna.id], [shown])
    worker.later(10_000)
    assert anna.told == [], "whoever is new is no change of a card that one has"
    for number in range(5):
        with told.reading() as session:
            other = accounts.find(session, f"other{number}")
        show_all(told, other, factories.field(told, other, "qq", "100010001"))
    worker.later(10_000)
    (message,) = anna.told
    assert (len(message["people"]), message["more"]) == (3, 2)


def test_the_language_is_the_reader_s_choice_at_that_time(
    told: Database, service: PushService, worker: Telling, ids: tuple[int, int], phone: int
) -> None:
    reader = Reader(told, service, ids[0], "zh-Hans")
    factories.set_field(told, ids[1], phone, NEW)
    worker.later(10_000)
    told.write(lambda session: preference_changes.set_language(session, ids[0], "en"))
    factories.set_field(told, ids[1], phone, OLD)
    worker.later(10_000)
    assert [each["language"] for each in reader.told] == ["zh-Hans", "en"]


def test_news_that_come_while_others_are_sent_are_told_as_well(
    told: Database, worker: Telling, anna: Reader, ben: int, phone: int
) -> None:
    """And of what was said already nothing is said again."""
    factories.set_field(told, ben, phone, NEW)
    (mine,) = rows(told)
    with told.reading() as session:
        known = dict(session.execute(select(CardNews.owner_id, CardNews.version)).all())
    mail = factories.field(told, ben, "email", "ben@example.org")
    show_all(told, ben, mail)
    versions = {ben: known[ben] + 1}
    result = claims.Told(mine.news, 300, versions)
    told.write(lambda session: claims.settle(session, claims.Results(told={(mine.viewer_id, mine.id): result})))
    worker.later(10_000)
    assert [each["people"][0]["kinds"] for each in anna.told] == [["email"]]


def test_a_large_fan_out_tells_browsers_too(database_url: str, service: PushService) -> None:
    """What the worker carries is compared with what was shown before the change, whatever was told meanwhile."""
    database = Database(database_url, replace(SETTINGS, inline_viewers=1, chunk_viewers=2))
    ben, *viewers = factories.connected(database, "ben", "v1", "v2", "v3", "v4", "v5")
    phone = factories.field(database, ben, "mobile", OLD)
    factories.group(database, ben, "Friends", viewers, [phone])
    fan_out.work(database)
    readers = [Reader(database, service, each) for each in viewers]
    worker = telling(database)
    factories.set_field(database, ben, phone, NEW)
    worker.later(10_000)
    assert [reader.told for reader in readers] == [[]] * 5
    fan_out.work(database)
    worker.later(10_000)
    assert [[each["people"][0]["kinds"] for each in reader.told] for reader in readers] == [[["mobile"]]] * 5
    database.dispose()


def test_a_registration_ends_with_its_session_password_and_account(
    told: Database, service: PushService, worker: Telling, ids: tuple[int, int], phone: int
) -> None:
    one, other = Reader(told, service, ids[0]), Reader(told, service, ids[0])
    told.write(lambda session: sessions.end(session, ids[0], one.session_id))
    assert [each.session_id for each in one.telling] == [other.session_id]
    factories.set_field(told, ids[1], phone, NEW)
    worker.later(10_000)
    assert (len(one.told), len(other.told)) == (0, 1)
    told.write(lambda session: credentials.set_password(session, ids[0], "another one, longer"))
    assert rows(told) == []
    third = Reader(told, service, ids[0])
    told.write(lambda session: sessions.end_all(session, ids[0]))
    assert third.telling == []
    Reader(told, service, ids[0])
    told.write(lambda session: deletion._begin(session, ids[0]))
    deletion.finish_all(told)
    assert rows(told) == []


def test_a_session_that_ran_out_is_told_nothing(
    told: Database, worker: Telling, anna: Reader, ben: int, phone: int
) -> None:
    factories.set_field(told, ben, phone, NEW)
    told.write(lambda session: session.execute(update(BrowserSession).values(expires_at=1)))
    assert anna.telling == []
    worker.later(10_000)
    assert (anna.told, rows(told)) == ([], [])


@pytest.mark.parametrize("status", [404, 410])
def test_what_the_push_service_does_not_know_ends(
    told: Database, service: PushService, worker: Telling, anna: Reader, ben: int, phone: int, status: int
) -> None:
    service.always = (status, {})
    factories.set_field(told, ben, phone, NEW)
    worker.later(10_000)
    assert anna.telling == []


def test_what_fails_is_tried_again_and_listed(
    told: Database, service: PushService, worker: Telling, anna: Reader, ben: int, phone: int
) -> None:
    service.answers = [(503, {})]
    factories.set_field(told, ben, phone, NEW)
    worker.later(10_000)
    assert anna.telling[0].failing_since is not None
    assert waiting(told) == 1
    worker.later(10_000)
    assert len(anna.told) == 1
    assert anna.telling[0].failing_since is None


def test_a_browser_has_one_registration(told: Database, service: PushService, anna: Reader) -> None:
    told.write(anna.register)
    anna.place = service.subscribe()
    told.write(anna.register)
    assert [each.endpoint for each in rows(told)] == [anna.place.url]
    told.write(lambda session: browsers.remove(session, anna.id, anna.session_id))
    with pytest.raises(NotFound):
        told.write(lambda session: browsers.remove(session, anna.id, anna.session_id))


def test_administrators_see_which_browsers_are_told(told: Database, anna: Reader) -> None:
    with told.reading() as session:
        (listed,) = subscriptions.listed(session, anna.id)
    assert (listed.device, listed.host in anna.place.url) == ("Test browser", True)
    assert listed.host != anna.place.url


def test_nobody_registers_another_s_session_or_ends_it(told: Database, anna: Reader, ben: int) -> None:
    wanted = Keys(anna.place.url, anna.place.public_key, anna.place.auth_secret)
    with pytest.raises(NotFound):
        told.write(lambda session: browsers.register(session, ben, anna.session_id, "en", wanted))
    with pytest.raises(NotFound):
        told.write(lambda session: browsers.remove(session, ben, anna.session_id))
    assert len(rows(told)) == 1


@pytest.mark.parametrize(
    "url", ["http://push.example.org/x", "https://127.0.0.1/x", "https://[::1]/", "https://localhost/", "file:///etc"]
)
def test_a_browser_is_called_where_a_device_would_be(database_url: str, service: PushService, url: str) -> None:
    strict = Database(database_url, replace(SETTINGS, push_to_local=False))
    place = replace(service.subscribe(), url=url)
    with pytest.raises(InvalidInput):
        Reader(strict, service, factories.person(strict), place=place)
    assert rows(strict) == []
    strict.dispose()


def test_there_are_only_so_many(database_url: str, service: PushService) -> None:
    database = Database(database_url, replace(SETTINGS, limits=Limits(push_subscriptions=2)))
    person = factories.person(database)
    for _ in range(2):
        Reader(database, service, person)
    with pytest.raises(LimitExceeded):
        Reader(database, service, person)
    database.dispose()


def test_another_key_is_no_news_to_a_person(
    told: Database, worker: Telling, anna: Reader, ben: int, phone: int
) -> None:
    """The browser goes on with the key that its push service knows."""
    (mine,) = rows(told)
    assert told.write(keys.rotate) == 0
    worker.later(10_000)
    assert anna.told == []
    factories.set_field(told, ben, phone, NEW)
    worker.later(10_000)
    with told.reading() as session:
        assert anna.received[0].key == keys.of_ids(session, [mine.key_id])[mine.key_id].text


def test_cards_that_are_written_anew_are_no_news(told: Database, worker: Telling, anna: Reader, ben: int) -> None:
    told.write(lambda session: changes.render_anew(session, ben))
    set_all(told, not_before=0)
    worker.work()
    assert anna.told == []


def test_noting_takes_as_many_statements_for_however_many_browsers(told: Database, service: PushService) -> None:
    counts = []
    for number in (2, 12):
        ben = factories.person(told)
        viewers = factories.crowd(told, ben, number)
        for each in viewers:
            Reader(told, service, each)
        with sent(told.engine) as statements:
            told.write(lambda session, it=ben, them=viewers: fan_out.reach(session, it, them, 1, 5))  # type: ignore[misc]
        counts.append(len(statements))
        with told.reading() as session:
            noted = session.scalars(select(CardNews.viewer_id).where(CardNews.owner_id == ben)).all()
        assert sorted(noted) == sorted(viewers)
    assert counts[0] == counts[1]
