"""A clock that a test puts forward and back."""

from __future__ import annotations

import os
import struct
import time
from pathlib import Path

import pytest
from typing_extensions import override

MINUTE, HOUR, DAY = 60, 3600, 24 * 3600


class Clock:
    """What `time.time` says from now on: the time, and *ahead* seconds."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Take over for as long as *monkeypatch* does."""
        self.ahead = 0.0
        real = time.time
        monkeypatch.setattr(time, "time", lambda: real() + self.ahead)

    def now(self) -> int:
        """Return what time it is by this clock."""
        return int(time.time())

    def soon(self, seconds: int = 2 * MINUTE) -> int:
        """Return the full minute that is about so many seconds ahead, and no fewer."""
        at = self.now() + seconds
        return at + -at % MINUTE

    def put(self, at: int) -> None:
        """Put the clock to a time, in seconds since 1970."""
        self.ahead += at - time.time()


class StoppedClock(Clock):
    """A clock that goes on only when it is put: what happens does not depend on how long anything takes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Begin with the next full hour, so that nothing depends on the minute either."""
        super().__init__(monkeypatch)
        self._at = self.now() // HOUR * HOUR + HOUR
        monkeypatch.setattr(time, "time", lambda: float(self._at))

    @override
    def put(self, at: int) -> None:
        self._at = at


#: Names the file by which the processes of a server have the clock that a test puts.
SHARED = "EVERCARD_TEST_CLOCK"
_AHEAD = struct.Struct("d")


class SharedClock(Clock):
    """A clock that the processes of a server have as well, which read *file* (see `follow`)."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
        """Begin with the right time."""
        self._file = file
        super().__init__(monkeypatch)
        self.put(self.now())

    @override
    def put(self, at: int) -> None:
        super().put(at)
        # In place: a process that reads meanwhile finds the one or the other.
        written = os.open(self._file, os.O_WRONLY | os.O_CREAT, 0o600)
        os.pwrite(written, _AHEAD.pack(self.ahead), 0)
        os.close(written)

    @property
    def environment(self) -> dict[str, str]:
        """What makes a process follow it."""
        return {SHARED: str(self._file)}


def follow() -> None:
    """Have the clock that a test puts, where the environment names one."""
    if SHARED not in os.environ:
        return
    file, real = os.open(os.environ[SHARED], os.O_RDONLY), time.time

    def moved() -> float:
        ahead = os.pread(file, _AHEAD.size, 0)
        return real() + (_AHEAD.unpack(ahead)[0] if len(ahead) == _AHEAD.size else 0.0)

    time.time = moved
