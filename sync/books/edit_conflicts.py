"""
Conflicts: fields that two of a person's devices changed without knowing of each other.

The later one has won by then; here stands what the other had made of the field, which the person can still take.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, delete, func, insert, select
from sqlalchemy.orm import Session

from sync.books import entry_rows, overlays
from sync.books.entry_rows import PRIVATE
from sync.database.engine import settings_of
from sync.database.prepared import read
from sync.errors import Conflict, NotFound
from sync.fields import FieldContent, same_meaning
from sync.merging import private_merge
from sync.merging.three_way import Clash
from sync.models import Device, EditConflict, Entry, PrivateCard, new_id, now
from sync.profiles import profiles
from sync.revisions.address_books import PRESENT, Book, books_of
from sync.sharing.cards import SELF

#: So many of a person are kept, the last ones.
MOST = 100
_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Told:
    """
    One field that two devices changed.

    *won* is what it became, by *device*, and *lost* what it would have been; None where the field was deleted. *kind*
    is the entry's, *text* the contact's where it is a private one.
    """

    id: int
    entry_id: int
    kind: str
    device: str
    found_at: int
    won: FieldContent | None
    lost: FieldContent | None
    text: str


def record(session: Session, viewer_id: int, entry_id: int, device_id: int, clashes: Iterable[Clash]) -> None:
    """Keep what two devices changed of an entry, and let go of what is too old or too much."""
    at = now()
    rows = [
        {"viewer_id": viewer_id, "id": new_id(), "entry_id": entry_id, "device_id": device_id, "found_at": at}
        | {"kind": _kind(clash), "won": _dump(clash.won), "lost": _dump(clash.lost)}
        for clash in clashes
    ]
    if not rows:
        return
    session.execute(insert(EditConflict), rows)
    mine = EditConflict.viewer_id == viewer_id
    last = select(EditConflict.id).where(mine).order_by(EditConflict.found_at.desc(), EditConflict.id).offset(MOST)
    too_many = session.scalars(last).all()
    days = settings_of(session).keep_versions_days
    session.execute(
        delete(EditConflict).where(mine, (EditConflict.found_at < at - days * _DAY) | EditConflict.id.in_(too_many))
    )


def of_person(session: Session, viewer_id: int) -> list[Told]:
    """Return the conflicts that a person has not decided yet, the last first."""
    return [_told(row) for row in read(session, _UNDECIDED, {"viewer": viewer_id})]


def count(session: Session, viewer_id: int) -> int:
    """Return how many conflicts a person has not decided yet."""
    return session.scalars(select(func.count()).where(EditConflict.viewer_id == viewer_id)).one()


def dismiss(session: Session, viewer_id: int, conflict_id: int) -> None:
    """
    Leave a field as it is.

    Raises:
        NotFound: There is no such conflict.
    """
    _forget(session, _find(session, viewer_id, conflict_id))


def take_other(session: Session, viewer_id: int, conflict_id: int) -> None:
    """
    Give a field what the other device made of it.

    Raises:
        NotFound: There is no such conflict.
        Conflict: The field was changed again since.
    """
    with session.begin_nested():
        row = _find(session, viewer_id, conflict_id)
        entry = session.get(Entry, (viewer_id, row.entry_id), populate_existing=True)
        book = next((book for book in books_of(session, viewer_id) if entry and book.id == entry.book_id), None)
        if entry is None or book is None or entry.state != PRESENT:
            raise NotFound("There is no such entry.")
        won, lost = _load(row.won), _load(row.lost)
        if entry.kind == SELF:
            profiles.settle(session, viewer_id, won, lost)
        elif entry.kind == PRIVATE:
            _settle_private(session, book, entry, won, lost)
        else:
            _settle_overlay(session, book, entry, won, lost)
        _forget(session, row)


_UNDECIDED = (
    select(EditConflict.id, EditConflict.entry_id, EditConflict.found_at, EditConflict.won, EditConflict.lost)
    .add_columns(Entry.kind, Device.label, PrivateCard.data)
    .join(Entry, (Entry.viewer_id == EditConflict.viewer_id) & (Entry.id == EditConflict.entry_id))
    .outerjoin(Device, (Device.viewer_id == EditConflict.viewer_id) & (Device.id == EditConflict.device_id))
    .outerjoin(PrivateCard, (PrivateCard.viewer_id == Entry.viewer_id) & (PrivateCard.entry_id == Entry.id))
    .where(EditConflict.viewer_id == bindparam("viewer"), Entry.state == PRESENT)
    .order_by(EditConflict.found_at.desc(), EditConflict.id)
)


def _told(row: Sequence[Any]) -> Told:
    conflict_id, entry_id, found_at, won, lost, kind, label, data = row
    text = bytes(data).decode(errors="replace") if data is not None else ""
    return Told(conflict_id, entry_id, kind, label or "", found_at, _load(won), _load(lost), text)


def _settle_private(
    session: Session, book: Book, entry: Entry, won: FieldContent | None, lost: FieldContent | None
) -> None:
    entry_rows.lock(session, book)
    stored = select(PrivateCard.data).where(PrivateCard.viewer_id == entry.viewer_id, PrivateCard.entry_id == entry.id)
    data = private_merge.settled(session.scalars(stored).one(), won, lost)
    if data is None:
        raise Conflict("This was changed again since; look at what it says now.")
    entry_rows.set_bytes(session, entry, data)
    entry_rows.change(session, entry, digest=entry_rows.digest_of(data))
    entry_rows.stamp_now(session, book, entry)


def _settle_overlay(
    session: Session, book: Book, entry: Entry, won: FieldContent | None, lost: FieldContent | None
) -> None:
    entry_rows.lock(session, book)
    contents = overlays.of(session, entry.viewer_id, [entry.id]).get(entry.id, [])
    says = [content for content in contents if won is not None and same_meaning(content, won)]
    if won is not None and not says:
        raise Conflict("This was changed again since; look at what it says now.")
    stays = [content for content in contents if content not in says[:1]]
    digest = overlays.store(session, entry, [*stays, *([lost] if lost is not None else [])])
    entry_rows.change(session, entry, digest=digest)
    entry_rows.stamp_now(session, book, entry)


def _find(session: Session, viewer_id: int, conflict_id: int) -> EditConflict:
    row = session.get(EditConflict, (viewer_id, conflict_id), populate_existing=True)
    if row is None:
        raise NotFound("There is no such conflict; it was decided already.")
    return row


def _forget(session: Session, row: EditConflict) -> None:
    session.execute(delete(EditConflict).where(EditConflict.viewer_id == row.viewer_id, EditConflict.id == row.id))


def _kind(clash: Clash) -> str:
    either = clash.won or clash.lost
    return either.kind if either is not None else ""


def _dump(content: FieldContent | None) -> str | None:
    # The two need not be of one kind.
    return f"{content.kind}\n{content.dump()}" if content is not None else None


def _load(text: str | None) -> FieldContent | None:
    if text is None:
        return None
    kind, _, content = text.partition("\n")
    return FieldContent.load(kind, content)
