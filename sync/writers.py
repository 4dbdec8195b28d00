"""
The queue of those who write to a SQLite database, which has room for one at a time.

SQLite lets everybody who waits try again and again, and whoever comes at the right moment is next; under many writers
somebody tries for ten seconds in vain. Here the threads of a process stand in line, and the first of each process
passes a gate that one of them holds until its transaction has begun, so that no process is passed over twice.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

#: Seconds between two looks at the gate, and a thing that never happens to wait for.
_LOOK = 0.002
_NEVER = threading.Event()


class Writers:
    """The queue of one database, as one process stands in it."""

    def __init__(self, file: Path) -> None:
        """Line up for the database in *file*; the gate is a file beside it."""
        self._path = file.with_name(f"{file.name}-queue")
        self._lock = threading.Lock()
        self._waiting: deque[threading.Event] = deque()
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
    def gate(self, patience: float) -> Iterator[None]:
        """Stand at the gate while the block begins its transaction; where there can be no gate, go on without."""
        gate = self._opened()
        held = gate is not None and _lock(gate, time.monotonic() + patience)
        try:
            yield
        finally:
            if gate is not None and held:
                fcntl.flock(gate, fcntl.LOCK_UN)

    def _line_up(self, patience: float) -> bool:
        with self._lock:
            if not self._is_busy:
                self._is_busy = True
                return True
            called = threading.Event()
            self._waiting.append(called)
        if called.wait(patience):
            return True
        with self._lock:
            # It may have been called in this very moment.
            if called.is_set():
                return True
            self._waiting.remove(called)
            return False

    def _call_next(self) -> None:
        with self._lock:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._is_busy = False

    def _opened(self) -> int | None:
        # A process that was forked must not share its parent's place.
        if self._gate is None or self._gate[0] != os.getpid():
            try:
                self._gate = (os.getpid(), os.open(self._path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
            except OSError:
                return None
        return self._gate[1]


def _lock(gate: int, deadline: float) -> bool:
    while True:
        try:
            fcntl.flock(gate, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if time.monotonic() > deadline or _NEVER.wait(_LOOK):
                return False
        else:
            return True
