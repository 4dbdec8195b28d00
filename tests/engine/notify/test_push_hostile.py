"""A push resource is anybody's choice: it learns nothing, leads nowhere else, and keeps nobody waiting."""

from __future__ import annotations

import contextlib
import datetime as dt
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from sync.accounts import pushes
from sync.database.engine import Database
from sync.notify import outgoing
from sync.push import connection, endpoints, keys
from sync.push.connection import NoAnswer, PushConnection
from sync.push.delivery import Delivery
from sync.worker import WORDING
from tests.support import factories
from tests.support.push_service import PushService, push_service
from tests.support.subscribing import SETTINGS, Telling, rows, set_all, subscribe, wanted

CREATED = b"HTTP/1.1 201 Created\r\n"
NAME = "push.example.org"


@contextlib.contextmanager
def listening(answer: Callable[[socket.socket], object], context: ssl.SSLContext | None = None) -> Iterator[int]:
    """Answer every connection in a way of its own, and yield the port."""
    server = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def serve(connected: socket.socket) -> None:
        with contextlib.suppress(OSError), connected:
            secured = context.wrap_socket(connected, server_side=True) if context is not None else connected
            with secured:
                secured.recv(65_536)
                answer(secured)

    def accept() -> None:
        while not stop.is_set():
            with contextlib.suppress(OSError):
                threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()

    server.settimeout(0.1)
    thread = threading.Thread(target=accept)
    thread.start()
    try:
        yield server.getsockname()[1]
    finally:
        stop.set()
        thread.join()
        server.close()


def post(port: int, *, context: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> connection.Answer:
    """Send one message there."""
    scheme = "http" if context is None else "https"
    endpoint = endpoints.read(f"{scheme}://{host}:{port}/push", allow_local=True)
    caller = PushConnection(endpoint, context or connection.tls_context(), allow_local=True)
    try:
        return caller.post("/push", {"TTL": "1"}, b"body")
    finally:
        caller.close()


def drip(connected: socket.socket) -> None:
    """Say one more letter again and again."""
    connected.sendall(CREATED + b"X: ")
    while True:
        connected.sendall(b"x")
        time.sleep(0.05)


def never_answer(connected: socket.socket) -> None:
    """Say nothing."""
    connected.recv(1)


def have_no_end(connected: socket.socket) -> None:
    """Say what has no end."""
    connected.sendall(CREATED + b"Transfer-Encoding: chunked\r\n\r\n")
    while True:
        connected.sendall(b"1000\r\n" + b"x" * 4096 + b"\r\n")


def drip_body(connected: socket.socket) -> None:
    """Say a length, and then one octet after the other."""
    connected.sendall(CREATED + b"Content-Length: 1000000\r\n\r\n")
    while True:
        connected.sendall(b"x")
        time.sleep(0.05)


def say_to_go_on(connected: socket.socket) -> None:
    """Say that the body can be sent, again and again."""
    while True:
        connected.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        time.sleep(0.01)


def send_headers(connected: socket.socket) -> None:
    """Send headers without an end."""
    connected.sendall(CREATED)
    while True:
        connected.sendall(b"X: y\r\n")


def say_nonsense(connected: socket.socket) -> None:
    """Say something else."""
    connected.sendall(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")


def break_off(connected: socket.socket) -> None:
    """Say nothing and close."""
    connected.close()


def break_off_later(connected: socket.socket) -> None:
    """Close in the middle of it."""
    connected.sendall(CREATED[:5])


@pytest.mark.parametrize("answer", [have_no_end, drip_body])
def test_of_an_answer_nothing_is_needed_but_its_status(
    monkeypatch: pytest.MonkeyPatch, answer: Callable[[socket.socket], object]
) -> None:
    monkeypatch.setattr(connection, "TO_ANSWER", 0.5)
    began = time.monotonic()
    with listening(answer) as port:
        assert post(port).status == 201
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    "answer", [drip, never_answer, say_to_go_on, send_headers, say_nonsense, break_off, break_off_later]
)
def test_an_answer_that_is_none_ends_in_time(
    monkeypatch: pytest.MonkeyPatch, answer: Callable[[socket.socket], object]
) -> None:
    monkeypatch.setattr(connection, "TO_ANSWER", 0.5)
    began = time.monotonic()
    with listening(answer) as port, pytest.raises(NoAnswer) as caught:
        post(port)
    assert time.monotonic() - began < 5
    assert str(port) not in str(caught.value)


def test_nobody_at_a_port_is_no_answer() -> None:
    with listening(break_off) as port:
        pass
    with pytest.raises(NoAnswer):
        post(port)


def test_a_redirect_is_not_followed(told: Database, worker: Telling, service: PushService) -> None:
    anna = factories.person(told, "anna")
    with push_service() as inside:
        service.answers = [(status, {"Location": f"{inside.origin}/secret"}) for status in (301, 302, 303, 307, 308)]
        subscribe(told, anna, wanted(service.subscribe()))
        for number in range(5):
            factories.put(told, anna, f"{number}.vcf", factories.vcard(str(number)))
            worker.later(3600)
        assert (service.asked, inside.asked) == (5, 0)
    assert rows(told)[0].attempts == 5


def _looked_up(monkeypatch: pytest.MonkeyPatch, *answers: str) -> list[str]:
    """Let a name lead to one address after the other, and the last of them from then on."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def getaddrinfo(host: Any, port: Any, *args: Any, **options: Any) -> Any:
        if host != NAME or options.get("flags"):
            return real(host, port, *args, **options)
        asked.append(host)
        address = answers[min(len(asked), len(answers)) - 1]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


def certified(directory: Path, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return how a server is one of this *name*, and how that is found out by whoever trusts nobody else."""
    key, issued = ec.generate_private_key(keys.CURVE), dt.datetime.now(dt.UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(issued - dt.timedelta(days=1))
        .not_valid_after(issued + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, SHA256())
    )
    file = directory / f"{name}.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(made.public_bytes(Encoding.PEM) + private)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(file)
    return server, ssl.create_default_context(cafile=str(file))


def created(connected: socket.socket) -> None:
    """Answer as a push service does."""
    connected.sendall(CREATED + b"Content-Length: 0\r\n\r\n")


def test_the_connection_goes_to_the_address_that_was_looked_at(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Or a name could lead to another one between the look and the call."""
    server, client = certified(tmp_path, NAME)
    looked: list[str] = []

    def is_public(address: str) -> bool:
        looked.append(address)
        return True

    monkeypatch.setattr(outgoing, "is_public", is_public)
    asked = _looked_up(monkeypatch, "127.0.0.1", "127.0.0.2")
    with listening(created, server) as port:
        endpoint = endpoints.read(f"https://{NAME}:{port}/push", allow_local=True)
        caller = PushConnection(endpoint, client, allow_local=False)
        assert caller.post("/push", {}, b"").status == 201
        caller.close()
    assert (asked, looked) == ([NAME], ["127.0.0.1"])


def test_a_push_service_that_cannot_prove_its_name_is_told_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    heard: list[bytes] = []
    for name, trusted in (("other.example.org", True), (NAME, False)):
        server, client = certified(tmp_path, name)
        _looked_up(monkeypatch, "127.0.0.1")
        with (
            listening(lambda connected: heard.append(connected.recv(1)), server) as port,
            pytest.raises(NoAnswer, match="SSLCertVerificationError"),
        ):
            post(port, context=client if trusted else connection.tls_context(), host=NAME)
    assert heard == []


@pytest.mark.parametrize("address", ["127.0.0.1", "169.254.169.254", "10.1.2.3", "0.0.0.0"])  # noqa: S104 - not bound
def test_a_name_that_leads_to_this_network_by_the_time_that_it_is_called_is_not_called(
    database_url: str, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    database = Database(database_url, replace(SETTINGS, push_to_local=False))
    anna, calls = factories.person(database, "anna"), list[object]()
    with listening(calls.append) as port:
        monkeypatch.setattr(endpoints, "PORTS", (port,))
        what = replace(wanted(PushService(f"https://{NAME}:{port}").subscribe()))
        subscribe(database, anna, what)
        _looked_up(monkeypatch, address)
        tried: list[object] = []
        monkeypatch.setattr(socket, "create_connection", lambda *args, **_: tried.append(args))
        factories.put(database, anna, "one.vcf", factories.vcard())
        worker = Telling(database, Delivery(database, WORDING, pushes.afford))
        worker.work()
    (row,) = rows(database)
    assert (tried, calls, row.attempts, row.waiting_since is not None) == ([], [], 1, True)
    database.dispose()


def test_what_was_registered_while_local_addresses_were_allowed_ends_when_they_are_not(
    told: Database, service: PushService, database_url: str
) -> None:
    anna = factories.person(told, "anna")
    subscribe(told, anna, wanted(service.subscribe()))
    factories.put(told, anna, "one.vcf", factories.vcard())
    strict = Database(database_url, replace(SETTINGS, push_to_local=False))
    Telling(strict, Delivery(strict, WORDING, pushes.afford)).work()
    assert (service.asked, rows(told)) == (0, [])
    strict.dispose()


def test_slow_hosts_keep_nobody_from_being_told_by_another(
    told: Database, worker: Telling, service: PushService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "TO_ANSWER", 3.0)
    people = factories.people(told, *(f"p{number}" for number in range(20)))
    phones = [service.subscribe() for _ in people]
    with contextlib.ExitStack() as stack:
        for number, (person, phone) in enumerate(zip(people, phones, strict=True)):
            subscribe(told, person, wanted(phone))
            port = stack.enter_context(listening(never_answer)) if number < 8 else 0
            for _ in range(3 if port else 0):
                slow = PushService(f"http://127.0.0.1:{port}").subscribe()
                subscribe(told, person, wanted(slow))
        set_all(told, waiting_since=1, news=1, has_content=True)
        began = time.monotonic()
        worker.delivery.work()
        while len(service.received) < len(people) and time.monotonic() - began < 3:
            time.sleep(0.01)
        took = time.monotonic() - began
        assert [len(service.of(phone)) for phone in phones] == [1] * len(people)
        worker.delivery.stop()
    assert took < 3, "the slow ones were still being waited for"


def test_an_address_in_the_internet_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    """That is, nothing else would keep it from being called."""
    assert outgoing.is_public(str(ipaddress.ip_address("93.184.216.34")))
    _looked_up(monkeypatch, "93.184.216.34")
    assert outgoing.resolve(NAME, 443, allow_local=False) == "93.184.216.34"
