"""
Hints: whoever leaves something to the worker tells it, where the database can carry that, so that it looks at once.

On PostgreSQL that is NOTIFY, sent after the commit, on a connection of its own that waits for no disk. A hint that is
lost, as behind a pooler, costs what a look in between would have cost: the worker looks without being told as well.
Nothing ever depends on it.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from sqlalchemy.orm import Session

logger = logging.getLogger("evercard.database")

#: What the worker listens to. The statements around it are fixed text, and change nothing that is stored.
CHANNEL = "evercard_work"
#: Seconds after a failure in which no hint is sent, and after which it is listened anew.
PAUSE = 30.0
#: Seconds after which whoever listens looks whether to go on.
_PATIENCE = 0.5
#: The log of what is committed is flushed for a hint, too, unless it is told that it need not be: for this one alone,
#: since behind a pooler the connection is others' as well.
_HINT = f"BEGIN; SET LOCAL synchronous_commit = off; NOTIFY {CHANNEL}; COMMIT"
_LEFT = "leaves_work"

Connect = Callable[[], Any]


def leaves_work(session: Session) -> None:
    """Note that this transaction leaves something to the worker, which is told of it once it is committed."""
    session.info[_LEFT] = True


def has_left(session: Session) -> bool:
    """Whether the transaction that was just committed left something; asking again is about the next one."""
    return bool(session.info.pop(_LEFT, False))


class Bell:
    """Tells the workers that there is something to do, for all threads of a process."""

    def __init__(self, connect: Connect, failure: type[Exception]) -> None:
        """
        Use what *connect* makes: a connection of the driver's that commits by itself.

        *failure* is what the driver raises.
        """
        self._connect, self._failure = connect, failure
        self._lock = threading.Lock()
        self._wanted = False
        self._connection: Any = None
        self._silent_until = 0.0

    def ring(self) -> None:
        """
        Tell them; whatever goes wrong is nobody's matter.

        Nobody waits for another who rings: that one rings once more, so that no hint is lost.
        """
        self._wanted = True
        while self._wanted and self._lock.acquire(blocking=False):
            try:
                self._wanted = False
                self._ring()
            finally:
                self._lock.release()

    def listen(self, told: Callable[[], object], is_over: Callable[[], bool]) -> None:
        """
        Call *told* whenever there is something to do, until *is_over* says that it is.

        While the database cannot be reached, or knows no hints, nothing is told.
        """
        while not is_over():
            try:
                _listen(self._connect, told, is_over)
            except self._failure as error:
                logger.info("Nothing tells the worker what there is to do (%s); it looks", type(error).__name__)
                _rest(is_over)

    def close(self) -> None:
        """Close the connection; the next hint opens another."""
        with self._lock:
            self._close()

    def _ring(self) -> None:
        if time.monotonic() < self._silent_until:
            return
        try:
            if self._connection is None:
                self._connection = self._connect()
            self._connection.execute(_HINT, prepare=False)
        except self._failure as error:
            logger.info("The worker cannot be told that there is something to do (%s); it looks", type(error).__name__)
            self._silent_until = time.monotonic() + PAUSE
            self._close()

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(Exception):
                connection.close()


def _rest(is_over: Callable[[], bool]) -> None:
    until = time.monotonic() + PAUSE
    while time.monotonic() < until and not is_over():
        time.sleep(_PATIENCE)


def _listen(connect: Connect, told: Callable[[], object], is_over: Callable[[], bool]) -> None:
    connection = connect()
    with contextlib.closing(connection):
        connection.execute(f"LISTEN {CHANNEL}")
        # What was left before is found by looking.
        told()
        while not is_over():
            for _hint in connection.notifies(timeout=_PATIENCE, stop_after=1):
                told()
