"""Where one of several machines is out of reach: it stops its own people, and nobody is shown what is over."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from sync.books import entries
from sync.card_links import links
from sync.card_links.opening import LinkGate
from sync.database import entry_cards
from sync.database.distribution import Looks
from sync.database.engine import Database, Session
from sync.discovery.public_profiles import public_profiles
from sync.ends import asking, carrying, setting
from sync.ends.targets import Target
from sync.ends.watch import Watch
from sync.errors import DatabaseUnavailable, EndsDue
from sync.models import NextEnd
from sync.models.buckets import BY_RANGE
from sync.reach import Reach
from sync.revisions import fan_out
from sync.sharing import grants
from sync.sign_in import deletion
from sync.worker import _Task
from tests.support.clock import DAY, HOUR, Clock, StoppedClock
from tests.support.factories import (
    book,
    connect,
    contents,
    field,
    group,
    href_of,
    person,
    revisions,
    seen,
    strangers,
)
from tests.support.out_of_reach import out_of_reach

PHONE = "+86 138 0013 8000"


class World:
    """Anna and Dora, who each show Bert a phone until the same minute; Carl, who knows nobody."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self.database, self.clock = database, clock
        self.anna, self.bert, self.carl = person(database), person(database), person(database)
        self.dora = self._of_another_bucket()
        self.trips = {owner: self._show(owner) for owner in (self.anna, self.dora)}
        self.at = clock.soon(HOUR)
        for owner in self.trips:
            self.end(owner)
        self.watch = Watch(database)

    def _of_another_bucket(self) -> int:
        while True:
            found = person(self.database)
            if BY_RANGE.of(found) not in map(BY_RANGE.of, (self.anna, self.bert)):
                return found

    def _show(self, owner: int) -> int:
        connect(self.database, owner, self.bert)
        return group(self.database, owner, "trip", [self.bert], [field(self.database, owner)])

    def end(self, owner: int) -> None:
        """Let what an owner shows end."""
        target = Target(group_id=self.trips[owner])
        self.database.write(lambda session: setting.set_end(session, owner, target, self.at))

    def doors(self) -> dict[str, Callable[[], Any]]:
        """Return what asks for Bert's entry of Anna in each way in which devices do."""
        now, href = book(self.database, self.bert), href_of(self.database, self.bert, self.anna)

        def reading(ask: Callable[[Session], Any]) -> Callable[[], Any]:
            def read() -> Any:
                with self.database.reading() as session:
                    return ask(session)

            return read

        return {
            "all": lambda: contents(self.database, self.bert),
            "changed": lambda: list(entries.changed_heads(self.database, now, 0)),
            "named": lambda: list(entries.named(self.database, now, "3.0", [href])),
            "one": reading(lambda session: entries.head(session, now, href)),
        }

    def unchanged(self, viewer: int) -> bool:
        """Whether a poll of somebody's, who has everything, is answered, and that there is nothing new."""
        now = book(self.database, viewer)
        return list(entries.changed_heads(self.database, now, now.revision)) == []


@pytest.fixture
def world(database: Database, monkeypatch: pytest.MonkeyPatch) -> World:
    """Make everybody."""
    return World(database, StoppedClock(monkeypatch))


def everywhere(reach: Reach, find: Callable[[Session, Any], Any]) -> list[Any]:
    """Ask all machines at once, as on one."""
    return [reach._ask(find, BY_RANGE.numbers)]


def test_whom_it_does_not_concern_is_answered(world: World) -> None:
    with out_of_reach(world.database, world.anna, BY_RANGE.of(world.anna)):
        assert not world.watch.settle(world.bert)
        assert not world.watch.settle(world.carl)
        assert world.unchanged(world.bert)
        assert world.unchanged(world.carl)
        assert seen(world.database, world.carl, world.carl) == set()


def test_whoever_asks_all_machines_answers_nobody(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Reach, "ask", everywhere)
    with out_of_reach(world.database, BY_RANGE.of(world.anna)), pytest.raises(DatabaseUnavailable):
        world.watch.settle(world.carl)


def test_what_others_gave_ends_on_the_minute(world: World) -> None:
    before = revisions(world.database, [world.bert])[world.bert]
    world.clock.put(world.at)
    with out_of_reach(world.database, world.anna, BY_RANGE.of(world.anna)):
        assert world.watch.settle(world.bert)
        href = href_of(world.database, world.bert, world.dora)
        [text] = entries.named(world.database, book(world.database, world.bert), "3.0", [href])
        assert PHONE not in text.text
    # Where tables are spread the worker tells of it.
    fan_out.work(world.database)
    assert revisions(world.database, [world.bert])[world.bert] > before


def test_a_card_is_withheld_of_which_something_is_over_that_cannot_be_taken_back(world: World) -> None:
    """When it is over is noted on the machine that is out of reach; the card itself is not there."""
    doors = world.doors()
    world.clock.put(world.at)
    with out_of_reach(world.database, BY_RANGE.of(world.anna)):
        world.watch.settle(world.bert)
        for ask in doors.values():
            with pytest.raises(EndsDue) as refused:
                ask()
            assert refused.value.owner_ids == (world.anna,)
        with pytest.raises(DatabaseUnavailable):
            world.watch.carry_out([world.anna])
        assert world.unchanged(world.bert)
    assert Watch(world.database).settle(world.bert)
    assert seen(world.database, world.bert, world.anna) == set()


def test_without_the_owners_machine_being_asked_it_would_be_served(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the question is there for does happen without it."""
    world.clock.put(world.at)
    monkeypatch.setattr(entry_cards, "now", lambda: 0)
    with out_of_reach(world.database, BY_RANGE.of(world.anna)):
        world.watch.settle(world.bert)
        assert seen(world.database, world.bert, world.anna) == {PHONE}


def test_nothing_is_shown_of_whoever_is_out_of_reach_and_it_ends_once_they_are_back(world: World) -> None:
    doors = world.doors()
    world.clock.put(world.at)
    with out_of_reach(world.database, world.anna) as failed:
        assert world.watch.settle(world.bert)
        assert world.unchanged(world.bert)
        for ask in doors.values():
            with pytest.raises(DatabaseUnavailable):
                ask()
        failed.clear()
        # Nobody waits for what failed a moment ago.
        assert not world.watch.settle(world.bert)
        assert failed == []
    assert Watch(world.database).settle(world.bert)
    assert seen(world.database, world.bert, world.anna) == set()


def test_the_machine_of_whoever_asks_has_to_be_there(world: World) -> None:
    world.clock.put(world.at)
    with out_of_reach(world.database, world.bert):
        with pytest.raises(DatabaseUnavailable):
            world.watch.settle(world.bert)
        assert not world.watch.settle(world.carl)


def test_where_no_machine_is_in_reach_nobody_is_answered(world: World) -> None:
    with out_of_reach(world.database, *BY_RANGE.numbers):
        for _ in range(2):
            with pytest.raises(DatabaseUnavailable):
                world.watch.settle(world.carl)
    assert not world.watch.settle(world.carl)


def test_what_is_out_of_reach_is_tried_again_after_a_while_and_not_each_time(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = [0.0]
    monkeypatch.setattr("sync.reach.time.monotonic", lambda: ticks[0])
    reach, here = Reach(world.database), BY_RANGE.of(world.dora)

    def due(session: Session, buckets: Any) -> list[int]:
        return list(session.scalars(select(NextEnd.owner_id).where(NextEnd.bucket.in_(buckets))))

    with out_of_reach(world.database, BY_RANGE.of(world.anna), here) as failed:
        reach.ask(due)
        assert reach.lost == {BY_RANGE.of(world.anna), here}
        assert reach.error is not None
        failed.clear()
        ticks[0] += 10
        assert reach.ask(due) == [[]]
        assert failed == []
        ticks[0] += 11
        reach.ask(due)
        # The others on that machine are not tried where the first is out of reach.
        assert len(failed) == 1
    with out_of_reach(world.database):
        ticks[0] += 21
        assert sorted(owner for owners in reach.ask(due) for owner in owners) == sorted(world.trips)
    assert not reach.lost
    assert reach.error is None


def test_strangers_are_shown_what_owners_in_reach_show_and_nothing_that_is_over(world: World) -> None:
    database, dora = world.database, world.dora
    name = field(database, dora, "name", "Dora Secret")
    everybody = strangers(database, dora)
    database.write(lambda session: grants.grant(session, dora, everybody, [name]))

    def shown() -> str:
        with database.reading() as session:
            return str(public_profiles(session, [dora]))

    def let_it_end(session: Session) -> None:
        setting.set_end(session, dora, Target(group_id=everybody, field_id=name), world.at)

    database.write(let_it_end)
    with out_of_reach(database, BY_RANGE.of(dora)):
        assert "Secret" in shown()
        world.clock.put(world.at)
        with pytest.raises(EndsDue):
            shown()


def test_a_link_shows_nothing_that_is_over(world: World) -> None:
    database, trip = world.database, world.trips[world.anna]
    made = database.write(lambda session: links.create(session, world.anna, trip))
    gate = LinkGate(database)
    with out_of_reach(database, BY_RANGE.of(world.anna)):
        link = gate._found((world.anna, made))
        assert link is not None
        card = gate.card(link)
        assert card is not None
        assert PHONE in card.text
        world.clock.put(world.at)
        with pytest.raises(DatabaseUnavailable):
            gate.card(link)
    with out_of_reach(database):
        card = gate.card(link)
        assert card is not None
        assert PHONE not in card.text


def test_the_worker_takes_back_what_it_can(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also behind somebody whose turn it was before."""
    monkeypatch.setattr(carrying, "_PAGE", 1)
    world.clock.put(world.at)
    first = min(world.trips)
    with out_of_reach(world.database, first), pytest.raises(DatabaseUnavailable):
        carrying.work(world.database)
    with world.database.reading() as session:
        assert session.scalars(select(NextEnd.owner_id)).all() == [first]
    assert carrying.work(world.database) == 1


def test_the_worker_asks_whom_it_can(world: World) -> None:
    world.clock.put(world.at - HOUR // 2)
    world.at += 3 * DAY
    for owner in world.trips:
        world.end(owner)
    world.clock.put(world.at - DAY)

    def to_be_asked() -> set[int]:
        with world.database.reading() as session:
            return set(session.scalars(select(NextEnd.owner_id).where(NextEnd.ask_at.is_not(None))))

    assert to_be_asked() == set(world.trips)
    for lost in (world.anna, BY_RANGE.of(world.anna)):
        with out_of_reach(world.database, lost), pytest.raises(DatabaseUnavailable):
            asking.work(world.database)
        assert to_be_asked() == {world.anna}
    assert asking.work(world.database) == 1
    assert to_be_asked() == set()


def test_the_worker_goes_on_with_those_who_leave(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left to do for whoever cannot be reached is done by whoever works next."""
    database, done = world.database, list[int]()
    for owner in world.trips:
        database.write(lambda session, owner=owner: deletion._begin(session, owner))  # type: ignore[misc]

    def finish(_database: Database, account_id: int) -> None:
        done.append(account_id)

    with monkeypatch.context() as patch:
        patch.setattr(deletion, "_finish", finish)
        world.clock.put(world.clock.now() + 2 * deletion.LEASE)
        with out_of_reach(database, BY_RANGE.of(world.anna)), pytest.raises(DatabaseUnavailable):
            deletion.work(database)
        assert done == [world.dora]
    world.clock.put(world.clock.now() + 2 * deletion.LEASE)
    assert deletion.work(database) == 2


def test_a_worker_says_once_that_a_machine_is_out_of_reach(caplog: pytest.LogCaptureFixture) -> None:
    """And looks at the others in between, which is well, although there is a hint again and again."""
    stop, looked = threading.Event(), list[int]()
    looks = Looks(lambda: range(4), lambda: True, itertools.count(0, 2).__next__)

    def work() -> None:
        looks.hint()
        buckets = looks.next()
        looked.append(len(buckets))
        if len(looked) > 12:
            stop.set()
        if 2 in buckets:
            raise DatabaseUnavailable("gone")

    task = _Task(work, 0, "do it", looks)
    waited = list[float]()
    stop.wait = waited.append  # type: ignore[assignment, method-assign]
    task.keep_doing(stop)
    assert looked == [4, *[1] * 12]
    assert len(caplog.records) == 1
    assert set(waited) == {1.0}
