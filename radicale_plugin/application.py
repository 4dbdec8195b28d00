"""
Evercard's application: Radicale's, with everything below a principal answered here.

Radicale's own methods know no limits, no vCard versions and no preconditions with a body, and hand every card to a
parser that damages it. What is left to them is the portal under ``/.web/`` and whatever is not an address book.
"""

from __future__ import annotations

import base64
import binascii
import logging
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from radicale import config
from radicale.app import Application as RadicaleApplication
from typing_extensions import override

from radicale_plugin import paths, settings
from radicale_plugin.dav import conditions, entry, errors, propfind, proppatch, reports
from radicale_plugin.dav.properties import Place
from radicale_plugin.dav.requests import Request, Service
from radicale_plugin.dav.responses import Response
from radicale_plugin.paths import Kind, Location
from radicale_plugin.wsgi import StartResponse
from sync.credentials import Caller, Gate
from sync.errors import EvercardError

logger = logging.getLogger("evercard")

ALLOW = "OPTIONS, GET, HEAD, PUT, DELETE, PROPFIND, PROPPATCH, REPORT"
COMPLIANCE = "1, 3, access-control, addressbook"
_OPTIONS = Response(200, [("Allow", ALLOW), ("DAV", COMPLIANCE)])
_CHALLENGE = Response(
    401,
    [("WWW-Authenticate", 'Basic realm="Evercard", charset="UTF-8"'), ("Content-Type", "text/plain; charset=utf-8")],
    b"Sign in with your login and the password of this device.\n",
)
_HANDLERS = {
    "PROPFIND": propfind.propfind,
    "REPORT": reports.report,
    "GET": entry.get,
    "HEAD": entry.get,
    "PUT": entry.put,
    "DELETE": entry.delete,
    "PROPPATCH": proppatch.proppatch,
}


class Application(RadicaleApplication):
    """The WSGI application. It expects what `radicale_plugin.wsgi.Wrapper` makes of a request."""

    def __init__(self, configuration: config.Configuration) -> None:
        """Prepare for *configuration*; the database must have been migrated."""
        super().__init__(configuration)
        database = settings.database(configuration)
        self._service = Service(database, Gate(database))
        self._prefix: str = configuration.get("server", "script_name").rstrip("/")

    @override
    def __call__(self, environ: Mapping[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        location = self._location(environ)
        if location is None:
            return super().__call__(environ, start_response)
        try:
            response = self._answer(environ, location)
        except errors.DavError as error:
            response = error.response()
        except EvercardError as error:
            response = errors.refusal(error).response()
        except Exception:
            logger.exception("A %s request failed", environ["REQUEST_METHOD"])
            response = Response(500, [("Content-Type", "text/plain; charset=utf-8")], b"Something went wrong here.\n")
        return _send(response, start_response, with_body=environ["REQUEST_METHOD"] != "HEAD")

    def _location(self, environ: Mapping[str, Any]) -> Location | None:
        location = paths.locate(environ["PATH_INFO"])
        browses = environ["REQUEST_METHOD"] in ("GET", "HEAD", "POST")
        return None if location is None or (browses and location.kind is Kind.ROOT) else location

    def _answer(self, environ: Mapping[str, Any], location: Location) -> Response:
        method = environ["REQUEST_METHOD"]
        if method == "OPTIONS":
            return _OPTIONS
        caller = self._admit(environ.get("HTTP_AUTHORIZATION", ""))
        if caller is None:
            return _CHALLENGE
        if location.login not in ("", caller.login):
            raise errors.DavError(403, "This belongs to somebody else.")
        handler = _HANDLERS.get(method)
        if handler is None:
            raise errors.DavError(405, "This cannot be done here.")
        self._service.gate.note_use(caller)
        return handler(self._service, self._request(environ, location, caller))

    def _admit(self, header: str) -> Caller | None:
        scheme, _, encoded = header.partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            login, _, password = base64.b64decode(encoded.strip(), validate=True).decode("utf-8").partition(":")
        except (binascii.Error, UnicodeError, ValueError):
            return None
        return self._service.gate.admit(login, password)

    def _request(self, environ: Mapping[str, Any], location: Location, caller: Caller) -> Request:
        prefer = environ.get("HTTP_PREFER", "").replace(" ", "").lower()
        return Request(
            method=environ["REQUEST_METHOD"],
            location=location,
            place=Place(self._prefix, caller, self._service.database.settings.limits),
            body=environ["wsgi.input"].read(),
            depth=environ.get("HTTP_DEPTH", "").strip(),
            user_agent=environ.get("HTTP_USER_AGENT", ""),
            content_type=environ.get("CONTENT_TYPE") or "",
            accept=environ.get("HTTP_ACCEPT", ""),
            minimal="return=minimal" in prefer or environ.get("HTTP_BRIEF", "").strip().lower() == "t",
            conditions=conditions.Conditions(environ.get("HTTP_IF_MATCH", ""), environ.get("HTTP_IF_NONE_MATCH", "")),
        )


def _send(response: Response, start_response: StartResponse, *, with_body: bool) -> Iterable[bytes]:
    headers = list(response.headers)
    body = response.body
    if response.status not in (204, 304):
        headers.append(("Content-Length", str(len(body) if isinstance(body, bytes) else response.length)))
    if response.status == 503:
        headers.append(("Retry-After", "5"))
    start_response(f"{response.status} {HTTPStatus(response.status).phrase}", headers)
    if not with_body:
        return []
    return [body] if isinstance(body, bytes) else body
