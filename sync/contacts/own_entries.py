"""The private entries of a person by their ids: locked, read and written as a device would."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from sync.books import entries, entry_rows
from sync.books.entry_rows import PRIVATE
from sync.errors import NotFound
from sync.models import Entry, PrivateCard
from sync.revisions.address_books import PRESENT, Book, books_of


def lock(session: Session, viewer_id: int) -> dict[int, Book]:
    """Let nobody else write to a person's address books until the transaction ends, and return these by id."""
    books = {book.id: book for book in books_of(session, viewer_id)}
    for book_id in sorted(books):
        entry_rows.lock(session, books[book_id])
    return books


def find(session: Session, viewer_id: int, entry_id: int) -> Entry:
    """
    Return a present private entry.

    Raises:
        NotFound: There is none.
    """
    entry = session.get(Entry, (viewer_id, entry_id), populate_existing=True)
    if entry is None or entry.kind != PRIVATE or entry.state != PRESENT:
        raise NotFound("There is no such contact.")
    return entry


def octets(session: Session, entry: Entry) -> bytes:
    """Return the card of a private entry."""
    mine = (PrivateCard.viewer_id == entry.viewer_id, PrivateCard.entry_id == entry.id)
    return session.scalars(select(PrivateCard.data).where(*mine)).one()


def write(session: Session, book: Book, href: str, data: bytes) -> None:
    """Store a card as a device's PUT does; raises what `sync.books.entries.write` raises."""
    entries.write(session, book, href, data, lambda _etag: None)
