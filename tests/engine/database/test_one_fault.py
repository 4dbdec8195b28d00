"""What goes wrong with one person of many, by whatever fault, keeps the worker from none of the others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import update

from sync import jobs
from sync.database.engine import Database
from sync.disclosure import disclosure_thinning
from sync.ends import carrying, next_ends
from sync.household import following
from sync.models import ROSTER, Profile, now
from sync.profiles import renewing
from sync.reach import Round
from sync.revisions import roster_news
from sync.revisions.shared_fields import HOUSEHOLD
from sync.sign_in import deletion
from tests.support.factories import person

#: What the worker does person by person: the work, what it does for one, and where that is found who it is about.
WORKS: dict[str, tuple[Callable[[Database], object], object, str, Callable[..., int]]] = {
    HOUSEHOLD: (following.work, following, "settle", lambda _database, person_id: person_id),
    disclosure_thinning.THINNING: (
        disclosure_thinning.work,
        disclosure_thinning,
        "thin_out",
        lambda _database, person_id: person_id,
    ),
    ROSTER: (roster_news.work, roster_news, "_tell", lambda _session, job, **_: job[1]),
    deletion.LEAVING: (deletion.work, deletion, "_finish", lambda _database, person_id: person_id),
}


@pytest.mark.parametrize("kind", WORKS)
def test_a_job_that_fails_keeps_no_other(database: Database, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    work, module, name, about = WORKS[kind]
    people = [person(database) for _ in range(3)]
    for each in people:
        database.write(lambda session, each=each: jobs.ask(session, kind, each, now()))  # type: ignore[misc]
    come = list[int]()

    def fail_at_the_first(*given: Any, **named: Any) -> object:
        come.append(about(*given, **named))
        if len(come) == 1:
            raise ValueError("planted")
        return ()

    monkeypatch.setattr(module, name, fail_at_the_first)
    with pytest.raises(ValueError, match="planted"):
        work(database)
    assert len(set(come)) == 3


def test_an_end_that_fails_keeps_no_other(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    come = list[int]()

    def fail_at_the_first(_database: Database, owner_id: int) -> None:
        come.append(owner_id)
        if owner_id == 1:
            raise ValueError("planted")

    monkeypatch.setattr(next_ends, "due", lambda *_: [each for each in (1, 2, 3) if each == 1 or each not in come])
    monkeypatch.setattr(carrying, "carry_out", fail_at_the_first)
    with pytest.raises(ValueError, match="planted"):
        carrying.work(database)
    assert come == [1, 2, 3]


def test_a_person_whose_cards_cannot_be_renewed_keeps_no_other(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [person(database) for _ in range(3)]
    database.write(lambda session: session.execute(update(Profile).values(rendering=None)))
    renew_all, come = renewing.renew_all, list[int]()

    def fail_at_the_first(write: Callable[..., Any], owner_id: int) -> None:
        come.append(owner_id)
        if owner_id == min(people):
            raise ValueError("planted")
        renew_all(write, owner_id)

    monkeypatch.setattr(renewing, "renew_all", fail_at_the_first)
    with pytest.raises(ValueError, match="planted"):
        renewing.work(database)
    assert sorted(come) == sorted(people)


def test_a_fault_is_told_rather_than_what_takes_its_time(database: Database) -> None:
    round_, done = Round(database), list[int]()

    def do(number: int) -> None:
        if number < 3:
            raise (ValueError if number == 1 else KeyError)(f"planted {number}")
        done.append(number)

    assert round_.each([1, 2, 3, 1, 4], do) == 2
    assert done == [3, 4]
    with pytest.raises(ValueError, match="planted 1"):
        round_.end()
