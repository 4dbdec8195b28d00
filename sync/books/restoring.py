"""Bringing back what a device replaced or deleted, from the versions that are kept of it."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from sync.books import entry_rows, overlays
from sync.books.entry_rows import PRIVATE
from sync.errors import Conflict, NotFound
from sync.models import Entry, EntryVersion, LinkedEntry
from sync.revisions import versions
from sync.revisions.address_books import PRESENT, Book, books_of
from sync.vcard import parse_one


def bring_back(session: Session, viewer_id: int, entry_id: int, revision: int) -> None:
    """Do what `restore` does for an entry of any of a person's address books, and raise what it raises."""
    entry, _kept = versions.find(session, viewer_id, entry_id, revision)
    for book in books_of(session, viewer_id):
        if book.id == entry.book_id:
            restore(session, book, entry_id, revision)


def restore(session: Session, book: Book, entry_id: int, revision: int) -> None:
    """
    Give an entry back what it had at *revision*, deleted ones too. What it has now can be restored in turn.

    Nothing happens where a contact is just so already.

    Raises:
        NotFound: Nothing of that revision is kept.
        UIDConflict: Another entry has taken the UID since.
        Conflict: The contact was made one with somebody's card; `sync.contacts.linking.unlink` brings it back.
    """
    with session.begin_nested():
        entry_rows.lock(session, book)
        entry = session.get(Entry, (book.viewer_id, entry_id), populate_existing=True)
        kept = session.get(EntryVersion, (book.viewer_id, entry_id, revision))
        if entry is None or kept is None:
            raise NotFound("No such version of an entry is kept.")
        if entry.state == PRESENT and entry.digest == entry_rows.digest_of(kept.content):
            return
        if entry.kind == PRIVATE:
            _require_unlinked(session, entry)
            uid = parse_one(kept.content).uid or ""
            entry_rows.require_uid(session, book, uid, entry.href)
            entry_rows.set_bytes(session, entry, kept.content)
            entry_rows.change(session, entry, uid=uid, state=PRESENT, digest=entry_rows.digest_of(kept.content))
        else:
            digest = overlays.store(session, entry, overlays.load(kept.content.decode()))
            entry_rows.change(session, entry, digest=digest)
        entry_rows.stamp_now(session, book, entry)


def _require_unlinked(session: Session, entry: Entry) -> None:
    linked = select(LinkedEntry.entry_id).where(
        LinkedEntry.viewer_id == entry.viewer_id, LinkedEntry.entry_id == entry.id
    )
    if session.scalars(linked).first() is not None:
        raise Conflict("This contact is one with somebody's card; take the two apart first.")
