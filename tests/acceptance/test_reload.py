"""A server that reads its configuration anew, or starts anew at a socket that stays, drops no request."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import httpx
import pytest

from sync.books.entry_rows import PRIVATE
from sync.database.engine import Database
from tests.support import factories, people
from tests.support.server import PATIENCE, HandedServer, Server
from tests.support.waiting import until

pytestmark = pytest.mark.parametrize("database_engine", ["sqlite"], indirect=True)
PHONES = 4


@contextmanager
def storing(client: httpx.Client, person: people.Person) -> Iterator[list[int]]:
    """Let phones store cards without a pause as long as the block; yields the statuses of the answers."""
    statuses, end = list[int](), threading.Event()

    def store(phone: int) -> None:
        number = 0
        while not end.is_set():
            number += 1
            name = f"{phone}-{number}"
            statuses.append(put(name))
            time.sleep(0.01)

    def put(name: str) -> int:
        # A client knows what to do about a connection that ended while nothing was on it; this is about requests.
        headers = {"Connection": "close", "If-None-Match": "*"}
        address, auth = f"/{person.login}/contacts/{name}.vcf", (person.login, person.password)
        send = partial(client.put, address, content=factories.vcard(name), headers=headers, auth=auth)
        try:
            return send().status_code
        except httpx.RemoteProtocolError:
            # Whoever ends may have taken a connection a moment before, and close it as one that nothing is on. A client
            # sends again what nobody answered, and here it is seen that nothing had been done: it would be refused.
            return send().status_code

    threads = [threading.Thread(target=store, args=(phone,)) for phone in range(PHONES)]
    for thread in threads:
        thread.start()
    try:
        yield statuses
    finally:
        end.set()
        for thread in threads:
            thread.join()


def later(statuses: list[int]) -> None:
    """Wait until the phones have stored some more cards."""
    reached = len(statuses)
    until(lambda: len(statuses) > reached + 5 * PHONES, PATIENCE)


def test_other_processes_take_over_without_dropping_a_request(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    anna = people.register(database)
    with Server(database_url, tmp_path, workers=2) as server:
        (main,) = server.processes("main")
        until(lambda: len(server.processes("worker")) == 1)
        before = set(server.processes()) - {main}
        with (
            httpx.Client(base_url=server.url, trust_env=False, timeout=PATIENCE) as client,
            storing(client, anna) as statuses,
        ):
            later(statuses)
            os.kill(main, signal.SIGHUP)
            until(lambda: not before & set(server.processes("server") + server.processes("worker")), PATIENCE)
            later(statuses)
        until(lambda: (len(server.processes("server")), len(server.processes("worker"))) == (2, 1), PATIENCE)
        assert set(statuses) == {201}
    stored = [head for head in factories.changes(database, anna.id) if head.kind == PRIVATE]
    assert len(stored) == len(statuses)


def test_a_restart_at_a_socket_that_stays_drops_no_request(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    """As systemd keeps it (`config/evercard.socket`): whoever comes meanwhile waits for the next server."""
    anna = people.register(database)
    with (
        socket.create_server(("127.0.0.1", 0), backlog=1024) as kept,
        HandedServer(kept, database_url, tmp_path, workers=2) as server,
        httpx.Client(base_url=server.url, trust_env=False, timeout=PATIENCE) as client,
        storing(client, anna) as statuses,
    ):
        for _ in range(2):
            later(statuses)
            server.stop()
            server.start()
        later(statuses)
    assert set(statuses) == {201}
    stored = [head for head in factories.changes(database, anna.id) if head.kind == PRIVATE]
    assert len(stored) == len(statuses)
