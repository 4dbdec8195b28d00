"""
Everything is killed at once, again and again, while phones write and letters are sent: server, worker and database.

What was acknowledged is there in the end, every viewer has the card that was stored last, every letter arrives, and few
arrive twice. Devices are told by a push service which state their address book is in. A worker that died left what it
was at to the next one, after a while; to wait for that here would take minutes, so the rows are told that it is over.
"""

from __future__ import annotations

import asyncio
import shutil
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import httpx
import pytest
from aiosmtpd import smtp
from aiosmtpd.smtp import SMTP, Envelope
from hypothesis import settings
from sqlalchemy import select
from typing_extensions import override

from sync.database.engine import Database
from sync.models import GivenUp
from sync.notify import outbox
from sync.settings import Sending, Settings
from tests.support import clusters, dav, factories, people, registering
from tests.support.clusters import Cluster
from tests.support.letters import Mailbox, mail_server
from tests.support.outbox import end_leases, waiting
from tests.support.postgresql import Unavailable
from tests.support.push_service import PushService, Subscriber, push_service
from tests.support.server import Server
from tests.support.subscribing import rows, subscribe, wanted
from tests.support.waiting import until

CARD = {"Content-Type": "text/vcard"}
SITE = "https://cards.example.org"
LETTERS, VIEWERS = 40, 60
#: How many of the viewers have a device that is told of changes.
DEVICES = 10
#: How often all is killed, by Hypothesis profile.
ROUNDS, FEW_ROUNDS = {"thorough": 10}, 2
#: What is stored by a phone, and how many letters arrive, before the next round.
STORED, SENT = 3, 3
#: For how many seconds the mail server looks at each letter.
SLOW = 0.05


@dataclass
class Engine:
    """A database that can be killed; *cluster* is None for SQLite, which dies with the processes that use it."""

    url: str
    cluster: Cluster | None = None

    def kill(self, number: int) -> None:
        """End it at once, in one way or another."""
        if self.cluster is not None and number % 2:
            self.cluster.kill()
        elif self.cluster is not None:
            self.cluster.stop_immediately()

    def start(self) -> None:
        """Start it again."""
        if self.cluster is not None:
            self.cluster.start()


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """Make a database of this test's own."""
    if request.param == "sqlite":
        copy = shutil.copy(request.getfixturevalue("migrated_sqlite_file"), tmp_path / "evercard.sqlite3")
        yield Engine(f"sqlite:///{copy}")
        return
    with clusters.directory() as place:
        try:
            cluster = Cluster(place, "only")
        except Unavailable as error:
            pytest.skip(str(error))
        try:
            cluster.create()
            cluster.start()
            yield Engine(cluster.url, cluster)
        finally:
            cluster.kill()


class SlowMailbox(Mailbox):
    """A mail server that takes its time, so that there is always somebody in the middle of a letter."""

    @override
    async def handle_DATA(self, _server: SMTP, _session: smtp.Session, envelope: Envelope) -> str:
        await asyncio.sleep(SLOW)
        return await super().handle_DATA(_server, _session, envelope)


class Owner:
    """A phone that stores its person's card and one of their contacts, over and over, until each is acknowledged."""

    def __init__(self, server: Server, person: people.Person, own: str) -> None:
        """Sign in as *person*, whose card is called *own*."""
        self.acknowledged = 0
        self.statuses: set[int] = set()
        self._book, self._own, self._end = f"/{person.login}/contacts/", own, threading.Event()
        auth = (person.login, person.password)
        self._client = httpx.Client(base_url=server.url, auth=auth, trust_env=False, timeout=60)
        self._thread = threading.Thread(target=self._go_on)

    def __enter__(self) -> Self:
        """Begin."""
        self._card = self._client.get(self._book + self._own).raise_for_status().text
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Finish what is under way."""
        self._end.set()
        self._thread.join()
        self._client.close()

    def _go_on(self) -> None:
        while not self._end.is_set():
            number = self.acknowledged + 1
            card = self._card.replace("5550000", f"555{number:04}")
            others = factories.vcard(f"c{number}").decode()
            if self._store(self._own, card) and self._store(f"c{number}.vcf", others):
                self.acknowledged = number

    def _store(self, name: str, card: str) -> bool:
        """Send a card until it is said to be stored, or until something else is said than to come again."""
        status = 503
        while status == 503:
            try:
                status = self._client.put(self._book + name, content=card, headers=CARD).status_code
                self.statuses.add(status)
            except httpx.TransportError:
                pass
            time.sleep(0.01)
        return status in (201, 204)


@dataclass
class Scene:
    """Anna shows her number to *viewers*, and to *bo*, who has a phone."""

    database: Database
    anna: people.Person
    viewers: list[int]
    bo: people.Person


def prepared(database: Database) -> Scene:
    """Make the people, and letters to be sent."""
    anna, bo = people.register(database), people.register(database)
    number = factories.field(database, anna.id, text="+49 30 5550000")
    factories.connect(database, anna.id, bo.id)
    group = factories.group(database, anna.id, "family", [bo.id], [number])
    asked = {"name": "Anna", "message": "Hello", "link": SITE}
    for reader in range(LETTERS):
        to = f"reader{reader}@example.org"
        database.write(lambda session, to=to: outbox.post(session, "email", to, "request", "en", **asked))  # type: ignore[misc]
    return Scene(database, anna, factories.crowd(database, anna.id, VIEWERS, [group]), bo)


def rounds() -> int:
    return ROUNDS.get(settings.get_current_profile_name(), FEW_ROUNDS)


def kill_again_and_again(engine: Engine, server: Server, scene: Scene, owner: Owner, mailbox: Mailbox) -> None:
    """Kill everything in the middle of something, and start it again."""
    for number in range(rounds()):
        stored, sent = owner.acknowledged + STORED, len(mailbox.letters) + SENT
        until(lambda stored=stored, sent=sent: owner.acknowledged >= stored and len(mailbox.letters) >= sent, 60)  # type: ignore[misc]
        engine.kill(number)
        server.stop(at_once=True)
        engine.start()
        server.start()
        end_leases(scene.database)


def check_told(scene: Scene, push: PushService, devices: dict[int, Subscriber]) -> None:
    """Make sure that each device was told of the last change, and hardly anything twice."""
    end_leases(scene.database)
    until(lambda: all(each.waiting_since is None for each in rows(scene.database)), 120)
    assert push.broken == []
    for viewer, device in devices.items():
        told = [message.sync_token for message in push.of(device)]
        assert factories.book(scene.database, viewer).sync_token in told
        assert len(told) - len(set(told)) <= rounds() + 1


def check(scene: Scene, server: Server, owner: Owner, before: dict[int, int]) -> None:
    """Make sure that what was acknowledged last is what everybody has."""
    last = f"+49 30 555{owner.acknowledged:04}"
    assert all(factories.seen(scene.database, viewer, scene.anna.id) == {last} for viewer in scene.viewers)
    # Whoever asks since the beginning is told of it.
    told = [factories.changes(scene.database, viewer, before[viewer]) for viewer in scene.viewers]
    assert all([change.present for change in changes] == [True] for changes in told)
    with dav.http(server.url) as http:
        phone = dav.Replica(dav.Client(http, scene.bo.login, scene.bo.password))
        phone.sync()
        assert last in dav.unfolded("".join(card.text or "" for card in phone.cards.values()))
        mine = dav.Client(http, scene.anna.login, scene.anna.password).listing()
    names = {href.rpartition("/")[2] for href in mine}
    assert names >= {f"c{number}.vcf" for number in range(1, owner.acknowledged + 1)}
    assert owner.statuses <= {201, 204, 503}


@pytest.mark.timeout(600)
def test_nothing_is_lost_when_everything_is_killed_at_once_again_and_again(engine: Engine, tmp_path: Path) -> None:
    mailbox = SlowMailbox()
    with mail_server(mailbox), push_service() as push:
        options = {"base_url": SITE, "smtp_host": "127.0.0.1", "smtp_port": str(mailbox.port), "smtp_security": "none"}
        options |= {"mail_from": "cards@example.org", "inline_viewers": "3", "chunk_viewers": "10"}
        options |= {"push_allow_local": "True"}
        sending = Sending(smtp_host="127.0.0.1", smtp_port=mailbox.port, mail_from="cards@example.org")
        database = Database(engine.url, Settings(base_url=SITE, sending=sending, push_to_local=True))
        database.migrate()
        scene = prepared(database)
        devices = {viewer: push.subscribe() for viewer in scene.viewers[:DEVICES]}
        for viewer, device in devices.items():
            subscribe(database, viewer, wanted(device))
        before = factories.revisions(database, scene.viewers)
        with Server(engine.url, tmp_path, options=options) as server:
            with dav.http(server.url) as http:
                phone = registering.register(push, dav.Client(http, scene.bo.login, scene.bo.password))
            devices[scene.bo.id] = phone.subscriber
            with Owner(server, scene.anna, factories.href_of(database, scene.anna.id, scene.anna.id)) as owner:
                kill_again_and_again(engine, server, scene, owner, mailbox)
            until(lambda: waiting(database) == 0, 240)
            check(scene, server, owner, before)
            check_told(scene, push, devices)
        with database.reading() as session:
            assert session.scalars(select(GivenUp.id)).all() == []
        database.dispose()
    arrived = Counter(str(letter["X-Recipients"]) for letter in mailbox.letters)
    assert arrived.keys() == {f"reader{number}@example.org" for number in range(LETTERS)}
    # What the worker that was killed was at, and what the next one was at when the leases were ended.
    assert arrived.total() - LETTERS <= 2 * rounds()
    assert len({str(letter["Message-ID"]) for letter in mailbox.letters}) == LETTERS
