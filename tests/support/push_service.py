"""
A push service on loopback, with devices behind it: it takes what is sent, and the devices read it.

Messages are decrypted by `http_ece`, which is not what encrypts them; who they are from is verified as RFC 8292 says.
"""

from __future__ import annotations

import base64
import contextlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import http_ece
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from lxml import etree
from typing_extensions import override

P = "{https://bitfire.at/webdav-push}"


def base64url(data: bytes) -> str:
    """Write octets as subscriptions do."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def octets(text: str) -> bytes:
    """Read them back."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass(frozen=True)
class Received:
    """One message as a device reads it. *key* is the public key of whoever sent it, in base64url, which was proved."""

    at: float
    path: str
    headers: dict[str, str]
    text: str
    key: str
    claims: dict[str, Any]

    @property
    def xml(self) -> etree._Element:
        """The message."""
        root = etree.fromstring(self.text.encode())
        assert root.tag == f"{P}push-message"
        return root

    @property
    def topic(self) -> str | None:
        """The topic that it names."""
        return self.xml.findtext(f"{P}topic")

    @property
    def sync_token(self) -> str | None:
        """The state of the collection that it names."""
        return self.xml.findtext(f"{P}content-update/{{DAV:}}sync-token")


@dataclass(frozen=True)
class Subscriber:
    """What a device got from its push service, and keeps to itself. *key* is its only sender's, if there is one."""

    url: str
    private: ec.EllipticCurvePrivateKey
    auth_secret: bytes
    key: str = ""

    @property
    def public_key(self) -> bytes:
        """The point that messages are encrypted for."""
        return self.private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    def register(self, *, trigger: str = "", expires: str = "", more: str = "") -> str:
        """Return the body of a registration as DAVx5 writes it, with what it does not say where that is given."""
        return (
            "<?xml version='1.0' encoding='UTF-8' ?>"
            '<push-register xmlns="https://bitfire.at/webdav-push"><subscription><web-push-subscription>'
            f"<push-resource>{self.url}</push-resource>"
            f'<subscription-public-key type="p256dh">{base64url(self.public_key)}</subscription-public-key>'
            f"<auth-secret>{base64url(self.auth_secret)}</auth-secret>{more}"
            f"</web-push-subscription></subscription>{trigger}"
            f"{f'<expires>{expires}</expires>' if expires else ''}</push-register>"
        )


@dataclass
class PushService:
    """
    A push service. It answers with the *answers*, a status and headers for each message, and 201 when they are used up.

    *broken* has messages that no device could read, or that are not proved to be from whom they say, with the reason.
    *connections* counts them, and *asked* all requests. It is *slow* by so many seconds before it has
    taken a message, and after.
    """

    origin: str = ""
    received: list[Received] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    always: tuple[int, dict[str, str]] = (201, {})
    subscribers: dict[str, Subscriber] = field(default_factory=dict)
    asked: int = 0
    connections: int = 0
    slow: float = 0.0

    @property
    def host(self) -> str:
        """What follows the scheme in its address."""
        return urlsplit(self.origin).netloc

    def subscribe(self, *, key: str = "") -> Subscriber:
        """Let a device subscribe; with *key* nobody else can send to it."""
        path = f"/push/{secrets.token_urlsafe(12)}"
        made = Subscriber(f"{self.origin}{path}", ec.generate_private_key(ec.SECP256R1()), secrets.token_bytes(16), key)
        self.subscribers[path] = made
        return made

    def of(self, subscriber: Subscriber) -> list[Received]:
        """Return what a device received, in order."""
        return [each for each in self.received if f"{self.origin}{each.path}" == subscriber.url]

    def taken(self) -> dict[str, list[Received]]:
        """Return what came since this was asked last, by push resource, and forget it."""
        found: dict[str, list[Received]] = {}
        came, self.received = self.received, []
        for each in came:
            found.setdefault(f"{self.origin}{each.path}", []).append(each)
        return found

    def take(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str]]:
        """Take one message."""
        self.asked += 1
        status, more = self.answers.pop(0) if self.answers else self.always
        time.sleep(self.slow)
        if 200 <= status < 300:
            try:
                self.received.append(self._read(path, headers, body))
            except (AssertionError, KeyError, ValueError, InvalidSignature, http_ece.ECEException) as error:
                self.broken.append(repr(error))
                return 403, {}
        time.sleep(self.slow)
        return status, more

    def _read(self, path: str, headers: dict[str, str], body: bytes) -> Received:
        subscriber = self.subscribers[path]
        key, claims = self._sender(headers["Authorization"])
        assert not subscriber.key or subscriber.key == key, "a subscription is for one sender"
        assert headers["Content-Encoding"] == "aes128gcm"
        text = http_ece.decrypt(
            body, private_key=subscriber.private, auth_secret=subscriber.auth_secret, version="aes128gcm"
        )
        return Received(time.monotonic(), path, headers, text.decode(), key, claims)

    def _sender(self, authorization: str) -> tuple[str, dict[str, Any]]:
        scheme, _, rest = authorization.partition(" ")
        parts = dict(part.strip().split("=", 1) for part in rest.split(","))
        signed, _, signature = parts["t"].rpartition(".")
        proof = octets(signature)
        assert scheme == "vapid"
        assert len(proof) == 64
        public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), octets(parts["k"]))
        both = encode_dss_signature(int.from_bytes(proof[:32]), int.from_bytes(proof[32:]))
        public.verify(both, signed.encode(), ec.ECDSA(SHA256()))
        claims: dict[str, Any] = json.loads(octets(signed.partition(".")[2]))
        assert claims["aud"] == self.origin
        assert 0 < claims["exp"] - time.time() <= 24 * 3600
        return parts["k"], claims


@contextlib.contextmanager
def push_service() -> Iterator[PushService]:
    """Run a push service."""
    service = PushService()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        @override
        def setup(self) -> None:
            service.connections += 1
            super().setup()

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, headers = service.take(self.path, dict(self.headers), body)
            self.send_response(status)
            for name, value in {"Content-Length": "0", **headers}.items():
                self.send_header(name, value)
            self.end_headers()

        @override
        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        request_queue_size = 64
        daemon_threads = True

    server = Server(("127.0.0.1", 0), Handler)
    service.origin = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
