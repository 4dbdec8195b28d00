"""
Workers that are killed while they work: every message arrives, few arrive twice, and every address book is reached.

So do those to devices by a push service, each of which knows in the end which state its address book is in.

Workers are processes of their own. One is killed in the middle of something, again and again, while the others go on.
What it had claimed another takes over when the lease is over; to wait for that here would take minutes, so the rows are
told that it is.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx
import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session
from sqlalchemy import select
from typing_extensions import override

from sync.database.engine import Database
from sync.models import GivenUp
from sync.notify import outbox
from sync.settings import Sending, Settings
from tests.support import factories
from tests.support.databases import opened
from tests.support.letters import Mailbox, mail_server
from tests.support.outbox import end_leases, waiting
from tests.support.push_service import PushService, push_service
from tests.support.server import Server
from tests.support.subscribing import rows, subscribe, wanted
from tests.support.waiting import until

ROOT = Path(__file__).parents[2]
SITE = "https://cards.example.org"
MESSAGES, KILLS, WORKERS = 60, 4, 2
#: How many of those who see the change have a device that is told of it.
DEVICES = 25
#: For how many seconds each message is looked at where it arrives, so that somebody is always in the middle of one.
SLOW = 0.03


class SlowMailbox(Mailbox):
    """A mail server that takes its time before it has taken a message, and after."""

    @override
    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        await asyncio.sleep(SLOW)
        said = await super().handle_DATA(_server, _session, envelope)
        await asyncio.sleep(SLOW)
        return said


class Worker:
    """A process of `evercard worker`."""

    def __init__(self, url: str, mailbox: Mailbox, log: Path) -> None:
        """Start it."""
        options = {"DATABASE_URL": url, "BASE_URL": SITE, "SMTP_HOST": "127.0.0.1", "SMTP_PORT": str(mailbox.port)}
        options |= {"SMTP_SECURITY": "none", "MAIL_FROM": "cards@example.org", "CHUNK_VIEWERS": "20"}
        self.log = log.open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "radicale_plugin.cli", "worker"],
            cwd=ROOT,
            env=os.environ | {f"EVERCARD_{name}": value for name, value in options.items()},
            stdout=self.log,
            stderr=self.log,
        )

    def __enter__(self) -> Self:
        """Go on."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it, if it goes on."""
        self.process.kill()
        self.process.wait()
        self.log.close()

    def stop(self) -> int:
        """Tell it to end, and return with which status it does."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


#: Reads once what a worker needs, and makes one of itself for each line that it is sent, whose number it answers.
NURSERY = f"""
import os, signal, sys, threading
from sync import worker
from sync.database.engine import Database
from sync.settings import Sending, Settings
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
sending = Sending(smtp_host="127.0.0.1", smtp_port=int(sys.argv[2]), smtp_security="none", mail_from="c@example.org")
settings = Settings(base_url="{SITE}", sending=sending, inline_viewers=3, chunk_viewers=20, push_to_local=True)
for _line in sys.stdin:
    number = os.fork()
    if not number:
        worker.run(Database(sys.argv[1], settings), threading.Event())
    print(number, flush=True)
"""


class Nursery:
    """Makes workers in no time, each a process of its own."""

    def __init__(self, url: str, mailbox: Mailbox, log: Path) -> None:
        """Start it, with no worker yet."""
        self.workers: list[int] = []
        self.log = log.open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-c", NURSERY, url, str(mailbox.port)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
        )

    def __enter__(self) -> Self:
        """Go on."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End everything."""
        for _ in range(len(self.workers)):
            self.kill_oldest()
        self.process.kill()
        self.process.communicate()
        self.log.close()

    def begin(self) -> None:
        """Make another worker."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print("one", file=self.process.stdin, flush=True)
        self.workers.append(int(self.process.stdout.readline()))

    def kill_oldest(self) -> None:
        """End the oldest worker as a power cut would."""
        number = self.workers.pop(0)
        os.kill(number, signal.SIGKILL)
        until(lambda: not Path(f"/proc/{number}").exists())


@pytest.fixture
def mailbox() -> Iterator[SlowMailbox]:
    """A mail server."""
    mailbox = SlowMailbox()
    with mail_server(mailbox):
        yield mailbox


@pytest.fixture
def push() -> Iterator[PushService]:
    """A push service that takes its time as well."""
    with push_service() as push:
        push.slow = SLOW
        yield push
    assert push.broken == []


@pytest.fixture
def site(database_url: str, mailbox: SlowMailbox) -> Iterator[Database]:
    """A database of a server that sends, and carries what more than three people see by workers."""
    sending = Sending(smtp_host="127.0.0.1", smtp_port=mailbox.port, mail_from="cards@example.org")
    settings = Settings(inline_viewers=3, base_url=SITE, sending=sending, push_to_local=True)
    with opened(database_url, settings) as database:
        yield database


@pytest.mark.timeout(600)
def test_no_message_is_lost_and_few_are_repeated_whoever_is_killed(
    site: Database, mailbox: SlowMailbox, push: PushService, tmp_path: Path
) -> None:
    owner = factories.person(site)
    phone = factories.field(site, owner)
    viewers = factories.crowd(site, owner, 200, [factories.group(site, owner, "family", granted=[phone])])
    (unconcerned,) = factories.crowd(site, owner, 1, [])
    devices = {viewer: push.subscribe() for viewer in [*viewers[:: len(viewers) // DEVICES], unconcerned]}
    for viewer, device in devices.items():
        subscribe(site, viewer, wanted(device))
    before = factories.revisions(site, viewers)
    asked = {"name": "Anna", "message": "Hello", "link": SITE}
    for number in range(MESSAGES):
        site.write(lambda s, to=f"reader{number}@example.org": outbox.post(s, "email", to, "request", "en", **asked))  # type: ignore[misc]
    log = tmp_path / "workers.log"
    url = site.url.render_as_string(hide_password=False)
    with Nursery(url, mailbox, log) as nursery:
        for _ in range(WORKERS):
            nursery.begin()
        for number in range(KILLS):
            factories.set_field(site, owner, phone, f"+1 555 010{number}")
            so_far = len(mailbox.letters)
            until(lambda so_far=so_far: len(mailbox.letters) > so_far + 6, 120)  # type: ignore[misc]
            nursery.kill_oldest()
            end_leases(site)
            nursery.begin()
        until(lambda: waiting(site) == 0, 120)
        end_leases(site)
        until(lambda: all(each.waiting_since is None for each in rows(site)), 120)
    arrived = Counter(str(letter["X-Recipients"]) for letter in mailbox.letters)
    assert arrived.keys() == {f"reader{number}@example.org" for number in range(MESSAGES)}
    # What whoever was killed was at, and what the others were at whose leases were ended with it.
    assert arrived.total() - MESSAGES <= KILLS * WORKERS
    ids = {str(letter["Message-ID"]) for letter in mailbox.letters}
    assert len(ids) == MESSAGES
    with site.reading() as session:
        assert session.scalars(select(GivenUp.id)).all() == []
    assert all(after > before[viewer] for viewer, after in factories.revisions(site, viewers).items())
    assert all(factories.seen(site, viewer, owner) == {f"+1 555 010{KILLS - 1}"} for viewer in viewers[::50])
    assert push.of(devices.pop(unconcerned)) == []
    for viewer, device in devices.items():
        told = [message.sync_token for message in push.of(device)]
        assert factories.book(site, viewer).sync_token in told
        # As above; but whoever is not told soon is told of several changes at once.
        assert len(told) - len(set(told)) <= KILLS + 1
    assert "Traceback" not in log.read_text()


@pytest.mark.parametrize("database_engine", ["sqlite"], indirect=True)
def test_a_server_without_a_worker_leaves_the_work_to_one_that_runs_beside_it(
    site: Database, mailbox: SlowMailbox, tmp_path: Path
) -> None:
    url = site.url.render_as_string(hide_password=False)
    command = ("-m", "radicale_plugin.cli", "serve", "--no-worker")
    with Server(url, tmp_path, command=command) as server:
        assert server.processes("worker") == []
        site.write(lambda s: outbox.post(s, "email", "bo@example.org", "test", "en"))
        time.sleep(1.5)
        assert (len(mailbox.letters), waiting(site)) == (0, 1)
        assert httpx.get(f"{server.url}/.ready").status_code == 200
        with Worker(url, mailbox, tmp_path / "worker.log") as worker:
            until(lambda: waiting(site) == 0, 120)
            assert worker.stop() == 0
        assert len(mailbox.letters) == 1
