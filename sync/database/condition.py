"""
Whether the database can be written, as one process learns it from its own writes.

A full disk fails every write of a server for hours. It is said once when that begins and once when it is over, and the
health check tells it all the time.
"""

from __future__ import annotations

import logging
import threading
import time

from sync.errors import DatabaseFull, DatabaseHeldBack, DatabaseReadOnly, DatabaseUnavailable

logger = logging.getLogger("evercard.database")

#: Seconds since the last failure after which a success counts: where a large change finds no room a small one may.
SETTLED = 10.0


class Condition:
    """What is wrong with writing, if anything. Any thread may tell and ask."""

    def __init__(self) -> None:
        """Begin with nothing known."""
        #: Whether the log is told; who runs a command is told by the command.
        self.is_logged = True
        self._lock = threading.Lock()
        self._wrong: DatabaseUnavailable | None = None
        self._written_at: float | None = None
        self._failed_at = 0.0

    @property
    def wrong(self) -> DatabaseUnavailable | None:
        """Why nothing can be written, None while nothing is known to be wrong."""
        return self._wrong

    def is_fresh(self, seconds: float) -> bool:
        """Whether something was written in the last *seconds*, and nothing has failed since."""
        written = self._written_at
        return self._wrong is None and written is not None and time.monotonic() - written < seconds

    def written(self) -> None:
        """Note that a change was committed."""
        self._written_at = time.monotonic()
        if self._wrong is None or self._written_at - self._failed_at < SETTLED:
            return
        with self._lock:
            over, self._wrong = self._wrong, None
        if over is not None:
            logger.warning("The database can be written again")

    def failed(self, error: DatabaseUnavailable) -> None:
        """Note that a change could not be written; what is no matter of writing is passed over."""
        if not isinstance(error, (DatabaseFull, DatabaseHeldBack, DatabaseReadOnly)):
            return
        self._failed_at = time.monotonic()
        with self._lock:
            is_news, self._wrong = type(error) is not type(self._wrong), error
        if is_news and self.is_logged:
            logger.error("Nothing can be stored: %s (%s)", error, error.reason)
