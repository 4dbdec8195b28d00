"""Bringing back what a device replaced or deleted, from the versions that are kept of it."""

from __future__ import annotations

from sqlalchemy.orm import Session

from sync import entry_rows, overlays
from sync.address_books import PRESENT, Book
from sync.entry_rows import PRIVATE
from sync.errors import NotFound
from sync.models import Entry, EntryVersion
from sync.vcard import parse_one


def restore(session: Session, book: Book, entry_id: int, revision: int) -> None:
    """
    Give an entry back what it had at *revision*, deleted ones too. What it has now can be restored in turn.

    Raises:
        NotFound: Nothing of that revision is kept.
        UIDConflict: Another entry has taken the UID since.
    """
    with session.begin_nested():
        entry_rows.lock(session, book)
        entry = session.get(Entry, (book.viewer_id, entry_id), populate_existing=True)
        kept = session.get(EntryVersion, (book.viewer_id, entry_id, revision))
        if entry is None or kept is None:
            raise NotFound("No such version of an entry is kept.")
        if entry.kind == PRIVATE:
            uid = parse_one(kept.content).uid or ""
            entry_rows.require_uid(session, book, uid, entry.href)
            entry_rows.set_bytes(session, entry, kept.content)
            entry_rows.change(session, entry, uid=uid, state=PRESENT, digest=entry_rows.digest_of(kept.content))
        else:
            digest = overlays.store(session, entry, overlays.load(kept.content.decode()))
            entry_rows.change(session, entry, digest=digest)
        entry_rows.stamp_now(session, book, entry)
