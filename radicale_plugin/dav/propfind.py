"""PROPFIND, RFC 4918, 9.1: what there is, one level at a time."""

from __future__ import annotations

import functools
from collections.abc import Iterator

from radicale_plugin.dav.bodies import read_propfind
from radicale_plugin.dav.errors import DavError
from radicale_plugin.dav.handing import Handing
from radicale_plugin.dav.multistatus import multistatus
from radicale_plugin.dav.names import card, dav
from radicale_plugin.dav.paths import Kind
from radicale_plugin.dav.prefer import NO_ROOT
from radicale_plugin.dav.properties import ROOT, EntryTemplate, collection_response
from radicale_plugin.dav.requests import Request, Service
from radicale_plugin.dav.resources import Resource, address_book, book_of, books_of, kept_of_entries, principal
from radicale_plugin.dav.responses import Response
from radicale_plugin.dav.wanted import Wanted
from sync.lists import device_view
from sync.revisions.address_books import Book


def propfind(service: Service, request: Request) -> Response:
    """
    Answer a PROPFIND. A missing Depth is read as 0 (tsdav sends none), and infinity is refused.

    Raises:
        DavError: 403 ``propfind-finite-depth``, 404 for what is not there.
    """
    wanted = read_propfind(request.body).wanted
    kind = request.location.kind
    if kind is Kind.ENTRY:
        # Where there are no members, Depth means nothing (RFC 4918, 10.2).
        return _entry(service, request, wanted)
    if request.depth.lower() == "infinity":
        raise DavError(403, "A PROPFIND goes one level deep at most.", dav("propfind-finite-depth"))
    if request.depth not in ("", "0", "1"):
        raise DavError(400, "The Depth of a PROPFIND is 0 or 1.")
    deeper = request.depth == "1"
    rootless = deeper and NO_ROOT in request.preferences
    if kind is Kind.BOOK:
        return _book(service, request, wanted, deeper=deeper, rootless=rootless)
    parts = []
    if kind is Kind.ROOT and not rootless:
        parts.append(_collection(request, Resource(request.place.root, ROOT), wanted))
    if (kind is Kind.PRINCIPAL and not rootless) or (kind is Kind.ROOT and deeper):
        caller = principal(service, request.place)
        # Below the root there is nobody but the person who asks.
        parts.append(_collection(request, caller, wanted))
    if kind is Kind.PRINCIPAL and deeper:
        found = [address_book(service, request.place, book) for book in books_of(service, request.place)]
        parts += [_collection(request, resource, wanted) for resource in found]
    return multistatus(parts)


def _collection(request: Request, resource: Resource, wanted: Wanted) -> str:
    return collection_response(
        resource.url, resource.table, request.place, wanted, minimal=request.minimal, kept=resource.kept
    )


def _version(wanted: Wanted) -> str | None:
    # Without a card in the answer, the length is that of the card as a plain GET has it (RFC 4918, 15.4).
    return wanted.card_version if card("address-data") in wanted.names else None


def _book(service: Service, request: Request, wanted: Wanted, *, deeper: bool, rootless: bool) -> Response:
    book = book_of(service, request)
    resource = address_book(service, request.place, book)
    own = _collection(request, resource, wanted)
    if not deeper:
        return multistatus([own])
    template = _template(service, request, book, wanted)
    handing = Handing(service, request, wanted)

    def parts() -> Iterator[str]:
        if not rootless:
            yield own
        with service.database.reading() as session:
            if template.needs_text:
                for text in device_view.of(book).texts(session, book, _version(wanted)):
                    yield template.render(handing.card(text))
            else:
                yield from map(template.render, device_view.of(book).heads(session, book))

    answer = multistatus(parts())
    handing.note()
    return answer


def _template(service: Service, request: Request, book: Book, wanted: Wanted) -> EntryTemplate:
    kept = functools.partial(kept_of_entries, service, book)
    return EntryTemplate(request.place, book, wanted, minimal=request.minimal, kept=kept)


def _entry(service: Service, request: Request, wanted: Wanted) -> Response:
    book = book_of(service, request)
    template = _template(service, request, book, wanted)
    with service.database.reading() as session:
        entry = next(device_view.of(book).texts(session, book, _version(wanted), hrefs=[request.location.name]), None)
    if entry is None:
        raise DavError(404, "There is no such entry.")
    handing = Handing(service, request, wanted)
    answer = multistatus([template.render(handing.card(entry))])
    handing.note()
    return answer
