"""
What a device stores that does not know of the last change: its own edit is made, and the other one stays.

Where both changed the same, the device wins, and the person is told (`sync.books.edit_conflicts`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from sync.books import device_copies, edit_conflicts, overlays
from sync.books.device_copies import Writer
from sync.fields import FieldContent
from sync.merging import private_merge
from sync.merging.three_way import Clash, NotKept
from sync.models import Entry
from sync.profiles import profiles
from sync.profiles.device_edits import Had
from sync.revisions import entry_writes
from sync.revisions.entry_writes import Found
from sync.vcard import VCard, parse_one, uids


@dataclass(frozen=True, slots=True)
class Sent:
    """
    A card that is to be stored: *data* says *card*. *writer* is the device, None where it was none.

    *is_mended* is true where the device sent it otherwise, which not every program can read or which is too large.
    """

    data: bytes
    card: VCard
    writer: Writer | None
    is_mended: bool = False

    @property
    def device_id(self) -> int | None:
        """The id of the device, None where it was none."""
        return self.writer.device_id if self.writer is not None else None


def private(session: Session, entry: Found, data: bytes, sent: Sent) -> bytes:
    """Return what a private entry becomes when it is to become *data*, which is what was *sent* with its UID."""
    writer = _ignorant(sent)
    had = device_copies.private_card(session, writer, entry) if writer is not None else None
    if had is None or not (
        isinstance(had, NotKept) or uids.are_same(parse_one(had).uid or entry.uid or "", entry.uid or "")
    ):
        return data
    merged, clashes = private_merge.merged(had, data, entry.data or b"")
    _record(session, entry, sent, clashes)
    return merged


def own(session: Session, owner_id: int, sent: Sent, ready: Callable[[int], Found]) -> tuple[Found, Found, bool]:
    """
    Make a profile what a device made of the person's own card.

    *ready* is the check of `sync.profiles.profiles.edit_card`, and returns what is there. Returns that, what is there
    afterwards, the same where nobody is told of anything, and whether the device knew of what was there.
    """
    there: list[Found] = []
    before: list[Had] = []

    def had() -> Had:
        before[:] = [_own_before(session, there[0], sent)]
        return before[0]

    edited = profiles.edit_card(session, owner_id, sent.card, lambda version: there.append(ready(version)), had)
    found, shows = there[0], edited.own_card
    _record(session, found, sent, edited.clashes)
    if shows is None:
        return found, found, before == [None]
    after = replace(found, card_digest=shows.digest, revision=shows.revision, changed_at=shows.at)
    return found, after, before == [None]


def overlay(
    session: Session,
    entry: Entry,
    found: Found,
    served: str,
    sent: Sent,
    shown: Sequence[FieldContent] | None = None,
) -> tuple[str | None, bool]:
    """
    Make what a person added to a connection's card what the device's card says; *shown* is as in `overlays.edit`.

    Returns the hash of the overlay, and whether the device knew what was there.
    """
    had: VCard | list[FieldContent] | NotKept | None = None
    if (writer := _ignorant(sent)) is not None:
        before = found.copy.sent if found.copy is not None else None
        had = parse_one(before) if before is not None else device_copies.overlay(session, writer, found)
    digest, clashes = overlays.edit(session, entry, served, sent.card, had, shown)
    _record(session, found, sent, clashes)
    return digest, had is None


def note_stored(session: Session, entry: Found, sent: Sent, *, is_as_sent: bool) -> None:
    """Write down what the device has; *is_as_sent* is false where that is not what it will be handed."""
    if sent.writer is not None:
        entry_writes.note_copy(session, entry, sent.writer.device_id, None if is_as_sent else sent.data)


def _ignorant(sent: Sent) -> Writer | None:
    """Return the device, unless it said which state it changed."""
    return sent.writer if sent.writer is not None and not sent.writer.knows else None


def _own_before(session: Session, entry: Found, sent: Sent) -> Had:
    if _ignorant(sent) is None or entry.copy is None:
        return None
    before = entry.copy.sent
    return parse_one(before) if before is not None else device_copies.profile_state(session, entry)


def _record(session: Session, entry: Found, sent: Sent, clashes: Sequence[Clash]) -> None:
    if sent.writer is not None:
        edit_conflicts.record(session, entry.viewer_id, entry.id, sent.writer.device_id, clashes)
