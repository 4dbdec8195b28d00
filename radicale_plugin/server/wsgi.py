"""
What stands around the application, because WSGI servers and Radicale's application do not quite meet (PEP 3333).

It decodes paths, reads bodies whole and within a limit, chunked ones too, refuses what is no sensible request before
anybody works on it, and answers whether the server is alive.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any

from radicale_plugin.dav.errors import DavError
from radicale_plugin.dav.names import card
from radicale_plugin.dav.responses import Headers
from sync.database.engine import Database
from sync.errors import DatabaseUnavailable

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]

#: The largest body of any request, a report that names every entry of a large book
#: (`radicale_plugin.dav.bodies.MAX_OCTETS`).
MAX_BODY = 8 * 1024 * 1024
#: A card may be 256 kB, but comes with a photo as a camera takes it, which is made small.
MAX_CARD_BODY = 8 * 1024 * 1024
_METHODS = frozenset(
    {"COPY", "DELETE", "GET", "HEAD", "LOCK", "MKCALENDAR", "MKCOL", "MOVE", "OPTIONS", "POST", "PROPFIND", "PROPPATCH"}
    | {"PUT", "REPORT", "UNLOCK", "ACL"}
)


class Wrapper:
    """A WSGI application around another, which finds every body whole, with its true ``CONTENT_LENGTH``."""

    def __init__(self, application: Application, database: Database) -> None:
        """Stand around *application*; *database* is asked by the health check."""
        self._application = application
        self._database = database

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        if environ.get("PATH_INFO") == "/.health":
            return self._health(start_response)
        try:
            environ = normalized(environ)
        except Rejected as rejected:
            condition = card("max-resource-size") if _is_too_large_a_card(environ, rejected) else ""
            response = DavError(rejected.status, rejected.message, condition).response()
            return _send(start_response, response.status, response.headers, response.body)
        return self._application(environ, start_response)

    def _health(self, start_response: StartResponse) -> Iterable[bytes]:
        try:
            self._database.check()
        except DatabaseUnavailable as error:
            return plain(start_response, 503, str(error))
        return plain(start_response, 200, "ok")


class Rejected(Exception):
    """A request that goes no further."""

    def __init__(self, status: int, message: str) -> None:
        """Reject with *status*, saying *message*."""
        super().__init__(message)
        self.status = status
        self.message = message


def normalized(environ: Environ) -> Environ:
    """
    Return *environ* as Radicale's application understands it.

    Raises:
        Rejected: The request cannot be understood, or is too large.
    """
    method = environ.get("REQUEST_METHOD", "")
    if method not in _METHODS:
        raise Rejected(501, "This method is not known here.")
    try:
        path = environ.get("PATH_INFO", "").encode("latin-1").decode("utf-8")
    except UnicodeError:
        raise Rejected(400, "The path of this request is not UTF-8.") from None
    if any(character < " " or character == "\x7f" for character in path):
        raise Rejected(400, "The path of this request has control characters.")
    body = read_body(environ, MAX_CARD_BODY if method == "PUT" else MAX_BODY)
    result = {
        **environ,
        "PATH_INFO": path,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
    }
    # Only the configuration says where we are (security rule R8).
    for name in ("HTTP_X_SCRIPT_NAME", "HTTP_X_FORWARDED_HOST", "HTTP_X_FORWARDED_SERVER", "HTTP_TRANSFER_ENCODING"):
        result.pop(name, None)
    return result


def client_address(environ: Mapping[str, Any], proxies: int) -> str:
    """
    Return the address that a request comes from: what the outermost of *proxies* trusted ones in front saw.

    Whatever stands further left in ``X-Forwarded-For`` was written by somebody whom nobody has to believe.
    """
    peer = str(environ.get("REMOTE_ADDR") or "")
    said = [address.strip() for address in environ.get("HTTP_X_FORWARDED_FOR", "").split(",")]
    return (said[-proxies] if 0 < proxies <= len(said) else "") or peer


def plain(start_response: StartResponse, status: int, message: str) -> Iterable[bytes]:
    """Answer with a sentence."""
    return _send(start_response, status, [("Content-Type", "text/plain; charset=utf-8")], f"{message}\n".encode())


def _is_too_large_a_card(environ: Environ, rejected: Rejected) -> bool:
    return environ.get("REQUEST_METHOD") == "PUT" and rejected.status == 413


def _send(
    start_response: StartResponse, status: int, headers: Headers, body: bytes | Iterable[bytes]
) -> Iterable[bytes]:
    whole = body if isinstance(body, bytes) else b"".join(body)
    start_response(f"{status} {HTTPStatus(status).phrase}", [*headers, ("Content-Length", str(len(whole)))])
    return [whole]


def read_body(environ: Environ, limit: int) -> bytes:
    """
    Read the whole body of a request.

    Raises:
        Rejected: It has more than *limit* octets, or not as many as it says.
    """
    declared = environ.get("CONTENT_LENGTH") or ""
    if declared and not (declared.isascii() and declared.isdecimal()):
        raise Rejected(400, "The Content-Length of this request is not a number.")
    if (declared and len(declared) > 18) or int(declared or 0) > limit:
        raise Rejected(413, f"A body may have at most {limit} octets here.")
    stream = environ["wsgi.input"]
    if declared:
        body = _read(stream, int(declared))
        if len(body) < int(declared):
            raise Rejected(400, "The body of this request ended early.")
        return body
    if environ.get("HTTP_TRANSFER_ENCODING"):
        body = _read(stream, limit + 1)
        if len(body) > limit:
            raise Rejected(413, f"A body may have at most {limit} octets here.")
        return body
    return b""


def _read(stream: Any, size: int) -> bytes:
    parts = []
    while size > 0:
        part = stream.read(size)
        if not part:
            break
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
