"""
What tells devices that private entries are gone, and how it is let go of where it has become too much.

A token asks what changed since; so of an entry that is gone there is a row, for as long as the address book has room
for it. Then all go at once, but for those of which something can still be brought back, and the book begins a new
epoch: its devices ask for everything once, and find that what is gone is not there.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, ColumnElement, delete, exists, literal, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from sync.models import AddressBook, Entry, EntryVersion, KeptApart, LinkedEntry, MergedEntry, new_id
from sync.revisions.address_books import REMOVED

PRIVATE = "private"


def let_go(session: Session, viewer_id: int, book_id: int) -> None:
    """Forget which private entries of a book are gone. The caller holds the lock of the book."""
    viewer = literal(viewer_id, BigInteger)
    mine = (Entry.viewer_id == viewer, Entry.book_id == book_id)
    gone = delete(Entry).where(*mine, Entry.kind == PRIVATE, Entry.state == REMOVED, ~_can_come_back(viewer))
    session.execute(gone.execution_options(synchronize_session=False))
    of_nothing = ~_is_there(viewer, KeptApart.entry_id) | ~_is_there(viewer, KeptApart.other_id)
    apart = delete(KeptApart).where(KeptApart.viewer_id == viewer, of_nothing)
    session.execute(apart.execution_options(synchronize_session=False))
    epoch = update(AddressBook).where(AddressBook.viewer_id == viewer_id, AddressBook.id == book_id)
    session.execute(epoch.values(epoch=new_id()))


def _can_come_back(viewer: ColumnElement[int]) -> ColumnElement[bool]:
    """Whether there is something by which an entry can be put back; while there is, its row stays."""
    version = exists().where(EntryVersion.viewer_id == viewer, EntryVersion.entry_id == Entry.id)
    linked = exists().where(LinkedEntry.viewer_id == viewer, LinkedEntry.entry_id == Entry.id)
    either = (MergedEntry.gone_id == Entry.id) | (MergedEntry.kept_id == Entry.id)
    merged = exists().where(MergedEntry.viewer_id == viewer, either)
    return version | linked | merged


def _is_there(
    viewer: ColumnElement[int], entry_id: ColumnElement[int] | InstrumentedAttribute[int]
) -> ColumnElement[bool]:
    return exists().where(Entry.viewer_id == viewer, Entry.id == entry_id)
