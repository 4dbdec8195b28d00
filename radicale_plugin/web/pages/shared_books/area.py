"""The blueprint of shared address books, and finding and changing the one that a page is about."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from flask import Blueprint

from radicale_plugin.web.once import once
from radicale_plugin.web.signed_in import current_person, database
from sync.database.engine import Session
from sync.revisions.address_books import Book
from sync.shared_books import access, past

blueprint = Blueprint("shared_books", __name__, url_prefix="/shared-books")

T = TypeVar("T")


def book_of(session: Session, book_id: int) -> Book:
    """
    Return a book as whoever is signed in sees it.

    Raises:
        NotFound: They do not.
    """
    return access.of_id(session, current_person().account_id, book_id)


def book_to_write(session: Session, book_id: int) -> Book:
    """
    Return a book that whoever is signed in may change for everybody.

    Raises:
        NotFound, Refused: As `access.of_writer`.
    """
    return access.of_writer(session, current_person().account_id, book_id)


def may_write(book: Book) -> bool:
    """Whether what its person changes in a book, they change for everybody."""
    return book.shared is not None and book.shared.is_writer


def change(book_id: int, act: Callable[[Session], T], then: str = "") -> T:
    """Do something as one of the writers; what makes something is done once, and leads on to *then* again."""
    me = current_person().account_id

    def changed(session: Session) -> T:
        return past.by_writer(session, me, book_id, act)

    return database().write(once(changed, then) if then else changed)
