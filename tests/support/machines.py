"""
What the machines share that act over HTTP: choices, killing what is under way, and finding what was planted.

Hypothesis draws now and then numbers that stand in the modules that happen to be loaded, but none below a hundred. So
whatever is drawn here is less, and a machine with a seed goes through the same histories wherever it runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

import pytest
from hypothesis import Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import FlakyFailure
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
#: Several times as many histories as any bug was seen to need.
FINDING = settings(
    max_examples=200,
    stateful_step_count=10,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    report_multiple_bugs=False,
)
SEED = 1


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


@contextmanager
def must_fail() -> Iterator[None]:
    """Make sure that a search ends with a claim that fails, if perhaps not again when Hypothesis looks twice."""
    with pytest.raises((AssertionError, FlakyFailure)) as found:
        yield
    if isinstance(found.value, FlakyFailure):
        assert found.value.subgroup(AssertionError) is not None


def must_find(machine: type[RuleBasedStateMachine]) -> None:
    """Make sure that a machine fails in one of its first histories."""
    with must_fail():
        run_state_machine_as_test(seed(SEED)(machine), settings=FINDING)
