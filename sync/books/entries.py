"""
Entries: what an address book holds, as a device reads and writes it.

An ETag is made of the hash of a text's source and of REV, so equal ETags mean equal text. The texts themselves are read
by `sync.books.entry_texts`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from sync.books import entry_rows, late_edits, served
from sync.books.device_copies import Writer
from sync.books.entry_heads import EntryHead, head, heads, revisions, stored_head
from sync.books.entry_rows import PRIVATE
from sync.books.entry_texts import EntryText, named, texts
from sync.books.late_edits import Sent
from sync.database.engine import settings_of
from sync.database.models import Card, Entry, PrivateCard
from sync.errors import NotFound, Refused, TooLarge, UIDConflict
from sync.merging import intake
from sync.revisions import address_books
from sync.revisions.address_books import HIDDEN, PRESENT, Book
from sync.sharing import changes, connections
from sync.sharing.cards import SELF
from sync.sharing.connections import CONNECTION
from sync.vcard import VCard, uids

__all__ = ["EntryHead", "EntryText", "Writer", "head", "heads", "named", "revisions", "texts"]


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
    fitting = _fitting(session, book, href, data)
    sent = Sent(fitting, intake.read(fitting), writer, is_mended=fitting is not data)
    found = entry_rows.find(session, book, href)
    if found is not None and found.kind == SELF:
        return _write_own(session, book, found, sent, check)
    if (found is None or found.state != PRESENT) and (hidden := _hidden(session, book, found, sent.card)) is not None:
        check(None)
        return _write_hidden(session, book, href, hidden, sent)
    with session.begin_nested():
        entry_rows.lock(session, book)
        entry = entry_rows.find(session, book, href)
        before = head(session, book, href)
        check(before.etag if before else None)
        if entry is not None and entry.kind == CONNECTION:
            return _write_overlay(session, book, entry, sent)
        return _write_private(session, book, href, entry if before else None, sent)


def remove(session: Session, book: Book, href: str, check: Callable[[str | None], None]) -> None:
    """
    Take an entry off the person's devices.

    A private one is deleted; a connection's is hidden, and the two stay connected; the person's own card comes back
    with the next synchronization.

    *check* is called as by `write`.

    Raises:
        NotFound: There is no such entry.
    """
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
        entry = entry_rows.find(session, book, href)
        if entry is not None and entry.state == PRESENT:
            entry_rows.stamp_now(session, book, entry)


def _fitting(session: Session, book: Book, href: str, data: bytes) -> bytes:
    limits = settings_of(session).limits
    data = intake.mended(data)
    if len(data) <= limits.card_size:
        return data
    # What was served may come back as it is. A phone whose photo is refused stops synchronizing (client fact I-5).
    largest = _octets_served(session, book, href, data)
    if len(data) > largest:
        before = _stored(session, book, href)
        data = intake.with_small_photos(data, before)
        room = limits.card_room if largest and before is None else 0
        if len(data) > max(limits.card_size, largest + room):
            raise TooLarge(f"A card has at most {limits.card_size} octets.")
    return data


def _octets_served(session: Session, book: Book, href: str, data: bytes) -> int:
    """Return how many octets an entry has, where there is one, as a client gets it in the version of *data*."""
    version = "4.0" if intake.read(data).version == "4.0" else "3.0"
    return max((len(entry.text.encode()) for entry in texts(session, book, version, hrefs=[href])), default=0)


def _stored(session: Session, book: Book, href: str) -> bytes | None:
    """Return what is stored of a private entry."""
    own = (PrivateCard.viewer_id == Entry.viewer_id) & (PrivateCard.entry_id == Entry.id)
    named = (Entry.viewer_id == book.viewer_id, Entry.book_id == book.id, Entry.href == href)
    return session.scalars(select(PrivateCard.data).join(Entry, own).where(*named)).first()


def _write_private(session: Session, book: Book, href: str, entry: Entry | None, sent: Sent) -> EntryHead:
    """Store a private entry; *entry* is what is there, None where there is nothing."""
    known = entry.uid if entry is not None else None
    data, uid = uids.identified(sent.data, sent.card, known)
    entry_rows.require_uid(session, book, uid, href)
    if known is not None and not uids.are_same(known, uid):
        raise UIDConflict(href)
    before = None
    if entry is not None:
        before, data = entry.digest, late_edits.private(session, entry, data, sent)
    else:
        entry = entry_rows.make_private(session, book, href, entry_rows.find(session, book, href))
    digest = entry_rows.digest_of(data)
    if before != digest:
        entry_rows.change(session, entry, uid=uid, state=PRESENT, digest=digest)
        entry_rows.set_bytes(session, entry, data)
    if before != digest or data != sent.data:
        entry_rows.stamp_now(session, book, entry)
    late_edits.note_stored(session, entry, sent, is_as_sent=data == sent.data)
    return replace(stored_head(session, book, href), as_sent=data == sent.data and not sent.is_mended)


def _write_own(
    session: Session, book: Book, entry: Entry, sent: Sent, check: Callable[[str | None], None]
) -> EntryHead:
    etags: list[str] = []

    def ready() -> None:
        before = head(session, book, entry.href)
        check(before.etag if before else None)
        etags.append(before.etag if before else "")

    with session.begin_nested():
        is_as_sent = late_edits.own(session, entry, sent, ready)
        if stored_head(session, book, entry.href).etag in etags:
            # The device may have left out what stays: it is to see that.
            entry_rows.stamp_now(session, book, entry)
        late_edits.note_stored(session, entry, sent, is_as_sent=is_as_sent)
        return stored_head(session, book, entry.href)


def _hidden(session: Session, book: Book, found: Entry | None, card: VCard) -> Entry | None:
    """Return the entry that a device puts back which was taken off the person's devices."""
    if found is not None and found.kind == CONNECTION:
        return found if found.state == HIDDEN else None
    return entry_rows.hidden_with(session, book, card.uid) if card.uid else None


def _write_hidden(session: Session, book: Book, href: str, entry: Entry, sent: Sent) -> EntryHead:
    with session.begin_nested():
        connections.show(session, book.viewer_id, entry.id)
        entry_rows.lock(session, book)
        if href != entry.href:
            entry_rows.leave_nothing(session, book, href)
        shown = entry_rows.find(session, book, entry.href)
        if shown is not None and settings_of(session).accept_overlays:
            return _write_overlay(session, book, shown, sent)
        return stored_head(session, book, entry.href)


def _write_overlay(session: Session, book: Book, entry: Entry, sent: Sent) -> EntryHead:
    if entry.state != PRESENT:
        raise Refused("The person whose card this was is not connected to you any more.")
    if not settings_of(session).accept_overlays:
        raise Refused("This card is kept by its owner; it cannot be changed here.")
    version = "4.0" if sent.card.version == "4.0" else "3.0"
    body = Card.body_4 if version == "4.0" else Card.body_3
    body_text = session.scalars(select(body).where(Card.owner_id == entry.id, Card.id == entry.card_id)).one()
    text = served.held(body_text, None, version, entry.uid or "", entry.changed_at)
    digest, is_as_sent = late_edits.overlay(session, entry, text, sent)
    entry_rows.change(session, entry, digest=digest)
    entry_rows.stamp_now(session, book, entry)
    late_edits.note_stored(session, entry, sent, is_as_sent=is_as_sent)
    return stored_head(session, book, entry.href)
