"""
A connection to a push service, which may be anybody's: to the address that was looked at, within a time, no further.

No redirect is followed, no proxy asked, and of an answer not more is read than its status needs. The time is for all of
an exchange, however slowly it goes on.
"""

from __future__ import annotations

import contextlib
import email.utils
import http.client
import io
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import certifi
from typing_extensions import override

from sync.notify import outgoing
from sync.push.endpoints import Endpoint

#: Seconds for connecting, encryption included, and for one exchange.
TO_CONNECT, TO_ANSWER = 5.0, 8.0
#: Octets of an answer that are read so that the connection can be used again; after more it is closed.
_READ = 4096


@dataclass(frozen=True, slots=True)
class Answer:
    """What a push service says: a status and, where it names one, in how many seconds it may be asked again."""

    status: int
    retry_after: int | None


class NoAnswer(Exception):
    """The push service could not be called, or says nothing that could be understood. Its text names no address."""


def tls_context() -> ssl.SSLContext:
    """Return how push services prove who they are."""
    return ssl.create_default_context(cafile=certifi.where())


class PushConnection:
    """Connects to the host of one push resource as soon as something is sent, and again where that was closed."""

    def __init__(self, endpoint: Endpoint, context: ssl.SSLContext, *, allow_local: bool) -> None:
        """Connect to nothing yet."""
        self.origin = endpoint.origin
        self._endpoint, self._context, self._allow_local = endpoint, context, allow_local
        self._socket: socket.socket | None = None

    def post(self, target: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """
        Send one message and return what is said to it. What is in *headers* and *target* has no line breaks.

        Raises:
            NoAnswer: Nothing can be said of whether it arrived.
        """
        was_open = self._socket is not None
        try:
            return self._post(target, headers, body)
        except (http.client.RemoteDisconnected, ConnectionError, ssl.SSLEOFError) as error:
            self.close()
            if not was_open:
                raise NoAnswer(f"it breaks off ({type(error).__name__})") from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.close()
            raise NoAnswer(f"it cannot be used ({type(error).__name__})") from error
        # It was closed because nothing had been sent for a while.
        return self.post(target, headers, body)

    def close(self) -> None:
        """Connect anew the next time."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _post(self, target: str, headers: Mapping[str, str], body: bytes) -> Answer:
        if self._socket is None:
            self._socket = self._connect()
        named = {"Host": self._endpoint.authority, **headers, "Content-Length": str(len(body))}
        lines = "".join(f"{name}: {value}\r\n" for name, value in named.items())
        deadline = time.monotonic() + TO_ANSWER
        self._socket.settimeout(TO_ANSWER)
        self._socket.sendall(f"POST {target} HTTP/1.1\r\n{lines}\r\n".encode("ascii") + body)
        return self._answer(self._socket, deadline)

    def _answer(self, connected: socket.socket, deadline: float) -> Answer:
        with contextlib.closing(http.client.HTTPResponse(connected, method="POST")) as response:
            response.fp = io.BufferedReader(_InTime(connected, response.fp, deadline))
            response.begin()
            answer = Answer(response.status, _seconds(response.getheader("Retry-After")))
            with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
                response.read(_READ)
            if response.will_close or not response.isclosed():
                self.close()
        return answer

    def _connect(self) -> socket.socket:
        host, port = self._endpoint.host, self._endpoint.port
        address = outgoing.resolve(host, port, allow_local=self._allow_local)
        connected = socket.create_connection((address, port), TO_CONNECT)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if not self._endpoint.is_encrypted:
            return connected
        try:
            return self._context.wrap_socket(connected, server_hostname=host)
        except BaseException:
            connected.close()
            raise


class _InTime(io.RawIOBase):
    """Reads from a socket until a moment, and not beyond it whatever comes meanwhile."""

    def __init__(self, sock: socket.socket, opened: io.BufferedReader, deadline: float) -> None:
        # What was *opened* on the socket keeps it open for as long as this is.
        self._sock, self._opened, self._deadline = sock, opened, deadline

    @override
    def readable(self) -> bool:
        return True

    @override
    def readinto(self, buffer: Any, /) -> int:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._sock.settimeout(left)
        return self._sock.recv_into(buffer)

    @override
    def close(self) -> None:
        self._opened.close()
        super().close()


def _seconds(said: str | None) -> int | None:
    """Read a Retry-After, in seconds or as a date (RFC 9110, 10.2.3); None for what is neither."""
    text = (said or "").strip()
    if text.isascii() and text.isdecimal():
        return int(text[:9])
    try:
        return max(0, int(email.utils.parsedate_to_datetime(text).timestamp() - time.time()))
    except (ValueError, OverflowError, TypeError):
        return None
