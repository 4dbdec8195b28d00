"""
One change that very many people see, carried over HTTP, and what others notice of it meanwhile.

A `Site` is a server on a database with somebody whom everybody is connected with (the *hub*), and somebody whom ten
people are connected with. While it notices others, one who has nothing to do with the change polls without a pause, and
the second person changes their number again and again, and one of the ten waits for it.
"""

from __future__ import annotations

import re
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

import httpx
from sqlalchemy import select

from benchmarks import load, people, requests
from sync.database.engine import Database
from sync.models import Account, Connection, Entry, Job
from sync.revisions.fan_out import FAN_OUT
from sync.sign_in import credentials
from tests.support.people import Person, register
from tests.support.server import Server

T = TypeVar("T")

#: Seconds between two polls, and between two changes of the second person's.
POLL_EVERY, CHANGE_EVERY = 0.01, 0.2
#: Seconds between two looks whether all is carried.
_LOOK_EVERY = 0.02
_PATIENCE = 1_800.0
_NUMBER = re.compile(rb"(TEL[^:]*:)[^\r\n]*")
_CARD = {"Content-Type": "text/vcard; charset=utf-8"}


@dataclass(slots=True)
class Noticed:
    """How long each poll took, and each change of the second person's until it had arrived, in seconds."""

    polls: list[float] = field(default_factory=list)
    arrivals: list[float] = field(default_factory=list)


class Phone:
    """A device that reads and changes cards over HTTP."""

    def __init__(self, port: int, person: Person | people.Hub) -> None:
        """Sign in as *person*."""
        self.client = requests.Client(person.login, person.password)
        self._book = f"/{person.login}/contacts/"
        auth, url = (person.login, person.password), f"http://127.0.0.1:{port}"
        self._http = httpx.Client(base_url=url, auth=auth, trust_env=False, timeout=300)

    def ask(self, request: load.Request) -> str:
        """Send a request, and return the answer."""
        answer = self._http.request(request.method, request.path, content=request.body, headers=request.headers)
        return answer.raise_for_status().text

    def token(self) -> str:
        """Ask for the sync token."""
        return requests.token_in(self.ask(self.client.propfind()))

    def card(self, href: str) -> bytes:
        """Fetch a card."""
        return self._http.get(self._book + href).raise_for_status().content

    def card_with(self, href: str, number: str) -> bytes:
        """Return a card as it is, but with another phone number."""
        return _NUMBER.sub(lambda found: found[1] + number.encode(), self.card(href))

    def put(self, href: str, card: bytes) -> None:
        """Store a card."""
        self._http.put(self._book + href, content=card, headers=_CARD).raise_for_status()


class Site:
    """The people of *database*, at *server*."""

    def __init__(self, database: Database, server: Server, second: people.Hub, hub: people.Hub) -> None:
        """Give those devices who need one."""
        self.database, self.server, self.second, self.hub = database, server, second, hub
        self.second_phone, self.hub_phone = (Phone(server.port, each) for each in (second, hub))
        self._of_second = Phone(server.port, _viewer(database, second.id))
        self.last = _viewer(database, hub.id)
        self.last_phone = Phone(server.port, self.last)
        self._reader = Phone(server.port, register(database))

    def own_card(self, hub: people.Hub) -> str:
        """Return the name of somebody's own card."""
        return href(self.database, hub.id, hub.id)

    @contextmanager
    def noticing(self) -> Iterator[Noticed]:
        """Let others poll and change something while the block runs; what they notice is there behind it."""
        noticed, stop = Noticed(), threading.Event()
        threads = [threading.Thread(target=each, args=(noticed, stop)) for each in (self._poll, self._change)]
        for thread in threads:
            thread.start()
        try:
            yield noticed
        finally:
            stop.set()
            for thread in threads:
                thread.join()

    def carried(self) -> None:
        """Wait until the worker has carried all there is."""
        wait_until_carried(self.database)

    def _poll(self, noticed: Noticed, stop: threading.Event) -> None:
        asked = self._reader.client.sync(self._reader.token())
        while not stop.is_set():
            noticed.polls.append(timed(lambda: self._reader.ask(asked)))
            time.sleep(POLL_EVERY)

    def _change(self, noticed: Noticed, stop: threading.Event) -> None:
        name = self.own_card(self.second)
        while not stop.is_set():
            before = self._of_second.token()
            card = self.second_phone.card_with(name, f"+49 30 {time.time_ns()}")
            noticed.arrivals.append(timed(lambda card=card, before=before: self._arrive(name, card, before)))  # type: ignore[misc]
            stop.wait(CHANGE_EVERY)

    def _arrive(self, name: str, card: bytes, before: str) -> None:
        self.second_phone.put(name, card)
        while self._of_second.token() == before:
            time.sleep(POLL_EVERY)


def timed(work: Callable[[], object]) -> float:
    """Do something, and return how many seconds it took."""
    began = time.monotonic()
    work()
    return time.monotonic() - began


def percentile(times: list[float], percent: int) -> float:
    """Return within which time so many percent were done."""
    if len(times) == 1:
        return times[0]
    return statistics.quantiles(times, n=100, method="inclusive")[percent - 1]


def is_owed(database: Database) -> bool:
    """Whether a worker has still something to carry."""
    with database.reading() as session:
        return session.scalars(select(Job.id).where(Job.kind == FAN_OUT).limit(1)).first() is not None


def wait_until_carried(database: Database) -> None:
    """
    Wait until workers have carried all there is.

    Raises:
        TimeoutError: They have not in half an hour.
    """
    until = time.monotonic() + _PATIENCE
    while is_owed(database):
        if time.monotonic() > until:
            raise TimeoutError("The workers do not carry what there is.")
        time.sleep(_LOOK_EVERY)


def href(database: Database, viewer_id: int, owner_id: int) -> str:
    """Return the name of an owner's card in a viewer's address book."""
    with database.reading() as session:
        return session.scalars(select(Entry.href).where(Entry.viewer_id == viewer_id, Entry.id == owner_id)).one()


def _viewer(database: Database, owner_id: int) -> Person:
    """Give the viewer whom a worker reaches last a device."""
    mine = select(Account.id, Account.login).join(Connection, Connection.viewer_id == Account.id)
    with database.reading() as session:
        last = mine.where(Connection.owner_id == owner_id).order_by(Connection.viewer_id.desc()).limit(1)
        viewer_id, login = session.execute(last).one()
    password = database.write(lambda session: credentials.add_device(session, viewer_id, "Phone"))[1]
    return Person(viewer_id, login, password)
