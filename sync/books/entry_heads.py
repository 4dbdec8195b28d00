"""
Entries without their text: what a device is told first.

An ETag is made of the hash of a text's source and of REV, so equal ETags mean equal text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Select, bindparam, select
from sqlalchemy.orm import Session

from sync.books import categories, entry_rows
from sync.books.etags import etag_of
from sync.database import entry_cards
from sync.database.distribution import is_distributed
from sync.database.engine import Database
from sync.errors import NotFound
from sync.models import Card, Entry, ListState
from sync.revisions.address_books import PRESENT, Book, Reached
from sync.revisions.entry_writes import Found


class EntryHead(NamedTuple):
    """
    An entry without its text. *etag* is empty when *present* is false: the entry is gone.

    *as_sent* is true of a private one that was just stored, and is now just what was sent.
    """

    href: str
    kind: str
    present: bool
    etag: str
    changed_at: int
    as_sent: bool = False


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
    yield from map(_head, _rows(session, book, entry_rows.changed(_heads_of(session, book), book, since, until)))


def changed_heads(database: Database, book: Book, since: int, until: int | None = None) -> Iterator[EntryHead]:
    """
    Yield what `heads` does of what changed, all of one moment and without a transaction.

    Beginning and ending one is most of the work of a poll after a change.
    """
    key = {"viewer": book.viewer_id, "book": book.id, "since": since, "until": _EVER if until is None else until}
    rows = database.quick_rows(_CHANGED_APART if database.is_distributed else _CHANGED, key)
    return map(_head, entry_cards.read_quickly(database, rows, book.viewer_id, Card.digest))


def _head(row: Sequence[Any]) -> EntryHead:
    href, kind, state, changed_at, own_digest, *listed, card_digest = row
    if state != PRESENT:
        return EntryHead(href, kind, False, "", changed_at)
    etag = etag_of(card_digest, own_digest, changed_at)
    if (groups := categories.groups_of(listed)) is not None:
        etag, changed_at = groups.etag(etag), groups.changed(changed_at)
    return EntryHead(href, kind, True, etag, changed_at)


def regrouped_heads(session: Session, book: Book, since: Reached, until: int) -> Iterator[EntryHead]:
    """
    Yield the entries that are others than at *since* by the groups alone that their categories name.

    Those whose groups changed later than *until*, a state of the lists, are left out.
    """
    changed = (ListState.revision > since.lists, ListState.revision <= until)
    chosen = entry_rows.changed(_statement(session, with_groups=True), book, None)
    yield from map(_head, _rows(session, book, chosen.where(Entry.revision <= since.revision, *changed)))


def regrouped_revisions(session: Session, book: Book, since: Reached, count: int) -> Sequence[int]:
    """Return the states of the lists in which the first *count* changed that `regrouped_heads` has, lowest first."""
    listed = select(ListState.revision).select_from(Entry).join(ListState, categories.theirs(Entry))
    chosen = entry_rows.changed(listed, book, None)
    mine = (Entry.revision <= since.revision, ListState.revision > since.lists)
    return session.scalars(chosen.where(*mine).order_by(ListState.revision).limit(count)).all()


def _heads_of(session: Session, book: Book) -> Select[*tuple[Any, ...]]:
    return _statement(session, with_groups=categories.are_shown(book))


def _statement(session: Session, *, with_groups: bool) -> Select[*tuple[Any, ...]]:
    return _HEADS[is_distributed(session), with_groups]


def _rows(session: Session, book: Book, statement: Select[*tuple[Any, ...]]) -> Iterable[Sequence[Any]]:
    return entry_cards.read(session, session.execute(statement), book.viewer_id, Card.digest)


def head(session: Session, book: Book, href: str) -> EntryHead | None:
    """Return one present entry without its text, or None."""
    chosen = entry_rows.changed(_heads_of(session, book), book, None).where(Entry.href == href)
    found = [_head(row) for row in _rows(session, book, chosen)]
    return found[0] if found else None


def stored_head(session: Session, book: Book, href: str) -> EntryHead:
    """
    Return an entry that was just stored.

    Raises:
        NotFound: It is not there.
    """
    found = head(session, book, href)
    if found is None:
        raise NotFound("There is no such entry.")
    return found


def etag_found(found: Found) -> str:
    """Return the ETag of an entry that a write has found."""
    return etag_of(found.card_digest, found.digest, found.changed_at)


def head_found(found: Found) -> EntryHead:
    """Return an entry that is present, as a write has left it."""
    return EntryHead(found.href, found.kind, True, etag_found(found), found.changed_at)


_HEAD: Select[*tuple[Any, ...]] = select(Entry.href, Entry.kind, Entry.state, Entry.changed_at, Entry.digest)
_SINCE = (
    Entry.viewer_id == bindparam("viewer"),
    Entry.book_id == bindparam("book"),
    Entry.revision > bindparam("since"),
    Entry.revision <= bindparam("until"),
)
#: By whether the cards are on other machines, and whether there are groups.
_HEADS = {
    (is_apart, with_groups): entry_cards.apart(head) if is_apart else entry_cards.together(head, Card.digest)
    for with_groups, head in ((False, _HEAD), (True, categories.joined(_HEAD)))
    for is_apart in (False, True)
}
# In an order that one index has: else the plan that PostgreSQL keeps may read a whole book by another.
_CHANGED, _CHANGED_APART = (
    _HEADS[is_apart, False].where(*_SINCE).order_by(Entry.revision) for is_apart in (False, True)
)
#: No revision is beyond it.
_EVER = 2**62
