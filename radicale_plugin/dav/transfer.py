"""MOVE and COPY, RFC 4918, 9.8 and 9.9, of private contacts."""

from __future__ import annotations

from radicale_plugin.dav import paths
from radicale_plugin.dav.errors import DavError, needs_privilege
from radicale_plugin.dav.names import card, href
from radicale_plugin.dav.paths import Kind
from radicale_plugin.dav.requests import Request, Service
from radicale_plugin.dav.resources import book_of
from radicale_plugin.dav.responses import Response
from radicale_plugin.dav.states import write
from sync.database.engine import Session
from sync.errors import PreconditionFailed, Refused, UIDConflict
from sync.lists import list_edits
from sync.shared_books import transfers

#: Characters; a name of 255 octets that all had to be encoded, and what is before it, are far less.
MAX_DESTINATION = 4_096


def transfer(service: Service, request: Request) -> Response:
    """
    Answer MOVE and COPY of an entry to another name or another address book of the same person.

    Raises:
        DavError: 400 without a destination, 403 for what is no private contact or goes elsewhere, 404, 409
        ``no-uid-conflict``, 412.
    """
    source, target = request.location, _destination(request)
    if source.kind is not Kind.ENTRY:
        missing = "unbind" if request.method == "MOVE" else "bind"
        raise needs_privilege(request.url, missing, "Address books and the principal cannot be moved or copied.")
    places = (
        (book_of(service, request), source.name),
        (book_of(service, request._replace(method="PUT", location=target)), target.name),
    )
    keep = request.method == "COPY"

    def change(session: Session) -> bool:
        for book, name in places if request.place.caller.lists_revision is not None else ():
            list_edits.require_none(session, book, name)
        check = request.conditions.check
        return transfers.transfer(session, *places, keep=keep, overwrite=request.overwrite, check=check)

    try:
        existed = write(service, request, change)
    except Refused as error:
        raise needs_privilege(request.url, "unbind" if request.method == "MOVE" else "read", str(error)) from error
    except PreconditionFailed as error:
        raise DavError(412, str(error)) from error
    except UIDConflict as error:
        url = request.place.book(places[1][0]) + paths.href("", error.href, collection=False)[1:]
        raise DavError(409, str(error), card("no-uid-conflict"), href(url)) from error
    return Response(204 if existed else 201)


def _destination(request: Request) -> paths.Location:
    if not request.destination.strip() or len(request.destination) > MAX_DESTINATION:
        raise DavError(400, "A MOVE or COPY says in its Destination header where to.")
    path = paths.decode(request.destination, request.place.prefix)
    target = paths.locate(path) if path is not None else None
    if target is None or target.kind is not Kind.ENTRY or target.login != request.place.caller.login:
        raise DavError(403, "The destination is not an entry of one of your address books.")
    return target
