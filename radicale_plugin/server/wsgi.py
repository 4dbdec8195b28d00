"""
What stands around the application, because WSGI servers and Radicale's application do not quite meet (PEP 3333).

It decodes paths, reads bodies whole and within a limit, chunked ones too, refuses what is no sensible request before
anybody works on it, and answers whether its database can be used (``/.health``) and all else is ready (``/.ready``).
It lets few threads work at once, and none of those waits for a client: a body is read before, an answer sent after,
by a thread that can be spared (see `radicale_plugin.server.deadlines`).
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from http import HTTPStatus
from queue import SimpleQueue
from typing import Any, Protocol

from radicale_plugin.dav.errors import DavError
from radicale_plugin.dav.names import card
from radicale_plugin.dav.responses import Headers
from radicale_plugin.server import connections, health, scim_door
from radicale_plugin.server.deadlines import Deadlines, Late
from radicale_plugin.server.request_bodies import (
    Environ,
    Rejected,
    declared_octets,
    discard_body,
    has_body,
    is_chunked,
    read_body,
)
from sync.database.engine import Database
from sync.errors import DatabaseUnavailable

StartResponse = Callable[..., Any]


class Application(Protocol):
    """A WSGI application that can say no before it has seen a body."""

    def __call__(self, environ: Environ, start_response: StartResponse, /) -> Iterable[bytes]:
        """Answer a request."""

    def refuse(self, environ: Environ, start_response: StartResponse, /) -> Iterable[bytes] | None:
        """Answer a request that goes no further whatever its body is; None for any other."""


#: The largest body of any request, a report that names every entry of a large book
#: (`radicale_plugin.dav.bodies.MAX_OCTETS`).
MAX_BODY = 8 * 1024 * 1024
#: A card may be 256 kB, but comes with a photo as a camera takes it, which is made small.
MAX_CARD_BODY = 8 * 1024 * 1024
#: Octets of all header lines together, and of one; browsers and programs send some hundred.
MAX_HEAD = 16 * 1024
MAX_HEADER = 8 * 1024
#: Octets of a path and a query.
MAX_TARGET = 8 * 1024
_METHODS = frozenset(
    {"COPY", "DELETE", "GET", "HEAD", "LOCK", "MKCALENDAR", "MKCOL", "MOVE", "OPTIONS", "POST", "PROPFIND", "PROPPATCH"}
    | {"PUT", "REPORT", "UNLOCK", "ACL"}
)


class Wrapper:
    """A WSGI application around another, which finds every body whole, with its true ``CONTENT_LENGTH``."""

    def __init__(
        self, application: Application, database: Database, *, threads: int = 64, deadlines: Deadlines | None = None
    ) -> None:
        """
        Stand around *application*, in which at most so many *threads* are at once.

        *database* is asked whether it can be used. *deadlines* knows who sends and fetches; without it everybody may
        take as long as they like.
        """
        self._application = application
        self._database = database
        # Lets a few in at once, as a semaphore does, of which Python's own takes many times as long.
        self._places = SimpleQueue[None]()
        for _ in range(threads):
            self._places.put(None)
        self._deadlines = deadlines

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        if environ.get("PATH_INFO") == "/.health":
            return self._health(start_response)
        if environ.get("PATH_INFO") == "/.ready":
            return self._ready(start_response)
        try:
            if self._deadlines is None:
                return self._answer(environ, start_response)
            with self._deadlines.request(_peer(environ)):
                return self._answer(environ, start_response)
        except Rejected as rejected:
            condition = card("max-resource-size") if _is_too_large_a_card(environ, rejected) else ""
            response = DavError(rejected.status, rejected.message, condition).response()
            return self._drained(environ, _send(start_response, response.status, response.headers, response.body))

    def _answer(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        environ = normalized(environ)
        most = _most_octets(environ)
        declared_octets(environ, most)
        places = self._places
        places.get()
        try:
            refused = self._application.refuse(environ, start_response)
        finally:
            places.put(None)
        if refused is not None:
            return self._drained(environ, refused)
        body = self._body(environ, most)
        environ["CONTENT_LENGTH"], environ["wsgi.input"] = str(len(body)), io.BytesIO(body)
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        places.get()
        try:
            answer = self._application(environ, start_response)
        finally:
            places.put(None)
        if isinstance(answer, list) or self._deadlines is None:
            return answer
        return _paced(self._deadlines, _peer(environ), answer)

    def _body(self, environ: Environ, limit: int) -> bytes:
        if self._deadlines is None or not has_body(environ):
            return read_body(environ, limit)
        peer = _peer(environ)
        before = connections.established(peer) if is_chunked(environ) else frozenset()
        with self._deadlines.transfer(peer) as transfer:
            body = read_body(environ, limit, transfer)
        if is_chunked(environ) and self._deadlines.is_cut(peer, before):
            raise Rejected(400, "The body of this request was cut short; send it again.")
        return body

    def _drained(self, environ: Environ, answer: Iterable[bytes]) -> Iterable[bytes]:
        # Who waits to be told to go on sends no more, and other servers than our own see to this themselves.
        if self._deadlines is None or not has_body(environ) or "HTTP_EXPECT" in environ:
            return answer
        return _draining(self._deadlines, environ, answer)

    def _health(self, start_response: StartResponse) -> Iterable[bytes]:
        try:
            self._database.check()
        except DatabaseUnavailable as error:
            return plain(start_response, 503, str(error))
        return plain(start_response, 200, "ok")

    def _ready(self, start_response: StartResponse) -> Iterable[bytes]:
        found = health.readiness(self._database)
        status = 200 if set(found.values()) == {health.OK} else 503
        return _send(start_response, status, [("Content-Type", "application/json")], json.dumps(found).encode())


def normalized(environ: Environ) -> Environ:
    """
    Return *environ* as Radicale's application understands it.

    Raises:
        Rejected: The request cannot be understood, or is too large.
    """
    method = environ.get("REQUEST_METHOD", "")
    if method not in _METHODS and not (method == "PATCH" and scim_door.is_below(environ.get("PATH_INFO", ""))):
        raise Rejected(501, "This method is not known here.")
    try:
        path = environ.get("PATH_INFO", "").encode("latin-1").decode("utf-8")
    except UnicodeError:
        raise Rejected(400, "The path of this request is not UTF-8.") from None
    if not path.isprintable() and any(character < " " or character == "\x7f" for character in path):
        raise Rejected(400, "The path of this request has control characters.")
    _require_small_head(environ)
    result = {**environ, "PATH_INFO": path}
    # Only the configuration says where we are (security rule R8).
    for name in ("HTTP_X_SCRIPT_NAME", "HTTP_X_FORWARDED_HOST", "HTTP_X_FORWARDED_SERVER"):
        result.pop(name, None)
    return result


def _paced(deadlines: Deadlines, address: str, answer: Iterable[bytes]) -> Iterator[bytes]:
    """Send a long answer. One that is fetched too slowly ends early, which its length tells the client."""
    try:
        with deadlines.transfer(address) as transfer:
            for piece in answer:
                yield piece
                transfer.moved(len(piece))
    except Late:
        return
    finally:
        getattr(answer, "close", lambda: None)()


def _draining(deadlines: Deadlines, environ: Environ, answer: Iterable[bytes]) -> Iterator[bytes]:
    """Send an answer, and read on: who still sends would not see it on a connection that is closed meanwhile."""
    yield from answer
    with deadlines.transfer(_peer(environ)) as transfer:
        discard_body(environ, transfer)


def _require_small_head(environ: Environ) -> None:
    if len(environ.get("PATH_INFO", "")) + len(environ.get("QUERY_STRING", "")) > MAX_TARGET:
        raise Rejected(414, "The address of this request is too long.")
    lines = [len(name) + len(value) for name, value in environ.items() if name[:5] == "HTTP_"]
    octets = sum(lines)
    # No line is too long where all of them together are not.
    if octets > MAX_HEADER and (octets > MAX_HEAD or max(lines) > MAX_HEADER):
        raise Rejected(431, "The header lines of this request are too long.")


def client_address(environ: Mapping[str, Any], proxies: int) -> str:
    """
    Return the address that a request comes from: what the outermost of *proxies* trusted ones in front saw.

    Whatever stands further left in ``X-Forwarded-For`` was written by somebody whom nobody has to believe.
    """
    peer = str(environ.get("REMOTE_ADDR") or "")
    if not proxies:
        return peer
    said = [address.strip() for address in environ.get("HTTP_X_FORWARDED_FOR", "").split(",")]
    return (said[-proxies] if proxies <= len(said) else "") or peer


def plain(start_response: StartResponse, status: int, message: str) -> Iterable[bytes]:
    """Answer with a sentence."""
    return _send(start_response, status, [("Content-Type", "text/plain; charset=utf-8")], f"{message}\n".encode())


def _is_too_large_a_card(environ: Environ, rejected: Rejected) -> bool:
    return environ.get("REQUEST_METHOD") == "PUT" and rejected.status == 413


def _send(
    start_response: StartResponse, status: int, headers: Headers, body: bytes | Iterable[bytes]
) -> Iterable[bytes]:
    whole = body if isinstance(body, bytes) else b"".join(body)
    # Whatever it looks like, it is what we say.
    safe = [*headers, ("X-Content-Type-Options", "nosniff"), ("Content-Length", str(len(whole)))]
    start_response(f"{status} {HTTPStatus(status).phrase}", safe)
    return [whole]


def _most_octets(environ: Environ) -> int:
    return MAX_CARD_BODY if environ["REQUEST_METHOD"] == "PUT" else MAX_BODY


def _peer(environ: Environ) -> str:
    return str(environ.get("REMOTE_ADDR") or "")
