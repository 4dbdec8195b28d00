"""
Pacing: how work that goes on for long leaves room for everybody else's.

It is done in pieces, each a transaction that ends when its time is over, however much was done by then; and where there
is room for one writer at a time, it rests after each, so that whoever waits gets their turn.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.orm import Session

from sync.database.engine import Database

T = TypeVar("T")

#: For about how many seconds one transaction keeps others waiting before its commit, which takes as long again where
#: much was changed.
HOLD = 0.03
#: A thing that never happens to wait for.
_NEVER = threading.Event()


class Pace:
    """
    How large the steps of a piece may be for it to end in time.

    A piece begins with a small step and makes them larger as long as there is time: how quick the machine is, and what
    else it does, is not known before.
    """

    def __init__(self, first: int, most: int, finish: Callable[[], object]) -> None:
        """
        Begin a piece now, of *most* things at most, with a step of *first*.

        *finish* lets be done what a step has left for later: it is work of that step, and keeps others waiting as well.
        """
        self._finish = finish
        self._least, self._left = max(1, first // 2), most
        self._until, self._step_began = time.monotonic() + HOLD, time.monotonic()
        self.step = min(first, most)

    def done(self, count: int) -> None:
        """Note that a step of *count* was made; `step` is how large the next one may be, 0 for none any more."""
        self._finish()
        at = time.monotonic()
        took, remaining = max(at - self._step_began, 1e-6), self._until - at
        self._left -= count
        fitting = int(count * min(2.0, remaining / took))
        self.step = min(fitting, self._left) if fitting >= self._least else 0
        self._step_began = at


class Pieces:
    """Writes one piece after the other, and rests in between where others may be waiting to write."""

    def __init__(self, database: Database) -> None:
        """Begin with nothing to rest from."""
        self._database = database
        self._rest = 0.0

    def write(self, piece: Callable[[Session], T]) -> T:
        """Run one piece as `Database.write` does, after a rest that is as long as the piece before took."""
        if self._rest:
            _NEVER.wait(self._rest)
        began = time.monotonic()
        result = self._database.write(piece)
        if self._database.is_sqlite:
            # Whoever waits in another process looks again after 25 ms at most. What this waited itself is no work.
            self._rest = min(HOLD, time.monotonic() - began)
        return result
