"""Fan-out: every holder of a changed card is told, once, whatever crashes; and nobody else."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
from sqlalchemy import select, update

from sync import worker
from sync.database.engine import Database, Session
from sync.models import BUCKETS, Entry, Job, now
from sync.revisions import fan_out
from sync.revisions.fan_out import Claim
from sync.settings import Settings
from sync.sharing import connections, grants, groups
from sync.sharing.visibility import GROUP
from tests.support.databases import opened
from tests.support.factories import (
    MOBILE,
    age,
    changes,
    connected,
    crowd,
    field,
    group,
    pending,
    person,
    revisions,
    seen,
    served,
    set_field,
)
from tests.support.statements import sent


@pytest.fixture
def small(database_url: str) -> Iterator[Database]:
    """A database whose changes are carried by a worker when more than 4 people are concerned, 3 at a time."""
    with opened(database_url, Settings(inline_viewers=4, chunk_viewers=3, lease=30)) as database:
        yield database


def owner_of(database: Database, count: int) -> tuple[int, int, list[int]]:
    """Register a person whose mobile number *count* people may see; returns the owner, the field and the viewers."""
    owner = person(database)
    phone = field(database, owner)
    family = group(database, owner, "family", granted=[phone])
    return owner, phone, crowd(database, owner, count, [family])


def owed(database: Database) -> int:
    with database.reading() as session:
        return fan_out.owed(session)


def claim(database: Database) -> Claim:
    """Take over the one job that is due, as a worker does."""
    for bucket in range(BUCKETS):
        found = database.write(lambda session, bucket=bucket: fan_out._claim(session, bucket, now()))  # type: ignore[misc]
        if found is not None:
            return found
    raise AssertionError


def end_leases(database: Database) -> None:
    """Let time pass until every lease has run out."""
    database.write(lambda session: session.execute(update(Job).values(due_at=0)))


def raised(database: Database, before: dict[int, int]) -> dict[int, int]:
    """Return by how much each book's revision rose."""
    return {viewer: after - before[viewer] for viewer, after in revisions(database, before).items()}


@pytest.mark.parametrize(("count", "jobs"), [(4, 0), (5, 1)])
def test_up_to_the_limit_everybody_is_reached_at_once_and_beyond_by_a_worker(
    small: Database, count: int, jobs: int
) -> None:
    owner, phone, viewers = owner_of(small, count)
    before = revisions(small, viewers)
    set_field(small, owner, phone, "+1 555 0101")
    assert pending(small) == jobs
    assert owed(small) == count * jobs
    assert set(raised(small, before).values()) == {1 - jobs}
    assert fan_out.work(small) == count * jobs
    assert set(raised(small, before).values()) == {1}
    assert (pending(small), owed(small), fan_out.work(small)) == (0, 0, 0)
    for viewer, since in before.items():
        assert [head.present for head in changes(small, viewer, since)] == [True]


def test_what_was_taken_back_is_gone_before_any_worker_comes(small: Database) -> None:
    owner, phone, viewers = owner_of(small, 7)
    family = groups_of(small, owner)
    small.write(lambda session: grants.take_back(session, owner, family, [phone]))
    assert pending(small) == 1
    assert all(seen(small, viewer, owner) == set() for viewer in viewers)


def groups_of(database: Database, owner_id: int) -> int:
    with database.reading() as session:
        return next(each.id for each in groups.groups_of(session, owner_id) if each.kind == GROUP)


def test_the_limit_is_for_all_cards_of_a_change_together(small: Database) -> None:
    owner, phone, viewers = owner_of(small, 3)
    more = crowd(small, owner, 3, [group(small, owner, "chess", granted=[phone])])
    before = revisions(small, viewers + more)
    set_field(small, owner, phone, "+1 555 0101")
    assert pending(small) == 1
    assert sorted(raised(small, before).values()) == [0, 0, 0, 1, 1, 1]
    assert fan_out.work(small) == 3
    assert set(raised(small, before).values()) == {1}


def test_a_worker_that_dies_between_two_chunks_is_followed_by_another(small: Database) -> None:
    """Nothing is lost or repeated: the next worker goes on behind the last chunk, when the lease is over."""
    owner, phone, viewers = owner_of(small, 8)
    age(small)
    before = revisions(small, viewers)
    set_field(small, owner, phone, "+1 555 0101")
    first = claim(small)
    count, _ = small.write(lambda session: fan_out.carry(session, first))
    assert count == 3
    assert [raised(small, before)[viewer] for viewer in viewers] == [1, 1, 1, 0, 0, 0, 0, 0]
    assert fan_out.work(small) == 0
    assert owed(small) == 5
    end_leases(small)
    assert fan_out.work(small) == 5
    assert set(raised(small, before).values()) == {1}
    assert pending(small) == 0


def test_what_few_see_does_not_wait_until_all_have_heard_of_what_many_do(
    small: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fan_out, "_LOOK_EVERY", 0.0)
    many, phone, _ = owner_of(small, 30)
    few, mobile, viewers = owner_of(small, 5)
    before = revisions(small, viewers)
    set_field(small, many, phone, "+1 555 0101")
    left: list[int] = []

    def come(_count: int) -> None:
        if not left:
            set_field(small, few, mobile, "+1 555 0102")
        if set(raised(small, before).values()) != {1}:
            left.append(owed(small))

    assert fan_out.work(small, progress=come) == 35
    # Two of the many people's turns were in between, and the other seven came after.
    assert len(left) <= 4
    assert set(raised(small, before).values()) == {1}


def test_a_worker_that_dies_inside_a_chunk_leaves_nothing_of_it(small: Database) -> None:
    owner, phone, viewers = owner_of(small, 8)
    before = revisions(small, viewers)
    set_field(small, owner, phone, "+1 555 0101")
    first = claim(small)

    def die(session: Session) -> None:
        fan_out.carry(session, first)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        small.write(die)
    assert set(raised(small, before).values()) == {0}
    end_leases(small)
    assert fan_out.work(small) == 8


def test_a_slow_worker_whose_lease_ran_out_repeats_nothing(small: Database) -> None:
    owner, phone, viewers = owner_of(small, 8)
    before = revisions(small, viewers)
    set_field(small, owner, phone, "+1 555 0101")
    slow = claim(small)
    end_leases(small)
    quick = claim(small)
    assert quick == slow
    _, following = small.write(lambda session: fan_out.carry(session, quick))
    assert following is not None
    assert small.write(lambda session: fan_out.carry(session, slow)) == (0, None)
    while following is not None:
        _, following = small.write(lambda session, at=following: fan_out.carry(session, at))  # type: ignore[misc]
    assert small.write(lambda session: fan_out.carry(session, slow)) == (0, None)
    assert set(raised(small, before).values()) == {1}


@pytest.mark.parametrize("count", [5, 6, 7, 12])
def test_chunks_come_to_an_end_whatever_the_number(small: Database, count: int) -> None:
    owner, phone, viewers = owner_of(small, count)
    before = revisions(small, viewers)
    set_field(small, owner, phone, "+1 555 0101")
    chunks: list[int] = []
    assert fan_out.work(small, progress=chunks.append) == count
    assert (sum(chunks), max(chunks)) == (count, 3)
    assert set(raised(small, before).values()) == {1}


def test_several_workers_at_once_share_the_work(small: Database) -> None:
    changed = [owner_of(small, 7)[:2] for _ in range(4)]
    with small.reading() as session:
        before = dict(session.execute(select(Entry.viewer_id, Entry.revision).where(Entry.kind == "connection")).all())
    for owner, phone in changed:
        set_field(small, owner, phone, "+1 555 0101")
    reached: list[int] = []
    workers = [threading.Thread(target=lambda: reached.append(fan_out.work(small))) for _ in range(3)]
    for each in workers:
        each.start()
    for each in workers:
        each.join()
    assert sum(reached) == 28
    assert pending(small) == 0
    assert set(raised(small, before).values()) == {1}


def test_who_leaves_before_the_worker_comes_is_told_by_leaving(small: Database) -> None:
    """The new card has the text that the old one just got: for the viewer, who was told nothing, it is a change."""
    owner, phone, viewers = owner_of(small, 7)
    mover = viewers[-1]
    family = groups_of(small, owner)
    other = group(small, owner, "other", granted=[phone])
    before = revisions(small, viewers)
    set_field(small, owner, phone, "+1 555 0101")
    small.write(lambda session: groups.add_member(session, owner, other, mover))
    small.write(lambda session: groups.remove_member(session, owner, family, mover))
    assert fan_out.work(small) == 6
    assert seen(small, mover, owner) == {"+1 555 0101"}
    assert all(count >= 1 for count in raised(small, before).values())


def test_who_hides_or_leaves_before_the_worker_comes_is_not_bothered(small: Database) -> None:
    owner, phone, viewers = owner_of(small, 7)
    set_field(small, owner, phone, "+1 555 0101")
    small.write(lambda session: connections.hide(session, viewers[0], owner))
    before = revisions(small, viewers)
    assert fan_out.work(small) == 6
    assert raised(small, before)[viewers[0]] == 0


def test_a_card_that_nobody_has_any_more_leaves_no_work(small: Database) -> None:
    owner, phone, viewers = owner_of(small, 5)
    family = groups_of(small, owner)
    set_field(small, owner, phone, "+1 555 0101")
    for viewer in viewers:
        small.write(lambda session, viewer=viewer: groups.remove_member(session, owner, family, viewer))  # type: ignore[misc]
    assert fan_out.work(small) == 0
    assert pending(small) == 0


def test_rev_is_the_time_of_the_change_not_of_its_arrival(small: Database) -> None:
    owner, phone, viewers = owner_of(small, 5)
    age(small)
    set_field(small, owner, phone, "+1 555 0101")
    with small.reading() as session:
        (changed_at,) = session.scalars(select(Job.changed_at)).all()
    small.write(lambda session: session.execute(update(Job).values(changed_at=changed_at - 50)))
    fan_out.work(small)
    for viewer in viewers:
        entry = served(small, viewer, owner)
        assert entry is not None
        assert entry.changed_at == changed_at - 50


def test_statements_do_not_grow_with_the_number_of_viewers(database: Database) -> None:
    counts = []
    for number in (2, 400):
        owner, phone, viewers = owner_of(database, number)
        before = revisions(database, viewers)
        with sent(database.engine) as statements:
            set_field(database, owner, phone, "+1 555 0101")
        counts.append(len(statements))
        assert set(raised(database, before).values()) == {1}
    assert counts[0] == counts[1] < 40


def test_a_worker_sends_as_many_statements_for_a_large_chunk_as_for_a_small_one(database_url: str) -> None:
    counts = []
    for number in (5, 300):
        database = Database(database_url, Settings(inline_viewers=1, chunk_viewers=1_000))
        owner, phone, _ = owner_of(database, number)
        set_field(database, owner, phone, "+1 555 0101")
        with sent(database.engine) as statements:
            assert fan_out.work(database) == number
        counts.append(len(statements))
        database.dispose()
    assert counts[0] == counts[1]


def test_a_change_that_10_of_300_viewers_see_touches_10_books(database: Database) -> None:
    owner, phone, few = owner_of(database, 10)
    many = crowd(
        database, owner, 290, [group(database, owner, "colleagues", granted=[field(database, owner, "email", "a@b.c")])]
    )
    before = revisions(database, few + many)
    set_field(database, owner, phone, "+1 555 0101")
    touched = {viewer for viewer, count in raised(database, before).items() if count}
    assert touched == set(few)
    assert seen(database, many[0], owner) == {"a@b.c"}
    assert seen(database, few[0], owner) == {"+1 555 0101"}


def test_a_worker_runs_until_it_is_told_to_stop(small: Database) -> None:
    owner, phone, viewers = owner_of(small, 5)
    before = revisions(small, viewers)
    stop = threading.Event()
    thread = threading.Thread(target=worker.run, args=(small, stop))
    thread.start()
    try:
        set_field(small, owner, phone, "+1 555 0101")
        deadline = time.monotonic() + 20
        while pending(small) and time.monotonic() < deadline:
            time.sleep(0.05)
    finally:
        stop.set()
        thread.join(20)
    assert not thread.is_alive()
    assert set(raised(small, before).values()) == {1}


def test_a_worker_outlives_an_error(
    small: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever went wrong is logged, without anybody's data, and tried again."""
    monkeypatch.setattr(worker, "PAUSE_AFTER_ERROR", 0.01)
    calls: list[int] = []
    stop = threading.Event()

    def fail(_database: Database, **_options: object) -> int:
        calls.append(1)
        if len(calls) == 3:
            stop.set()
        raise RuntimeError

    monkeypatch.setattr(fan_out, "work", fail)
    worker.run(small, stop)
    assert len(calls) == 3
    assert MOBILE not in caplog.text
    assert caplog.text.count("could not finish a job") == 3


def test_connected_people_are_reached_as_a_crowd_is(small: Database) -> None:
    anna, *others = connected(small, "anna", "b", "c", "d", "e", "f")
    phone = field(small, anna)
    group(small, anna, "family", others, [phone])
    before = revisions(small, [anna, *others])
    set_field(small, anna, phone, "+1 555 0101")
    assert fan_out.work(small) == 5
    assert set(raised(small, before).values()) == {1}


def test_a_change_that_cannot_be_carried_keeps_no_other_from_its_viewers(
    small: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped, phone, _ = owner_of(small, 5)
    others = [owner_of(small, 5) for _ in range(3)]
    set_field(small, stopped, phone, "+49 30 2")
    for owner, field_id, _ in others:
        set_field(small, owner, field_id, "+49 30 2")
    carry = fan_out.carry

    def fail_at_one(session: Session, claim: Claim) -> tuple[int, Claim | None]:
        if claim.owner_id == stopped:
            raise ValueError("planted")
        return carry(session, claim)

    with monkeypatch.context() as planted:
        planted.setattr(fan_out, "carry", fail_at_one)
        with pytest.raises(ValueError, match="planted"):
            fan_out.work(small)
    assert (pending(small), owed(small)) == (1, 5)
    end_leases(small)
    assert fan_out.work(small) == 5
