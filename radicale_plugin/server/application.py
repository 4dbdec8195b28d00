"""
Evercard's application: Radicale's, with everything below a principal answered here.

Radicale's own methods know no limits, no vCard versions and no preconditions with a body, and hand every card to a
parser that damages it. What is left to them is the portal under ``/.web/``.
"""

from __future__ import annotations

import binascii
import functools
import logging
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any, NamedTuple, ParamSpec, TypeVar

from radicale import config
from radicale.app import Application as RadicaleApplication
from typing_extensions import override

from radicale_plugin import settings
from radicale_plugin.dav import (
    acl,
    collections,
    directory,
    entry,
    errors,
    if_header,
    list_ways,
    paths,
    prefer,
    propfind,
    proppatch,
    push,
    reports,
    shared_ways,
    states,
    transfer,
)
from radicale_plugin.dav.followed import ALLOW as FOLLOWERS_MAY
from radicale_plugin.dav.names import dav
from radicale_plugin.dav.paths import Kind, Location
from radicale_plugin.dav.place import Place
from radicale_plugin.dav.requests import Request, Service
from radicale_plugin.dav.responses import ALLOW, Response
from radicale_plugin.server import root_files, running
from radicale_plugin.server.following import Follower, Following, is_of_follower
from radicale_plugin.server.scim_door import Door
from radicale_plugin.server.wsgi import StartResponse, client_address
from sync.accounts import rate_limits
from sync.ends.watch import Watch
from sync.errors import EndsDue, EvercardError
from sync.push.advertisement import Advertisement
from sync.revisions.address_books import CONTACTS_PATH
from sync.sign_in.credentials import Caller, Gate

logger = logging.getLogger("evercard")
P = ParamSpec("P")
T = TypeVar("T")
Handler = Callable[[Service, Request], Response]

#: Where a request says what it was admitted to. No client can: what it sends are ``HTTP_`` names.
_ADMITTED = "evercard.admitted"
COMPLIANCE = "1, 3, access-control, extended-mkcol, addressbook"
#: What else a collection is whose changes devices can be told of.
PUSH = "webdav-push"
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
    "MKCOL": collections.make,
    "MOVE": transfer.transfer,
    "COPY": transfer.transfer,
    "ACL": acl.acl,
    "POST": push.register,
}
#: What can be done with the directory, which nobody can change.
_DIRECTORY_HANDLERS = {"PROPFIND": directory.propfind, "REPORT": directory.report}
#: What can be done with a registration for push.
_REGISTRATION_HANDLERS = {"DELETE": push.unregister}
_SPECIAL: Mapping[Kind, Mapping[str, Handler]] = {
    Kind.DIRECTORY: _DIRECTORY_HANDLERS,
    Kind.REGISTRATION: _REGISTRATION_HANDLERS,
}
_STATUSES = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}
_READING = ("GET", "HEAD", "PROPFIND", "REPORT")
#: Methods whose requests have no body; one that has means something that we do not know (RFC 4918, 8.4).
_BODILESS = ("GET", "HEAD", "DELETE", "MOVE", "COPY")
#: Methods that leave something out when they are asked to (RFC 8144).
_HONOURING = ("PROPFIND", "REPORT")


class _Admitted(NamedTuple):
    caller: Caller
    location: Location
    handler: Handler


class Application(RadicaleApplication):
    """The WSGI application. It expects what `radicale_plugin.server.wsgi.Wrapper` makes of a request."""

    def __init__(self, configuration: config.Configuration) -> None:
        """Prepare for *configuration*; the database must have been migrated."""
        super().__init__(configuration)
        database = settings.database(configuration)
        self._service = Service(database, Gate(database))
        self._watch = Watch(database)
        self._prefix: str = configuration.get("server", "script_name").rstrip("/")
        self._following = Following(database, self._watch, self._prefix)
        self._spending = running.spending(database.settings.limits.writes_a_day)
        self._push = Advertisement(database) if database.settings.can_push else None
        self._scim = Door(database)
        self._proxies = settings.trusted_proxies(configuration)
        # Radicale sleeps before it refuses, in a thread that others wait for.
        self._auth_delay = self._delay_on_error = 0.0

    @override
    def __call__(self, environ: Mapping[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request, which `refuse` would not."""
        method, admitted = environ["REQUEST_METHOD"], environ.get(_ADMITTED)
        if isinstance(admitted, _Admitted):
            answer = _guarded(method, self._answer, environ, admitted)
        elif admitted is not None:
            answer = _guarded(method, self._answer_follower, environ, admitted)
        elif self._scim.is_for(environ):
            answer = _guarded(method, self._scim.answer, environ)
        else:
            return super().__call__(self._for_portal(environ), start_response)
        return _send(answer, start_response, with_body=method != "HEAD")

    def refuse(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes] | None:
        """
        Answer a request that goes no further, whatever its body is; None for any other.

        It may be of nobody, or for something of somebody else. Whom it is of, and what for, is remembered in *environ*.
        """
        if self._scim.is_for(environ):
            refused = _guarded(environ["REQUEST_METHOD"], self._scim.refuse, environ)
            return None if refused is None else _send(refused, start_response, with_body=True)
        if _is_for_portal(environ):
            return None
        answer = _guarded(environ["REQUEST_METHOD"], self._early, environ)
        return None if answer is None else _send(answer, start_response, with_body=environ["REQUEST_METHOD"] != "HEAD")

    def _for_portal(self, environ: Mapping[str, Any]) -> dict[str, Any]:
        # It has sessions of its own: the password of a device opens nothing there (security rule R8).
        kept = {name: value for name, value in environ.items() if name != "HTTP_AUTHORIZATION"}
        return {**kept, "SCRIPT_NAME": self._prefix}

    def _early(self, environ: dict[str, Any]) -> Response | None:
        method, location = environ["REQUEST_METHOD"], _location(environ)
        if method == "OPTIONS":
            return self._options(location)
        if (found := root_files.answer(method, environ["PATH_INFO"])) is not None:
            return found
        if _is_redirected(method, environ["PATH_INFO"]):
            # Where it leads to is a matter of configuration, and so can change.
            return Response(301, [("Location", paths.href(self._prefix)), ("Cache-Control", "no-cache")])
        caller = self._admit_to_poll(environ, location) or self._admit(environ)
        if caller is None:
            follower = self._following.admitted(*_signed_in_as(environ), location)
            environ[_ADMITTED] = follower
            return _CHALLENGE if follower is None else None
        if location is None:
            raise _nowhere(environ)
        if caller.names and location.login.lower() in caller.names:
            # A device that makes paths of what it signs in with means the person's own.
            location = location._replace(login=caller.login)
        if location.login not in ("", caller.login):
            # Not a word about the place, so that what there is looks the same as what there is not.
            raise errors.DavError(403, "This belongs to somebody else.", dav("need-privileges"))
        handler = _SPECIAL.get(location.kind, _HANDLERS).get(method)
        if handler is None or (method == "POST" and self._push is None):
            raise errors.DavError(405, "This cannot be done here.")
        environ[_ADMITTED] = _Admitted(caller, location, handler)
        return None

    def _options(self, location: Location | None) -> Response:
        if is_of_follower(location):
            return Response(200, [("Allow", FOLLOWERS_MAY), ("DAV", COMPLIANCE)])
        told = self._push is not None and location is not None and location.kind in (Kind.PRINCIPAL, Kind.BOOK)
        if not told:
            return Response(200, [("Allow", ALLOW), ("DAV", COMPLIANCE)])
        return Response(200, [("Allow", f"{ALLOW}, POST"), ("DAV", f"{COMPLIANCE}, {PUSH}")])

    def _answer(self, environ: Mapping[str, Any], admitted: _Admitted) -> Response:
        caller, location, handler = admitted
        if environ["REQUEST_METHOD"] not in _READING:
            self._spending.spend(caller.account_id, int(environ.get("CONTENT_LENGTH") or 0))
        self._service.gate.note_use(caller)
        if self._watch.is_due():
            caller = self._settled(environ, caller)
        request = self._request(environ, location, self._place(environ, caller))
        if caller.is_behind and (request.if_header or not reports.is_poll_of(request.place.caller.contacts, request)):
            request = request._replace(place=self._place(environ, self._admitted_again(environ)))
        response = self._handle(handler, request)
        return self._located(environ, location, response)

    def _place(self, environ: Mapping[str, Any], caller: Caller) -> Place:
        if caller.lists is not None:
            caller = caller._replace(lists=list_ways.way_of(caller.lists, environ.get("HTTP_USER_AGENT", "")))
        is_mac = shared_ways.is_of_mac(environ.get("HTTP_USER_AGENT", ""))
        return Place(self._prefix, caller, self._service.database.settings, self._push, is_mac)

    def _answer_follower(self, environ: Mapping[str, Any], follower: Follower) -> Response:
        link = self._following.settled(follower)
        if link is None:
            return _CHALLENGE
        request = self._request(environ, follower.location, self._following.place(link))
        response = self._handle(lambda _, asked: self._following.answer(link, asked), request._replace(if_header=()))
        return self._located(environ, follower.location, response)

    def _located(self, environ: Mapping[str, Any], location: Location, response: Response) -> Response:
        if response.status < 400 and location.kind in (Kind.PRINCIPAL, Kind.BOOK) and environ["PATH_INFO"][-1] != "/":
            # A collection that was named without its last slash (RFC 4918, 5.2).
            names = [name for name in (location.login, location.book) if name]
            response.headers.append(("Content-Location", paths.href(self._prefix, *names)))
        return response

    def _settled(self, environ: Mapping[str, Any], caller: Caller) -> Caller:
        """Take back what is over of what the caller is shown, and let them in again, to a book that has changed."""
        if not self._watch.settle(caller.account_id):
            return caller
        return self._admitted_again(environ)

    def _admitted_again(self, environ: Mapping[str, Any]) -> Caller:
        again = self._admit(environ)
        if again is None:
            raise errors.DavError(503, "This device was shut out meanwhile.")
        return again

    def _handle(self, handler: Handler, request: Request) -> Response:
        if request.method in _BODILESS and request.body:
            raise errors.DavError(415, f"A {request.method} has no body here.")
        if request.method in _READING and request.if_header:
            with self._service.database.reading() as session:
                states.require(session, request)
        try:
            response = handler(self._service, request)
        except EndsDue as error:
            self._watch.carry_out(error.owner_ids)
            response = handler(self._service, request)
        if request.method in _HONOURING and response.status == 207:
            response.headers.append(("Vary", "Brief, Prefer"))
            if request.preferences:
                response.headers.extend(prefer.applied(*_heeded(request)))
        return response

    def _admit(self, environ: Mapping[str, Any]) -> Caller | None:
        return self._service.gate.admit(*_signed_in_as(environ))

    def _admit_to_poll(self, environ: Mapping[str, Any], location: Location | None) -> Caller | None:
        """Let a device in by what the standby says, for a request that may ask whether there is anything new."""
        may_be = environ["REQUEST_METHOD"] == "REPORT" and location is not None and location.book == CONTACTS_PATH
        if not may_be or self._service.database.standby is None or self._watch.is_due():
            return None
        return self._service.gate.admit_to_poll(*_signed_in_as(environ))

    def _request(self, environ: Mapping[str, Any], location: Location, place: Place) -> Request:
        said = environ.get("HTTP_IF")
        source = _source(client_address(environ, self._proxies))
        return Request(
            environ["REQUEST_METHOD"],
            location,
            place,
            environ["wsgi.input"].read(),
            environ,
            source,
            () if said is None else if_header.read_if(said),
        )


def _signed_in_as(environ: Mapping[str, Any]) -> tuple[str, str]:
    """Return the login and the password that a request was sent with, both empty where it has none."""
    scheme, _, encoded = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        login, _, password = binascii.a2b_base64(encoded.strip(), strict_mode=True).decode("utf-8").partition(":")
    except ValueError:
        return "", ""
    return login, password


@functools.lru_cache(4_096)
def _source(address: str) -> str:
    # Every request has one, and hardly any needs it.
    return rate_limits.source(address)


def _guarded(method: str, answer: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | Response:
    """Return the answer, or what says why there is none."""
    try:
        return answer(*args, **kwargs)
    except errors.DavError as error:
        return error.response()
    except EvercardError as error:
        return errors.refusal(error).response()
    except Exception:
        logger.exception("A %s request failed", method)
        return Response(500, [("Content-Type", "text/plain; charset=utf-8")], b"Something went wrong here.\n")


def _location(environ: Mapping[str, Any]) -> Location | None:
    """Return what the request is about. A collection can be meant also where there can be none but a card."""
    path: str = environ["PATH_INFO"]
    return paths.locate(path.rstrip("/") if environ["REQUEST_METHOD"] == "MKCOL" else path)


def _heeded(request: Request) -> list[str]:
    """Return which preferences the answer to a PROPFIND or REPORT heeds."""
    rootless = request.method == "PROPFIND" and request.depth == "1" and request.location.kind is not Kind.ENTRY
    return [wanted for wanted in sorted(request.preferences) if wanted == prefer.MINIMAL or rootless]


def _nowhere(environ: Mapping[str, Any]) -> errors.DavError:
    """Return the refusal of a request for a path where there can be nothing."""
    method, said = environ["REQUEST_METHOD"], "There can be nothing at this path."
    if method not in ("PUT", "MKCOL"):
        return errors.DavError(404, said)
    if environ["PATH_INFO"].rstrip("/").count("/") > 3:
        # Below an entry there is no collection that something could be in (RFC 4918, 9.3 and 9.7.1).
        return errors.DavError(409, said)
    # For a card, 404 would tell a device to send it again and again, and 403 alone to raise an alarm (client fact D-8).
    return errors.DavError(403, said, dav("need-privileges"))


def _is_redirected(method: str, path: str) -> bool:
    """Whether the answer is where the root is. A PROPFIND is answered in place: some phones give up on a redirect."""
    return (method in ("GET", "HEAD") and path == "") or (method != "PROPFIND" and path in paths.WELL_KNOWN)


def _is_for_portal(environ: Mapping[str, Any]) -> bool:
    method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
    if path == "/":
        return method in ("GET", "HEAD")
    return method in ("GET", "HEAD", "POST") and paths.is_portal(path)


def _send(response: Response, start_response: StartResponse, *, with_body: bool) -> Iterable[bytes]:
    headers, body = list(response.headers), response.body
    if response.status not in (204, 304):
        headers.append(("Content-Length", str(len(body) if isinstance(body, bytes) else response.length)))
    if response.status == 503:
        headers.append(("Retry-After", "5"))
    start_response(_STATUSES[response.status], headers)
    if not with_body:
        return []
    return [body] if isinstance(body, bytes) else body
