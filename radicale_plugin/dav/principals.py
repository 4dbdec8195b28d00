"""
The reports about principals, RFC 3744, 9.2 to 9.5.

The only principal that anybody finds is they themselves, so a person who hides and one who does not exist look the
same.
"""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from radicale_plugin.dav.filters import collated
from radicale_plugin.dav.handing import Handing
from radicale_plugin.dav.multistatus import multistatus
from radicale_plugin.dav.names import NAMESPACES, XML_TYPE, dav, href
from radicale_plugin.dav.paths import Kind
from radicale_plugin.dav.place import Place
from radicale_plugin.dav.principal_xml import AclPrincipals, PrincipalMatch, PrincipalSearch
from radicale_plugin.dav.properties import EntryTemplate, collection_response, there
from radicale_plugin.dav.requests import Request, Service
from radicale_plugin.dav.resources import Resource, address_book, book_of, books_of, existing, principal
from radicale_plugin.dav.responses import Response
from radicale_plugin.dav.wanted import Wanted
from sync.books.entries import EntryText
from sync.lists import device_view
from sync.revisions.address_books import Book

_SEARCHABLE = dav("displayname")
_SEARCHABLE_SET = (
    f'<?xml version="1.0" encoding="utf-8"?>\n<D:principal-search-property-set{NAMESPACES}>'
    "<D:principal-search-property><D:prop><D:displayname/></D:prop>"
    '<D:description xml:lang="en">Name</D:description></D:principal-search-property>'
    "</D:principal-search-property-set>\n"
).encode()


def acl_principals(service: Service, request: Request, asked: AclPrincipals) -> Response:
    """Answer with the principals that the resource's access control list names by their URLs."""
    resource = existing(service, request)
    listed = _names_caller(resource.table[dav("acl")](request.place), request.place)
    return multistatus([_told(request, principal(service, request.place), asked.wanted)] if listed else [])


def search(service: Service, request: Request, asked: PrincipalSearch) -> Response:
    """Answer with the principals below the resource, or below the root, that match, ignoring case, everywhere in it."""
    existing(service, request)
    caller = principal(service, request.place)
    inside = asked.everywhere or request.location.kind is Kind.ROOT
    found = inside and all(_matches(caller, request.place, name, text) for name, text in asked.criteria)
    return multistatus([_told(request, caller, asked.wanted)] if found else [])


def searchable_properties() -> Response:
    """Answer with the properties in which `search` looks."""
    return Response(200, [("Content-Type", XML_TYPE)], _SEARCHABLE_SET)


def match(service: Service, request: Request, asked: PrincipalMatch) -> Response:
    """Answer with the caller, or with everything that names the caller in a property, below the resource."""
    existing(service, request)
    return multistatus(_matching(service, request, asked))


def _matches(resource: Resource, place: Place, name: str, wanted: str) -> bool:
    if name != _SEARCHABLE:
        return False
    # The table has markup; what is compared is the text of it.
    value = etree.fromstring(f"<x>{resource.table[name](place)}</x>").text or ""
    return collated("i;unicode-casemap", wanted) in collated("i;unicode-casemap", value)


def _matching(service: Service, request: Request, asked: PrincipalMatch) -> Iterator[str]:
    place, kind = request.place, request.location.kind
    caller = principal(service, place)
    if kind is Kind.ROOT and (not asked.name or _has(caller, place, asked.name)):
        yield _told(request, caller, asked.wanted)
    if not asked.name:
        return
    if kind is Kind.BOOK:
        yield from _matching_entries(service, request, book_of(service, request), asked)
        return
    for book in books_of(service, place):
        resource = address_book(service, place, book)
        if _has(resource, place, asked.name):
            yield _told(request, resource, asked.wanted)
        yield from _matching_entries(service, request, book, asked)


def _matching_entries(service: Service, request: Request, book: Book, asked: PrincipalMatch) -> Iterator[str]:
    # No two entries of a person differ in whom they name.
    sample = EntryTemplate(request.place, book, Wanted((asked.name,)), minimal=True)
    if sample.needs_text:
        return
    wanted = asked.wanted or Wanted()
    template, handing = (
        EntryTemplate(request.place, book, wanted, minimal=request.minimal),
        Handing(service, request, wanted),
    )
    with service.database.reading() as session:
        found = (
            device_view.of(book).texts(session, book)
            if template.needs_text
            else device_view.of(book).heads(session, book)
        )
        for entry in found:
            if _names_caller(sample.render(entry).partition("<D:propstat>")[2], request.place):
                if isinstance(entry, EntryText):
                    handing.card(entry)
                yield template.render(entry) if asked.wanted else there(template.url(entry.href))
    handing.note()


def _told(request: Request, resource: Resource, wanted: Wanted | None) -> str:
    if wanted is None:
        return there(resource.url)
    return collection_response(
        resource.url, resource.table, request.place, wanted, minimal=request.minimal, kept=resource.kept
    )


def _has(resource: Resource, place: Place, name: str) -> bool:
    value = resource.table.get(name)
    return value is not None and _names_caller(value(place), place)


def _names_caller(markup: str, place: Place) -> bool:
    return href(place.principal) in markup
