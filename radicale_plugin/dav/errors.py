"""Answers that refuse: a status, a sentence, and where the standards name one the precondition in the body."""

from __future__ import annotations

from radicale_plugin.dav.names import NAMESPACES, XML_TYPE, dav, element, href, text
from radicale_plugin.dav.responses import ALLOW, Headers, Response
from sync import errors


class DavError(Exception):
    """
    A request that is refused.

    *condition* is the full name of the pre- or postcondition that was violated (RFC 4918, 16), *content* markup
    inside of it, and *also* the name of another that was violated by the same. *retry_after* is in how many seconds
    the same may succeed, 0 where nobody knows.
    """

    def __init__(
        self, status: int, message: str, condition: str = "", content: str = "", also: str = "", retry_after: int = 0
    ) -> None:
        """Refuse with *status*, saying *message*."""
        super().__init__(message)
        self.status = status
        self.condition = condition
        self.content = content
        self.also = also
        self.retry_after = retry_after

    def response(self) -> Response:
        """Return the answer to send."""
        headers: Headers = []
        if self.status == 405:
            headers.append(("Allow", ALLOW))
        if self.retry_after:
            headers.append(("Retry-After", str(self.retry_after)))
        if not self.condition:
            return Response(
                self.status, [*headers, ("Content-Type", "text/plain; charset=utf-8")], f"{self}\n".encode()
            )
        violated = element(self.condition, self.content) + (element(self.also) if self.also else "")
        body = (
            f'<?xml version="1.0" encoding="utf-8"?>\n<D:error{NAMESPACES}>{violated}'
            f"<D:responsedescription>{text(str(self))}</D:responsedescription></D:error>"
        )
        return Response(self.status, [*headers, ("Content-Type", XML_TYPE)], body.encode())


def needs_privilege(url: str, privilege: str, message: str) -> DavError:
    """Return the refusal that names the resource and the privilege that is missing there (RFC 3744, 7.1.1)."""
    missing = element(dav("privilege"), element(dav(privilege)))
    return DavError(403, message, dav("need-privileges"), element(dav("resource"), href(url) + missing))


def refusal(error: errors.EvercardError) -> DavError:
    """Say over HTTP what the engine refused."""
    message = str(error)
    if isinstance(error, errors.UIDConflict):
        return DavError(409, message)
    if isinstance(error, errors.TooManyTries):
        return DavError(429, message, retry_after=error.seconds)
    for kind, status in _STATUS:
        if isinstance(error, kind):
            return DavError(status, message)
    return DavError(400, message)


_STATUS: tuple[tuple[type[errors.EvercardError], int], ...] = (
    (errors.NotFound, 404),
    (errors.PreconditionFailed, 412),
    (errors.Refused, 403),
    (errors.Conflict, 409),
    (errors.AlreadyExists, 409),
    (errors.EndsDue, 503),
    (errors.DatabaseFull, 507),
    (errors.DatabaseUnavailable, 503),
)
