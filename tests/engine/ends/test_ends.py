"""What ends is gone on the minute, by token, stays gone whatever the clock does, and nothing else goes with it."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import delete, select

from sync import verification, worker
from sync.database.engine import Database
from sync.discovery.public_profiles import public_profiles
from sync.ends import carrying, setting
from sync.ends.targets import Target
from sync.ends.watch import Watch
from sync.errors import DatabaseReadOnly, EndsDue, InvalidInput, NotFound, Refused
from sync.models import Ending, NextEnd
from sync.queries import previews
from sync.sharing import connections, grants, groups
from sync.sharing.visibility import STRANGER
from tests.support.clock import DAY, HOUR, MINUTE, Clock, StoppedClock
from tests.support.factories import (
    changes,
    connected,
    everybody_connected,
    field,
    group,
    person,
    revisions,
    seen,
    served,
    strangers,
)

PHONE, MAIL = "+86 138 0013 8000", "a@example.org"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock that can be put forward and back."""
    return StoppedClock(monkeypatch)


class World:
    """Anna, whose trip may see her phone, and with it her friend Bert; and Carl, who knows her, too."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.anna, self.bert, self.carl = connected(database, "anna", "bert", "carl")
        self.phone, self.mail = field(database, self.anna), field(database, self.anna, "email", MAIL)
        self.trip = group(database, self.anna, "trip", [self.bert], [self.phone])
        everybody = everybody_connected(database, self.anna)
        database.write(lambda session: grants.grant(session, self.anna, everybody, [self.mail]))
        self.watch = Watch(database)

    def end(self, at: int, **target: int) -> None:
        """Let something of Anna's end."""
        self.database.write(lambda session: setting.set_end(session, self.anna, Target(**target), at))

    def shown(self) -> set[str]:
        """Return what Bert's devices are served of Anna."""
        is_there = served(self.database, self.bert, self.anna) is not None
        return seen(self.database, self.bert, self.anna) if is_there else set()


@pytest.fixture
def world(database: Database) -> World:
    """Make everybody."""
    return World(database)


def is_sound(database: Database) -> None:
    """Make sure that a database keeps every promise."""
    with database.reading() as session:
        assert list(verification.findings(session)) == []


TARGETS = ("grant", "group", "exception", "connection")


def set_one(world: World, kind: str, at: int) -> None:
    """Let what shows Bert the phone end, of whichever kind it is."""
    if kind == "exception":
        world.database.write(lambda session: grants.take_back(session, world.anna, world.trip, [world.phone]))
        world.database.write(
            lambda session: grants.except_person(session, world.anna, world.bert, [world.phone], allowed=True)
        )
    world.end(
        at,
        **{
            "grant": {"group_id": world.trip, "field_id": world.phone},
            "group": {"group_id": world.trip},
            "exception": {"viewer_id": world.bert, "field_id": world.phone},
            "connection": {"viewer_id": world.bert},
        }[kind],
    )


@pytest.mark.parametrize("kind", TARGETS)
def test_what_ends_is_gone_by_token_and_nobody_else_learns_of_it(world: World, clock: Clock, kind: str) -> None:
    set_one(world, kind, at := clock.soon())
    before = revisions(world.database, [world.bert, world.carl])
    clock.put(at - 1)
    assert not world.watch.settle(world.bert)
    assert PHONE in world.shown()
    clock.put(at)
    assert world.watch.settle(world.bert)
    assert world.shown() == (set() if kind == "connection" else {MAIL})
    after = revisions(world.database, [world.bert, world.carl])
    assert after[world.bert] > before[world.bert]
    assert after[world.carl] == before[world.carl]
    assert len(changes(world.database, world.bert, before[world.bert])) == 1
    assert not world.watch.settle(world.bert)
    is_sound(world.database)


@pytest.mark.parametrize("kind", TARGETS)
def test_what_has_ended_stays_so_when_the_clock_is_put_back(world: World, clock: Clock, kind: str) -> None:
    set_one(world, kind, at := clock.soon())
    clock.put(at + HOUR)
    world.watch.settle(world.bert)
    clock.put(at - HOUR)
    world.watch.settle(world.bert)
    assert PHONE not in world.shown()
    with world.database.reading() as session:
        assert session.scalars(select(Ending.id)).all() == session.scalars(select(NextEnd.owner_id)).all() == []


def test_a_clock_that_went_back_and_forth_between_two_looks_is_noticed(world: World, clock: Clock) -> None:
    assert not world.watch.is_due()
    clock.put(clock.now() - DAY)
    world.end(at := clock.soon(), group_id=world.trip)
    clock.put(at)
    assert world.watch.is_due()


def test_a_process_that_looked_just_now_learns_of_an_end_before_it_is_due(world: World, clock: Clock) -> None:
    assert not world.watch.is_due()
    world.end(at := clock.soon(MINUTE), group_id=world.trip)
    clock.put(at)
    assert world.watch.is_due()


def test_a_process_that_looked_just_now_asks_nothing(world: World) -> None:
    world.watch.is_due()
    world.database.dispose()
    asked: list[object] = []
    world.database.reading = lambda: asked.append(1)  # type: ignore[method-assign, assignment, return-value]
    assert not world.watch.is_due()
    assert not asked


def test_the_end_of_a_group_takes_what_it_was_granted_since_and_keeps_its_members(world: World, clock: Clock) -> None:
    world.end(at := clock.soon(), group_id=world.trip)
    qq = field(world.database, world.anna, "qq", "10001234")
    world.database.write(lambda session: grants.grant(session, world.anna, world.trip, [qq]))
    clock.put(at)
    assert carrying.work(world.database) == 1
    with world.database.reading() as session:
        assert grants.granted(session, world.anna, world.trip) == frozenset()
        assert groups.members(session, world.anna, world.trip) == [world.bert]


def test_both_sides_of_a_connection_end(world: World, clock: Clock) -> None:
    world.end(at := clock.soon(), viewer_id=world.bert)
    clock.put(at)
    world.watch.settle(world.bert)
    with world.database.reading() as session:
        assert not connections.is_connected(session, world.anna, world.bert)
        assert not connections.is_connected(session, world.bert, world.anna)


@pytest.mark.parametrize("kind", TARGETS)
def test_an_end_goes_with_what_it_is_about(world: World, clock: Clock, kind: str) -> None:
    set_one(world, kind, clock.soon())
    anna, bert = world.anna, world.bert

    def undo(session: object) -> None:
        grants.take_back(session, anna, world.trip, [world.phone])  # type: ignore[arg-type]
        groups.remove(session, anna, world.trip)  # type: ignore[arg-type]
        connections.disconnect(session, anna, bert)  # type: ignore[arg-type]

    world.database.write(undo)
    with world.database.reading() as session:
        assert setting.ends_of(session, anna) == []
    is_sound(world.database)


def test_granting_again_what_ends_does_not_prolong_it(world: World, clock: Clock) -> None:
    world.end(at := clock.soon(), group_id=world.trip, field_id=world.phone)
    world.database.write(lambda session: grants.grant(session, world.anna, world.trip, [world.phone]))
    set_one(world, "exception", at)
    world.database.write(
        lambda session: grants.except_fields(session, world.anna, world.bert, {world.phone: True, world.mail: True})
    )
    clock.put(at)
    world.watch.settle(world.bert)
    assert PHONE not in world.shown()


def test_what_is_kept_does_not_end(world: World, clock: Clock) -> None:
    world.end(at := clock.soon(), group_id=world.trip)
    world.database.write(lambda session: setting.keep(session, world.anna, Target(group_id=world.trip)))
    clock.put(at + DAY)
    assert not world.watch.settle(world.bert)
    assert PHONE in world.shown()
    with pytest.raises(NotFound):
        world.database.write(lambda session: setting.keep(session, world.anna, Target(group_id=world.trip)))


def test_what_is_over_cannot_be_kept_any_more(world: World, clock: Clock) -> None:
    world.end(at := clock.soon(), group_id=world.trip)
    clock.put(at)
    with pytest.raises(NotFound):
        world.database.write(lambda session: setting.keep(session, world.anna, Target(group_id=world.trip)))


def test_there_is_one_end_of_a_thing_the_last_that_was_set(world: World, clock: Clock) -> None:
    world.end(clock.soon(), group_id=world.trip)
    world.end(later := clock.soon(DAY), group_id=world.trip)
    with world.database.reading() as session:
        assert [end.at for end in setting.ends_of(session, world.anna)] == [later]


@pytest.mark.parametrize("ahead", [-DAY, 0, MINUTE - 1, 11 * 366 * DAY])
def test_an_end_is_neither_past_nor_too_near_nor_too_far(world: World, clock: Clock, ahead: int) -> None:
    with pytest.raises(InvalidInput):
        world.end(clock.now() + ahead, group_id=world.trip)


def test_nothing_ends_that_is_not_there_or_would_show_more(world: World, clock: Clock) -> None:
    """What is withheld has no end: time never shows anybody more."""
    at = clock.soon()
    everybody = everybody_connected(world.database, world.anna)
    world.database.write(
        lambda session: grants.except_person(session, world.anna, world.carl, [world.mail], allowed=False)
    )
    for target in (
        {"group_id": 1},
        {"group_id": world.trip, "field_id": world.mail},
        {"viewer_id": world.carl, "field_id": world.mail},
        {"viewer_id": 1},
    ):
        with pytest.raises(NotFound):
            world.end(at, **target)
    with pytest.raises(Refused):
        world.end(at, group_id=everybody)
    for nonsense in ({}, {"field_id": 1}, {"group_id": 1, "viewer_id": 1}):
        with pytest.raises(InvalidInput):
            Target(**nonsense)


def test_whoever_reads_about_strangers_is_refused_until_it_is_carried_out(world: World, clock: Clock) -> None:
    name = field(world.database, world.anna, "name", "Anna Secret")
    everybody = strangers(world.database, world.anna)
    world.database.write(lambda session: grants.grant(session, world.anna, everybody, [name]))
    world.end(at := clock.soon(), group_id=everybody, field_id=name)
    clock.put(at)
    for read in (
        lambda session: public_profiles(session, [world.anna, world.bert]),
        lambda session: previews.for_audience(session, world.anna, STRANGER),
    ):
        with world.database.reading() as session, pytest.raises(EndsDue) as refused:
            read(session)
        assert refused.value.owner_ids == (world.anna,)
    world.watch.carry_out([world.anna])
    with world.database.reading() as session:
        assert "Secret" not in str(public_profiles(session, [world.anna]))


def test_what_concerns_nobody_who_asks_is_carried_out_all_the_same(world: World, clock: Clock) -> None:
    world.end(at := clock.soon(), group_id=world.trip)
    clock.put(at)
    other = person(world.database)
    assert not world.watch.settle(other)
    assert PHONE not in world.shown()


def test_where_it_cannot_be_carried_out_nobody_is_answered(
    world: World, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.end(at := clock.soon(), group_id=world.trip)
    clock.put(at)

    def refuse(*_args: object, **_named: object) -> None:
        raise DatabaseReadOnly

    monkeypatch.setattr(world.database, "write", refuse)
    monkeypatch.setattr(world.database, "write_if_free", lambda *_: False)
    with pytest.raises(DatabaseReadOnly):
        world.watch.settle(world.bert)
    # Whoever has nothing to do with it is.
    assert not world.watch.settle(person_without(world))


def person_without(world: World) -> int:
    """Return the id of nobody."""
    return world.anna ^ 1


def test_the_worker_takes_back_what_is_over(world: World, clock: Clock) -> None:
    world.end(at := clock.soon(), group_id=world.trip)
    clock.put(at)
    stop = threading.Event()
    thread = threading.Thread(target=worker.run, args=(world.database, stop))
    thread.start()
    try:
        deadline = time.monotonic() + 60
        while PHONE in world.shown() and time.monotonic() < deadline:
            time.sleep(0.05)
    finally:
        stop.set()
        thread.join(60)
    assert world.shown() == {MAIL}


def test_many_who_come_at_once_all_see_what_is_left(world: World, clock: Clock) -> None:
    """One of them carries it out, the others wait for that, and nobody is told twice."""
    world.end(at := clock.soon(), group_id=world.trip, field_id=world.phone)
    world.end(at, viewer_id=world.carl)
    before = revisions(world.database, [world.bert])
    clock.put(at)
    start = threading.Barrier(8)

    def come(number: int) -> set[str]:
        watch = Watch(world.database)
        start.wait()
        watch.settle([world.bert, world.anna, world.carl][number % 3])
        return world.shown()

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(come, range(8)))
    assert [PHONE in shown for shown in found] == [False] * 8
    assert revisions(world.database, [world.bert])[world.bert] == before[world.bert] + 1
    is_sound(world.database)


def test_verification_finds_an_end_that_nobody_would_look_for(world: World, clock: Clock) -> None:
    world.end(clock.soon(), group_id=world.trip)
    is_sound(world.database)
    world.database.write(lambda session: session.execute(delete(NextEnd)))
    with world.database.reading() as session:
        (found,) = verification.findings(session)
    assert found.login == "anna"
    assert "nobody would look" in found.problem
