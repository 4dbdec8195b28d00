"""Making and deleting address books: extended MKCOL, RFC 5689, and DELETE of what was made by it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from lxml import etree

from radicale_plugin.dav.bodies import parse
from radicale_plugin.dav.errors import DavError, needs_privilege
from radicale_plugin.dav.names import NAMESPACES, XML_TYPE, card, dav, element
from radicale_plugin.dav.paths import Kind
from radicale_plugin.dav.prefer import MINIMAL, applied
from radicale_plugin.dav.properties import DESCRIPTION
from radicale_plugin.dav.requests import Request, Service
from radicale_plugin.dav.resources import book_of
from radicale_plugin.dav.responses import Response
from radicale_plugin.dav.states import write
from sync.database.engine import Session
from sync.errors import AlreadyExists, InvalidInput, LimitExceeded, Refused
from sync.revisions import address_books

_TYPE = dav("resourcetype")
_TITLE = dav("displayname")
_SETTABLE = frozenset({_TYPE, _TITLE, DESCRIPTION})


def make(service: Service, request: Request) -> Response:
    """
    Answer MKCOL: make an address book for private contacts, with a slash at the end of its path or without.

    Raises:
        DavError: 403 for anything but an address book, 405 where there is something, 409 where there is nothing that it
        could be in, 415 for a body that says something else.
    """
    if request.location.kind is Kind.ENTRY:
        book_of(service, request)
        raise DavError(403, "There are no collections inside of an address book.")
    if request.location.kind is not Kind.BOOK:
        raise DavError(405, "There is something here already.")
    wanted = _wanted(request)
    if refused := _refused(wanted):
        return _refusal(wanted, refused)
    title, description = " ".join(_text(wanted, _TITLE).split()), _text(wanted, DESCRIPTION)
    caller = request.place.caller
    try:
        write(
            service,
            request,
            lambda session: address_books.create(session, caller.account_id, request.location.book, title, description),
        )
    except AlreadyExists as error:
        raise DavError(405, str(error)) from error
    except LimitExceeded as error:
        raise DavError(507, str(error)) from error
    except InvalidInput as error:
        raise DavError(403, str(error)) from error
    return Response(201, applied(MINIMAL) if MINIMAL in request.preferences else [])


def delete(service: Service, request: Request) -> Response:
    """
    Answer DELETE of an address book: one that the person made goes with its contacts; that of their connections stays.

    Raises:
        DavError: 403 ``need-privileges`` for everything else, 404.
        PreconditionFailed: A condition is not met; there is no ETag that an address book has.
    """
    if request.location.kind is not Kind.BOOK:
        raise needs_privilege(request.url, "unbind", "This cannot be deleted.")
    book = book_of(service, request)

    def remove(session: Session) -> None:
        request.conditions.check("")
        address_books.remove(session, book)

    try:
        write(service, request, remove)
    except Refused as error:
        raise needs_privilege(request.url, "unbind", str(error)) from error
    return Response(204)


def _wanted(request: Request) -> dict[str, etree._Element]:
    """Return the properties that the new collection is to have by their full names, the type among them."""
    if not request.body.strip():
        raise DavError(403, "Only address books can be made here.", dav("valid-resourcetype"))
    kind = request.content_type.split(";")[0].strip().lower()
    if kind not in ("", "application/xml", "text/xml"):
        raise DavError(415, "The body of a MKCOL is XML.")
    root = parse(request.body)
    if root.tag != dav("mkcol"):
        raise DavError(415, "The body of a MKCOL is a DAV:mkcol element.")
    return {str(node.tag): node for prop in root.findall(f"{dav('set')}/{dav('prop')}") for node in prop}


def _text(wanted: Mapping[str, etree._Element], name: str) -> str:
    return (wanted[name].text or "") if name in wanted else ""


def _refused(wanted: Mapping[str, etree._Element]) -> dict[str, str]:
    """Return why the collection cannot be made: names of properties, each with a precondition or nothing."""
    refused = {name: "" for name in wanted if name not in _SETTABLE}
    kinds = wanted.get(_TYPE)
    if kinds is None or {str(kind.tag) for kind in kinds} != {dav("collection"), card("addressbook")}:
        refused[_TYPE] = dav("valid-resourcetype")
    return refused


def _refusal(wanted: Iterable[str], refused: Mapping[str, str]) -> Response:
    """Say of every property what became of it (RFC 5689, 3)."""
    parts = []
    for name in dict.fromkeys([*wanted, *refused]):
        status = "403 Forbidden" if name in refused else "424 Failed Dependency"
        error = element(dav("error"), element(refused[name])) if refused.get(name) else ""
        prop = element(dav("prop"), element(name))
        parts.append(element(dav("propstat"), f"{prop}<D:status>HTTP/1.1 {status}</D:status>{error}"))
    body = (
        f'<?xml version="1.0" encoding="utf-8"?>\n<D:mkcol-response{NAMESPACES}>{"".join(parts)}</D:mkcol-response>\n'
    )
    return Response(403, [("Content-Type", XML_TYPE), ("Cache-Control", "no-cache")], body.encode())
