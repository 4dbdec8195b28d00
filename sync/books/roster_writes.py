"""
What devices write to the entries of members of their person's organisations.

With the first such write the person has a row of their own of the member, under the same name: it keeps what they
added, or that they hid the member. The card stays the organisation's business (`sync.books.roster_entries`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from sqlalchemy.orm import Session

from sync.books import entry_rows, late_edits, roster_entries, served
from sync.books.entry_heads import EntryHead
from sync.books.late_edits import Sent
from sync.database.engine import all_or_nothing, settings_of
from sync.errors import NotFound, Refused, UIDConflict
from sync.organisations import pair_entries, roster_rows
from sync.organisations.roster_rows import Body, MemberEntry
from sync.revisions import address_books, entry_names, entry_writes
from sync.revisions.address_books import Book
from sync.vcard import uids

_Check = Callable[[str | None], None]


def write(session: Session, book: Book, href: str, sent: Sent, check: _Check) -> EntryHead | None:
    """
    Keep what a device added to a member's card, and return the entry; None where it is nobody's whom a roster shows.

    One that the person hid comes back, under whatever name it is stored.

    Raises:
        Refused: The settings are strict; or nobody shows the person any more whose entry had this name.
        UIDConflict: The card has the UID of a member's entry of another name.
    """
    with all_or_nothing(session):
        entry_rows.lock(session, book)
        member = roster_rows.find(session, book, href, _body(sent))
        if member is not None:
            check(roster_entries.etag(member))
            return _add(session, book, member, sent)
        owner_id = _named_like(session, book, href, sent.card.uid)
        if owner_id is None:
            return None
        if pair_entries.is_hidden(session, book.viewer_id, owner_id):
            check(None)
            return _bring_back(session, book, href, owner_id, sent)
        there = roster_rows.of_owner(session, book, owner_id)
        if there is not None:
            check(None)
            raise UIDConflict(there.href)
        if not pair_entries.is_there(session, book.viewer_id, owner_id):
            raise Refused("The person whose card this was is not connected to you any more.")
        return None


def hide(session: Session, book: Book, href: str, check: _Check) -> bool:
    """Take a member off the person's devices, and return whether there was one of this name."""
    with all_or_nothing(session):
        entry_rows.lock(session, book)
        member = roster_rows.find(session, book, href)
        if member is None:
            return False
        check(roster_entries.etag(member))
        pair_entries.hide(session, book.viewer_id, member.owner_id)
        return True


def hide_person(session: Session, viewer_id: int, owner_id: int) -> None:
    """
    Take a member off the person's devices; `sync.sharing.connections.show` brings them back.

    Raises:
        NotFound: No organisation shows them to the person.
    """
    book = address_books.find_book(session, viewer_id, address_books.CONTACTS_PATH)
    member = roster_rows.of_owner(session, book, owner_id) if book is not None else None
    if book is None or member is None or not hide(session, book, member.href, lambda _etag: None):
        raise NotFound("There is no such member.")


def take(session: Session, book: Book, href: str) -> None:
    """Make sure that the person has a row of their own of the member of this name, if there is one."""
    member = roster_rows.find(session, book, href)
    if member is not None:
        pair_entries.take(session, book.viewer_id, member.owner_id)


def _add(session: Session, book: Book, member: MemberEntry, sent: Sent) -> EntryHead:
    if not settings_of(session).accept_overlays:
        raise Refused("This card is kept by its owner; it cannot be changed here.")
    pair_entries.take(session, book.viewer_id, member.owner_id)
    entry = entry_rows.find(session, book, member.href)
    found = entry_writes.look(session, book, member.href, sent.device_id).entry
    if entry is None or found is None:
        raise NotFound("There is no such entry.")
    text = served.held(member.body, None, _version(sent), member.uid, member.changed_at)
    digest, is_as_sent = late_edits.overlay(session, entry, found, text, sent)
    entry_rows.change(session, entry, digest=digest)
    after = entry_writes.stamp(session, book, replace(found, digest=digest))
    late_edits.note_stored(session, after, sent, is_as_sent=is_as_sent)
    stored = roster_entries.head(session, book, member.href)
    if stored is None:
        raise NotFound("There is no such entry.")
    return stored


def _bring_back(session: Session, book: Book, href: str, owner_id: int, sent: Sent) -> EntryHead:
    pair_entries.show(session, book.viewer_id, owner_id)
    member = roster_rows.of_owner(session, book, owner_id, _body(sent))
    if member is None:
        raise NotFound("There is no such entry.")
    if href != member.href:
        entry_rows.leave_nothing(session, book, href)
    if settings_of(session).accept_overlays:
        return _add(session, book, member, sent)
    return roster_entries.head_of(member)


def _named_like(session: Session, book: Book, href: str, uid: str | None) -> int | None:
    """Return whose entry a device means by the name or the UID of a card: there may be none to see."""
    named = roster_rows.owners_named(session, book, [href])
    if named or not uid:
        return named[0] if named else None
    if (known := entry_rows.href_of_uid(session, book, uid)) is not None:
        return next(iter(roster_rows.owners_named(session, book, [known])), None)
    read = (entry_names.owner_with(book.names_key, book.viewer_id, each) for each in uids.spellings(uid))
    return next((owner_id for owner_id in read if owner_id is not None), None)


def _body(sent: Sent) -> Body:
    return roster_entries.body_of(_version(sent))


def _version(sent: Sent) -> str:
    return "4.0" if sent.card.version == "4.0" else "3.0"
