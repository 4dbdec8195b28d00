"""Finding what a request, or a URL in it, is about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from radicale_plugin.dav import paths
from radicale_plugin.dav.errors import DavError
from radicale_plugin.dav.names import element, text
from radicale_plugin.dav.paths import Kind, Location
from radicale_plugin.dav.place import Place, Table
from radicale_plugin.dav.properties import DESCRIPTION, ROOT, Kept, book_table, entry_table, principal_table
from radicale_plugin.dav.requests import Request, Service
from sync.books.entry_rows import PRIVATE
from sync.lists import device_view
from sync.revisions import address_books, dead_properties
from sync.revisions.address_books import CONTACTS_PATH, Book


@dataclass(frozen=True, slots=True)
class Resource:
    """
    Something that is there, with its properties.

    *kept* finds those that are kept for clients, and *owner* is where they are; None where none are.
    """

    url: str
    table: Table
    kept: Kept = dict
    owner: dead_properties.Place | None = None


_MAKING = frozenset({"PUT", "MKCOL"})


def book_of(service: Service, request: Request) -> Book:
    """
    Return the address book that the request is for, or is to put something into.

    That of the connections was read with the credentials and costs nothing.

    Raises:
        DavError: 404, there is none; 409 for a request that would make something in it.
    """
    book = _book(service, request.place, request.location.book)
    if book is None:
        # 404 would tell a device that its card is new, and to send it again and again (client fact D-8).
        raise DavError(409 if request.method in _MAKING else 404, "There is no such address book.")
    return book


def existing(service: Service, request: Request) -> Resource:
    """
    Return the resource that the request is for.

    Raises:
        DavError: 404, there is none.
    """
    resource = find(service, request.place, request.location)
    if resource is None:
        raise DavError(404, "There is nothing here.")
    return resource


def find(service: Service, place: Place, location: Location) -> Resource | None:
    """Return what is at *location*, None also for everything of others, whether it is there or not."""
    if location.kind is Kind.ROOT:
        return Resource(place.root, ROOT)
    if location.login != place.caller.login:
        return None
    if location.kind is Kind.PRINCIPAL:
        return principal(service, place)
    book = _book(service, place, location.book)
    if book is not None and location.kind is Kind.BOOK:
        return address_book(service, place, book)
    return _entry(service, place, book, location.name) if book is not None else None


def books_of(service: Service, place: Place) -> list[Book]:
    """Return the address books of the person who asks, as their device sees them."""
    with service.database.reading() as session:
        caller = place.caller
        books = device_view.all_of(session, caller.account_id, caller.device_id, is_mac=place.is_mac)
        return [device_view.with_lists(session, book, caller.lists) for book in books]


def _entry(service: Service, place: Place, book: Book, name: str) -> Resource | None:
    with service.database.reading() as session:
        entry = next(device_view.of(book).texts(session, book, None, hrefs=[name]), None)
    if entry is None:
        return None
    url = place.book(book) + paths.href("", name, collection=False)[1:]
    if entry.kind != PRIVATE:
        return Resource(url, entry_table(entry, place))
    owner = dead_properties.Place(book.viewer_id, book.id, entry.id)
    return Resource(url, entry_table(entry, place), lambda: _kept(service, owner), owner)


def address_book(service: Service, place: Place, book: Book) -> Resource:
    """Return an address book of the person who asks."""
    owner = dead_properties.Place(book.viewer_id, book.id)

    def kept() -> Mapping[str, str]:
        with service.database.reading() as session:
            said = address_books.description(session, book)
            described = {DESCRIPTION: element(DESCRIPTION, text(said))} if said is not None else {}
            return {**described, **dead_properties.of(session, owner)}

    return Resource(place.book(book), book_table(place, book), kept, owner)


def kept_of_entries(service: Service, book: Book) -> Mapping[str, Mapping[str, str]]:
    """Return the properties that are kept for clients of entries, by the names of those that have any."""
    with service.database.reading() as session:
        return dead_properties.of_entries(session, book.viewer_id, book.id)


def _kept(service: Service, owner: dead_properties.Place) -> Mapping[str, str]:
    with service.database.reading() as session:
        return dead_properties.of(session, owner)


def principal(service: Service, place: Place) -> Resource:
    """Return the person who asks."""

    def me_card() -> str:
        with service.database.reading() as session:
            name = address_books.me_card(session, place.caller.account_id)
        return paths.href(place.prefix, place.caller.login, CONTACTS_PATH, name, collection=False)

    owner = dead_properties.Place(place.caller.account_id)
    return Resource(place.principal, principal_table(place, me_card), lambda: _kept(service, owner), owner)


def _book(service: Service, place: Place, path: str) -> Book | None:
    if path == CONTACTS_PATH:
        return place.caller.contacts
    caller = place.caller
    return device_view.read(service.database, caller.account_id, caller.rosters, path)
