"""
Entries: what an address book holds, as a device reads and writes it.

An ETag is made of the hash of a text's source and of REV, so equal ETags mean equal text. The texts themselves are read
by `sync.books.entry_texts`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from sync.books import entry_rows, overlays, served
from sync.books.entry_rows import PRIVATE
from sync.books.entry_texts import EntryText, named, texts
from sync.books.etags import etag_of
from sync.database.engine import settings_of
from sync.database.models import Card, Entry, PrivateCard
from sync.errors import InvalidVCard, NotFound, Refused, TooLarge, UIDConflict
from sync.merging import intake
from sync.profiles import profiles
from sync.revisions import address_books
from sync.revisions.address_books import PRESENT, Book
from sync.sharing import changes, connections
from sync.sharing.cards import SELF
from sync.sharing.connections import CONNECTION
from sync.vcard import VCard

__all__ = ["EntryText", "named", "texts"]


@dataclass(frozen=True, slots=True)
class EntryHead:
    """
    An entry without its text. *etag* is empty when *present* is false: the entry is gone.

    *as_sent* is true of a private entry that was just stored byte for byte.
    """

    href: str
    kind: str
    present: bool
    etag: str
    changed_at: int
    as_sent: bool = field(default=False, compare=False)


def revisions(session: Session, book: Book, since: int | None, count: int) -> Sequence[int]:
    """Return the revisions of the first *count* entries that `heads` has, lowest first; several may have the same."""
    statement = entry_rows.changed(select(Entry.revision), book, since).order_by(Entry.revision).limit(count)
    return session.scalars(statement).all()


def heads(session: Session, book: Book, since: int | None = None, *, until: int | None = None) -> Iterator[EntryHead]:
    """
    Yield the present entries of *book*; with *since*, those that changed after that revision, gone ones included.

    With *until*, those that changed later than that revision are left out.

    *book* must have been read before in the same transaction: what changes in between is shown now and again, never
    missed.
    """
    rows = session.execute(entry_rows.changed(_HEAD, book, since, until))
    for href, kind, state, changed_at, own_digest, card_digest in rows:
        if state == PRESENT:
            yield EntryHead(href, kind, True, etag_of(card_digest, own_digest, changed_at), changed_at)
        else:
            yield EntryHead(href, kind, False, "", changed_at)


def head(session: Session, book: Book, href: str) -> EntryHead | None:
    """Return one present entry without its text, or None."""
    row = session.execute(entry_rows.changed(_HEAD, book, None).where(Entry.href == href)).first()
    if row is None:
        return None
    _, kind, _, changed_at, own_digest, card_digest = row
    return EntryHead(href, kind, True, etag_of(card_digest, own_digest, changed_at), changed_at)


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


def write(session: Session, book: Book, href: str, data: bytes, check: Callable[[str | None], None]) -> EntryHead:
    """
    Store what a device sent for an entry, and return what the entry is now.

    A private entry is stored byte for byte, one that is too large with its photo made small, and one that not every
    program can read mended (see `sync.merging.intake`). The person's own card becomes the profile, and is offered to
    their devices again where it did not change by what was sent. Of a connection's card, what the person added is kept,
    and the rest is the owner's. *check* is called with the ETag that the entry has at that moment, None for no entry,
    and raises what it likes against it.

    Raises:
        InvalidVCard: *data* is not one vCard with a UID.
        TooLarge: It is too large.
        LimitExceeded: The book, the profile or what the person added is full.
        UIDConflict: Another entry has its UID, or this entry had another.
        Refused: The entry was the card of a connection, or is one and the settings are strict.
    """
    sent = data
    data = _fitting(session, book, href, data)
    card = _checked(data)
    found = entry_rows.find(session, book, href)
    if found is not None and found.kind == SELF:
        return _write_own(session, book, found, card, check)
    with session.begin_nested():
        entry_rows.lock(session, book)
        entry = entry_rows.find(session, book, href)
        before = head(session, book, href)
        check(before.etag if before else None)
        entry_rows.require_uid(session, book, card.uid or "", href)
        if entry is not None and before is not None and entry.uid != card.uid:
            raise UIDConflict(href)
        if entry is not None and entry.kind == CONNECTION:
            return _write_overlay(session, book, entry, card)
        digest = entry_rows.digest_of(data)
        if entry is not None and before is not None and entry.digest == digest:
            return replace(before, as_sent=data is sent)
        if entry is None or before is None:
            entry = entry_rows.make_private(session, book, href, entry)
        entry_rows.change(session, entry, uid=card.uid, state=PRESENT, digest=digest)
        entry_rows.set_bytes(session, entry, data)
        at = entry_rows.stamp_now(session, book, entry)
    return EntryHead(href, PRIVATE, True, etag_of(digest, None, at), at, as_sent=data is sent)


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


_CARD = (Card.owner_id == Entry.id) & (Card.id == Entry.card_id)
_HEAD = select(Entry.href, Entry.kind, Entry.state, Entry.changed_at, Entry.digest, Card.digest).outerjoin(Card, _CARD)


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


def _checked(data: bytes) -> VCard:
    card = intake.read(data)
    if not card.uid or len(card.uid) > 255:
        raise InvalidVCard("A card needs one UID of at most 255 characters.")
    return card


def _write_own(
    session: Session, book: Book, entry: Entry, card: VCard, check: Callable[[str | None], None]
) -> EntryHead:
    etags: list[str] = []

    def ready() -> None:
        before = head(session, book, entry.href)
        check(before.etag if before else None)
        etags.append(before.etag if before else "")
        if card.uid != entry.uid:
            raise UIDConflict(entry.href)

    with session.begin_nested():
        profiles.edit_card(session, book.viewer_id, card, ready)
        after = head(session, book, entry.href)
        if after is not None and after.etag in etags:
            # The device may have left out what stays: it is to see that.
            entry_rows.stamp_now(session, book, entry)
            after = head(session, book, entry.href)
        if after is None:
            raise NotFound("There is no such entry.")
        return after


def _write_overlay(session: Session, book: Book, entry: Entry, card: VCard) -> EntryHead:
    if entry.state != PRESENT:
        raise Refused("The person whose card this was is not connected to you any more.")
    if not settings_of(session).accept_overlays:
        raise Refused("This card is kept by its owner; it cannot be changed here.")
    version = "4.0" if card.version == "4.0" else "3.0"
    body = Card.body_4 if version == "4.0" else Card.body_3
    body_text = session.scalars(select(body).where(Card.owner_id == entry.id, Card.id == entry.card_id)).one()
    text = served.held(body_text, None, version, entry.uid or "", entry.changed_at)
    digest = overlays.edit(session, entry, text, card)
    entry_rows.change(session, entry, digest=digest)
    entry_rows.stamp_now(session, book, entry)
    after = head(session, book, entry.href)
    if after is None:
        raise NotFound("There is no such entry.")
    return after
