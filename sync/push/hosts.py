"""
Hosts of push services, as one worker knows them: which of them answer, and how much one person has each of them sent.

A host that fails for several people in a row is left alone for a while, then tried with one message, and left alone
for longer if that fails as well. What is not sent meanwhile stays news.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

#: From so many people whom it fails on a host is left alone, for how many seconds the first time and at most.
TOLERATED = 3
FIRST_PAUSE, LONGEST_PAUSE = 60.0, 3600.0
#: How many messages one person may have sent to one host at once, and how many more a second after that.
BURST, RATE = 60.0, 1.0
#: How many hosts, and people at hosts, are remembered.
_MOST = 10_000


@dataclass(slots=True)
class _Host:
    failing: set[int] = field(default_factory=set)
    pause: float = 0.0
    closed_until: float = 0.0
    is_tried: bool = False


class Hosts:
    """What is known of hosts since this process began. For any number of threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Know nothing yet."""
        self._clock = clock
        self._lock = threading.Lock()
        self._hosts: dict[str, _Host] = {}
        self._proven: set[str] = set()
        self._spent: dict[tuple[int, str], tuple[float, float]] = {}

    def admit(self, host: str, most: int) -> int:
        """Return how many messages may be sent to a host now, *most* where it is well. A trial is one, for one."""
        with self._lock:
            known = self._hosts.get(host)
            if known is None or not known.pause:
                return most
            if known.is_tried or self._clock() < known.closed_until:
                return 0
            known.is_tried = True
            return 1

    def is_open(self, host: str) -> bool:
        """Whether a host may be called now."""
        with self._lock:
            known = self._hosts.get(host)
            return known is None or not known.pause or (not known.is_tried and self._clock() >= known.closed_until)

    def is_closed(self, host: str) -> bool:
        """Whether a host is left alone now, but for its trial."""
        with self._lock:
            known = self._hosts.get(host)
            return known is not None and self._clock() < known.closed_until

    def is_proven(self, host: str) -> bool:
        """Whether a host took a message at its last trial."""
        with self._lock:
            return host in self._proven

    def abandon_trial(self, host: str) -> None:
        """Say that there was nothing to try a host with after all."""
        with self._lock:
            if host in self._hosts:
                self._hosts[host].is_tried = False

    def succeeded(self, host: str) -> None:
        """Note that a host answered as it should, be it that it does not know somebody."""
        with self._lock:
            self._hosts.pop(host, None)
            if len(self._proven) >= _MOST:
                self._proven.clear()
            self._proven.add(host)

    def failed(self, host: str, viewer_id: int) -> None:
        """Note that a host did not, with a message for this person; one person alone can close nothing to others."""
        with self._lock:
            if len(self._hosts) >= _MOST:
                self._hosts.clear()
            known = self._hosts.setdefault(host, _Host())
            known.failing.add(viewer_id)
            self._proven.discard(host)
            # Several threads may fail at once; that is one failure.
            if len(known.failing) >= TOLERATED and (known.is_tried or not known.pause):
                known.pause = min(max(FIRST_PAUSE, 2 * known.pause), LONGEST_PAUSE)
                known.closed_until = self._clock() + known.pause
                known.is_tried = False

    def wait(self, viewer_id: int, host: str) -> float:
        """Take one message of what a person may have sent to a host; return in how many seconds there is one, 0 now."""
        with self._lock:
            at, key = self._clock(), (viewer_id, host)
            left, since = self._spent.get(key, (BURST, at))
            left = min(BURST, left + (at - since) * RATE)
            if left < 1:
                return (1 - left) / RATE
            if len(self._spent) >= _MOST:
                rested = [each for each, (had, then) in self._spent.items() if had + (at - then) * RATE >= BURST]
                for each in rested or list(self._spent):
                    del self._spent[each]
            self._spent[key] = (left - 1, at)
            return 0.0
