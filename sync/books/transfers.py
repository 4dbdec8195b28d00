"""Moving and copying private entries, inside an address book and between two of the same person."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import select
from sqlalchemy.orm import Session

from sync.books import entries, entry_rows
from sync.books.entry_rows import PRIVATE
from sync.errors import NotFound, PreconditionFailed, Refused, UIDConflict
from sync.models import Entry, PrivateCard
from sync.organisations import roster_rows
from sync.revisions import dead_properties
from sync.revisions.address_books import PRESENT, Book
from sync.vcard import uids


def transfer(
    session: Session,
    source: tuple[Book, str],
    target: tuple[Book, str],
    *,
    keep: bool,
    overwrite: bool,
    check: Callable[[str | None], None] = lambda _: None,
) -> bool:
    """
    Give the private entry *source* the place *target*, each a book and a name; with *keep*, *source* stays as well.

    Returns whether there was something at *target*, which is replaced with *overwrite* only. *check* is called with
    the ETag of *source* and raises what it likes against it.

    Raises:
        NotFound: There is no entry at *source*.
        Refused: *source* or *target* is somebody's card and not a private entry, or both are the same.
        PreconditionFailed: There is something at *target*.
        UIDConflict: Another entry of the target's book has this UID, as *source* has when it stays in the same book; or
        what would be replaced is another contact, with another UID (RFC 6352, 6.3.2.1).
    """
    with session.begin_nested():
        for book in sorted({source[0], target[0]}, key=lambda book: book.id):
            entry_rows.lock(session, book)
        if any(roster_rows.is_shown(session, *place) for place in (source, target)):
            raise Refused("Only a private contact can be moved or copied, and to another place.")
        entry = entry_rows.find(session, *source)
        if entry is None or entry.state != PRESENT:
            raise NotFound("There is no such entry.")
        before = entries.head(session, *source)
        check(before.etag if before else None)
        replaced = entry_rows.find(session, *target)
        if entry.kind != PRIVATE or (replaced is not None and replaced.kind != PRIVATE) or source == target:
            raise Refused("Only a private contact can be moved or copied, and to another place.")
        existed = replaced is not None and replaced.state == PRESENT
        if existed and not overwrite:
            raise PreconditionFailed("There is an entry at the destination already.")
        if replaced is not None and existed and not uids.are_same(replaced.uid or "", entry.uid or ""):
            raise UIDConflict(replaced.href)
        data, noted = _bytes_of(session, entry), dead_properties.of(session, _place(entry))
        if replaced is not None and existed:
            entry_rows.remove_private(session, target[0], replaced)
        if not keep:
            entry_rows.remove_private(session, source[0], entry)
        entries.write(session, *target, data, lambda _: None)
        # What one person's client notes is nobody's business in a book that is shared.
        is_mine = source[0].viewer_id == target[0].viewer_id
        if noted and is_mine and (made := entry_rows.find(session, *target)) is not None:
            dead_properties.replace(session, _place(made), noted)
        return existed


def _place(entry: Entry) -> dead_properties.Place:
    return dead_properties.Place(entry.viewer_id, entry.book_id, entry.id)


def _bytes_of(session: Session, entry: Entry) -> bytes:
    stored = select(PrivateCard.data).where(PrivateCard.viewer_id == entry.viewer_id, PrivateCard.entry_id == entry.id)
    return session.scalars(stored).one()
