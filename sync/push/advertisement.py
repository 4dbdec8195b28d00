"""What devices are shown so that they can register: the key of this server, and the topic of each collection."""

from __future__ import annotations

import threading
import time

from sync.database.engine import Database, Session
from sync.push import keys
from sync.push.keys import Topics, VapidKey

#: Seconds after which a process looks whether another key is shown by now.
KEPT = 5.0


class Advertisement:
    """What a process shows of the server whose *database* this is."""

    def __init__(self, database: Database) -> None:
        """Make the key, if this is the first start."""
        self._database = database
        self._lock = threading.Lock()
        self._key, self.topics = database.write(_read)
        self._read_at = time.monotonic()

    @property
    def public_key(self) -> str:
        """The public key of this server, as text."""
        with self._lock:
            if time.monotonic() - self._read_at > KEPT:
                with self._database.reading() as session:
                    self._key = keys.current(session)
                self._read_at = time.monotonic()
            return self._key.text


def _read(session: Session) -> tuple[VapidKey, Topics]:
    return keys.ensure(session), Topics.of(session)
