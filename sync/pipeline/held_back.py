"""
Whether changes wait for a synchronous standby that is not there.

PostgreSQL then commits nothing, and says nothing of it: whoever commits waits, with the locks of the change, until
there is a standby again or its setting is taken back. To call the wait off would be worse: the change would be made
here alone, everybody would be told of it, and a standby that takes over would have another past than phones have seen.
So the wait goes on in the server, unseen by anybody, and only who asked for the change is let go: nobody knows whether
it will be made. The next changes are refused at once, so that what only reads is answered, until none waits any more.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sync.errors import DatabaseHeldBack, DatabaseUnavailable

#: Seconds after which a commit is late, and between two times that it is asked whether that is still so.
LATE, AGAIN = 10.0, 1.0
#: Everybody sees of the sessions of the own user what they wait for.
_WAITING = """
SELECT EXISTS (
    SELECT FROM pg_stat_activity
    WHERE usename = current_user AND wait_event = 'SyncRep' AND clock_timestamp() - query_start > %s * interval '1 s'
)
"""
#: Whether changes wait for standbys at all; how many are connected, what state each is in as far as one may see it.
_STANDBYS = """
SELECT current_setting('synchronous_standby_names') <> ''
    AND current_setting('synchronous_commit') NOT IN ('off', 'local') AND NOT pg_is_in_recovery(),
    count(pid), count(sync_state), count(*) FILTER (WHERE sync_state IN ('sync', 'quorum'))
FROM pg_stat_replication
"""

Ask = Callable[[str, tuple[Any, ...]], tuple[Any, ...] | None]


@dataclass(frozen=True, slots=True)
class Synchronous:
    """How many standbys are *in_step* that changes wait for, None where the user may not see that."""

    in_step: int | None

    @classmethod
    def of(cls, ask: Ask) -> Synchronous | None:
        """
        Return what there is, as *ask* fetches it from the database; None where changes wait for no standby.

        Raises:
            DatabaseUnavailable: The database could not be reached.
        """
        waits, connected, seen, in_step = ask(_STANDBYS, ()) or (False, 0, 0, 0)
        if not waits:
            return None
        return cls(in_step if seen or not connected else None)


class HeldBack:
    """What one process knows of it. For any number of threads."""

    def __init__(self, ask: Ask) -> None:
        """Know of nothing that waits; *ask* fetches a row from the database."""
        self._ask = ask
        self._lock = threading.Lock()
        self._is_known = False
        self._asked_at = 0.0

    def is_true(self) -> bool:
        """Ask whether some change has waited for long, and remember that."""
        with self._lock:
            self._asked_at = time.monotonic()
            try:
                row = self._ask(_WAITING, (LATE / 2,))
            except DatabaseUnavailable:
                # Whoever waits for an answer from it will know.
                row = None
            self._is_known = bool(row and row[0])
            return self._is_known

    def require_not(self) -> None:
        """
        Make sure that changes are not known to wait.

        Raises:
            DatabaseHeldBack: They do.
        """
        if self._is_known and (time.monotonic() - self._asked_at < AGAIN or self.is_true()):
            raise DatabaseHeldBack
