"""Whoever fetches an answer more slowly than any network carries it is shut out, and nobody else with them."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from radicale_plugin.server import deadlines, wsgi
from radicale_plugin.server.deadlines import Deadlines

#: An address of this machine from which nothing else comes.
HERE = "127.0.0.9"
PATIENCE = 30.0


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody have time."""
    monkeypatch.setattr(deadlines, "GRACE", 0.2)
    monkeypatch.setattr(deadlines, "_INTERVAL", 0.5)


@contextlib.contextmanager
def connected() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Connect a client from `HERE`; yields its end, and that of the server."""
    with socket.socket() as listening, socket.socket() as client:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        client.bind((HERE, 0))
        client.connect(listening.getsockname())
        server, _ = listening.accept()
        with server:
            yield client, server


def hangs_up(client: socket.socket) -> bool:
    """Whether the server ends a connection soon, after everything that it sent before."""
    client.settimeout(PATIENCE)
    with contextlib.suppress(ConnectionResetError):
        while client.recv(65_536):
            pass
    return True


@pytest.mark.usefixtures("quick")
def test_a_reader_that_stops_is_shut_out_and_one_that_reads_is_not() -> None:
    watched = Deadlines()
    with connected() as (stopped, _), connected() as (reading, feeding), watched.transfer(HERE):
        watched.watch()
        end = threading.Event()

        def feed() -> None:
            while not end.wait(0.05):
                feeding.sendall(b"x" * 1_000)

        def read() -> None:
            while reading.recv(65_536):
                pass

        working = [threading.Thread(target=each, daemon=True) for each in (feed, read)]
        for each in working:
            each.start()
        assert hangs_up(stopped)
        feeding.sendall(b"still there")
        end.set()
        feeding.shutdown(socket.SHUT_WR)
        for each in working:
            each.join(PATIENCE)


@pytest.mark.usefixtures("quick")
def test_an_answer_that_is_fetched_too_slowly_ends_early(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left of it is made by nobody, and no thread waits for the client any more."""
    clock = [time.monotonic()]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    closed: list[None] = []

    def pieces() -> Iterator[bytes]:
        try:
            for _ in range(100):
                yield b"x" * 1_000
        finally:
            closed.append(None)

    watched = Deadlines()
    answer = wsgi._paced(watched, HERE, pieces())
    sent = 0
    for piece in answer:
        sent += len(piece)
        # Ten times as long as a network needs that is just fast enough.
        clock[0] += 10 * len(piece) / deadlines.LEAST_RATE
    assert sent == 1_000
    assert closed == [None]
    assert watched._transfers == set()


@pytest.mark.usefixtures("quick")
def test_an_answer_that_is_fetched_steadily_arrives_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [time.monotonic()]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    sent = 0
    for piece in wsgi._paced(Deadlines(), HERE, iter([b"x" * 1_000] * 100)):
        sent += len(piece)
        clock[0] += 0.1
    assert sent == 100_000
