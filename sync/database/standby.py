"""
A standby of the database that answers the polls which find nothing new.

It is asked only while it is known to have everything that had been committed a moment before (`BEHIND`): now and then
the primary says how far it is, and the standby how far it has come since. What it is told then is at most that much
older than what the primary would say. Where it is further behind, cannot be reached, takes changes itself, or is a
standby of something else, it is not asked; whatever it may say, nothing of anybody's card is taken from it.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from enum import Enum
from typing import Any

from sqlalchemy import URL, Dialect

from sync.database.quick import Quick, open_reader
from sync.errors import DatabaseUnavailable

#: For how many seconds what was committed may be missing in what the standby says.
BEHIND = 1.0
#: Seconds between two looks how far both are, and after something went wrong.
LOOK_EVERY, REST = 0.2, 10.0
#: Seconds between two looks of somebody who waits for it.
_PAUSE = 0.05
#: What connections give up after: the standby's machine may be gone without a word.
_PATIENCE = {"connect_timeout": "2", "tcp_user_timeout": "2000"}
# A standby that was left behind by a failover may be ahead in its own, old history.
_PRIMARY = """
SELECT (SELECT system_identifier FROM pg_control_system()),
    ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int, pg_current_wal_insert_lsn() - '0/0'
WHERE NOT pg_is_in_recovery()
"""
_STANDBY = """
SELECT (SELECT system_identifier FROM pg_control_system()), (SELECT timeline_id FROM pg_control_checkpoint()),
    pg_last_wal_replay_lsn() - '0/0'
WHERE pg_is_in_recovery()
"""
_NEVER = float("-inf")


class Condition(Enum):
    """How a standby stands to its primary: it may be asked, misses too much, or is no standby of that one at all."""

    CLOSE = "close"
    BEHIND = "behind"
    ANOTHER = "another"


class Standby:
    """The standby as one process knows it, for all of its threads."""

    def __init__(self, url: URL, dialect: Dialect, primary: Quick, *, prepares: bool) -> None:
        """Ask the standby at *url*, and *primary* how far the primary is; nothing is opened yet."""
        placed = url.update_query_dict({name: value for name, value in _PATIENCE.items() if name not in url.query})
        self._primary = primary
        self._quick = Quick(dialect, lambda: open_reader(placed, dialect, prepares=prepares))
        self._looking = threading.Lock()
        self._look_at, self._close_until = _NEVER, _NEVER
        #: When the primary was where, as far as it is not too long ago to matter.
        self._marks: deque[tuple[float, Any]] = deque(maxlen=int(BEHIND / LOOK_EVERY) + 1)

    def is_close(self) -> bool:
        """Whether the standby has everything that was committed a moment ago."""
        if time.monotonic() >= self._look_at and self._looking.acquire(blocking=False):
            try:
                self._look()
            except DatabaseUnavailable:
                self._rest()
            finally:
                self._looking.release()
        return time.monotonic() < self._close_until

    def condition(self) -> Condition:
        """
        Look how the standby is, for whom it may be worth to wait as long as it may be behind.

        Raises:
            DatabaseUnavailable: It or the primary cannot be reached.
        """
        wanted, patience = None, time.monotonic() + BEHIND
        while (found := self._positions()) is not None:
            wanted = found[0] if wanted is None else wanted
            if wanted <= found[1]:
                return Condition.CLOSE
            if time.monotonic() >= patience:
                return Condition.BEHIND
            time.sleep(_PAUSE)
        return Condition.ANOTHER

    def quick(self, statement: str, parameters: tuple[Any, ...]) -> tuple[Any, ...] | None:
        """Fetch the first row of a reading *statement* as `Database.quick` does; None also where that is impossible."""
        try:
            rows = self._quick.fetch(statement, parameters)
        except DatabaseUnavailable:
            self._rest()
            return None
        return rows[0] if rows else None

    def close(self) -> None:
        """Close every connection that nobody uses just now."""
        self._quick.close()

    def _look(self) -> None:
        at = time.monotonic()
        self._look_at = at + LOOK_EVERY
        found = self._positions()
        if found is None:
            self._rest()
            return
        self._marks.append((at, found[0]))
        # Where the primary was when it was asked, the standby has been since: it misses only what came later.
        reached = [marked for marked, position in self._marks if position <= found[1]]
        if reached:
            self._close_until = max(reached) + BEHIND

    def _positions(self) -> tuple[Any, Any] | None:
        """Return how far the primary is and then the standby; None where that is no standby of it."""
        primary = self._primary.fetch(_PRIMARY, ())
        standby = self._quick.fetch(_STANDBY, ())
        if not primary or not standby or primary[0][:2] != standby[0][:2]:
            return None
        return primary[0][2], standby[0][2]

    def _rest(self) -> None:
        self._look_at, self._close_until = time.monotonic() + REST, _NEVER
        self._marks.clear()
