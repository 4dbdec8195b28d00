"""What the worker cannot do is tried for ever, later each time, and listed until it is done, without any value."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
from sqlalchemy import select, update

from sync import faults, gauges, jobs
from sync.database.engine import Database, Session
from sync.disclosure import disclosure_thinning
from sync.ends import carrying, next_ends
from sync.errors import DatabaseUnavailable, NotFound
from sync.faults import Failing
from sync.household import following
from sync.models import NOBODY, ROSTER, SHARED_BOOK, Fault, Job, Profile, now
from sync.organisations import organisations
from sync.profiles import renewing
from sync.revisions import address_books, fan_out, roster_news
from sync.revisions.shared_fields import HOUSEHOLD
from sync.shared_books import books, telling
from sync.sign_in import deletion
from tests.support.clock import StoppedClock
from tests.support.factories import crowd, field, group, person, revisions, set_field

SECRET = "+49 555 0199 0199"


def fail(*_given: object, **_named: object) -> object:
    raise NotFound(f"There is no group {SECRET!r}.")


def listed(database: Database) -> list[Failing]:
    with database.reading() as session:
        found = faults.listed(session, 100)
        assert faults.count(session) == len(found) == gauges.waiting(session)["outbox_failing"]
    return found


def job_of(database: Database, kind: str) -> tuple[str, str]:
    """Leave a job of a kind, and return whose it is: a login, or the name of an organisation."""
    anna = person(database, "anna")

    def leave(session: Session) -> tuple[str, str]:
        if kind in (ROSTER, SHARED_BOOK):
            organisation_id = organisations.create(session, "Chess Club")
            if kind == ROSTER:
                roster_news.leave(session, ROSTER, organisation_id, anna, now(), 0)
            else:
                telling.ask(session, books.create(session, organisation_id, "Suppliers"), now())
            return "", "Chess Club"
        if kind == fan_out.FAN_OUT:
            fan_out.defer(session, anna, [1], now(), 1)
        else:
            jobs.ask(session, kind, anna, now())
        return "anna", ""

    return database.write(leave)


#: By the kind of job: the work, and what it does for one, which fails.
WORKS: dict[str, tuple[Callable[[Database], object], object, str]] = {
    fan_out.FAN_OUT: (fan_out.work, fan_out, "_holders"),
    ROSTER: (roster_news.work, roster_news, "_tell"),
    SHARED_BOOK: (telling.work, roster_news, "_tell"),
    HOUSEHOLD: (following.work, following, "settle"),
    disclosure_thinning.THINNING: (disclosure_thinning.work, disclosure_thinning, "thin_out"),
    deletion.LEAVING: (deletion.work, deletion, "_forget"),
}


@pytest.mark.parametrize("kind", WORKS)
def test_a_job_that_fails_is_listed_put_off_longer_and_longer_and_done_in_the_end(
    database: Database, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    work, module, name = WORKS[kind]
    clock = StoppedClock(monkeypatch)
    begun = now()
    login, organisation = job_of(database, kind)
    assert listed(database) == []
    with monkeypatch.context() as planted:
        planted.setattr(module, name, fail)
        pauses = []
        for times in range(1, 9):
            with pytest.raises(NotFound):
                work(database)
            (found,) = listed(database)
            assert (found.kind, found.login, found.organisation) == (kind, login, organisation)
            assert (found.times, found.failing_since, found.failed_at) == (times, begun, now())
            assert found.reason.startswith("NotFound (sync.")
            assert found.next_at is not None
            pauses.append(found.next_at - now())
            # Until then it is nobody's business.
            clock.put(now() + pauses[-1] - 1)
            work(database)
            assert listed(database) == [found]
            clock.put(now() + 1)
    lease = deletion.LEASE if kind == deletion.LEAVING else database.settings.lease
    assert pauses == [lease << each for each in (0, 1, 2, 3, 4, 5, 5, 5)]
    work(database)
    assert listed(database) == []


@pytest.mark.parametrize("kind", WORKS)
def test_a_job_is_tried_at_once_where_an_administrator_says_so(
    database: Database, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    work, module, name = WORKS[kind]
    job_of(database, kind)
    with monkeypatch.context() as planted:
        planted.setattr(module, name, fail)
        with pytest.raises(NotFound):
            work(database)
    work(database)
    (found,) = listed(database)
    assert database.write(partial(faults.try_now, ids=[(found.id or 0) + 1])) == 0
    assert listed(database) == [found]
    assert database.write(partial(faults.try_now, ids=[found.id or 0])) == 1
    work(database)
    assert listed(database) == []
    assert database.write(faults.try_now) == 0


def test_no_word_of_an_error_is_kept(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    job_of(database, fan_out.FAN_OUT)
    monkeypatch.setattr(fan_out, "_holders", fail)
    with pytest.raises(NotFound, match="0199"):
        fan_out.work(database)
    with database.reading() as session:
        (kept,) = session.scalars(select(Fault)).all()
    assert SECRET not in repr(vars(kept))
    assert "group" not in kept.reason


def test_a_changed_card_that_could_not_be_carried_arrives(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second promise: however often it failed, nothing is lost, and what comes meanwhile does not wait for it."""
    anna = person(database, "anna")
    phone = field(database, anna)
    (bo,) = crowd(database, anna, 1, [group(database, anna, "family", granted=[phone])])
    monkeypatch.setattr(fan_out, "plan", lambda _session, _owner, changed, *_: fan_out.Plan((), (), sorted(changed)))
    clock = StoppedClock(monkeypatch)
    with monkeypatch.context() as planted:
        set_field(database, anna, phone, SECRET)
        planted.setattr(address_books, "raise_revisions", fail)
        for _ in range(12):
            with pytest.raises(NotFound):
                fan_out.work(database)
            (found,) = listed(database)
            assert found.login == "anna"
            clock.put(found.next_at or 0)
    before = revisions(database, [bo])
    assert fan_out.work(database) == 1
    assert revisions(database, [bo]) == {bo: before[bo] + 1}
    assert listed(database) == []


def test_what_is_begun_and_never_ends_is_listed_without_an_error(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever did it was killed each time, and could say nothing."""
    job_of(database, fan_out.FAN_OUT)

    def stop(*_: object) -> object:
        raise KeyboardInterrupt

    clock = StoppedClock(monkeypatch)
    monkeypatch.setattr(fan_out, "_holders", stop)
    for _ in range(faults.BEGUN):
        assert listed(database) == []
        with pytest.raises(KeyboardInterrupt):
            fan_out.work(database)
        clock.put(now() + database.settings.lease)
    (found,) = listed(database)
    assert (found.times, found.failing_since, found.reason) == (faults.BEGUN, None, "")


def test_that_the_database_is_out_of_reach_is_no_fault_of_a_job(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_of(database, fan_out.FAN_OUT)

    def lose(*_: object) -> object:
        raise DatabaseUnavailable("gone")

    monkeypatch.setattr(fan_out, "_holders", lose)
    with pytest.raises(DatabaseUnavailable):
        fan_out.work(database)
    assert listed(database) == []


def test_a_job_that_is_put_off_is_due_at_once_when_it_is_asked_for_anew(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_of(database, HOUSEHOLD)
    with database.reading() as session:
        owner_id = session.scalars(select(Job.owner_id)).one()
    clock = StoppedClock(monkeypatch)
    with monkeypatch.context() as planted:
        planted.setattr(following, "settle", fail)
        for _ in range(3):
            with pytest.raises(NotFound):
                following.work(database)
            clock.put(listed(database)[0].next_at or 0)
        with pytest.raises(NotFound):
            following.work(database)
    assert following.work(database) == 0
    database.write(lambda session: jobs.ask(session, HOUSEHOLD, owner_id, now()))
    assert following.work(database) == 1


def test_a_clock_that_was_put_back_keeps_no_job_for_long(database: Database) -> None:
    job_of(database, disclosure_thinning.THINNING)
    longest = faults.pause_of(4, database.settings.lease)
    database.write(lambda session: session.execute(update(Job).values(due_at=now() + longest + 60, attempts=4)))
    assert disclosure_thinning.work(database) == 1


def test_what_fails_for_a_person_without_a_job_is_listed_until_it_is_done(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna = person(database, "anna")
    database.write(lambda session: session.execute(update(Profile).values(rendering=None)))
    with monkeypatch.context() as planted:
        planted.setattr(renewing, "renew_all", fail)
        planted.setattr(next_ends, "due", lambda *_: [anna])
        planted.setattr(carrying, "carry_out", fail)
        for _ in range(2):
            for work in (renewing.work, carrying.work):
                with pytest.raises(NotFound):
                    work(database)
    found = {each.kind: (each.login, each.times, each.id, each.next_at) for each in listed(database)}
    assert found == dict.fromkeys((faults.RENEWING, faults.ENDS), ("anna", 2, None, None))
    renewing.work(database)
    assert [each.kind for each in listed(database)] == [faults.ENDS]
    deletion.leave(database, anna)
    assert listed(database) == []


def test_what_never_came_back_is_forgotten_after_a_day(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = StoppedClock(monkeypatch)
    faults.note(database, faults.DIGESTS, NOBODY, ValueError(SECRET))
    (found,) = listed(database)
    assert (found.kind, found.login, found.reason) == (faults.DIGESTS, "", "ValueError")
    assert database.write(faults.purge) == 0
    clock.put(now() + faults.KEPT)
    assert database.write(faults.purge) == 1
