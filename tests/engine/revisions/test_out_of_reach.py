"""Where one of several machines is out of reach, its people are told of a change later, and all others now."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from sync import verification
from sync.database.engine import Database
from sync.errors import DatabaseUnavailable
from sync.queries import activity
from sync.revisions import fan_out, roster_news, rosters
from tests.support import clubs
from tests.support.clock import StoppedClock
from tests.support.distribution import distributed
from tests.support.factories import crowd, field, group, pending, person, revisions, seen, set_field
from tests.support.out_of_reach import out_of_reach

NEW = "+86 139 0000 0000"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> StoppedClock:
    """A clock that is put forward by the time that another worker waits."""
    return StoppedClock(monkeypatch)


def told(database: Database, viewers: Sequence[int], before: dict[int, int]) -> list[int]:
    """Return how much has changed for each of some viewers."""
    now = revisions(database, viewers)
    return [now[each] - before[each] for each in viewers]


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
