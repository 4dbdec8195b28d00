"""
What a device makes of a contact in a shared book: for everybody where its person is a writer, else for them alone.

A reader is never refused: what they change is laid over the contact for their own devices, what they delete is gone
from these, and what they add is a contact of their own. A client that is refused stops synchronizing (client fact I-5).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from sync import fields
from sync.books import entries, entry_rows, late_edits, served
from sync.books.device_copies import Writer
from sync.books.entry_heads import EntryHead, etag_found
from sync.books.late_edits import Sent
from sync.database.engine import all_or_nothing, settings_of
from sync.errors import InvalidInput, NotFound, Refused, UIDConflict
from sync.fields import FieldContent
from sync.merging import intake, private_merge
from sync.merging.three_way import NotKept
from sync.models import EntryVersion
from sync.revisions import entry_writes
from sync.revisions.address_books import HIDDEN, PRESENT, Book
from sync.revisions.entry_writes import Found
from sync.shared_books import access, copies, layers, past, view
from sync.vcard import parse_one, uids

Check = Callable[[str | None], None]
#: So many earlier texts of a contact are looked through for what a device says that did not know of a change.
_EARLIER = 20


def write(
    session: Session, book: Book, href: str, data: bytes, check: Check, writer: Writer | None = None
) -> EntryHead:
    """
    Store what a device sent for a contact, and return what it is now; *check* and *writer* are as in `entries.write`.

    Raises:
        NotFound: The person does not see the book any more.
        InvalidVCard, TooLarge, LimitExceeded, UIDConflict: As `entries.write`.
        Refused: The person is a reader, and the settings are strict.
    """
    with all_or_nothing(session):
        book = access.seen_again(session, book)
        there = _present(session, book, href)
        if book.shared is not None and book.shared.is_writer and not _is_own(session, book, href, there):
            return _write_for_all(session, book, href, data, check, writer)
        if there is not None:
            return _write_over(session, book, there, data, check, writer)
        return _write_own(session, book, href, data, check, writer)


def remove(session: Session, book: Book, href: str, check: Check) -> None:
    """
    Delete a contact, for everybody where its person is a writer; else take it off the devices of the reader.

    Raises:
        NotFound: There is no such contact.
    """
    with all_or_nothing(session):
        book = access.seen_again(session, book)
        there = _present(session, book, href)
        if _is_own(session, book, href, there):
            entries.remove(session, access.layer_of(book), href, check)
            return
        head = view.head(session, book, href)
        check(head.etag if head is not None else None)
        if there is None or head is None:
            raise NotFound("There is no such entry.")
        if book.shared is not None and book.shared.is_writer:
            with past.noted(session, access.base_of(book), book.viewer_id):
                entries.remove(session, access.base_of(book), href, lambda _etag: None)
        else:
            layers.set_state(session, layers.ensure(session, book), there.id, HIDDEN)


def bring_back(session: Session, book: Book, entry_id: int) -> None:
    """
    Let the devices of a reader have a contact again that they took off them.

    Raises:
        NotFound: It is not one of these.
    """
    with all_or_nothing(session):
        if entry_id not in layers.hidden(session, book):
            raise NotFound("There is no such contact.")
        layers.set_state(session, layers.ensure(session, book), entry_id, PRESENT)


def has_uid(session: Session, book: Book, uid: str) -> bool:
    """Whether the person's devices have a contact with this UID."""
    base, layer = access.base_of(book), access.layer_of(book)
    names = [name for name in (entry_rows.href_of_uid(session, each, uid) for each in (base, layer)) if name]
    return any(view.head(session, book, name) is not None for name in names)


def offer_again(session: Session, book: Book, href: str) -> None:
    """Let every device of the person fetch a contact once more, whose change was refused (client fact T-7)."""
    with all_or_nothing(session):
        there = _present(session, access.seen_again(session, book), href)
        if there is not None:
            layer = layers.ensure(session, book)
            entry_rows.stamp_now(session, layer, layers.touch(session, layer, there.id))


def hold(session: Session, account_id: int, path: str) -> None:
    """Let nobody else change a shared book, or what this person has of their own in it, until the transaction ends."""
    book = access.find(session, account_id, path)
    if book is not None:
        entry_rows.lock(session, access.base_of(book))
        entry_rows.lock(session, access.layer_of(book))


def _present(session: Session, book: Book, href: str) -> Found | None:
    """Return everybody's contact of this name, if there is one."""
    found = entry_writes.look(session, access.base_of(book), href, None).entry
    return found if found is not None and found.is_present else None


def _is_own(session: Session, book: Book, href: str, there: Found | None) -> bool:
    """Whether what is of this name is a contact that its person alone has."""
    return there is None and href in layers.read(session, book).own


def _write_for_all(
    session: Session, book: Book, href: str, data: bytes, check: Check, writer: Writer | None
) -> EntryHead:
    base = access.base_of(book)
    with past.noted(session, base, book.viewer_id):
        found = entry_writes.look(session, base, href, None).entry
        there = found if found is not None and found.is_present else None
        check(etag_found(there) if there is not None else None)
        merged = _merged(session, book, there, data, writer) if there is not None else data
        stored = entries.write(session, base, href, merged, lambda _etag: None)
        after = entry_writes.look(session, base, href, None).entry
        if after is None:
            raise NotFound("There is no such entry.")
        if merged is not data and there is not None and after.revision == there.revision:
            # The device is to see that something else is there than it sent.
            after = entry_writes.stamp(session, base, after)
        if writer is not None:
            copies.note_stored(session, writer, after, None if after.data == data else data)
    return stored._replace(etag=etag_found(after), as_sent=stored.as_sent and merged is data)


def _merged(session: Session, book: Book, there: Found, data: bytes, writer: Writer | None) -> bytes:
    """Return what a contact becomes when a device stores *data* that may not know of what others changed."""
    if writer is not None and writer.knows:
        return data
    # Of a device that is not known, no more is told apart than what its person alone has.
    had = _had(session, book, there, copies.before(session, writer, there) if writer is not None else None)
    mended, _card = intake.mended(data)
    uid = there.uid or ""
    if had is None or not (isinstance(had, NotKept) or uids.are_same(parse_one(had).uid or uid, uid)):
        return data
    merged, _clashes = private_merge.merged(had, mended, there.data or b"")
    # What the one of both lost is what the contact was before, which is kept with who changed it (`past`).
    return data if merged == mended else merged


def _had(session: Session, book: Book, there: Found, before: bytes | NotKept | None) -> bytes | NotKept | None:
    """
    Return what a device had that everybody's contact was handed to as *before*.

    Where its person was a reader, it may be from that time: what they added then is on it, and is nobody else's.
    """
    plain = before if isinstance(before, bytes) else there.data or b""
    had = view.as_reader(session, book, there, plain)
    return before if had is plain else had


def _write_over(
    session: Session, book: Book, there: Found, data: bytes, check: Check, writer: Writer | None
) -> EntryHead:
    """Lay what a reader made of a contact over it."""
    head = view.head(session, book, there.href)
    check(head.etag if head is not None else None)
    if not settings_of(session).accept_overlays:
        raise Refused("This address book is kept by others; it cannot be changed here.")
    layer = layers.ensure(session, book)
    if head is None:
        layers.set_state(session, layer, there.id, PRESENT)
    entry = layers.touch(session, layer, there.id)
    sent = _sent(session, there, data, writer)
    found = entry_writes.look(session, layer, entry.href, sent.device_id).entry
    if found is None:
        raise NotFound("There is no such entry.")
    version = "4.0" if sent.card.version == "4.0" else "3.0"
    text = served.private(there.data or b"", version, there.uid or "", there.changed_at)
    digest, is_as_sent = late_edits.overlay(session, entry, found, text, sent, _earlier(session, there))
    entry_rows.change(session, entry, digest=digest)
    after = entry_writes.stamp(session, layer, replace(found, digest=digest))
    late_edits.note_stored(session, after, sent, is_as_sent=is_as_sent)
    return _again(session, book, there.href)


def _sent(session: Session, there: Found, data: bytes, writer: Writer | None) -> Sent:
    """Return what a device sent, its photo made small where that is another one than the contact's."""
    mended, card = intake.mended(data)
    if len(mended) > settings_of(session).limits.card_size:
        mended = intake.with_small_photos(mended, there.data)
        card = intake.read(mended)
    return Sent(mended, card, writer, is_mended=mended is not data)


def _write_own(session: Session, book: Book, href: str, data: bytes, check: Check, writer: Writer | None) -> EntryHead:
    """Store a contact that a reader adds for themselves, or bring back one that they took off their devices."""
    uid = intake.mended(data)[1].uid
    known = entry_rows.with_uid(session, access.base_of(book), uid) if uid else None
    if known is None or known[1] != PRESENT:
        return entries.write(session, layers.ensure(session, book), href, data, check, writer)
    check(None)
    there = _present(session, book, known[0])
    if there is None or view.head(session, book, known[0]) is not None:
        raise UIDConflict(known[0])
    entry_rows.leave_nothing(session, layers.ensure(session, book), href)
    return _write_over(session, access.seen_again(session, book), there, data, lambda _etag: None, writer)


def _again(session: Session, book: Book, href: str) -> EntryHead:
    found = view.head(session, access.seen_again(session, book), href)
    if found is None:
        raise NotFound("There is no such entry.")
    return found


def _earlier(session: Session, there: Found) -> list[FieldContent]:
    """Return what a contact ever said, as far as that is kept: none of it is anything that a reader adds."""
    mine = (EntryVersion.viewer_id == there.viewer_id, EntryVersion.entry_id == there.id)
    newest = select(EntryVersion.content).where(*mine).order_by(EntryVersion.revision.desc()).limit(_EARLIER)
    found: list[FieldContent] = []
    for content in (there.data or b"", *session.scalars(newest)):
        try:
            found += fields.readable_fields(parse_one(content))[0]
        except InvalidInput:
            continue
    return found
