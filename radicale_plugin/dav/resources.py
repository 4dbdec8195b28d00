"""Finding what a request is about."""

from __future__ import annotations

from radicale_plugin.dav.errors import DavError
from radicale_plugin.dav.requests import Request, Service
from sync import address_books
from sync.address_books import CONTACTS_PATH, Book


def book_of(service: Service, request: Request) -> Book:
    """
    Return the address book that the request is for.

    That of the connections was read with the credentials and costs nothing.

    Raises:
        DavError: 404, there is none.
    """
    path = request.location.book
    if path == CONTACTS_PATH:
        return request.place.caller.contacts
    with service.database.reading() as session:
        book = address_books.find_book(session, request.place.caller.account_id, path)
    if book is None:
        raise DavError(404, "There is no such address book.")
    return book
