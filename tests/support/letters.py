"""A mail server and a gateway for text messages on loopback, which keep what they are given."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from typing_extensions import override


def words(letter: EmailMessage) -> str:
    """Return the plain text of a letter."""
    body = letter.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


@dataclass
class Mailbox:
    """A mail server. What it answers is *answers*, one for each message, and 250 when they are used up."""

    port: int = 0
    letters: list[EmailMessage] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - its name
        """Take a message, or refuse it."""
        if self.answers and not (answer := self.answers.pop(0)).startswith("250"):
            return answer
        content = envelope.original_content or b""
        letter = message_from_bytes(content, policy=policy.default)
        assert isinstance(letter, EmailMessage)
        letter["X-Recipients"] = ", ".join(envelope.rcpt_tos)
        self.letters.append(letter)
        self.raw.append(content)
        return "250 OK"

    def link(self, purpose: str) -> str:
        """Return the address of the page for *purpose* that the newest message carries."""
        text = words(self.letters[-1])
        return next(word for word in text.split() if f"/.web/{purpose}?token=" in word)


@dataclass
class Gateway:
    """A gateway for text messages. It answers with the *statuses*, one for each, and 202 when they are used up."""

    port: int = 0
    bodies: list[Any] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)


@contextlib.contextmanager
def mail_server(mailbox: Mailbox | None = None) -> Iterator[Mailbox]:
    """Run a mail server, of the kind of *mailbox* where one is given."""
    mailbox = mailbox or Mailbox()
    with contextlib.closing(socket.socket()) as found:
        found.bind(("127.0.0.1", 0))
        mailbox.port = found.getsockname()[1]
    controller = Controller(mailbox, hostname="127.0.0.1", port=mailbox.port)
    controller.start()
    try:
        yield mailbox
    finally:
        controller.stop()


@contextlib.contextmanager
def sms_gateway() -> Iterator[Gateway]:
    """Run a gateway."""
    gateway = Gateway()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = gateway.statuses.pop(0) if gateway.statuses else 202
            if status < 300:
                gateway.bodies.append(json.loads(body))
                gateway.headers.append(dict(self.headers))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        @override
        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    gateway.port = server.server_port
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield gateway
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
