"""
Lanes: each sends what is due to one host of push services, one message after the other, over one connection.

What is said is read just before, for a few registrations at a time. What was not sent soon after that is read again.
"""

from __future__ import annotations

import logging
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from sync.database.engine import Database, Session
from sync.errors import InvalidInput
from sync.models import PushSubscription, now
from sync.push import breakers, claims, encryption, endpoints, messages
from sync.push.breakers import Breaker
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


#: Takes as many messages to a host as are wanted for a viewer, or fewer, out of what one person may have sent there;
#: returns how many these are, and in how many seconds there is another one.
Afford = Callable[[Session, int, str, int], tuple[int, int]]


@dataclass(slots=True)
class Share:
    """How many messages somebody may have sent still, and after which *pause* the next."""

    left: int
    pause: int

    def take(self) -> bool:
        """Take one, if there is one left."""
        self.left -= 1
        return self.left >= 0


@dataclass(frozen=True, slots=True)
class Shared:
    """What all lanes of a process have in common. Threads that claimed at once would all find the same."""

    database: Database
    wording: Wording
    afford: Afford
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
        self._is_trial = False
        #: What all workers are to know of the host: that it is left alone, or, being true, that it is well again.
        self._news: Breaker | bool | None = None

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
        with self._shared.claiming:
            claimed, breaker = self._shared.database.write(self._claim)
        self._shared.hosts.learn({self._host: breaker})
        self._is_trial, self._news = breaker is not None, None
        if claimed:
            results = self._send(claimed)
            self._shared.database.write(lambda session: self._settle(session, results))
            self._shared.hosts.told(self._host)
        return len(claimed)

    def _claim(self, session: Session) -> tuple[Sequence[Key], Breaker | None]:
        most, breaker = breakers.admit(session, self._host, CHUNK)
        claimed = claims.claim(session, self._host, most) if most else []
        if breaker is not None and most and not claimed:
            breakers.abandon(session, self._host)
        return claimed, breaker

    def _settle(self, session: Session, results: Results) -> None:
        claims.settle(session, results)
        if isinstance(self._news, Breaker):
            breakers.leave_alone(session, self._host, self._news, after_trial=self._is_trial)
        elif self._news is not None:
            breakers.close(session, self._host)
        elif self._is_trial:
            breakers.abandon(session, self._host)

    def _send(self, claimed: Sequence[Key]) -> Results:
        with self._shared.database.reading() as session:
            found = messages.read(session, claimed, self._shared.wording)
            self._keys |= of_ids(session, {due.subscription.key_id for due in found} - self._keys.keys())
            counted = claims.crowded(session, self._host, {due.subscription.viewer_id for due in found})
        afforded = self._afforded(Counter(due.subscription.viewer_id for due in found if due.is_allowed), counted)
        results, began = Results(), time.monotonic()
        for due in found:
            viewer_id = due.subscription.viewer_id
            key = (viewer_id, due.subscription.id)
            until = began + (FRESH if due.notice is None else FRESH_OF_PEOPLE)
            if time.monotonic() > until or self._shared.stopped.is_set() or self._shared.hosts.is_closed(self._host):
                results.postponed[key] = 0
            elif not due.is_allowed:
                results.ended.append(key)
            elif viewer_id in afforded and not afforded[viewer_id].take():
                results.postponed[key] = afforded[viewer_id].pause
            else:
                self._tell(due, key, results)
        return results

    def _afforded(self, wanted: Mapping[int, int], counted: Collection[int]) -> Mapping[int, Share]:
        """Take what those who are *counted* may have sent, all at once, and in one order whoever else does so."""
        viewers = sorted(viewer_id for viewer_id in wanted if viewer_id in counted)
        if not viewers:
            return {}

        def take(session: Session) -> Mapping[int, Share]:
            return {each: Share(*self._shared.afford(session, each, self._host, wanted[each])) for each in viewers}

        return self._shared.database.write(take)

    def _tell(self, due: Due, key: Key, results: Results) -> None:
        mine, said = due.subscription, Answer(200, None)
        found = messages.of(due, self._shared.topics)
        for message in found:
            said = self._say(mine, message)
            self._note(said, mine.viewer_id)
            if not _is_well(said.status):
                break
        if _is_well(said.status):
            results.told[key] = _told(due, is_sent=bool(found))
        elif said.status in _GONE:
            results.ended.append(key)
        else:
            results.failed[key] = claims.retry(mine.attempts, said.retry_after)

    def _note(self, said: Answer, viewer_id: int) -> None:
        # What it says of one device says nothing about the others.
        if _is_well(said.status) or (400 <= said.status < 500 and said.status != _TOO_MANY):
            self._news = self._shared.hosts.succeeded(self._host) or self._news
        else:
            breaker = self._shared.hosts.failed(self._host, viewer_id, said.retry_after, is_trial=self._is_trial)
            self._news = breaker or self._news

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
