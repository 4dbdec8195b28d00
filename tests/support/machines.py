"""
What the machines share that act over HTTP: choices, killing what is under way, and finding what was planted.

Hypothesis draws now and then numbers that stand in the modules that happen to be loaded, but none below a hundred. So
whatever is drawn here is less, and a machine with a seed goes through the same histories wherever it runs.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

import pytest
from hypothesis import Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Flaky
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from sync.database.engine import Database, Session
from sync.errors import AlreadyExists, NotFound
from tests.support.forms import Page, Visitor
from tests.support.kills import Kills

T = TypeVar("T")
Plant = Callable[[pytest.MonkeyPatch], None]
CHOICE = st.integers(0, 59)
#: After how many statements something is killed, if at all; what is over by then only remains unanswered.
UNANSWERED = 1_000
KILL = st.none() | st.integers(0, 40) | st.just(UNANSWERED)
#: With which seeds a machine has to find what was planted: with one it may have been luck.
SEEDS = (1, 2, 3)
#: Within how many histories: several times as many as any bug was seen to need.
HISTORIES = 100
STEPS = 10


def one_of(found: Sequence[T], choice: int) -> T:
    """Return one of several."""
    return found[choice % len(found)]


def sent(kills: Kills, kill: int | None, visitor: Visitor, target: str, values: dict[str, str]) -> Page:
    """Send a form; whoever is left without an answer sends the same again, and may be told that it was done."""
    if kill is not None:
        with kills.after(kill):
            visitor.send(target, values)
    return visitor.send(target, values).followed()


def written(database: Database, kills: Kills, kill: int | None, change: Callable[[Session], T]) -> T | None:
    """Change something that is the same when it is done twice, or is refused then; who was killed does it again."""
    if kill is None:
        return database.write(change)
    with kills.after(kill):
        database.write(change)
    try:
        return database.write(change)
    except (AlreadyExists, NotFound):
        return None


def must_find(
    machine: type[RuleBasedStateMachine],
    *,
    steps: int = STEPS,
    histories: int = HISTORIES,
    seeds: Sequence[int] = SEEDS,
) -> None:
    """Make sure that a machine fails in one of its first histories, with each of some seeds."""
    finding = settings(
        max_examples=histories,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        report_multiple_bugs=False,
        print_blob=False,
    )
    for each in seeds:
        found: list[AssertionError] = []
        try:
            run_state_machine_as_test(seed(each)(_noting(machine, found)), settings=finding)
        except (AssertionError, Flaky):
            if not found:
                raise
        assert found, f"not with seed {each}"


def _noting(machine: type[RuleBasedStateMachine], found: list[AssertionError]) -> type[RuleBasedStateMachine]:
    """Return a machine that notes that it failed: Hypothesis would go through its last history twice more."""

    class Noting(machine):  # type: ignore[misc, valid-type]
        def __init__(self) -> None:
            if found:
                raise found[0]
            with noted():
                super().__init__()

        def teardown(self) -> None:
            failed = sys.exception()
            if isinstance(failed, AssertionError):
                found.append(failed)
                return
            with noted():
                super().teardown()

    @contextmanager
    def noted() -> Iterator[None]:
        try:
            yield
        except AssertionError as failed:
            found.append(failed)
            raise

    return Noting
