"""What a device does to an address book, whatever kind of address book it is: see `sync.lists.device_view`."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from sqlalchemy.orm import Session

from sync.books import entries
from sync.books.device_copies import Writer
from sync.books.entry_heads import EntryHead
from sync.lists import list_edits
from sync.revisions.address_books import CONTACTS_PATH, Book
from sync.shared_books import writes

Check = Callable[[str | None], None]


class Edits(NamedTuple):
    """
    What can be done to an entry: stored and taken away, as `sync.books.entries` has it.

    *has_uid* says whether a device that would store a card with this UID under a new name is to be refused, and
    *offer_again* lets every device fetch an entry whose change was refused.
    """

    write: Callable[[Session, Book, str, bytes, Check, Writer | None], EntryHead]
    remove: Callable[[Session, Book, str, Check], None]
    has_uid: Callable[[Session, Book, str], bool]
    offer_again: Callable[[Session, Book, str], None]


def of(book: Book, *, with_lists: bool = False) -> Edits:
    """Return what is done to an address book of this kind; *with_lists* where devices of its person show lists."""
    if book.shared is not None:
        return _SHARED
    return _LISTED if with_lists and book.path == CONTACTS_PATH else _OWN


def hold(session: Session, account_id: int, path: str, href: str) -> None:
    """Let nobody else change somebody's address books until the transaction ends, which may change the entry *href*."""
    entries.hold(session, account_id, path, href)
    writes.hold(session, account_id, path)


def _write_listed(
    session: Session, book: Book, href: str, data: bytes, check: Check, writer: Writer | None
) -> EntryHead:
    # What is proposed, some device proposes; one that is not known shows no lists.
    if writer is None:
        return entries.write(session, book._replace(lists=None), href, data, check)
    return list_edits.write(session, book, href, data, check, writer)


_OWN = Edits(entries.write, entries.remove, entries.has_uid, entries.offer_again)
_LISTED = Edits(_write_listed, list_edits.remove, entries.has_uid, entries.offer_again)
_SHARED = Edits(writes.write, writes.remove, writes.has_uid, writes.offer_again)
