"""Who registered is told of what they can see and nothing else, once, whatever the push service does."""

from __future__ import annotations

import email.utils
import time

import pytest
from sqlalchemy import select, update

from sync.accounts import pushes
from sync.accounts.rate_limits import Limit
from sync.database.engine import Database, Session
from sync.models import CONTACTS, Account, RateLimit, now
from sync.push import breakers, claims, keys, news, subscriptions
from sync.push.breakers import Breaker
from sync.push.hosts import FIRST_PAUSE, TOLERATED, Hosts
from sync.push.keys import HOME
from sync.revisions import address_books, fan_out
from sync.settings import Settings
from sync.sharing import grants
from tests.support import factories
from tests.support.clock import StoppedClock
from tests.support.push_service import PushService, Subscriber
from tests.support.subscribing import (
    SETTINGS,
    Telling,
    add_device,
    device_of,
    rows,
    set_all,
    subscribe,
    telling,
    wanted,
)


def shown_to_all(database: Database, owner_id: int, text: str = "+49 555 0100") -> int:
    """Give somebody a number that strangers see, and return its field."""
    field_id = factories.field(database, owner_id, "mobile", text)
    group = factories.strangers(database, owner_id)
    database.write(lambda session: grants.grant(session, owner_id, group, [field_id]))
    return field_id


@pytest.fixture
def pair(told: Database) -> tuple[int, int, int]:
    """Two connected people, and a field of the second that the first sees."""
    anna, ben = factories.connected(told, "anna", "ben")
    return anna, ben, shown_to_all(told, ben)


@pytest.fixture
def phone(told: Database, service: PushService, pair: tuple[int, int, int]) -> Subscriber:
    """The phone of the first, which is registered."""
    phone = service.subscribe()
    subscribe(told, pair[0], wanted(phone))
    return phone


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> StoppedClock:
    """A clock that goes on when a test says so."""
    return StoppedClock(monkeypatch)


def forward(clock: StoppedClock, seconds: int) -> None:
    """Put the clock forward."""
    clock.put(clock.now() + seconds)


def change(database: Database, pair: tuple[int, int, int], text: str) -> None:
    """Let the second change what the first sees."""
    factories.set_field(database, pair[1], pair[2], text)


def test_a_change_is_told_with_the_topic_and_the_state_and_nothing_else(
    told: Database, worker: Telling, service: PushService, pair: tuple[int, int, int], phone: Subscriber
) -> None:
    change(told, pair, "+49 555 0101")
    worker.work()
    (message,) = service.of(phone)
    topic = told.write(keys.Topics.of).of_collection(pair[0], CONTACTS)
    assert (message.topic, message.sync_token) == (topic, factories.book(told, pair[0]).sync_token)
    assert [each.tag for each in message.xml.iter()] == [
        "{https://bitfire.at/webdav-push}push-message",
        "{https://bitfire.at/webdav-push}topic",
        "{https://bitfire.at/webdav-push}content-update",
        "{DAV:}sync-token",
    ]
    assert "555 0101" not in message.text
    assert "ben" not in message.text
    headers = {name.lower(): value for name, value in message.headers.items()}
    assert headers["content-type"] == 'application/xml; charset="UTF-8"'
    assert (headers["urgency"], int(headers["ttl"]) > 3600) == ("normal", True)
    assert 0 < len(headers["topic"]) <= 32
    assert headers["topic"] != message.topic
    assert message.claims["sub"] == SETTINGS.base_url


def test_nothing_is_told_where_nothing_changed(
    told: Database, worker: Telling, service: PushService, pair: tuple[int, int, int], phone: Subscriber
) -> None:
    change(told, pair, "+49 555 0100")
    factories.field(told, pair[1], "email", "ben@example.org")
    worker.work()
    assert (service.asked, rows(told)[0].waiting_since) == (0, None)
    change(told, pair, "+49 555 0102")
    worker.work()
    worker.later()
    assert len(service.of(phone)) == 1


def test_whoever_lost_a_grant_learns_that_something_changed_and_then_nothing_more(
    told: Database, worker: Telling, service: PushService, pair: tuple[int, int, int], phone: Subscriber
) -> None:
    group = factories.strangers(told, pair[1])
    told.write(lambda session: grants.take_back(session, pair[1], group, [pair[2]]))
    worker.work()
    (message,) = service.of(phone)
    assert message.sync_token == factories.book(told, pair[0]).sync_token
    assert set(message.xml.itertext()) - {None} == {message.topic, message.sync_token}
    change(told, pair, "+49 555 0103")
    worker.later()
    assert len(service.received) == 1


def test_what_is_said_is_decided_when_it_is_sent(
    told: Database, worker: Telling, service: PushService, pair: tuple[int, int, int], phone: Subscriber
) -> None:
    """And changes of a short time are told as one, with the last state."""
    for number in range(5):
        change(told, pair, f"+49 555 011{number}")
    worker.work()
    assert [each.sync_token for each in service.of(phone)] == [factories.book(told, pair[0]).sync_token]
    for number in range(5):
        change(told, pair, f"+49 555 012{number}")
        worker.work()
    assert len(service.of(phone)) == 1, "there is a pause between two"
    worker.later()
    assert [each.sync_token for each in service.of(phone)][1:] == [factories.book(told, pair[0]).sync_token]
    worker.later()
    assert len(service.received) == 2


def test_news_that_come_while_others_are_sent_are_told_as_well(
    told: Database, worker: Telling, service: PushService, pair: tuple[int, int, int], phone: Subscriber
) -> None:
    change(told, pair, "+49 555 0130")
    (key,) = told.write(lambda session: claims.claim(session, rows(told)[0].host, 10))
    seen = rows(told)[0].news
    change(told, pair, "+49 555 0131")
    told.write(lambda session: claims.settle(session, claims.Results(told={key: claims.Told(seen)})))
    worker.later()
    assert [each.sync_token for each in service.of(phone)] == [factories.book(told, pair[0]).sync_token]


def test_what_a_worker_claimed_and_left_is_told_by_another(
    told: Database, worker: Telling, service: PushService, pair: tuple[int, int, int], phone: Subscriber
) -> None:
    change(told, pair, "+49 555 0140")
    assert told.write(lambda session: claims.claim(session, rows(told)[0].host, 10))
    worker.work()
    assert service.received == []
    worker.later(claims.LEASE)
    assert len(service.of(phone)) == 1


def test_two_workers_tell_everybody_once(told: Database, service: PushService) -> None:
    owner, *viewers = factories.connected(told, "owner", *(f"v{number}" for number in range(70)))
    field_id = shown_to_all(told, owner)
    phones = [service.subscribe() for _ in viewers]
    for viewer, phone in zip(viewers, phones, strict=True):
        subscribe(told, viewer, wanted(phone))
    workers = [telling(told), telling(told)]
    factories.set_field(told, owner, field_id, "+49 555 0141")
    for worker in workers:
        worker.delivery.work()
    assert all(worker.delivery.finish(60) for worker in workers)
    assert [len(service.of(phone)) for phone in phones] == [1] * 70
    assert service.connections < 70, "connections are kept"


def test_a_large_fan_out_tells_those_whom_it_reached(told: Database, service: PushService, database_url: str) -> None:
    large = Database(database_url, Settings(base_url="https://c.example.org", push_to_local=True, inline_viewers=1))
    owner, first, second = factories.connected(large, "owner", "first", "second")
    field_id = shown_to_all(large, owner)
    fan_out.work(large)
    phone = service.subscribe()
    subscribe(large, second, wanted(phone))
    worker = telling(large)
    factories.set_field(large, owner, field_id, "+49 555 0142")
    worker.work()
    assert (service.received, first) == ([], first)
    fan_out.work(large)
    worker.work()
    assert [each.sync_token for each in service.of(phone)] == [factories.book(large, second).sync_token]
    large.dispose()


def test_only_triggers_that_were_asked_for_are_told(told: Database, worker: Telling, service: PushService) -> None:
    (anna,) = factories.people(told, "anna")
    content, properties, both = (service.subscribe() for _ in range(3))
    subscribe(told, anna, wanted(content))
    subscribe(told, anna, wanted(properties, content=False, properties=True))
    subscribe(told, anna, wanted(both, properties=True))
    book = factories.book(told, anna)
    told.write(lambda session: address_books.set_title(session, book, "Friends"))
    worker.work()
    found = [[len(each.xml), each.sync_token] for each in (*service.of(properties), *service.of(both))]
    assert (service.of(content), found) == ([], [[2, None], [2, None]])
    factories.put(told, anna, "one.vcf", factories.vcard())
    told.write(lambda session: address_books.set_description(session, book, "All of them"))
    worker.later()
    token = factories.book(told, anna).sync_token
    last = [service.of(each)[-1] for each in (content, properties, both)]
    assert [(len(each.xml), each.sync_token) for each in last] == [(2, token), (2, None), (3, token)]
    topics = {name.headers["Topic"] for name in service.of(both)}
    assert len(topics) == 2, "the second does not replace the first where it is kept"


def test_the_home_tells_of_address_books_that_come_and_go(
    told: Database, worker: Telling, service: PushService
) -> None:
    (anna,) = factories.people(told, "anna")
    phone, of_book = service.subscribe(), service.subscribe()
    subscribe(told, anna, wanted(phone), book_id=HOME)
    made = told.write(lambda session: address_books.create(session, anna, "chess"))
    subscribe(told, anna, wanted(of_book), book_id=made.id)
    factories.put(told, anna, "one.vcf", factories.vcard())
    worker.work()
    topic = told.write(keys.Topics.of).of_collection(anna, HOME)
    assert [(each.topic, each.sync_token) for each in service.received] == [(topic, None)]
    told.write(lambda session: address_books.remove(session, made))
    worker.later()
    assert len(service.of(phone)) == 2
    assert [each.book_id for each in rows(told)] == [HOME]


def test_the_home_tells_which_card_is_ones_own(told: Database, worker: Telling, service: PushService) -> None:
    anna = factories.person(told, "anna")
    phone = service.subscribe()
    subscribe(told, anna, wanted(phone, content=False, properties=True), book_id=HOME)
    told.write(lambda session: address_books.set_me_card(session, anna, "one.vcf"))
    worker.work()
    assert [len(each.xml) for each in service.of(phone)] == [2]


def test_a_registration_that_was_told_not_to_hear_of_a_change_does_not(
    told: Database, worker: Telling, service: PushService, pair: tuple[int, int, int], phone: Subscriber
) -> None:
    anna, ben, _ = pair
    others = {who: service.subscribe() for who in ("tablet", "ben")}
    device = device_of(told, anna)
    tablet = add_device(told, anna)
    subscribe(told, anna, wanted(others["tablet"]), device_id=tablet)
    subscribe(told, ben, wanted(others["ben"]))
    mine = {each.device_id: each.id for each in rows(told) if each.viewer_id == anna}
    bens = next(each.id for each in rows(told) if each.viewer_id == ben)

    def put(named: list[int] | None) -> list[int]:
        def change(session: Session) -> None:
            news.silence(session, anna, device, named)
            address_books.raise_revisions(session, [anna, ben], 1)

        told.write(change)
        worker.later()
        return [len(service.of(each)) for each in (phone, *others.values())]

    assert put([mine[device], mine[tablet], bens]) == [0, 1, 1], "its own alone"
    assert put(None) == [0, 1, 2], "all of the person's, and nobody else's"
    assert put([]) == [1, 2, 3], "none"


@pytest.mark.parametrize("status", [404, 410])
def test_a_subscription_that_the_push_service_does_not_know_ends(
    told: Database, worker: Telling, service: PushService, pair: tuple[int, int, int], phone: Subscriber, status: int
) -> None:
    service.always = (status, {})
    change(told, pair, "+49 555 0150")
    worker.work()
    assert (rows(told), service.asked, service.of(phone)) == ([], 1, [])


def _date(seconds: int) -> str:
    return email.utils.formatdate(time.time() + seconds, usegmt=True)


@pytest.mark.parametrize(
    "case",
    [
        (429, "600", 600, 600),
        (503, "7200", 7200, 7200),
        (503, "date", 800, 900),
        (500, "", 30, 30),
        (503, "5", 30, 30),
        (503, "soon", 30, 30),
        (429, "9" * 30, 24 * 3600, 24 * 3600),
        (301, "", 30, 30),
        (400, "", 30, 30),
        (403, "", 30, 30),
    ],
)
def test_a_push_service_is_waited_for_as_long_as_it_wants(
    told: Database,
    worker: Telling,
    service: PushService,
    pair: tuple[int, int, int],
    phone: Subscriber,
    case: tuple[int, str, int, int],
) -> None:
    status, after, least, most = case
    headers = {"Retry-After": _date(900) if after == "date" else after} if after else {}
    service.answers = [(status, headers)]
    change(told, pair, "+49 555 0160")
    at = int(time.time())
    worker.work()
    (row,) = rows(told)
    assert least <= row.not_before - at <= most + 5
    assert (row.attempts, row.waiting_since is not None, row.failing_since is not None) == (1, True, True)
    worker.later(row.not_before - at - 15)
    assert service.asked == 1
    worker.later(20)
    assert len(service.of(phone)) == 1
    (row,) = rows(told)
    assert (row.attempts, row.waiting_since, row.failing_since) == (0, None, None)


def test_attempts_become_rare_and_end_after_some_days(
    told: Database,
    worker: Telling,
    service: PushService,
    pair: tuple[int, int, int],
    phone: Subscriber,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = StoppedClock(monkeypatch)
    service.always = (500, {})
    change(told, pair, "+49 555 0170")
    pauses = []
    for _ in range(10):
        worker.later(claims.LONGEST_RETRY)
        pauses.append(rows(told)[0].not_before - clock.now())
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (30, claims.LONGEST_RETRY)
    set_all(told, failing_since=clock.now() - claims.PATIENCE)
    worker.later(claims.LONGEST_RETRY)
    assert (rows(told), service.of(phone)) == ([], [])


def test_nothing_is_sent_to_a_registration_that_expired(
    told: Database, worker: Telling, service: PushService, pair: tuple[int, int, int], phone: Subscriber
) -> None:
    change(told, pair, "+49 555 0180")
    set_all(told, expires_at=int(time.time()))
    worker.work()
    assert (service.asked, service.of(phone)) == (0, [])
    told.write(subscriptions.purge)
    assert rows(told) == []


def test_nothing_is_sent_to_a_person_who_may_not_come_in(
    told: Database, worker: Telling, service: PushService, pair: tuple[int, int, int], phone: Subscriber
) -> None:
    change(told, pair, "+49 555 0181")
    told.write(lambda session: session.execute(update(Account).where(Account.id == pair[0]).values(disabled_at=1)))
    worker.work()
    assert (service.asked, service.of(phone), rows(told)) == (0, [], [])


def test_a_clock_that_was_put_back_keeps_nobody_waiting(
    told: Database, worker: Telling, service: PushService, pair: tuple[int, int, int], phone: Subscriber
) -> None:
    change(told, pair, "+49 555 0182")
    set_all(told, not_before=int(time.time()) + 10 * 365 * 24 * 3600)
    worker.work()
    assert len(service.of(phone)) == 1


def test_after_another_key_is_shown_everybody_is_told_once_by_the_old_one(
    told: Database, worker: Telling, service: PushService, pair: tuple[int, int, int]
) -> None:
    old = told.write(keys.ensure)
    phone = service.subscribe(key=old.text)
    subscribe(told, pair[0], wanted(phone))
    assert told.write(keys.rotate) == 1
    new = told.write(keys.ensure)
    assert new.text != old.text
    worker.work()
    (message,) = service.of(phone)
    assert (message.topic, message.key) == (None, old.text)
    assert [each.tag for each in message.xml.iter()] == [
        "{https://bitfire.at/webdav-push}push-message",
        "{https://bitfire.at/webdav-push}property-update",
        "{DAV:}prop",
        "{https://bitfire.at/webdav-push}transports",
    ]
    change(told, pair, "+49 555 0190")
    other = service.subscribe(key=new.text)
    subscribe(told, pair[0], wanted(other))
    # What is renewed is still bound to the key that it was made with.
    subscribe(told, pair[0], wanted(phone))
    change(told, pair, "+49 555 0191")
    worker.later()
    assert [each.key for each in (*service.of(phone), *service.of(other))] == [old.text, old.text, new.text]
    told.write(subscriptions.purge)
    assert len(told.write(lambda session: keys.of_ids(session, [old.id, new.id]))) == 2
    told.write(lambda session: subscriptions.end(session, pair[0]))
    told.write(subscriptions.purge)
    assert list(told.write(lambda session: keys.of_ids(session, [old.id, new.id]))) == [new.id]


def test_one_person_cannot_have_a_host_flooded(
    told: Database,
    service: PushService,
    pair: tuple[int, int, int],
    phone: Subscriber,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pushes, "LIMIT", Limit("push", 3, 30_000))
    worker = telling(told)
    for number in range(6):
        change(told, pair, f"+49 555 1{number:03}")
        worker.later()
    assert len(service.of(phone)) == 3
    assert rows(told)[0].waiting_since is not None, "the last is told later"


def test_whoever_has_few_registrations_for_a_while_is_counted_by_nobody(
    told: Database, worker: Telling, service: PushService, pair: tuple[int, int, int], phone: Subscriber
) -> None:
    """Since the pauses between two messages are their limit, and a message costs no write more."""
    for created_ago, counted in ((claims.NEW + 1, 0), (0, 1)):
        set_all(told, created_at=now() - created_ago)
        change(told, pair, f"+49 555 02{counted}0")
        worker.later()
        with told.reading() as session:
            assert len(session.scalars(select(RateLimit.key).where(RateLimit.key.startswith("push:"))).all()) == counted
    assert len(service.of(phone)) == 2
    for _ in range(claims.FEW):
        subscribe(told, pair[0], wanted(service.subscribe()))
    set_all(told, created_at=1)
    with told.reading() as session:
        assert claims.crowded(session, rows(told)[0].host, [pair[0]]) == {pair[0]}
        assert claims.crowded(session, "other.example.org", [pair[0]]) == set()


def test_two_workers_together_send_for_one_person_no_more_than_one_may(
    told: Database,
    service: PushService,
    pair: tuple[int, int, int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pushes, "LIMIT", Limit("push", 7, 70_000))
    workers = [telling(told), telling(told)]
    for _ in range(12):
        subscribe(told, pair[0], wanted(service.subscribe()))
    for number in range(3):
        change(told, pair, f"+49 555 3{number:03}")
        for worker in workers:
            worker.later()
    assert len(service.received) == 7
    assert all(row.not_before > now() for row in rows(told) if row.told_at is None)


def test_a_host_that_fails_several_people_is_left_alone_and_tried_again(clock: StoppedClock) -> None:
    known, host = Hosts(), "push.example.org"
    for _ in range(20):
        assert known.failed(host, 1, None, is_trial=False) is None, "one person alone closes nothing to others"
    assert known.is_open(host)
    assert known.failed(host, 2, None, is_trial=False) is None
    closed = known.failed(host, 3, None, is_trial=False)
    assert closed == Breaker(FIRST_PAUSE, now() + FIRST_PAUSE)
    assert (known.is_open(host), known.is_closed(host), known.is_open("other.example.org")) == (False, True, True)
    assert [known.failed(host, person, None, is_trial=False) for person in range(9)] == [None] * 9, "it is one"
    forward(clock, FIRST_PAUSE)
    assert known.is_open(host)
    assert known.failed(host, 1, None, is_trial=True) == Breaker(2 * FIRST_PAUSE, now() + 2 * FIRST_PAUSE)
    forward(clock, 2 * FIRST_PAUSE)
    assert (known.succeeded(host), known.succeeded(host), known.is_open(host)) == (True, False, True)


@pytest.mark.parametrize(("asked", "seconds"), [((900, 700, 800), 700), ((900, 5, 800), FIRST_PAUSE)])
def test_a_host_is_waited_for_as_long_as_it_asks_several_people(
    clock: StoppedClock, asked: tuple[int, ...], seconds: int
) -> None:
    """What it asks one of them alone holds up nobody else."""
    known = Hosts()
    last = [known.failed("push.example.org", person, wait, is_trial=False) for person, wait in enumerate(asked)][-1]
    assert last == Breaker(FIRST_PAUSE, now() + seconds)


def closed_to(database: Database, service: PushService, viewers: list[int]) -> None:
    """Let there be news for viewers, whose push service asks for 700 seconds, and a worker that finds that out."""
    service.always = (429, {"Retry-After": "700"})
    for viewer in viewers:
        subscribe(database, viewer, wanted(service.subscribe()))
    set_all(database, waiting_since=1, news=1, has_content=True)
    telling(database).work()
    assert service.asked == TOLERATED


def test_a_host_that_one_worker_leaves_alone_is_not_called_by_another_nor_after_a_start(
    told: Database, service: PushService, clock: StoppedClock
) -> None:
    viewers = factories.people(told, *(f"v{number}" for number in range(9)))
    other = telling(told)
    closed_to(told, service, viewers)
    for each in (other, telling(told)):
        each.later(3600)
        assert service.asked == TOLERATED
    forward(clock, 690)
    other.work()
    assert service.asked == TOLERATED
    forward(clock, 10)
    for each in (telling(told), telling(told)):
        each.work()
    assert service.asked == TOLERATED + 1, "it is tried once, by one of them"
    forward(clock, 2 * FIRST_PAUSE)
    service.always = (201, {})
    set_all(told, not_before=0)
    telling(told).work()
    other.work()
    assert len(service.received) == len(viewers)
    with told.reading() as session:
        assert breakers.known(session, [rows(told)[0].host]) == {}


def test_a_trial_is_taken_by_one_worker_until_it_is_over_or_the_worker_died(
    told: Database, clock: StoppedClock
) -> None:
    host = "push.example.org"
    told.write(lambda session: breakers.leave_alone(session, host, Breaker(60, now() + 60), after_trial=False))
    told.write(lambda session: breakers.leave_alone(session, host, Breaker(90, now() + 90), after_trial=False))

    def admitted() -> int:
        return told.write(lambda session: breakers.admit(session, host, 50))[0]

    assert (admitted(), told.write(lambda session: breakers.admit(session, "other", 50))) == (0, (50, None))
    forward(clock, 60)
    assert [admitted() for _ in range(3)] == [1, 0, 0]
    forward(clock, claims.LEASE)
    assert admitted() == 1
    told.write(lambda session: breakers.abandon(session, host))
    assert admitted() == 1
    told.write(lambda session: breakers.leave_alone(session, host, Breaker(120, now() + 120), after_trial=True))
    forward(clock, 60)
    assert admitted() == 0
    forward(clock, -2 * claims.LONGEST_WAIT)
    assert admitted() == 1, "the clock was put back"
    told.write(breakers.purge)
    assert admitted() == 50


def test_a_host_that_fails_is_hardly_asked_by_however_many_people(told: Database, service: PushService) -> None:
    owner, *viewers = factories.connected(told, "owner", *(f"v{number}" for number in range(30)))
    field_id = shown_to_all(told, owner)
    for viewer in viewers:
        subscribe(told, viewer, wanted(service.subscribe()))
    service.always = (503, {})
    worker = telling(told)
    factories.set_field(told, owner, field_id, "+49 555 0195")
    for _ in range(5):
        worker.work()
    assert service.asked == TOLERATED
    assert all(each.waiting_since is not None for each in rows(told)), "what is not sent is still news"
