"""The bodies of requests as they come in: whole, within a limit and a time, or thrown away."""

from __future__ import annotations

from typing import Any

from radicale_plugin.server.deadlines import Late, Transfer

Environ = dict[str, Any]

_PIECE = 64 * 1024
#: So many octets of a body that nobody wants are read all the same. On a connection that was closed in the middle of
#: a body the client might not get to see it, and a proxy says something else in its place (502).
_DISCARDED = 32 * 1024 * 1024


class Rejected(Exception):
    """A request that goes no further."""

    def __init__(self, status: int, message: str) -> None:
        """Reject with *status*, saying *message*."""
        super().__init__(message)
        self.status = status
        self.message = message


def read_body(environ: Environ, limit: int, transfer: Transfer | None = None) -> bytes:
    """
    Read the whole body of a request, within the time that *transfer* gives it.

    Raises:
        Rejected: It has more than *limit* octets, or not as many as it says, or takes too long.
    """
    stream, declared = environ["wsgi.input"], declared_octets(environ, limit)
    if declared is not None:
        body = _read(stream, declared, transfer)
        if len(body) < declared:
            raise Rejected(400, "The body of this request ended early.")
        return body
    if is_chunked(environ):
        body = _read(stream, limit + 1, transfer)
        if len(body) > limit:
            raise Rejected(413, f"A body may have at most {limit} octets here.")
        return body
    return b""


def declared_octets(environ: Environ, limit: int) -> int | None:
    """
    Return how long the body of a request is by what it says of itself, None where it does not say.

    Raises:
        Rejected: It says something else than a number, or one above *limit*.
    """
    declared = environ.get("CONTENT_LENGTH") or ""
    if not declared:
        return None
    if not (declared.isascii() and declared.isdecimal()):
        raise Rejected(400, "The Content-Length of this request is not a number.")
    if len(declared) > 18 or int(declared) > limit:
        raise Rejected(413, f"A body may have at most {limit} octets here.")
    return int(declared)


def _read(stream: Any, size: int, transfer: Transfer | None) -> bytes:
    parts = []
    while size > 0:
        part = stream.read(min(size, _PIECE))
        if not part:
            break
        parts.append(part)
        size -= len(part)
        if transfer is not None:
            _require_pace(transfer, len(part))
    return b"".join(parts)


def _require_pace(transfer: Transfer, octets: int) -> None:
    try:
        transfer.moved(octets)
    except Late:
        raise Rejected(408, "The body of this request came too slowly.") from None


def discard_body(environ: Environ, transfer: Transfer) -> None:
    """Throw away the body of a request, for no longer than *transfer* gives an empty one, and no more than a little."""
    declared = environ.get("CONTENT_LENGTH") or str(_DISCARDED)
    left = min(int(declared), _DISCARDED) if declared.isascii() and declared.isdecimal() and len(declared) <= 18 else 0
    while left > 0 and not transfer.is_late():
        part = environ["wsgi.input"].read(min(left, _PIECE))
        if not part:
            return
        left -= len(part)


def is_chunked(environ: Environ) -> bool:
    """Whether a body comes in pieces, however many."""
    return bool(environ.get("HTTP_TRANSFER_ENCODING"))


def has_body(environ: Environ) -> bool:
    """Whether there is a body, by what a request says of itself."""
    return is_chunked(environ) or environ.get("CONTENT_LENGTH", "") not in ("", "0")
