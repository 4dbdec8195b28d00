"""The real server at a bare socket: what HTTP itself can do wrong, which no request inside a process shows."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from sync.database.engine import Database
from tests.support import dav, factories, people
from tests.support.people import Person
from tests.support.server import Server
from tests.support.site import basic

CARD = factories.vcard("x")


class Real:
    """A running server and anna, who is known to it."""

    def __init__(self, server: Server, anna: Person) -> None:
        """Remember both."""
        self.server, self.anna = server, anna
        self.authorization = f"Authorization: {basic(anna.login, anna.password)}\r\n"

    def send(self, head: str, body: bytes = b"", *, signed: bool = True) -> bytes:
        """Send octets, and return all that comes until the server closes."""
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=30) as connection:
            lines = head.replace("\n", "\r\n") + "Host: evercard.test\r\nConnection: close\r\n"
            connection.sendall((lines + (self.authorization if signed else "") + "\r\n").encode("latin-1") + body)
            return b"".join(iter(lambda: connection.recv(65_536), b""))


@pytest.fixture(scope="module")
def real(migrated_sqlite_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Real]:
    """Yield a server for this module, which must still answer at the end."""
    folder = tmp_path_factory.mktemp("real")
    url = f"sqlite:///{shutil.copy(migrated_sqlite_file, folder / 'evercard.sqlite')}"
    database = Database(url)
    anna = people.register(database, "anna")
    database.dispose()
    with Server(url, folder, workers=1, threads=2) as server:
        before = server.processes("server")
        yield Real(server, anna)
        assert server.processes("server") == before
        assert "Traceback" not in server.log.read_text()
        assert anna.password not in server.log.read_text()


def status(answer: bytes) -> int:
    assert answer.startswith(b"HTTP/1.1 "), answer[:200]
    return int(answer.split()[1])


@pytest.mark.parametrize(
    "lengths",
    [
        "Content-Length: -1\n",
        "Content-Length: abc\n",
        "Content-Length: 3\nContent-Length: 4\n",
        "Content-Length: 0x3\n",
    ],
)
def test_a_length_that_is_none_is_refused(real: Real, lengths: str) -> None:
    for signed in (True, False):
        assert status(real.send(f"PUT /anna/contacts/x.vcf HTTP/1.1\n{lengths}", CARD, signed=signed)) == 400


def test_a_chunked_card_arrives_whole(real: Real) -> None:
    """Whatever the chunks are, the octets are those that were sent; with a length beside them the chunks count."""
    chunked = b"".join(f"{len(part):x}\r\n".encode() + part + b"\r\n" for part in (CARD[:7], CARD[7:50], CARD[50:]))
    for length in ("", "Content-Length: 5\n"):
        head = f"PUT /anna/contacts/chunked.vcf HTTP/1.1\nTransfer-Encoding: chunked\n{length}"
        assert status(real.send(head, chunked + b"0\r\n\r\n")) in (201, 204)
        assert real.send("GET /anna/contacts/chunked.vcf HTTP/1.1\n").endswith(CARD)


@pytest.mark.parametrize("path", ["/", "/anna/", "/anna/contacts", "/anna/contacts/", "/anna/contacts/chunked.vcf/"])
def test_an_empty_chunked_body_empties_nothing(real: Real, path: str) -> None:
    with dav.http(real.server.url) as connections:
        anna = dav.Client(connections, "anna", real.anna.password)
        before = anna.sync_collection()
        answer = real.send(f"PUT {path} HTTP/1.1\nTransfer-Encoding: chunked\n", b"0\r\n\r\n")
        assert 400 <= status(answer) < 500
        assert anna.sync_collection() == before


def test_paths_arrive_as_the_octets_that_they_were(real: Real) -> None:
    """UTF-8 in a path, encoded in any spelling or not at all, is one name; a slash that is encoded is a slash."""
    card = factories.vcard("umlaut")
    head = f"HTTP/1.1\nContent-Type: text/vcard\nContent-Length: {len(card)}\n"
    assert status(real.send(f"PUT /anna/contacts/%C3%A4%20b,c:'.vcf {head}", card)) == 201
    for spelled in ("%c3%a4%20b%2Cc%3A%27.vcf", "%C3%A4%20b,c:'.vcf", "\u00c3\u00a4%20b,c:'.vcf"):
        assert real.send(f"GET /anna/contacts/{spelled} HTTP/1.1\n").endswith(card), spelled
    assert status(real.send("GET /anna%2Fcontacts/%C3%A4%20b,c:'.vcf HTTP/1.1\n")) == 200
    for wrong in ("/%ff", "/anna/contacts/%C3", "/anna/contacts/a%00b", "/anna/contacts/a%0d%0aX-Evil:%201"):
        answer = real.send(f"PROPFIND {wrong} HTTP/1.1\nDepth: 0\n")
        assert status(answer) == 400
        assert b"\r\nX-Evil" not in answer
    assert status(real.send("GET /anna/contacts/%zz HTTP/1.1\n")) == 404


def test_methods_that_are_none_are_refused(real: Real) -> None:
    assert status(real.send("BREW /anna/ HTTP/1.1\n")) == 501
    assert status(real.send("A\x1b[31mB /anna/ HTTP/1.1\n")) == 400
    assert status(real.send("TRACE / HTTP/1.1\n")) in (405, 501)


def test_a_client_that_waits_to_be_asked_is_asked(real: Real) -> None:
    """With Expect: 100-continue, the body follows once the server wants it."""
    head = f"PUT /anna/contacts/e.vcf HTTP/1.1\nExpect: 100-continue\nContent-Length: {len(CARD) + 1}\n"
    answer = real.send(head, factories.vcard("ex"))
    assert answer.startswith(b"HTTP/1.1 100 ")
    assert b"HTTP/1.1 201 " in answer


def test_more_than_the_limit_is_refused(real: Real) -> None:
    head = "PUT /anna/contacts/x.vcf HTTP/1.1\nContent-Length: 20000000\n"
    with socket.create_connection(("127.0.0.1", real.server.port), timeout=30) as connection:
        connection.sendall((head.replace("\n", "\r\n") + real.authorization + "Host: x\r\n\r\n").encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 413 ")


def test_half_a_card_is_not_stored(real: Real) -> None:
    """A connection that ends in the middle of a card leaves nothing behind, and the threads are free again."""
    for _ in range(5):
        head = f"PUT /anna/contacts/half.vcf HTTP/1.1\nHost: x\nContent-Length: {len(CARD) + 40}\n"
        with socket.create_connection(("127.0.0.1", real.server.port), timeout=30) as connection:
            connection.sendall((head.replace("\n", "\r\n") + real.authorization + "\r\n").encode() + CARD)
    assert status(real.send("GET /anna/contacts/half.vcf HTTP/1.1\n")) == 404


def test_a_line_of_status_is_exact(real: Real) -> None:
    """Thunderbird compares the status lines inside of a multistatus with the text of HTTP/1.1."""
    answer = real.send("PROPFIND /anna/ HTTP/1.1\nDepth: 1\n")
    assert status(answer) == 207
    assert b"<D:status>HTTP/1.1 200 OK</D:status>" in answer
    assert b"realm=" in real.send("PROPFIND / HTTP/1.1\n", signed=False)


def test_every_answer_has_a_date(real: Real) -> None:
    """A server with a clock MUST say when it answered, whatever the answer (RFC 9110, 6.6.1; RFC 4918, 8.5)."""
    for head, signed in (
        ("OPTIONS / HTTP/1.1\n", False),
        ("PROPFIND / HTTP/1.1\n", False),
        ("PROPFIND /anna/ HTTP/1.1\nDepth: 0\n", True),
        ("GET /anna/contacts/nothing.vcf HTTP/1.1\n", True),
        ("BREW / HTTP/1.1\n", True),
    ):
        lines = real.send(head, signed=signed).partition(b"\r\n\r\n")[0].lower().split(b"\r\n")
        assert len([line for line in lines if line.startswith(b"date: ") and line.endswith(b" gmt")]) == 1, head
