"""A clock of this process that a test puts forward and back."""

from __future__ import annotations

import time

import pytest

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
