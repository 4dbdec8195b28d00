"""Finding what a request, or a URL in it, is about."""

from __future__ import annotations

from dataclasses import dataclass

from radicale_plugin.dav import paths
from radicale_plugin.dav.errors import DavError
from radicale_plugin.dav.paths import Kind, Location
from radicale_plugin.dav.place import Place, Table
from radicale_plugin.dav.properties import ROOT, book_table, entry_table, principal_table
from radicale_plugin.dav.requests import Request, Service
from sync.books import entries
from sync.revisions import address_books
from sync.revisions.address_books import CONTACTS_PATH, Book


@dataclass(frozen=True, slots=True)
class Resource:
    """Something that is there, with its properties."""

    url: str
    table: Table


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


def _entry(service: Service, place: Place, book: Book, name: str) -> Resource | None:
    with service.database.reading() as session:
        entry = next(entries.texts(session, book, None, hrefs=[name]), None)
    if entry is None:
        return None
    return Resource(place.book(book) + paths.href("", name, collection=False)[1:], entry_table(entry, place))


def address_book(service: Service, place: Place, book: Book) -> Resource:
    """Return an address book of the person who asks."""

    def description() -> str:
        with service.database.reading() as session:
            return address_books.description(session, book)

    return Resource(place.book(book), book_table(book, description))


def principal(service: Service, place: Place) -> Resource:
    """Return the person who asks."""

    def me_card() -> str:
        with service.database.reading() as session:
            name = address_books.me_card(session, place.caller.account_id)
        return paths.href(place.prefix, place.caller.login, CONTACTS_PATH, name, collection=False)

    return Resource(place.principal, principal_table(me_card))


def _book(service: Service, place: Place, path: str) -> Book | None:
    if path == CONTACTS_PATH:
        return place.caller.contacts
    with service.database.reading() as session:
        return address_books.find_book(session, place.caller.account_id, path)
