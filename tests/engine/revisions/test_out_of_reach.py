"""Where one of several machines is out of reach, its people are told of a change later, and all others now."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence

import pytest
from sqlalchemy import select

from sync import verification
from sync.accounts import registration
from sync.database.engine import Database
from sync.ends import setting
from sync.ends.targets import Target
from sync.errors import DatabaseUnavailable
from sync.models import Entry, new_id, now
from sync.models.buckets import BY_ID, range_of
from sync.queries import activity
from sync.revisions import fan_out, roster_news, rosters
from sync.sharing import grants
from tests.support import clubs, distribution
from tests.support.clock import StoppedClock
from tests.support.distribution import distributed
from tests.support.factories import connect, crowd, field, group, pending, person, revisions, seen, set_field
from tests.support.out_of_reach import lost, out_of_reach

NEW = "+86 139 0000 0000"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> StoppedClock:
    """A clock that is put forward by the time that another worker waits."""
    return StoppedClock(monkeypatch)


def told(database: Database, viewers: Sequence[int], before: dict[int, int]) -> list[int]:
    """Return how much has changed for each of some viewers."""
    now = revisions(database, viewers)
    return [now[each] - before[each] for each in viewers]


#: How many machines there are.
MACHINES = 3


def machine_of(key: int) -> int:
    """Return the machine that has what is spread by a key: each has every third range of hashes."""
    return range_of(key) % MACHINES


def elsewhere(owner: int) -> Callable[[int], bool]:
    """Return what says of a key whether it is in another range of hashes than an owner."""
    own = range_of(owner)
    return lambda key: range_of(key) != own


def person_on(database: Database, machine: int) -> int:
    """Make somebody who is on a machine."""
    while machine_of(found := new_id()) != machine:
        pass
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registration, "new_id", lambda: found)
        assert person(database) == found
    return found


class Sharer:
    """Somebody who shows a phone to *viewers*, and what these are told."""

    def __init__(self, database: Database, owner: int, viewers: Sequence[int] = ()) -> None:
        self._database, self.owner, self.viewers = database, owner, viewers
        self.phone = field(database, owner)
        connect(database, owner, *viewers)
        self.trip = group(database, owner, "trip", self.viewers, [self.phone])
        self._before = self._revisions()

    def change(self) -> None:
        """Change the phone, whom it is shown to and until when: whatever leaves something to be done."""
        set_field(self._database, self.owner, self.phone, NEW)
        self._database.write(lambda session: grants.take_back(session, self.owner, self.trip, [self.phone]))
        self._database.write(lambda session: grants.grant(session, self.owner, self.trip, [self.phone]))
        until = now() // 60 * 60 + 24 * 3600
        self._database.write(lambda session: setting.set_end(session, self.owner, Target(group_id=self.trip), until))

    def told(self) -> list[bool]:
        """Whether each viewer was told of a change."""
        revisions = self._revisions()
        return [revisions[each] > self._before[each] for each in self.viewers]

    def _revisions(self) -> dict[int, int]:
        theirs = select(Entry.viewer_id, Entry.revision).where(Entry.id == self.owner, Entry.viewer_id != self.owner)
        with self._database.engine.connect() as connection:
            return dict(connection.execute(theirs).all())


def work_apart(database: Database, owners: Sequence[int]) -> None:
    """Look into each bucket alone, as a worker does once a machine is out of reach."""
    for bucket in map(database.buckets.of, owners):
        with contextlib.suppress(DatabaseUnavailable):
            fan_out.work(database, buckets=[bucket])


def test_a_machine_out_of_reach_stops_changes_of_its_own_people_and_of_nobody_else(
    database: Database, clock: StoppedClock
) -> None:
    """What the others change is carried meanwhile to all whom it can be, and the rest once it is back."""
    owners, viewers = ([person_on(database, machine) for machine in range(MACHINES)] for _ in range(2))
    sharers = [Sharer(database, owner, viewers) for owner in owners]
    with lost(database, lambda key: machine_of(key) == 1):
        for each in sharers:
            if machine_of(each.owner) == 1:
                with pytest.raises(DatabaseUnavailable):
                    each.change()
            else:
                each.change()
        work_apart(database, owners)
    for each in sharers:
        is_near = machine_of(each.owner) != 1
        assert each.told() == [is_near and machine_of(viewer) != 1 for viewer in each.viewers]
    clock.put(clock.now() + database.settings.lease + 1)
    with distributed(database):
        for each in sharers:
            if machine_of(each.owner) == 1:
                each.change()
        fan_out.work(database)
        assert pending(database) == 0
        for each in sharers:
            assert each.told() == [True] * len(each.viewers)
            assert {frozenset(seen(database, viewer, each.owner)) for viewer in each.viewers} == {frozenset({NEW})}
        with database.reading() as session:
            assert [str(each) for each in verification.findings(session)] == []


def test_a_change_of_ones_own_card_needs_ones_own_machine_alone(database: Database) -> None:
    """However many machines there are: of all ranges of hashes one is there."""
    for machine in range(MACHINES):
        each = Sharer(database, person_on(database, machine))
        with lost(database, elsewhere(each.owner)):
            each.change()


def test_where_a_release_before_has_spread_the_tables_a_change_needs_the_machine_of_its_bucket(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until they are spread anew: what leads jobs to their people's machines is their bucket."""
    while range_of(BY_ID.of(owner := person(database))) == range_of(owner):
        pass
    each = Sharer(database, owner)
    monkeypatch.setattr(distribution, "BY_RANGE", BY_ID)
    with lost(database, elsewhere(each.owner)), pytest.raises(DatabaseUnavailable):
        each.change()


@pytest.mark.parametrize("chunk", [5, 100])
def test_whoever_sees_a_change_with_others_on_a_machine_out_of_reach_is_told_of_it_now(
    database: Database, monkeypatch: pytest.MonkeyPatch, clock: StoppedClock, chunk: int
) -> None:
    """And the others once it is there, but nobody twice."""
    monkeypatch.setattr(fan_out, "_FIRST_STEP", chunk)
    owner = person(database)
    phone = field(database, owner)
    viewers = sorted(crowd(database, owner, 10, [group(database, owner, "family", granted=[phone])]))
    lost = {3, 4, 9}
    expected = [int(index not in lost) for index in range(len(viewers))]
    before = revisions(database, viewers)
    far = [viewers[index] for index in lost]
    with out_of_reach(database, *far):
        set_field(database, owner, phone, NEW)
    for _ in range(2):
        with out_of_reach(database, *far), pytest.raises(DatabaseUnavailable):
            fan_out.work(database)
        assert pending(database) == 1
        clock.put(clock.now() + database.settings.lease + 1)
    assert told(database, viewers, before) == expected
    with distributed(database):
        assert fan_out.work(database) == len(lost)
        assert told(database, viewers, before) == [1] * len(viewers)
        assert pending(database) == 0
        assert {frozenset(seen(database, viewer, owner)) for viewer in viewers} == {frozenset({NEW})}


def test_a_change_for_people_on_other_machines_does_not_wait_for_one_that_is_out_of_reach(
    database: Database, clock: StoppedClock
) -> None:
    """Whichever of two changes is due first."""
    before, changes = dict[int, int](), list[tuple[int, int, int]]()
    for _ in range(2):
        owner = person(database)
        phone = field(database, owner)
        [viewer] = crowd(database, owner, 1, [group(database, owner, "family", granted=[phone])])
        changes.append((owner, phone, viewer))
        before |= revisions(database, [viewer])
    far, near = (viewer for *_, viewer in changes)
    with out_of_reach(database, far):
        for owner, phone, _ in changes:
            set_field(database, owner, phone, NEW)
            clock.put(clock.now() + 1)
        with pytest.raises(DatabaseUnavailable):
            fan_out.work(database)
    assert told(database, [far, near], before) == [0, 1]


def test_nobody_is_passed_by_where_the_owner_is_out_of_reach(database: Database, clock: StoppedClock) -> None:
    owner = person(database)
    phone = field(database, owner)
    viewers = crowd(database, owner, 3, [group(database, owner, "family", granted=[phone])])
    before = revisions(database, viewers)
    with distributed(database):
        set_field(database, owner, phone, NEW)
    with out_of_reach(database, owner), pytest.raises(DatabaseUnavailable):
        fan_out.work(database)
    assert told(database, viewers, before) == [0, 0, 0]
    clock.put(clock.now() + database.settings.lease + 1)
    with distributed(database):
        assert fan_out.work(database) == 3
    assert told(database, viewers, before) == [1, 1, 1]


def rostered(database: Database, organisation_id: int) -> int:
    """Return the revision of a roster."""
    with database.reading() as session:
        return rosters.revision_of(session, organisation_id)


def test_a_member_stores_a_change_while_the_machine_of_their_organisation_is_out_of_reach(
    database: Database, clock: StoppedClock
) -> None:
    """The others are told once it is there."""
    anna, ben = person(database), person(database)
    phone = field(database, anna)
    club = clubs.found(database)
    club.join(anna, [phone])
    club.join(ben)
    roster_news.work(database)
    before = rostered(database, club.id)
    with out_of_reach(database, club.id):
        set_field(database, anna, phone, NEW)
        with pytest.raises(DatabaseUnavailable):
            fan_out.work(database)
    assert rostered(database, club.id) == before
    clock.put(clock.now() + database.settings.lease + 1)
    with distributed(database):
        fan_out.work(database)
        assert rostered(database, club.id) == before + 1
        assert roster_news.work(database) == 2
        with database.reading() as session:
            [news] = [each for each in activity.latest(session, ben) if each.owner_id == anna]
            assert [change.content and change.content.text() for change in news.changes] == [NEW]
            assert [str(each) for each in verification.findings(session)] == []
    assert pending(database) == 0
