"""
Bugs to plant in contacts that are made one: one of each class by which something is lost, or comes back.

Each replaces a part of the engine by what a hurried hand might have written. None is in the product.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import delete, func, insert, select, update

from sync.books import entry_rows
from sync.calendars import feeds
from sync.contacts import duplicates, own_entries
from sync.database.engine import Database, Session
from sync.merging import private_merge
from sync.models import CalendarFeed, Entry, MergedEntry, now
from sync.revisions.address_books import PRESENT, Book
from tests.support.machines import Plant


def take_the_first(patch: pytest.MonkeyPatch) -> None:
    """Where both contacts have a line of a kind, the other one's is not taken over."""
    merged = duplicates._merged

    def replacement(session: Session, one: bytes, other: bytes) -> bytes:
        kept = [line for line in other.splitlines(keepends=True) if not line.startswith(b"ORG")]
        return merged(session, one, b"".join(kept))

    patch.setattr(duplicates, "_merged", replacement)


def merge_by_halves(patch: pytest.MonkeyPatch) -> None:
    """The one contact is taken away in one transaction, and the other is given its lines in the next."""

    def replacement(session: Session, viewer_id: int, kept_id: int, gone_id: int, seen: object = None) -> None:
        books = own_entries.lock(session, viewer_id)
        kept, gone = (own_entries.find(session, viewer_id, each) for each in (kept_id, gone_id))
        before, card = own_entries.octets(session, kept), own_entries.octets(session, gone)
        session.execute(delete(MergedEntry).where(MergedEntry.viewer_id == viewer_id, MergedEntry.gone_id == gone_id))
        values = {"viewer_id": viewer_id, "gone_id": gone_id, "kept_id": kept_id, "card": card, "before": before}
        session.execute(insert(MergedEntry).values(**values, merged_at=now()))
        entry_rows.remove_private(session, books[gone.book_id], gone)
        session.commit()
        own_entries.write(session, books[kept.book_id], kept.href, duplicates._merged(session, before, card))

    patch.setattr(duplicates, "merge", replacement)


def merge_what_was_not_seen(patch: pytest.MonkeyPatch) -> None:
    """A contact that changed since it was looked at is made one with the other all the same."""
    merge = duplicates.merge

    def replacement(session: Session, viewer_id: int, kept_id: int, gone_id: int, _seen: object = None) -> None:
        merge(session, viewer_id, kept_id, gone_id)

    patch.setattr(duplicates, "merge", replacement)


def undo_to_what_was(patch: pytest.MonkeyPatch) -> None:
    """Who takes two contacts apart loses what they changed since."""
    patch.setattr(duplicates, "_unmerged", lambda _merged, _present, before: before)


def undo_in_any_order(patch: pytest.MonkeyPatch) -> None:
    """What was made one of three can be taken apart from the first."""
    patch.setattr(duplicates, "_require_free", lambda *_: None)


def undo_for_ever(patch: pytest.MonkeyPatch) -> None:
    """Two contacts can be taken apart until a worker or another merge comes by."""
    undo, lasting = duplicates.undo, duplicates.UNDONE_FOR

    def replacement(session: Session, viewer_id: int, gone_id: int) -> None:
        with pytest.MonkeyPatch.context() as meanwhile:
            meanwhile.setattr(duplicates, "UNDONE_FOR", 100 * lasting)
            undo(session, viewer_id, gone_id)

    patch.setattr(duplicates, "undo", replacement)


def tell_nobody(patch: pytest.MonkeyPatch) -> None:
    """Devices are not told of contacts that were taken apart."""

    def replacement(session: Session, _book: Book, entry: Entry, data: bytes) -> None:
        entry_rows.change(session, entry, uid=entry.href, state=PRESENT, digest=entry_rows.digest_of(data))
        entry_rows.set_bytes(session, entry, data)

    patch.setattr(duplicates, "_put_back", replacement)


def never_tidy(patch: pytest.MonkeyPatch) -> None:
    """What cannot be taken apart any more is kept for as long as nothing else is made one."""

    def replacement(_session: Session) -> int:
        return 0

    patch.setattr(duplicates, "purge", replacement)


def forget_what_a_device_had(patch: pytest.MonkeyPatch) -> None:
    """What a device stores that does not know of a merge takes the other contact's lines away."""
    patch.setattr(private_merge, "merged", lambda _had, sent, _now: (sent, []))


def show_own_contacts_always(patch: pytest.MonkeyPatch) -> None:
    """Birthdays of own contacts are in every calendar."""
    opened = feeds.opened

    def replacement(database: Database, secret: str) -> feeds.Opened | None:
        found = opened(database, secret)
        return found and replace(found, with_private=True)

    patch.setattr(feeds, "opened", replacement)


def take_the_calendar_for_the_same(patch: pytest.MonkeyPatch) -> None:
    """What a calendar with own contacts was made of is told by the number of these, which others come to instead."""
    opened = feeds.opened

    def replacement(database: Database, secret: str) -> feeds.Opened | None:
        found = opened(database, secret)
        if found is None or not found.with_private:
            return found
        with database.reading() as session:
            mine = (Entry.viewer_id == found.viewer_id, Entry.kind == entry_rows.PRIVATE, Entry.state == PRESENT)
            count = session.scalars(select(func.count()).where(*mine)).one()
        return replace(found, state=f"{count}")

    patch.setattr(feeds, "opened", replacement)


def end_no_calendar(patch: pytest.MonkeyPatch) -> None:
    """An address that was ended is not shown any more, and opens its calendar still."""

    def replacement(session: Session, viewer_id: int, feed_id: int) -> None:
        session.execute(update(CalendarFeed).where(CalendarFeed.id == feed_id).values(label="Ended"))

    patch.setattr(feeds, "end", replacement)


PLANTS: tuple[Plant, ...] = (
    take_the_first,
    merge_by_halves,
    merge_what_was_not_seen,
    undo_to_what_was,
    undo_in_any_order,
    undo_for_ever,
    tell_nobody,
    never_tidy,
    forget_what_a_device_had,
    show_own_contacts_always,
    take_the_calendar_for_the_same,
    end_no_calendar,
)
