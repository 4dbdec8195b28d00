"""
PROPPATCH, RFC 4918, 9.2.

An address book's title and purpose, which card is the person's own, and what clients made up; the rest is the server's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lxml import etree

from radicale_plugin.dav import paths
from radicale_plugin.dav.bodies import parse
from radicale_plugin.dav.dead import language_of, markup, may_be_kept
from radicale_plugin.dav.errors import DavError
from radicale_plugin.dav.multistatus import multistatus
from radicale_plugin.dav.names import dav, element, href
from radicale_plugin.dav.paths import Kind
from radicale_plugin.dav.prefer import MINIMAL, applied
from radicale_plugin.dav.properties import DESCRIPTION, DISPLAYNAME, ME_CARD
from radicale_plugin.dav.requests import Request, Service
from radicale_plugin.dav.resources import Resource, book_of, existing
from radicale_plugin.dav.responses import Response
from radicale_plugin.dav.states import etag_of, write
from sync.database.engine import Session
from sync.errors import LimitExceeded
from sync.revisions import address_books, dead_properties
from sync.revisions.address_books import CONTACTS_PATH, Book

_OK = "HTTP/1.1 200 OK"
_FORBIDDEN = "HTTP/1.1 403 Forbidden"
_FAILED = "HTTP/1.1 424 Failed Dependency"
_NO_ROOM = "HTTP/1.1 507 Insufficient Storage"
Setters = Mapping[str, Callable[[Session, "Instruction"], None]]


def proppatch(service: Service, request: Request) -> Response:
    """
    Set properties, all of them or none: one that cannot be set is answered with 403, the others with 424.

    A client that prefers it gets no body where all could be set (RFC 8144, 2.2).

    Raises:
        DavError: 400 for a body that is no ``DAV:propertyupdate``; 404; 409 for a card of one's own that is none.
        PreconditionFailed: The resource is not in the state that was asked for.
    """
    root = parse(request.body)
    if root.tag != dav("propertyupdate"):
        raise DavError(400, "The body of a PROPPATCH is a DAV:propertyupdate element.")
    wanted = [
        Instruction(node, is_removal=change.tag == dav("remove"))
        for change in root.iterchildren(dav("set"), dav("remove"))
        for prop in change.findall(dav("prop"))
        for node in prop
    ]
    resource = existing(service, request)
    setters = _settable(service, request)
    refused = {each.name for each in wanted if not each.can_be_done(setters, resource)}

    def change_all(session: Session) -> None:
        request.conditions.check(etag_of(session, request))
        for each in wanted if not refused else ():
            _change(session, each, setters, resource)

    full = ""
    try:
        write(service, request, change_all)
    except _NoRoomError as found:
        full = found.name
    if not (refused or full) and MINIMAL in request.preferences:
        return Response(204, applied(MINIMAL))
    parts = []
    for name in dict.fromkeys(each.name for each in wanted):
        status = _FORBIDDEN if name in refused else _NO_ROOM if name == full else _FAILED if refused or full else _OK
        error = element(dav("error"), element(dav("cannot-modify-protected-property"))) if status == _FORBIDDEN else ""
        prop = element(dav("prop"), element(name))
        parts.append(f"<D:propstat>{prop}<D:status>{status}</D:status>{error}</D:propstat>")
    if not parts:
        parts.append(f"<D:propstat><D:prop/><D:status>{_OK}</D:status></D:propstat>")
    return multistatus([f"<D:response>{href(resource.url)}{''.join(parts)}</D:response>\n"])


@dataclass(frozen=True, slots=True)
class Instruction:
    """To set a property to what *node* holds, or to remove it."""

    node: etree._Element
    is_removal: bool

    @property
    def name(self) -> str:
        """The full name of the property."""
        return str(self.node.tag)

    def can_be_done(self, setters: Setters, resource: Resource) -> bool:
        """Whether nothing is against it. To remove what is not there is no error (RFC 4918, 14.23)."""
        if self.name in resource.table or self.name in setters:
            return self.name in setters
        return self.is_removal or (resource.owner is not None and may_be_kept(self.name))


class _NoRoomError(Exception):
    """What the property *name* was to be cannot be kept."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def _change(session: Session, wanted: Instruction, setters: Setters, resource: Resource) -> None:
    try:
        if wanted.name in setters:
            setters[wanted.name](session, wanted)
        _keep(session, wanted, resource, is_text=wanted.name in setters)
    except LimitExceeded as error:
        raise _NoRoomError(wanted.name) from error


def _keep(session: Session, wanted: Instruction, resource: Resource, *, is_text: bool) -> None:
    """Keep a property that means nothing here, and of one that has a meaning the language that it is in."""
    if resource.owner is None:
        return
    if wanted.is_removal or (is_text and not language_of(wanted.node)):
        dead_properties.drop(session, resource.owner, wanted.name)
    elif wanted.name != ME_CARD:
        dead_properties.put(session, resource.owner, wanted.name, markup(wanted.node))


def _settable(service: Service, request: Request) -> Setters:
    if request.location.kind is Kind.BOOK:
        book = book_of(service, request)
        if book.shared is not None:
            # What it is called, its organisation says.
            return {}
        return {
            DISPLAYNAME: lambda session, wanted: _set_title(session, book, wanted),
            DESCRIPTION: lambda session, wanted: address_books.set_description(
                session, book, None if wanted.is_removal else wanted.node.text or ""
            ),
        }
    if request.location.kind is Kind.PRINCIPAL:
        return {ME_CARD: lambda session, wanted: _set_me_card(session, request, wanted.node)}
    return {}


def _set_title(session: Session, book: Book, wanted: Instruction) -> None:
    if wanted.is_removal:
        address_books.remove_title(session, book)
    else:
        address_books.set_title(session, book, " ".join((wanted.node.text or "").split()))


def _set_me_card(session: Session, request: Request, node: etree._Element) -> None:
    url = node.findtext(dav("href")) or ""
    location = paths.locate(paths.decode(url, request.place.prefix) or "")
    caller = request.place.caller
    if location is None or (location.login, location.book) != (caller.login, CONTACTS_PATH) or not location.name:
        raise DavError(409, "The own card is an entry of the own address book.")
    address_books.set_me_card(session, caller.account_id, location.name)
