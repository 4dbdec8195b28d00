"""What the devices of writers have of contacts that others change as well: see `sync.books.device_copies`."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from sync.books.device_copies import Writer
from sync.books.entry_texts import EntryText
from sync.database.engine import Database, among
from sync.database.upserts import insert_into
from sync.errors import DatabaseUnavailable
from sync.merging.three_way import NotKept
from sync.models import Base, Entry, EntryVersion, SharedChange, SharedCopy
from sync.revisions.entry_writes import Found


class Handed:
    """Collects which contacts of a shared book an answer hands to the device of a writer."""

    def __init__(self, book_id: int | None) -> None:
        """Begin with none of a book, None where it is not shared."""
        self._book_id = book_id
        self._revisions: dict[int, int] = {}

    def add(self, entry: EntryText) -> EntryText:
        """Return *entry*, which is in the answer."""
        if entry.has_past:
            self._revisions[entry.id] = entry.revision
        return entry

    def note(self, database: Database, account_id: int, device_id: int) -> None:
        """Write down what was handed over; nothing that goes wrong with that concerns the device."""
        book_id = self._book_id
        if not self._revisions or book_id is None:
            return
        key = (book_id, account_id, device_id)
        try:
            with database.reading() as session:
                new = _unknown(session, key, self._revisions)
            if new:
                database.write_if_free(lambda session: _set(session, key, new))
        except (DBAPIError, DatabaseUnavailable):
            return


def before(session: Session, writer: Writer, found: Found) -> bytes | NotKept | None:
    """Return the card of a contact that the device has, None where it is the one that is now."""
    key = (found.viewer_id, writer.viewer_id, writer.device_id, found.id)
    copy = session.get(SharedCopy, key, populate_existing=True)
    if copy is not None and copy.sent is not None:
        return copy.sent
    revision = copy.revision if copy is not None else _first_replaced(session, found)
    if revision is None or revision >= found.revision:
        return None
    kept = session.get(EntryVersion, (found.viewer_id, found.id, revision))
    return kept.content if kept is not None else NotKept()


def note_stored(session: Session, writer: Writer, found: Found, sent: bytes | None) -> None:
    """Write down that a device has a contact as it is now; *sent* is what it sent where that is another card."""
    table = Base.metadata.tables["shared_copy"]
    said = {"revision": found.revision, "sent": sent}
    key = {"book_id": found.viewer_id, "account_id": writer.viewer_id, "device_id": writer.device_id}
    made = insert_into(session.get_bind().dialect.name, table).values(**key, entry_id=found.id, **said)
    session.execute(made.on_conflict_do_update(index_elements=table.primary_key.columns, set_=said))


def _first_replaced(session: Session, found: Found) -> int | None:
    """
    Return what a device has that was handed the contact before it had a past: what was replaced first.

    Whatever was handed later is written down. What was replaced before the device was there is not told apart by the
    time, for a clock may have been put back.
    """
    mine = (SharedChange.book_id == found.viewer_id, SharedChange.entry_id == found.id, SharedChange.before > 0)
    return session.scalars(select(func.min(SharedChange.before)).where(*mine)).one()


def _unknown(session: Session, key: tuple[int, int, int], revisions: Mapping[int, int]) -> dict[int, int]:
    book_id, account_id, device_id = key
    mine = (SharedCopy.book_id == book_id, SharedCopy.account_id == account_id, SharedCopy.device_id == device_id)
    chosen = select(SharedCopy.entry_id, SharedCopy.revision, SharedCopy.sent.is_(None)).where(*mine)
    rows = session.execute(chosen.where(among(session, SharedCopy.entry_id, revisions)))
    known = {entry_id: (revision, is_handed) for entry_id, revision, is_handed in rows}
    return {each: at for each, at in revisions.items() if (at, False) >= known.get(each, (-1, False))}


def _set(session: Session, key: tuple[int, int, int], revisions: Mapping[int, int]) -> None:
    book_id, account_id, device_id = key
    there = select(Entry.id).where(Entry.viewer_id == book_id, among(session, Entry.id, revisions))
    table = Base.metadata.tables["shared_copy"]
    mine = {"book_id": book_id, "account_id": account_id, "device_id": device_id, "sent": None}
    rows = [{**mine, "entry_id": each, "revision": revisions[each]} for each in session.scalars(there)]
    if rows:
        made = insert_into(session.get_bind().dialect.name, table)
        said = {"revision": made.excluded.revision, "sent": made.excluded.sent}
        session.execute(made.on_conflict_do_update(index_elements=table.primary_key.columns, set_=said), rows)
