"""Shared address books listed, and the contacts in one."""

from __future__ import annotations

from flask import Response

from radicale_plugin.web import people
from radicale_plugin.web.page import page
from radicale_plugin.web.pages.shared_books.area import blueprint, book_of
from radicale_plugin.web.signed_in import current_person, database
from sync.contacts import own_contacts
from sync.shared_books import access


@blueprint.get("/")
def index() -> Response:
    """Show the shared address books of whoever is signed in."""
    with database().reading() as session:
        found = access.books_of(session, current_person().account_id)
    return page("shared_books/index.html", found=found)


@blueprint.get("/<int:book_id>/")
def one(book_id: int) -> Response:
    """Show the contacts of a book, page by page."""
    text = people.sought()
    with database().reading() as session:
        book = book_of(session, book_id)
        place, by_number = people.place_of_page(), people.is_by_number()
        listed = own_contacts.page_of(session, book_id, text, place, by_number=by_number)
    lettered = people.in_order(listed.contacts)
    return page("shared_books/one.html", book=book, listed=listed, lettered=lettered, text=text)
