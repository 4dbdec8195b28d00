"""
The queue of those who write to a SQLite database, which has room for one at a time.

SQLite lets everybody who waits try again and again, and whoever comes at the right moment is next. That is quick, for a
thread that runs goes on at once, but under many writers somebody tries for ten seconds in vain. So whoever has waited
for long goes first: in a process the threads stand in line, and among processes there is a gate, which one who has
waited holds closed until its transaction has begun.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

#: Seconds after which nobody who came later goes first.
LONG = 1.0
#: Seconds between two looks at the gate, and a thing that never happens to wait for.
_LOOK = 0.002
_NEVER = threading.Event()


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a thread stands in line, since when, and how it is called."""

    since: float
    called: threading.Event


class Writers:
    """The queue of one database, as one process stands in it."""

    def __init__(self, file: Path) -> None:
        """Line up for the database in *file*; the gate is a file beside it."""
        self._path = file.with_name(f"{file.name}-queue")
        self._lock = threading.Lock()
        self._waiting: deque[_Place] = deque()
        self._is_busy = False
        self._gate: tuple[int, int] | None = None

    @contextlib.contextmanager
    def turn(self, patience: float) -> Iterator[bool]:
        """Wait for this thread's turn for at most *patience* seconds; yield whether it came."""
        came = self._line_up(patience)
        try:
            yield came
        finally:
            if came:
                self._call_next()

    @contextlib.contextmanager
    def gate(self, patience: float, *, closed: bool) -> Iterator[None]:
        """
        Go through the gate, and begin a transaction inside the block; with *closed* nobody else does so meanwhile.

        Where there can be no gate, or it stays closed for *patience* seconds, everybody goes on without.
        """
        gate = self._opened()
        held = gate is not None and _lock(gate, time.monotonic() + patience, fcntl.LOCK_EX if closed else fcntl.LOCK_SH)
        if gate is not None and held and not closed:
            fcntl.flock(gate, fcntl.LOCK_UN)
        try:
            yield
        finally:
            if gate is not None and held and closed:
                fcntl.flock(gate, fcntl.LOCK_UN)

    def _line_up(self, patience: float) -> bool:
        began = time.monotonic()
        with self._lock:
            if not self._is_busy and (not self._waiting or began - self._waiting[0].since < LONG):
                self._is_busy = True
                return True
            mine = _Place(began, threading.Event())
            self._waiting.append(mine)
        while mine.called.wait(max(0, began + patience - time.monotonic())):
            with self._lock:
                mine.called.clear()
                if not self._is_busy and self._waiting[0] is mine:
                    self._waiting.popleft()
                    self._is_busy = True
                    return True
        return self._leave(mine)

    def _leave(self, mine: _Place) -> bool:
        with self._lock:
            self._waiting.remove(mine)
            if not self._is_busy and self._waiting:
                self._waiting[0].called.set()
        return False

    def _call_next(self) -> None:
        with self._lock:
            self._is_busy = False
            if self._waiting:
                self._waiting[0].called.set()

    def _opened(self) -> int | None:
        # A process that was forked must not share its parent's place.
        if self._gate is None or self._gate[0] != os.getpid():
            try:
                self._gate = (os.getpid(), os.open(self._path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
            except OSError:
                return None
        return self._gate[1]


def _lock(gate: int, deadline: float, kind: int) -> bool:
    while True:
        try:
            fcntl.flock(gate, kind | fcntl.LOCK_NB)
        except OSError:
            if time.monotonic() > deadline or _NEVER.wait(_LOOK):
                return False
        else:
            return True
