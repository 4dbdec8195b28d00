"""
Hosts of push services, as one worker knows them: which of them answer, and which are left alone.

A host that fails for several people in a row is left alone for a while, by all workers (`breakers`), then tried with
one message, and left alone for longer if that fails as well; for as long as it wants, where it says so to all of these
people. What is not sent meanwhile stays news. How often it failed is counted by each worker: it is forgotten with the
next message that is taken, and so is not worth a write.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

from sync.models import now
from sync.push.breakers import Breaker
from sync.push.claims import LONGEST_WAIT

#: From so many people whom it fails on a host is left alone, for how many seconds the first time and at most.
TOLERATED = 3
FIRST_PAUSE, LONGEST_PAUSE = 60, 3600
#: How many hosts are remembered.
_MOST = 10_000


@dataclass(slots=True)
class _Host:
    """
    Whom it *failed*, and for how many seconds it wants not to be asked by each of them.

    *is_news* says that nobody else knows of its breaker yet.
    """

    failed: dict[int, int] = field(default_factory=dict)
    breaker: Breaker | None = None
    is_news: bool = False


class Hosts:
    """What is known of hosts since this process began. For any number of threads."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._lock = threading.Lock()
        self._hosts: dict[str, _Host] = {}
        self._proven: set[str] = set()

    def learn(self, breakers: Mapping[str, Breaker | None]) -> None:
        """Take over what all workers know of these hosts."""
        with self._lock:
            for host, breaker in breakers.items():
                if (breaker is not None or host in self._hosts) and not self._is_news(host):
                    self._known(host).breaker = breaker

    def told(self, host: str) -> None:
        """Note that all workers can know what this one knows of a host."""
        with self._lock:
            if host in self._hosts:
                self._hosts[host].is_news = False

    def is_open(self, host: str) -> bool:
        """Whether a host may be called now."""
        breaker = self._breaker(host)
        return breaker is None or breaker.is_open

    def is_closed(self, host: str) -> bool:
        """Whether a host is left alone now, but for its trial."""
        breaker = self._breaker(host)
        return breaker is not None and breaker.is_closed

    def is_proven(self, host: str) -> bool:
        """Whether a host took a message at its last trial."""
        with self._lock:
            return host in self._proven

    def succeeded(self, host: str) -> bool:
        """Note that a host answered as it should, be it not to know somebody; returns whether it was left alone."""
        with self._lock:
            before = self._hosts.pop(host, None)
            if len(self._proven) >= _MOST:
                self._proven.clear()
            self._proven.add(host)
            return before is not None and before.breaker is not None

    def failed(self, host: str, viewer_id: int, wanted: int | None, *, is_trial: bool) -> Breaker | None:
        """
        Note that a host did not, with a message for this person, and in how many seconds it *wanted* to be asked again.

        Returns for how long it is left alone from now on, None where nothing is new about that. One person alone can
        close nothing to others, nor make them wait for longer.
        """
        with self._lock:
            known = self._known(host)
            known.failed[viewer_id] = max(wanted or 0, known.failed.get(viewer_id, 0))
            self._proven.discard(host)
            # Several threads may fail at once; that is one failure.
            if not is_trial and (len(known.failed) < TOLERATED or known.breaker is not None):
                return None
            before = known.breaker.pause if known.breaker is not None else 0
            pause = min(max(FIRST_PAUSE, 2 * before), LONGEST_PAUSE)
            asked = sorted(known.failed.values())[-TOLERATED:]
            closed_for = max(pause, min(asked[0] if len(asked) == TOLERATED else 0, LONGEST_WAIT))
            known.failed.clear()
            known.breaker, known.is_news = Breaker(pause, now() + closed_for), True
            return known.breaker

    def _breaker(self, host: str) -> Breaker | None:
        with self._lock:
            known = self._hosts.get(host)
            return known.breaker if known is not None else None

    def _is_news(self, host: str) -> bool:
        known = self._hosts.get(host)
        return known is not None and known.is_news and known.breaker is not None and known.breaker.is_closed

    def _known(self, host: str) -> _Host:
        if host not in self._hosts and len(self._hosts) >= _MOST:
            self._hosts.clear()
        return self._hosts.setdefault(host, _Host())
