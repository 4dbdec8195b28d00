"""
Contacts of a person's own that are one person: made one by choice, and taken apart again.

Nothing is merged by itself; `sync.contacts.proposing` says which may be one. For `UNDONE_FOR` seconds a merge can be
undone, and what was changed since stays.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import ColumnElement, delete, insert, select
from sqlalchemy.orm import Session

from sync.accounts import addresses
from sync.accounts.rate_limits import DAY
from sync.books import entry_rows
from sync.books.entry_rows import PRIVATE
from sync.contacts import own_entries
from sync.errors import Conflict, InvalidInput, NotFound
from sync.fields import FieldContent
from sync.merging import duplicates, private_merge
from sync.models import Entry, LinkedEntry, MergedEntry, now
from sync.revisions.address_books import PRESENT, Book
from sync.vcard import parse_one
from sync.vcard.headlines import name_of

#: For how many seconds two contacts that were made one can be taken apart again.
UNDONE_FOR = 30 * DAY
#: So many merges of one person are remembered, the last ones.
MOST_UNDONE = 200
_CHANNELS = {"TEL": addresses.SMS, "EMAIL": addresses.EMAIL}


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two contacts beside each other, what they would become, and the digests of how they are now."""

    one: str
    other: str
    merged: str
    seen: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Merge:
    """A contact that is gone because it was made one with another, and is called so; *kept* is what that is called."""

    gone_id: int
    kept_id: int
    gone: str
    kept: str
    merged_at: int


def compare(session: Session, viewer_id: int, kept_id: int, gone_id: int) -> Comparison:
    """
    Return two contacts, and what `merge` would make of them.

    Raises:
        NotFound: One of them is no contact of the person's.
        InvalidVCard: One of them is stored as something that is no card.
    """
    entries = [own_entries.find(session, viewer_id, entry_id) for entry_id in (kept_id, gone_id)]
    one, other = (own_entries.octets(session, entry) for entry in entries)
    merged = _merged(session, one, other)
    digests = (entries[0].digest or "", entries[1].digest or "")
    return Comparison(_text(one), _text(other), _text(merged), digests)


def present(session: Session, viewer_id: int, entry_ids: Collection[int]) -> set[int]:
    """Return which of these are contacts of the person's."""
    mine = (Entry.viewer_id == viewer_id, Entry.kind == PRIVATE, Entry.state == PRESENT)
    return set(session.scalars(select(Entry.id).where(*mine, Entry.id.in_(list(entry_ids)))))


def merge(session: Session, viewer_id: int, kept_id: int, gone_id: int, seen: tuple[str, str] | None = None) -> None:
    """
    Make two contacts one: what only *gone_id* says is added to *kept_id*, and the former goes from all devices.

    Raises:
        NotFound: One of them is no contact of the person's.
        InvalidInput: Both are the same.
        Conflict: One of them was changed since it was *seen*, of which the digests are as in `Comparison`.
        LimitExceeded, TooLarge: Together they are more than one contact can be.
    """
    if kept_id == gone_id:
        raise InvalidInput("A contact cannot be merged with itself.")
    with session.begin_nested():
        books = own_entries.lock(session, viewer_id)
        kept, gone = (own_entries.find(session, viewer_id, entry_id) for entry_id in (kept_id, gone_id))
        if seen is not None and seen != (kept.digest or "", gone.digest or ""):
            raise Conflict("One of these contacts was changed meanwhile. Look at them again.")
        before, card = own_entries.octets(session, kept), own_entries.octets(session, gone)
        mine, at = MergedEntry.viewer_id == viewer_id, now()
        session.execute(delete(MergedEntry).where(mine, _is_settled()))
        session.execute(delete(MergedEntry).where(mine, MergedEntry.gone_id == gone_id))
        values = {"viewer_id": viewer_id, "gone_id": gone_id, "kept_id": kept_id, "card": card, "before": before}
        session.execute(insert(MergedEntry).values(**values, merged_at=at))
        _forget_oldest(session, viewer_id)
        merged = _merged(session, before, card)
        entry_rows.remove_private(session, books[gone.book_id], gone)
        own_entries.write(session, books[kept.book_id], kept.href, merged)


def undo(session: Session, viewer_id: int, gone_id: int) -> None:
    """
    Take two contacts apart again: both are as they were, but for what was changed since.

    Raises:
        NotFound: There is no such merge, or it was too long ago.
        Conflict: The contact that was kept has become one with another, or with somebody's card, since.
        UIDConflict: Another entry has taken the contact's UID since.
    """
    with session.begin_nested():
        books = own_entries.lock(session, viewer_id)
        merged = session.get(MergedEntry, (viewer_id, gone_id), populate_existing=True)
        if merged is None or merged.merged_at < now() - UNDONE_FOR:
            raise NotFound("There is no such merge, or it was too long ago to be undone.")
        kept, gone = (
            session.get(Entry, (viewer_id, each), populate_existing=True) for each in (merged.kept_id, gone_id)
        )
        if kept is None or gone is None or not {kept.book_id, gone.book_id} <= books.keys():
            raise NotFound("There is no such merge, or it was too long ago to be undone.")
        _require_free(session, viewer_id, merged.kept_id, gone_id)
        before = merged.before
        if kept.state == PRESENT:
            present = own_entries.octets(session, kept)
            before = _unmerged(_merged(session, merged.before, merged.card), present, merged.before)
        if gone.state != PRESENT:
            _put_back(session, books[gone.book_id], gone, merged.card)
        _put_back(session, books[kept.book_id], kept, before)
        session.execute(delete(MergedEntry).where(MergedEntry.viewer_id == viewer_id, MergedEntry.gone_id == gone_id))


def merges_of(session: Session, viewer_id: int) -> list[Merge]:
    """Return the merges of a person that can be undone, the last first."""
    chosen = (MergedEntry.viewer_id == viewer_id, ~_is_settled())
    newest_first = (MergedEntry.merged_at.desc(), MergedEntry.gone_id)
    return [
        Merge(row.gone_id, row.kept_id, _name(row.card), _name(row.before), row.merged_at)
        for row in session.scalars(select(MergedEntry).where(*chosen).order_by(*newest_first))
    ]


def purge(session: Session) -> int:
    """Let go of what cannot be undone any more, of whosever it is, and return how many merges that were."""
    return len(session.scalars(delete(MergedEntry).where(_is_settled()).returning(MergedEntry.gone_id)).all())


def _is_settled() -> ColumnElement[bool]:
    return MergedEntry.merged_at < now() - UNDONE_FOR


def _forget_oldest(session: Session, viewer_id: int) -> None:
    """Let go of what takes more room than a person can have for it."""
    mine = MergedEntry.viewer_id == viewer_id
    newest_first = (MergedEntry.merged_at.desc(), MergedEntry.gone_id)
    gone = session.scalars(select(MergedEntry.gone_id).where(mine).order_by(*newest_first).offset(MOST_UNDONE)).all()
    if gone:
        session.execute(delete(MergedEntry).where(mine, MergedEntry.gone_id.in_(gone)))


def _merged(session: Session, one: bytes, other: bytes) -> bytes:
    def normal(content: FieldContent) -> str | None:
        channel = _CHANNELS.get(content.main.name)
        try:
            said = content.text().removeprefix("tel:").removeprefix("mailto:")
            return addresses.normalize(session, channel, said) if channel else None
        except InvalidInput:
            return None

    return duplicates.merged(one, other, normal)


def _unmerged(merged: bytes, present: bytes, before: bytes) -> bytes:
    """What a contact becomes that was *merged* and is *present* now: what it was *before*, with all changes since."""
    if present == merged:
        return before
    return private_merge.merged(merged, present, before)[0]


def _put_back(session: Session, book: Book, entry: Entry, data: bytes) -> None:
    if entry.state == PRESENT and own_entries.octets(session, entry) == data:
        return
    uid = parse_one(data).uid or entry.uid or ""
    entry_rows.require_uid(session, book, uid, entry.href)
    entry_rows.change(session, entry, uid=uid, state=PRESENT, digest=entry_rows.digest_of(data))
    entry_rows.set_bytes(session, entry, data)
    entry_rows.stamp_now(session, book, entry)


def _require_free(session: Session, viewer_id: int, kept_id: int, gone_id: int) -> None:
    linked = select(LinkedEntry.entry_id).where(
        LinkedEntry.viewer_id == viewer_id, LinkedEntry.entry_id.in_((kept_id, gone_id))
    )
    if session.scalars(linked).first() is not None:
        raise Conflict("This contact is one with somebody's card; take the two apart first.")
    later = session.get(MergedEntry, (viewer_id, kept_id), populate_existing=True)
    entry = session.get(Entry, (viewer_id, kept_id))
    if later is not None and entry is not None and entry.state != PRESENT:
        raise Conflict("This contact has become one with another since; undo that first.")


def _text(data: bytes) -> str:
    return data.decode(errors="replace")


def _name(data: bytes) -> str:
    return name_of(_text(data))
