"""
Whether the tables are spread over several machines, by PostgreSQL's extension Citus, and what is done otherwise then.

Each machine commits its part of a transaction by itself, the parts of one transaction one after the other; and a
setting of a transaction is one of the machine alone that was asked for it.
"""

from __future__ import annotations

import functools
import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence

from sqlalchemy import Select, func, select, text
from sqlalchemy.orm import Session

from sync.database.prepared import later
from sync.models.buckets import BY_ID, BY_RANGE, Buckets

#: What a session knows of it, by what it reads past its own transaction, and what tells it the buckets.
DISTRIBUTED, QUICK_ROWS, OUTBOX = "distributed", "quick_rows", "outbox"
#: The execution option of statements for one machine alone: several send another one, which takes longer.
TOGETHER = "together"
#: Seconds between two times that everything is looked through because of hints, where that asks many machines; and
#: between two without any hint, of what cannot be looked through part by part.
_BETWEEN, _UNHINTED = 1.0, 8.0
#: Seconds after a look that failed in which there is none everywhere, so that what is on other machines has its turn.
_APART = 60.0
_ASKED = "SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus')"
#: Of how many bytes the key is: as many as a person's where the rows are beside the people that they are about. What
#: makes it so moves them by the same statement (`sync.database.migrations.spreading`), and it goes with every copy.
_WIDTH = "SELECT attlen FROM pg_attribute WHERE attrelid = to_regclass('job') AND attname = 'bucket'"


def is_there(ask: Callable[[str, tuple[()]], tuple[object, ...] | None]) -> bool:
    """Whether a PostgreSQL database, which *ask* asks for a row, is one that spreads tables over machines."""
    found = ask(_ASKED, ())
    return bool(found and found[0])


def buckets_as_kept(ask: Callable[[str, tuple[()]], tuple[object, ...] | None]) -> Buckets:
    """Return the buckets in which a PostgreSQL database, which *ask* asks for a row, has jobs and next ends."""
    return BY_RANGE if ask(_WIDTH, ()) == (8,) else BY_ID


def buckets_of(session: Session) -> Buckets:
    """Return the buckets of jobs and next ends. Fails where nobody can know: what is in others is found by nobody."""
    buckets: Buckets = session.info[OUTBOX]()
    return buckets


def is_distributed(session: Session) -> bool:
    """Whether the tables that *session* changes are spread over several machines."""
    return bool(session.info.get(DISTRIBUTED))


def set_locally(session: Session, values: Mapping[str, str]) -> None:
    """
    Let settings of PostgreSQL have these values until the transaction ends, wherever its rows are.

    Machines are told by what is not a function, and once they are to be told at all.
    """
    if is_distributed(session):
        for name, value in {"citus.propagate_set_commands": "local", **values}.items():
            session.execute(text(f"SET LOCAL {name} TO '{value}'"))
        return
    later(session, _setting(tuple(values.items())), {})


@functools.cache
def _setting(values: tuple[tuple[str, str], ...]) -> Select[*tuple[str, ...]]:
    return select(*(func.set_config(name, value, True) for name, value in values))


class Looks:
    """
    Into which of the buckets of an outbox a worker looks next: all, where one statement to one machine does that.

    Where they are on several machines, one after the other; and all when there was a hint, but not again and again.
    """

    def __init__(
        self,
        all_buckets: Callable[[], Sequence[int]],
        is_distributed: Callable[[], bool],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin with all that *all_buckets* says."""
        self._all, self._is_distributed, self._clock = all_buckets, is_distributed, clock
        self._hinted = threading.Event()
        self._hinted.set()
        self._last, self._turn, self._apart_until = -math.inf, 0, -math.inf
        # What the last look found; to say so needs no database.
        self._is_spread, self._count = False, 1

    def hint(self) -> None:
        """Note that there may be something to do, in any of them."""
        self._hinted.set()

    @property
    def turns(self) -> int:
        """How many looks it takes until each bucket was looked into."""
        return self._count if self._is_spread else 1

    def failed(self) -> bool:
        """Note that the last look failed; returns whether the next may be one at another machine."""
        self._apart_until = self._clock() + _APART
        return self._is_spread

    def next(self) -> Sequence[int]:
        """Return the buckets of the next look."""
        self._is_spread, every = self._is_distributed(), self._all()
        self._count = len(every)
        if not self._is_spread:
            return every
        at = self._clock()
        if at >= self._apart_until and self._is_hinted(at):
            return every
        self._turn = (self._turn + 1) % self._count
        return (every[self._turn],)

    def is_time(self) -> bool:
        """Whether to look everywhere now, for what is in no buckets: again and again where one machine is asked."""
        at = self._clock()
        if not self._is_distributed() or self._is_hinted(at):
            return True
        if at - self._last < _UNHINTED:
            return False
        self._last = at
        return True

    def _is_hinted(self, at: float) -> bool:
        if not self._hinted.is_set() or at - self._last < _BETWEEN:
            return False
        self._hinted.clear()
        self._last = at
        return True
