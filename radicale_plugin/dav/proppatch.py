"""PROPPATCH, RFC 4918, 9.2: an address book's title and which card is the person's own; the rest is the server's."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from lxml import etree

from radicale_plugin import paths
from radicale_plugin.dav.bodies import parse
from radicale_plugin.dav.errors import DavError
from radicale_plugin.dav.multistatus import multistatus
from radicale_plugin.dav.names import dav, element, href
from radicale_plugin.dav.properties import ME_CARD
from radicale_plugin.dav.requests import Request, Service
from radicale_plugin.dav.resources import book_of
from radicale_plugin.dav.responses import Response
from radicale_plugin.paths import Kind
from sync import address_books
from sync.address_books import CONTACTS_PATH, Book
from sync.database import Session

_OK = "HTTP/1.1 200 OK"
_FORBIDDEN = "HTTP/1.1 403 Forbidden"
_FAILED = "HTTP/1.1 424 Failed Dependency"


def proppatch(service: Service, request: Request) -> Response:
    """
    Set properties, all of them or none: one that cannot be set is answered with 403, the others with 424.

    Raises:
        DavError: 400 for a body that is no ``DAV:propertyupdate``; 409 for a card of one's own that is none.
    """
    root = parse(request.body)
    if root.tag != dav("propertyupdate"):
        raise DavError(400, "The body of a PROPPATCH is a DAV:propertyupdate element.")
    wanted = [node for change in root for prop in change.findall(dav("prop")) for node in prop]
    url, setters = _settable(service, request)
    refused = any(node.tag not in setters for node in wanted)
    if not refused:
        service.database.write(lambda session: _set(session, setters, wanted))
    parts = []
    for node in wanted:
        status = _FORBIDDEN if node.tag not in setters else _FAILED if refused else _OK
        error = element(dav("error"), element(dav("cannot-modify-protected-property"))) if status == _FORBIDDEN else ""
        prop = element(dav("prop"), element(str(node.tag)))
        parts.append(f"<D:propstat>{prop}<D:status>{status}</D:status>{error}</D:propstat>")
    return multistatus([f"<D:response>{href(url)}{''.join(parts)}</D:response>\n"])


Setters = Mapping[str, Callable[[Session, etree._Element], None]]  # noqa: SLF001 - lxml has no other name for it


def _settable(service: Service, request: Request) -> tuple[str, Setters]:
    place = request.place
    if request.location.kind is Kind.BOOK:
        book = book_of(service, request)
        return place.book(book), {dav("displayname"): lambda session, node: _set_title(session, book, node)}
    if request.location.kind is Kind.PRINCIPAL:
        return place.principal, {ME_CARD: lambda session, node: _set_me_card(session, request, node)}
    location = request.location
    if location.kind is Kind.ROOT:
        return paths.href(place.prefix), {}
    return paths.href(place.prefix, location.login, location.book, location.name, collection=False), {}


def _set(session: Session, setters: Setters, wanted: list[etree._Element]) -> None:
    for node in wanted:
        setters[str(node.tag)](session, node)


def _set_title(session: Session, book: Book, node: etree._Element) -> None:
    address_books.set_title(session, book, " ".join((node.text or "").split()))


def _set_me_card(session: Session, request: Request, node: etree._Element) -> None:
    url = node.findtext(dav("href")) or ""
    location = paths.locate(paths.decode(url, request.place.prefix) or "")
    caller = request.place.caller
    if location is None or (location.login, location.book) != (caller.login, CONTACTS_PATH) or not location.name:
        raise DavError(409, "The own card is an entry of the own address book.")
    address_books.set_me_card(session, caller.account_id, location.name)
