"""
What each device has of an entry, so that what it sends can be told from what it changed.

Most programs say by ``If-Match`` what they changed. Some never do (client fact T-7), and what they were handed last is
written down here: by a report with the cards in it, by fetching them, and by storing one. Of an entry that has been the
same ever since, nothing needs to be written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import delete, func, insert, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from sync.books import overlays
from sync.books.entry_texts import EntryText
from sync.database.engine import Database
from sync.database.lists import among
from sync.errors import DatabaseUnavailable
from sync.fields import FieldContent
from sync.merging.three_way import NotKept
from sync.models import NOT_KEPT, Device, DeviceCopy, Entry, EntryVersion, ProfileState
from sync.pictures.past_fields import PastField
from sync.revisions.entry_writes import Found
from sync.sharing import history
from sync.sharing.cards import SELF


@dataclass(frozen=True, slots=True)
class Writer:
    """
    The device that stores a card.

    *knows* is true where it named the state that it changed, and that state is there still.
    """

    viewer_id: int
    device_id: int
    knows: bool


class Handed:
    """Collects which cards an answer hands to a device."""

    def __init__(self) -> None:
        """Begin with none."""
        self._revisions: dict[int, int] = {}

    def add(self, entry: EntryText) -> EntryText:
        """Return *entry*, which is in the answer."""
        if entry.has_past or entry.kind == SELF:
            self._revisions[entry.id] = entry.revision
        return entry

    def note(self, database: Database, viewer_id: int, device_id: int) -> None:
        """
        Write down what was handed over.

        Nothing that goes wrong with that concerns the device: it is then taken to have what it had before.
        """
        if not self._revisions:
            return
        try:
            with database.reading() as session:
                new = _unknown(session, viewer_id, device_id, self._revisions)
            if new:
                database.write_if_free(lambda session: _set(session, viewer_id, device_id, new))
        except (DBAPIError, DatabaseUnavailable):
            return


def profile_state(session: Session, entry: Found) -> list[PastField] | NotKept | None:
    """Return the fields of the profile that the device has, None where it is the one that is now, or not known."""
    if entry.copy is None or entry.copy.revision >= entry.revision:
        return None
    if entry.copy.revision == NOT_KEPT:
        return NotKept()
    mine = ProfileState.owner_id == entry.viewer_id
    later = select(func.min(ProfileState.version)).where(mine, ProfileState.revision > entry.copy.revision)
    first: int | None = session.scalars(later).one()
    if first is None:
        return None
    earlier = select(func.max(ProfileState.version)).where(mine, ProfileState.version < first)
    before: int | None = session.scalars(earlier).one()
    return list(history.fields_at(session, entry.viewer_id, before)) if before is not None else []


def private_card(session: Session, writer: Writer, entry: Found) -> bytes | NotKept | None:
    """Return the bytes of a private entry that the device has, None where they are those that are now."""
    return (entry.copy.sent if entry.copy is not None else None) or _version(session, writer, entry)


def overlay(session: Session, writer: Writer, entry: Found) -> list[FieldContent] | NotKept | None:
    """Return what was added to a connection's card when the device was handed it, None where it is what is now."""
    content = _version(session, writer, entry)
    return overlays.load(content.decode()) if isinstance(content, bytes) else content


def _version(session: Session, writer: Writer, entry: Found) -> bytes | NotKept | None:
    if entry.copy is not None and entry.copy.revision == NOT_KEPT:
        return NotKept()
    if entry.copy is not None and entry.copy.revision >= entry.revision:
        # What it has was not replaced.
        return None
    kept = select(EntryVersion.content).where(
        EntryVersion.viewer_id == writer.viewer_id, EntryVersion.entry_id == entry.id
    )
    if entry.copy is not None:
        kept = kept.where(EntryVersion.revision >= entry.copy.revision)
    else:
        # What was replaced since was there for the device to fetch; what came instead, it would be known to have.
        since = select(Device.created_at).where(Device.viewer_id == writer.viewer_id, Device.id == writer.device_id)
        kept = kept.where(EntryVersion.replaced_at >= since.scalar_subquery())
    return session.scalars(kept.order_by(EntryVersion.revision).limit(1)).first()


def _unknown(session: Session, viewer_id: int, device_id: int, revisions: Mapping[int, int]) -> dict[int, int]:
    """Return what of *revisions* is news: a device that was handed two states at once counts as having the later."""
    mine = (DeviceCopy.viewer_id == viewer_id, DeviceCopy.device_id == device_id)
    found = session.execute(
        select(DeviceCopy.entry_id, DeviceCopy.revision, DeviceCopy.sent.is_(None)).where(
            *mine, among(session, DeviceCopy.entry_id, revisions)
        )
    )
    known = {entry_id: (revision, is_handed) for entry_id, revision, is_handed in found}
    return {
        entry_id: revision
        for entry_id, revision in revisions.items()
        if (revision, False) >= known.get(entry_id, (-1, False))
    }


def _set(session: Session, viewer_id: int, device_id: int, revisions: Mapping[int, int]) -> None:
    entries = select(Entry.id).where(Entry.viewer_id == viewer_id, among(session, Entry.id, revisions))
    there = session.scalars(entries).all()
    mine = (DeviceCopy.viewer_id == viewer_id, DeviceCopy.device_id == device_id)
    session.execute(delete(DeviceCopy).where(*mine, among(session, DeviceCopy.entry_id, there)))
    key: dict[str, object] = {"viewer_id": viewer_id, "device_id": device_id}
    rows = [{**key, "entry_id": entry_id, "revision": revisions[entry_id], "sent": None} for entry_id in there]
    if rows:
        session.execute(insert(DeviceCopy), rows)
