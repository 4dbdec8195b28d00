"""
Delivery: telling devices what is news to them, from the worker, while requests go on.

Each host of push services is called by a few threads of its own, so that one that is slow keeps nobody from being told
by another, and over connections that are kept for as long as there is something to send there.
"""

from __future__ import annotations

import logging
import math
import ssl
import threading
import time
from collections import Counter

from sync.database.engine import Database
from sync.errors import DatabaseUnavailable, EndsDue
from sync.push import breakers, claims
from sync.push.connection import tls_context
from sync.push.keys import Topics
from sync.push.lanes import CHUNK, FRESH, Afford, Lane, Shared
from sync.push.messages import Wording

logger = logging.getLogger("evercard.push")

#: How many threads send: at all, to one host, and to hosts that took no message yet or not their last.
THREADS, OF_HOST, OF_UNPROVEN = 32, 6, 16


class Delivery:
    """Sends what is due, for one process."""

    def __init__(
        self, database: Database, wording: Wording, afford: Afford, context: ssl.SSLContext | None = None
    ) -> None:
        """
        Send for *database* what *wording* writes, as many as *afford* lets one person have.

        Push services prove who they are by *context*.
        """
        self._shared = Shared(database, wording, afford, database.write(Topics.of), context or tls_context())
        self._busy: Counter[str] = Counter()
        self._lock = threading.Lock()

    def work(self) -> None:
        """See what is due, and let threads send it; nobody waits for them."""
        waiting = claims.hosts(self._shared.database)
        if not waiting:
            return
        with self._shared.database.reading() as session:
            failing = breakers.known(session, list(waiting))
        self._shared.hosts.learn({host: failing.get(host) for host in waiting})
        # Those that are known to answer first, so that no number of others keeps their messages waiting.
        for host in sorted(waiting, key=lambda host: not self._shared.hosts.is_proven(host)):
            while self._begin(host, waiting[host]):
                threading.Thread(target=self._send_all, args=(host,), name="push", daemon=True).start()

    def finish(self, seconds: float) -> bool:
        """Wait until nothing is being sent any more; returns whether that came true in time."""
        until = time.monotonic() + seconds
        while self._is_busy() and time.monotonic() < until:
            time.sleep(0.01)
        return not self._is_busy()

    def stop(self) -> None:
        """Send nothing more than what is being sent; what is left is still news."""
        self._shared.stopped.set()
        self.finish(FRESH)

    def _is_busy(self) -> bool:
        with self._lock:
            return self._busy.total() > 0

    def _begin(self, host: str, waiting: int) -> bool:
        hosts = self._shared.hosts
        if self._shared.stopped.is_set() or not hosts.is_open(host):
            return False
        is_proven = hosts.is_proven(host)
        wanted = min(OF_HOST, math.ceil(waiting / CHUNK)) if is_proven else 1
        with self._lock:
            unproven = sum(count for each, count in self._busy.items() if not hosts.is_proven(each))
            is_room = self._busy.total() < THREADS and (is_proven or unproven < OF_UNPROVEN)
            if not is_room or self._busy[host] >= wanted:
                return False
            self._busy[host] += 1
            return True

    def _send_all(self, host: str) -> None:
        try:
            with Lane(self._shared, host) as lane:
                while not self._shared.stopped.is_set() and lane.send_some():
                    pass
        except (DatabaseUnavailable, EndsDue) as error:
            # The next look for news says so as well, and how long it lasts; what is over is taken back meanwhile.
            logger.info("Devices cannot be told of changes now: %s", error)
        except Exception:
            logger.exception("Devices could not be told of changes")
        finally:
            with self._lock:
                self._busy[host] -= 1
                if not self._busy[host]:
                    del self._busy[host]
