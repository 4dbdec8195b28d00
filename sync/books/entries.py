"""
Entries: what an address book holds, as a device reads and writes it.

An ETag is made of the hash of a text's source and of REV, so equal ETags mean equal text. The texts themselves are read
by `sync.books.entry_texts`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from sync.books import entry_rows, late_edits, roster_writes, served
from sync.books.device_copies import Writer
from sync.books.entry_heads import EntryHead, changed_heads, etag_found, head, head_found, heads, revisions, stored_head
from sync.books.entry_rows import PRIVATE
from sync.books.entry_texts import EntryText, named, texts
from sync.books.late_edits import Sent
from sync.database.engine import Database, all_or_nothing, settings_of
from sync.errors import NotFound, Refused, TooLarge, UIDConflict
from sync.merging import intake
from sync.models import Entry, PrivateCard
from sync.organisations import roster_rows
from sync.pictures.columns import body_of
from sync.queries import contact_pages
from sync.revisions import address_books, entry_writes
from sync.revisions.address_books import HIDDEN, PRESENT, Book
from sync.revisions.entry_writes import Found
from sync.sharing import changes, connections
from sync.sharing.cards import SELF
from sync.sharing.connections import CONNECTION
from sync.vcard import VCard, uids

__all__ = ["EntryHead", "EntryText", "Writer", "changed_heads", "head", "heads", "named", "revisions", "texts"]


def has_uid(session: Session, book: Book, uid: str) -> bool:
    """Whether an entry, present or gone, has this UID."""
    return entry_rows.href_of_uid(session, book, uid) is not None


def hold(session: Session, viewer_id: int, path: str, href: str) -> None:
    """
    Let nobody else change the address books of a person until the transaction ends.

    It may go on to change the entry *href* of the book at *path*, so locks are taken in the order of such a change: the
    profile that the entry shows comes first, the books afterwards, by id.
    """
    books = address_books.books_of(session, viewer_id)
    book = next((book for book in books if book.path == path), None)
    entry = entry_rows.find(session, book, href) if book is not None else None
    if entry is not None and entry.kind != PRIVATE:
        changes.hold(session, entry.id)
    for book in books:
        entry_rows.lock(session, book)


def write(
    session: Session,
    book: Book,
    href: str,
    data: bytes,
    check: Callable[[str | None], None],
    writer: Writer | None = None,
) -> EntryHead:
    """
    Store what a device sent for an entry, and return what the entry is now.

    A private entry is stored byte for byte, one that is too large with its photo made small, one that not every program
    can read mended (see `sync.merging.intake`), and with the UID that the entry has already; one without a UID is given
    one. The person's own card becomes the profile, and is offered to their devices again where it did not change by
    what was sent. Of a connection's card, what the person added is kept, and the rest is the owner's; one that they hid
    comes back, whatever name it is stored under. What the *writer* does not know of, because another device changed it
    since, stays as it is. *check* is called with the ETag that the entry has at that moment, None for no entry, and
    raises what it likes against it.

    Raises:
        InvalidVCard: *data* is not one vCard, or has two UIDs.
        TooLarge: It is too large.
        LimitExceeded: The book, the profile or what the person added is full.
        UIDConflict: Another entry has its UID, or this entry had another.
        Refused: The entry was the card of a connection, or is one and the settings are strict.
    """
    fitting, card = _fitting(session, book, href, data)
    sent = Sent(fitting, card, writer, is_mended=fitting is not data)
    if book.names_key is not None:
        stored = roster_writes.write(session, book, href, sent, check)
        if stored is not None:
            return stored
    seen = entry_writes.look(session, book, href, sent.device_id)
    if seen.entry is not None and seen.entry.kind == SELF:
        return _write_own(session, book, seen.entry, sent, check)
    named = _named_like(session, book, seen.entry, sent.card)
    if (hidden := _hidden(session, book, seen.entry, named)) is not None:
        check(None)
        return _write_hidden(session, book, href, hidden, sent)
    with all_or_nothing(session):
        now = entry_writes.locked(session, book, href, seen, sent.device_id)
        found = now.entry
        check(etag_found(found) if found is not None and found.is_present else None)
        if found is not None and found.kind == CONNECTION:
            return _write_overlay(session, book, found, sent)
        return _write_private(session, book, href, found, sent, named if now is seen else None)


def look_ahead(database: Database, book: Book, href: str, data: bytes) -> None:
    """
    Do what takes long about a card that `write` will store, before it keeps others from writing.

    Nothing is decided by it. Photos are looked at where they will be stored otherwise than they came.
    """
    if _PHOTO.search(data) is None:
        return
    found = database.quick_rows(_KIND, {"viewer": book.viewer_id, "book": book.id, "href": href})
    if found == [(SELF,)] or len(data) > database.settings.limits.card_size:
        intake.look_at_photos(data)


def remove(session: Session, book: Book, href: str, check: Callable[[str | None], None]) -> None:
    """
    Take an entry off the person's devices.

    A private one is deleted; a connection's is hidden, and the two stay connected; the person's own card comes back
    with the next synchronization.

    *check* is called as by `write`.

    Raises:
        NotFound: There is no such entry.
    """
    if roster_rows.are_shown(book) and roster_writes.hide(session, book, href, check):
        return
    with session.begin_nested():
        entry = entry_rows.find(session, book, href)
        if entry is not None and entry.kind == PRIVATE:
            entry_rows.lock(session, book)
        before = head(session, book, href)
        check(before.etag if before else None)
        if before is None or entry is None:
            raise NotFound("There is no such entry.")
        if entry.kind == CONNECTION:
            connections.hide(session, book.viewer_id, entry.id)
            return
        if entry.kind == PRIVATE:
            entry_rows.remove_private(session, book, entry)
            return
        # A client that is refused the deletion of their own card keeps showing its own idea of it; one that is not is
        # given the card again.
        entry_rows.stamp_now(session, book, entry)


def offer_again(session: Session, book: Book, href: str) -> None:
    """
    Let every device fetch a present entry once more, whose change was refused.

    Some clients keep showing what they could not store until the entry's ETag changes (client fact T-7).
    """
    with session.begin_nested():
        entry_rows.lock(session, book)
        if roster_rows.are_shown(book):
            roster_writes.take(session, book, href)
        entry = entry_rows.find(session, book, href)
        if entry is not None and (entry.state == PRESENT or roster_rows.is_shown(session, book, href)):
            entry_rows.stamp_now(session, book, entry)


def _fitting(session: Session, book: Book, href: str, data: bytes) -> tuple[bytes, VCard]:
    limits = settings_of(session).limits
    data, card = intake.mended(data)
    if len(data) <= limits.card_size:
        return data, card
    # What was served may come back as it is. A phone whose photo is refused stops synchronizing (client fact I-5).
    largest = _octets_served(session, book, href, card)
    if len(data) > largest:
        before = _stored(session, book, href)
        data = intake.with_small_photos(data, before)
        room = limits.card_room if largest and before is None else 0
        if len(data) > max(limits.card_size, largest + room):
            raise TooLarge(f"A card has at most {limits.card_size} octets.")
        card = intake.read(data)
    return data, card


def _octets_served(session: Session, book: Book, href: str, card: VCard) -> int:
    """Return how many octets an entry has, where there is one, as a client gets it in the version of *card*."""
    version = "4.0" if card.version == "4.0" else "3.0"
    return max((len(entry.text.encode()) for entry in texts(session, book, version, hrefs=[href])), default=0)


def _stored(session: Session, book: Book, href: str) -> bytes | None:
    """Return what is stored of a private entry."""
    own = (PrivateCard.viewer_id == Entry.viewer_id) & (PrivateCard.entry_id == Entry.id)
    named = (Entry.viewer_id == book.viewer_id, Entry.book_id == book.id, Entry.href == href)
    return session.scalars(select(PrivateCard.data).join(Entry, own).where(*named)).first()


def _write_private(
    session: Session, book: Book, href: str, found: Found | None, sent: Sent, named: _Named | None
) -> EntryHead:
    """Store a private entry; *found* is what is of this name, present or gone, *named* who has the UID, if known."""
    there = found if found is not None and found.is_present else None
    data, uid = uids.identified(sent.data, sent.card, there.uid if there is not None else None)
    if there is None and named is not None and named.uid == uid:
        if named.href not in (None, href):
            raise UIDConflict(named.href)
    elif there is None or there.uid != uid:
        # What has it already was looked at when it got it.
        entry_rows.require_uid(session, book, uid, href)
    if there is None:
        entry_rows.require_room(session, book, href)
    elif there.uid is not None and not uids.are_same(there.uid, uid):
        raise UIDConflict(href)
    else:
        data = late_edits.private(session, there, data, sent)
    digest = entry_rows.digest_of(data)
    if there is None or there.digest != digest:
        before = found.data if found is not None else None
        there = entry_writes.store_private(session, book, href, found, uid, data, digest)
        card = sent.card if data is sent.data else None
        contact_pages.store(session, book.viewer_id, there.id, data, before, card)
    elif data != sent.data:
        there = entry_writes.stamp(session, book, there)
    late_edits.note_stored(session, there, sent, is_as_sent=data == sent.data)
    return head_found(there)._replace(as_sent=data == sent.data and not sent.is_mended)


def _write_own(
    session: Session, book: Book, entry: Found, sent: Sent, check: Callable[[str | None], None]
) -> EntryHead:
    def ready(version: int) -> Found:
        found = entry_writes.again(session, book, entry, sent.device_id, version)
        check(etag_found(found) if found.is_present else None)
        return found

    with all_or_nothing(session):
        before, after, is_as_sent = late_edits.own(session, book.viewer_id, sent, ready)
        if after is before:
            # The device may have left out what stays: it is to see that.
            after = entry_writes.stamp(session, book, after)
        late_edits.note_stored(session, after, sent, is_as_sent=is_as_sent)
        return head_found(after)


def _found(session: Session, book: Book, href: str, sent: Sent) -> Found:
    found = entry_writes.look(session, book, href, sent.device_id).entry
    if found is None:
        raise NotFound("There is no such entry.")
    return found


@dataclass(frozen=True, slots=True)
class _Named:
    """Which entry has a UID: its name and its state, None where none has it."""

    uid: str
    href: str | None
    state: str | None


def _named_like(session: Session, book: Book, there: Found | None, card: VCard) -> _Named | None:
    """Return which entry has the UID of a card that is to come where there is none; None for a card without a UID."""
    if (there is not None and there.is_present) or not card.uid:
        return None
    return _Named(card.uid, *(entry_rows.with_uid(session, book, card.uid) or (None, None)))


def _hidden(session: Session, book: Book, there: Found | None, named: _Named | None) -> Entry | None:
    """Return the entry that a device puts back which was taken off the person's devices."""
    if there is not None and there.kind == CONNECTION:
        return entry_rows.find(session, book, there.href) if there.state == HIDDEN else None
    if named is None or named.href is None or named.state != HIDDEN:
        return None
    return entry_rows.find(session, book, named.href)


def _write_hidden(session: Session, book: Book, href: str, entry: Entry, sent: Sent) -> EntryHead:
    with all_or_nothing(session):
        connections.show(session, book.viewer_id, entry.id)
        entry_rows.lock(session, book)
        if href != entry.href:
            entry_rows.leave_nothing(session, book, href)
        if settings_of(session).accept_overlays:
            shown = _found(session, book, entry.href, sent)
            return _write_overlay(session, book, shown, sent)
        return stored_head(session, book, entry.href)


def _write_overlay(session: Session, book: Book, found: Found, sent: Sent) -> EntryHead:
    entry = entry_rows.find(session, book, found.href)
    if entry is None or entry.state != PRESENT:
        raise Refused("The person whose card this was is not connected to you any more.")
    if not settings_of(session).accept_overlays:
        raise Refused("This card is kept by its owner; it cannot be changed here.")
    version = "4.0" if sent.card.version == "4.0" else "3.0"
    text = served.held(
        body_of(session, entry.id, entry.card_id, version), None, version, entry.uid or "", entry.changed_at
    )
    digest, is_as_sent = late_edits.overlay(session, entry, found, text, sent)
    entry_rows.change(session, entry, digest=digest)
    after = entry_writes.stamp(session, book, replace(found, digest=digest))
    late_edits.note_stored(session, after, sent, is_as_sent=is_as_sent)
    return head_found(after)


_PHOTO = re.compile(rb"PHOTO", re.IGNORECASE)
_KIND = select(Entry.kind).where(
    Entry.viewer_id == bindparam("viewer"), Entry.book_id == bindparam("book"), Entry.href == bindparam("href")
)
