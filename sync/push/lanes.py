"""
Lanes: each sends what is due to one host of push services, one message after the other, over one connection.

What is said is read just before, for a few registrations at a time. What was not sent soon after that is read again.
"""

from __future__ import annotations

import logging
import math
import ssl
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from sync.database.engine import Database
from sync.errors import InvalidInput
from sync.models import PushSubscription, now
from sync.push import claims, encryption, endpoints, messages
from sync.push.claims import Key, Results, Told
from sync.push.connection import Answer, NoAnswer, PushConnection
from sync.push.endpoints import Endpoint
from sync.push.hosts import Hosts
from sync.push.keys import Topics, VapidKey, of_ids
from sync.push.messages import Due, PushMessage, Wording

logger = logging.getLogger("evercard.push")

#: How many registrations are claimed together, and for how many seconds what was read of them is sent; where it is
#: about people, who may take something back meanwhile, for how many.
CHUNK, FRESH, FRESH_OF_PEOPLE = 50, 15.0, 2.0
#: Seconds for which a push service keeps a message for a device that is off.
TTL = 24 * 3600
_TOO_MANY, _GONE = 429, (404, 410)


@dataclass(frozen=True, slots=True)
class Shared:
    """What all lanes of a process have in common. Threads that claimed at once would all find the same."""

    database: Database
    wording: Wording
    topics: Topics
    context: ssl.SSLContext
    hosts: Hosts = field(default_factory=Hosts)
    claiming: threading.Lock = field(default_factory=threading.Lock)
    stopped: threading.Event = field(default_factory=threading.Event)


class Lane:
    """What one thread sends to one host."""

    def __init__(self, shared: Shared, host: str) -> None:
        """Connect to nothing yet."""
        self._shared, self._host = shared, host
        self._settings = shared.database.settings
        self._connection: PushConnection | None = None
        self._keys: dict[str, VapidKey] = {}

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()

    def send_some(self) -> int:
        """Claim some of what is due and send it; returns how many registrations these were."""
        most = self._shared.hosts.admit(self._host, CHUNK)
        if not most:
            return 0
        with self._shared.claiming:
            claimed = self._shared.database.write(lambda session: claims.claim(session, self._host, most))
        if claimed:
            results = self._send(claimed)
            self._shared.database.write(lambda session: claims.settle(session, results))
        return len(claimed)

    def _send(self, claimed: Sequence[Key]) -> Results:
        with self._shared.database.reading() as session:
            found = messages.read(session, claimed, self._shared.wording)
            self._keys |= of_ids(session, {due.subscription.key_id for due in found} - self._keys.keys())
        results, began = Results(), time.monotonic()
        for due in found:
            key = (due.subscription.viewer_id, due.subscription.id)
            until = began + (FRESH if due.notice is None else FRESH_OF_PEOPLE)
            if time.monotonic() > until or self._shared.stopped.is_set() or self._shared.hosts.is_closed(self._host):
                results.postponed[key] = 0
            elif not due.is_allowed:
                results.ended.append(key)
            elif pause := self._shared.hosts.wait(due.subscription.viewer_id, self._host):
                results.postponed[key] = math.ceil(pause)
            else:
                self._tell(due, key, results)
        return results

    def _tell(self, due: Due, key: Key, results: Results) -> None:
        mine, said = due.subscription, Answer(200, None)
        found = messages.of(due, self._shared.topics)
        for message in found:
            said = self._say(mine, message)
            self._note(said.status, mine.viewer_id)
            if not _is_well(said.status):
                break
        if _is_well(said.status):
            results.told[key] = _told(due, is_sent=bool(found))
        elif said.status in _GONE:
            results.ended.append(key)
        else:
            results.failed[key] = claims.retry(mine.attempts, said.retry_after)

    def _note(self, status: int, viewer_id: int) -> None:
        # What it says of one device says nothing about the others.
        if _is_well(status) or (400 <= status < 500 and status != _TOO_MANY):
            self._shared.hosts.succeeded(self._host)
        else:
            self._shared.hosts.failed(self._host, viewer_id)

    def _say(self, mine: PushSubscription, message: PushMessage) -> Answer:
        try:
            endpoint = endpoints.read(mine.endpoint, allow_local=self._settings.push_to_local)
        except InvalidInput:
            # It was registered when this server's settings were others.
            return Answer(_GONE[0], None)
        body = encryption.encrypt(message.body, mine.public_key, mine.auth_secret)
        try:
            return self._connected(endpoint).post(endpoint.target, self._headers(mine, endpoint, message), body)
        except NoAnswer as error:
            logger.info("A push service is tried again later: %s", error)
            return Answer(0, None)

    def _connected(self, endpoint: Endpoint) -> PushConnection:
        if self._connection is None or self._connection.origin != endpoint.origin:
            self.__exit__(None, None, None)
            allow_local = self._settings.push_to_local
            self._connection = PushConnection(endpoint, self._shared.context, allow_local=allow_local)
        return self._connection

    def _headers(self, mine: PushSubscription, endpoint: Endpoint, message: PushMessage) -> dict[str, str]:
        at, base_url = now(), self._settings.base_url
        contact = base_url if urlsplit(base_url).scheme == "https" else ""
        return {
            "Content-Type": message.kind,
            "Content-Encoding": "aes128gcm",
            "TTL": str(max(0, min(TTL, mine.expires_at - at))),
            "Urgency": "normal",
            **({"Topic": message.topic} if message.topic else {}),
            "Authorization": encryption.authorization(self._keys[mine.key_id], endpoint.origin, contact, at),
        }


def _told(due: Due, *, is_sent: bool) -> Told:
    if due.notice is None:
        return Told(due.subscription.news)
    return Told(due.subscription.news, claims.PAUSE_OF_BROWSER, due.notice.versions, is_sent)


def _is_well(status: int) -> bool:
    return 200 <= status < 300
