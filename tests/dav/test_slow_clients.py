"""The real server and clients that take their time: whoever is slow is slow alone, and not for ever."""

from __future__ import annotations

import contextlib
import shutil
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from radicale_plugin.server import deadlines
from radicale_plugin.server.wsgi import MAX_CARD_BODY
from sync.database.engine import Database
from tests.support import factories, people
from tests.support.people import Person
from tests.support.server import Server
from tests.support.site import basic

SLOW = 200
READERS = 16
#: Seconds in which somebody else's poll is answered, on a machine that does other work as well.
SOON = 10.0


class Busy:
    """A running server and anna, whose book takes megabytes."""

    def __init__(self, server: Server, anna: Person) -> None:
        """Remember both."""
        self.server = server
        self.signed = f"Authorization: {basic(anna.login, anna.password)}\n"
        self.client = httpx.Client(base_url=server.url, auth=(anna.login, anna.password), trust_env=False, timeout=SOON)

    def open(self, head: str, body: bytes = b"", *, window: int | None = None) -> socket.socket:
        """Send the beginning of a request; *window* is how little the client takes of the answer."""
        connection = socket.socket()
        if window is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        connection.settimeout(60)
        connection.connect(("127.0.0.1", self.server.port))
        connection.sendall((head.replace("\n", "\r\n") + "Host: evercard.test\r\n\r\n").encode() + body)
        return connection

    def poll(self) -> int:
        """Ask as a phone does whether there is something new."""
        body = '<D:propfind xmlns:D="DAV:"><D:prop><D:sync-token/></D:prop></D:propfind>'
        return self.client.request("PROPFIND", "/anna/contacts/", content=body, headers={"Depth": "0"}).status_code


@pytest.fixture(scope="module")
def busy(migrated_sqlite_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Busy]:
    """Yield a server that works with two threads, and in whose one book there are six megabytes."""
    folder = tmp_path_factory.mktemp("busy")
    url = f"sqlite:///{shutil.copy(migrated_sqlite_file, folder / 'evercard.sqlite')}"
    database = Database(url)
    anna = people.register(database, "anna")
    database.dispose()
    with Server(url, folder, workers=1, threads=2) as server:
        running = Busy(server, anna)
        for number in range(30):
            card = factories.vcard(f"long-{number}", f"NOTE:{'x' * 200_000}\r\n")
            running.client.put(f"/anna/contacts/{number}.vcf", content=card).raise_for_status()
        yield running
        running.client.close()
        assert "Traceback" not in server.log.read_text()


def body_of(connection: socket.socket, head: bytes) -> bytes:
    """Return what comes of a body after *head*, until nothing more comes."""
    with contextlib.suppress(OSError):
        while part := connection.recv(65_536):
            head += part
    return head.partition(b"\r\n\r\n")[2]


@pytest.mark.parametrize("owner", ["anna", "nobody"])
def test_many_slow_bodies_delay_nobody_else(busy: Busy, owner: str) -> None:
    signed = busy.signed if owner == "anna" else ""
    head = f"PUT /anna/contacts/slow.vcf HTTP/1.1\nContent-Length: 1000\n{signed}"
    slow = [busy.open(head, b"B") for _ in range(SLOW)]
    try:
        assert busy.poll() == 207
    finally:
        for connection in slow:
            connection.close()


def test_slow_forms_delay_nobody_else(busy: Busy) -> None:
    """The portal's forms are read before anybody can know whose they are."""
    slow = [busy.open("POST /.web/ HTTP/1.1\nContent-Length: 1000\n", b"a") for _ in range(SLOW)]
    try:
        assert busy.poll() == 207
    finally:
        for connection in slow:
            connection.close()


def test_many_slow_readers_delay_nobody_else(busy: Busy) -> None:
    report = (
        b'<C:addressbook-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav"><D:prop><C:address-data/>'
        b'</D:prop><C:filter><C:prop-filter name="FN"/></C:filter></C:addressbook-query>'
    )
    head = f"REPORT /anna/contacts/ HTTP/1.1\nDepth: 1\nContent-Length: {len(report)}\n{busy.signed}"
    slow = [busy.open(head, report, window=4096) for _ in range(READERS)]
    try:
        first = [connection.recv(1000) for connection in slow]
        assert {answer[:12] for answer in first} == {b"HTTP/1.1 207"}, first[0]
        assert busy.poll() == 207
        length = int(first[0].lower().partition(b"content-length: ")[2].split()[0])
        assert length > 5_700_000
        assert len(body_of(slow[0], first[0])) == length
        assert busy.poll() == 207
    finally:
        for connection in slow:
            connection.close()


def test_nobody_has_to_send_a_body_to_learn_that_it_is_in_vain(busy: Busy) -> None:
    """Without a login, with a wrong one, and for what is somebody else's, the answer comes before the body."""
    wrong = f"Authorization: {basic('anna', 'x' * 20)}\n"
    for path, authorization, status in (
        ("/anna/contacts/a.vcf", "", 401),
        ("/anna/contacts/a.vcf", wrong, 401),
        ("/bo/contacts/a.vcf", busy.signed, 403),
        ("/anna/", busy.signed.replace("Basic", "Bearer"), 401),
    ):
        for length in (1_000, 5_000_000):
            head = f"PUT {path} HTTP/1.1\nContent-Length: {length}\n{authorization}"
            with busy.open(head, b"B") as connection:
                assert connection.recv(1000).startswith(f"HTTP/1.1 {status} ".encode()), (path, length)


@pytest.mark.parametrize("length", [1_000, 1_000_000, 9_000_000, 30_000_000])
@pytest.mark.parametrize("kind", ["nobody", "anna", "nowhere"])
def test_a_client_that_sends_its_body_late_gets_to_see_the_refusal(busy: Busy, kind: str, length: int) -> None:
    """And its connection stays of use: closed under a body, a proxy in front would say 502 instead."""
    path, signed, status = {
        "nobody": ("/anna/contacts/a.vcf", "", 401),
        "anna": ("/bo/contacts/a.vcf", busy.signed, 403),
        "nowhere": ("/anna/contacts/a.vcf\u0001", busy.signed, 400),
    }[kind]
    refused = 413 if length > MAX_CARD_BODY and kind != "nowhere" else status
    with busy.open(f"PUT {quote(path)} HTTP/1.1\nContent-Length: {length}\n{signed}") as connection:
        time.sleep(0.3)
        connection.sendall(b"x" * length)
        assert f" {refused} ".encode() in connection.recv(1000)
        connection.sendall(b"OPTIONS / HTTP/1.1\r\nHost: evercard.test\r\n\r\n")
        assert b" 200 " in connection.recv(1000)


def test_a_client_that_waits_to_be_told_to_go_on_is_told_that_it_is_in_vain(busy: Busy) -> None:
    with busy.open("PUT /anna/a/b.vcf HTTP/1.1\nContent-Length: 20000000\nExpect: 100-continue\n") as connection:
        assert connection.recv(1000).startswith(b"HTTP/1.1 413 ")


def test_a_body_that_stops_is_given_up(busy: Busy) -> None:
    """Whoever sends nothing more, or an octet now and then, is shut out."""
    head = f"PUT /anna/contacts/stuck.vcf HTTP/1.1\nContent-Length: 1000\n{busy.signed}"
    began = time.monotonic()
    with busy.open(head, b"B") as silent, busy.open(head, b"B") as dripping:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            while time.monotonic() < began + 3 * deadlines.GRACE:
                dripping.sendall(b"x")
                time.sleep(0.5)
        silent.settimeout(deadlines.GRACE)
        assert silent.recv(1000).partition(b" ")[2][:3] in (b"", b"400", b"408")
    assert time.monotonic() - began < 3 * deadlines.GRACE
    assert busy.client.get("/anna/contacts/stuck.vcf").status_code == 404


@pytest.mark.parametrize("sent", [1.0, 0.5])
def test_a_chunked_body_that_was_cut_stores_nothing(busy: Busy, sent: float) -> None:
    """Not even where all of a card was there, and only the end of the body was not."""
    card = factories.vcard("cut")
    part = card[: int(len(card) * sent)]
    head = f"PUT /anna/contacts/cut.vcf HTTP/1.1\nTransfer-Encoding: chunked\n{busy.signed}"
    with busy.open(head, f"{len(part):x}\r\n".encode() + part + b"\r\n") as connection:
        time.sleep(0.2)
        connection.shutdown(socket.SHUT_WR)
        assert b" 400 " in connection.recv(1000)
    with busy.open(head, f"{len(part):x}\r\n".encode() + part + b"\r\n") as connection:
        time.sleep(0.2)
        # A reset instead of an orderly end.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    time.sleep(0.5)
    assert busy.client.get("/anna/contacts/cut.vcf").status_code == 404


def test_a_chunked_body_that_ended_is_stored(busy: Busy) -> None:
    card = factories.vcard("whole")
    head = f"PUT /anna/contacts/whole.vcf HTTP/1.1\nTransfer-Encoding: chunked\n{busy.signed}"
    with busy.open(head, f"{len(card):x}\r\n".encode() + card + b"\r\n0\r\n\r\n") as connection:
        assert b" 201 " in connection.recv(1000)
    assert busy.client.get("/anna/contacts/whole.vcf").content == card
