"""
An address book as the device sees it that asks, whatever kind of address book it is.

Every door by which a device reads goes through here, so that a listing, a synchronization and a fetch show the same:
`find`, `read` and `all_of` are the only way to an address book of somebody's, and `of` the only way to what is in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from sqlalchemy.orm import Session

from sync.books.entry_heads import EntryHead
from sync.books.entry_texts import EntryText
from sync.database.engine import Database
from sync.lists import list_view
from sync.revisions import address_books, list_states
from sync.revisions.address_books import CONTACTS_PATH, Book, Lists, Reached
from sync.revisions.rosters import Roster
from sync.shared_books import access
from sync.shared_books import view as shared_view


class View(Protocol):
    """What a device may ask of an address book; two modules have it."""

    def heads(
        self, session: Session, book: Book, since: Reached | None = None, *, until: Reached | None = None
    ) -> Iterator[EntryHead]:
        """Yield what is there; with *since*, what changed after that state, gone ones included, up to *until*."""

    def changed_heads(
        self, database: Database, book: Book, since: Reached, until: Reached | None = None
    ) -> Iterator[EntryHead]:
        """Yield what `heads` does of what changed, as cheaply as it can be had."""

    def texts(
        self,
        session: Session,
        book: Book,
        version: str | None = "3.0",
        *,
        since: Reached | None = None,
        until: Reached | None = None,
        hrefs: Sequence[str] | None = None,
    ) -> Iterator[EntryText]:
        """Yield what is there of what `heads` has, or of what *hrefs* name, with its text (see `entry_texts.texts`)."""

    def named(self, database: Database, book: Book, version: str | None, hrefs: Sequence[str]) -> Iterator[EntryText]:
        """Yield what is there of what *hrefs* name, as `entry_texts.named` does."""

    def searched(
        self, session: Session, book: Book, version: str | None = "3.0", *, hrefs: Sequence[str] | None = None
    ) -> Iterator[tuple[EntryText, str]]:
        """Yield what `texts` does with what else is to be looked through for it (see `entry_texts.searched`)."""

    def head(self, session: Session, book: Book, href: str) -> EntryHead | None:
        """Return what is of this name, without its text, or None."""

    def end(self, session: Session, book: Book, since: Reached | None, limit: int) -> tuple[Reached | None, bool]:
        """
        Return the state at which an answer with at most *limit* changes ends, None where all of them fit.

        Also whether there is such a state: what changed together cannot be told in two answers.
        """


def of(book: Book) -> View:
    """Return how an address book of this kind is looked at."""
    return list_view if book.shared is None else shared_view


def find(session: Session, account_id: int, path: str) -> Book | None:
    """Return the address book at *path* below somebody's principal, if there is one: their own, or one they share."""
    return access.find(session, account_id, path) or address_books.find_book(session, account_id, path)


def read(database: Database, account_id: int, rosters: Sequence[Roster], path: str) -> Book | None:
    """Return what `find` does to somebody whose organisations these are, without a transaction, as polls ask for it."""
    shared = access.read(database, account_id, rosters, path)
    return shared or address_books.read_book(database, account_id, path)


def all_of(session: Session, account_id: int, device_id: int | None, *, is_mac: bool) -> list[Book]:
    """Return the address books of somebody that a device is shown, the own ones first; None is a device not known."""
    books = [book for book in address_books.books_of(session, account_id) if not book.is_layer]
    is_member = any(book.rosters for book in books)
    if is_member and access.are_shown(session, account_id, device_id, is_mac=is_mac):
        books += access.books_of(session, account_id)
    return books


def with_lists(session: Session, book: Book, way: str | None) -> Book:
    """Return *book* as it is in this transaction, as a device sees it that shows lists in this *way*, or none."""
    if way is None or book.path != CONTACTS_PATH:
        return book
    return book._replace(lists=Lists(way, list_states.revision_of(session, book.viewer_id)))
