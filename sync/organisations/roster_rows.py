"""
The members of a person's organisations, as rows of which the person's address book is made besides its own.

They are the rows of the rosters that the book names, of those people of whom the person has no entry of their own that
counts: one that is present, hidden or blocked does, one that is removed does not, and lends its name, and what the
person added, to the member's. Who is in several of the rosters is shown by the first of them.

A member is looked at as they are now, whatever changed of them: so it does not matter from which side a change came.
`sync.books.roster_entries` makes entries of them; nothing else shows any.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from sync.database import entry_cards
from sync.database.entry_cards import ROSTERS
from sync.database.lists import among
from sync.models import CONTACTS, Card, Entry, Overlay, RosterEntry
from sync.organisations import pair_entries
from sync.revisions import entry_names, versions
from sync.revisions.address_books import PRESENT, REMOVED, Book, Reached
from sync.revisions.rosters import Roster
from sync.sharing.connections import CONNECTION

#: Before every revision.
_NEVER = -1
#: Rows that are held in memory at a time.
_BATCH = 100
#: The column of a card that has its text in one version, or some of it.
Body: TypeAlias = InstrumentedAttribute[str] | ColumnElement[str]


class Own(NamedTuple):
    """The person's own row of somebody; *overlay* is what they added, *has_past* is as in `EntryText`."""

    id: int
    href: str
    uid: str
    state: str
    changed_at: int
    digest: str | None
    revision: int
    overlay: str | None
    has_past: bool

    @property
    def counts(self) -> bool:
        """Whether the person's own row says what is shown, and not an organisation."""
        return self.state != REMOVED


class MemberEntry(NamedTuple):
    """
    A member as an entry. *digest* is the card's hash, *body* its text where that was asked for.

    *own* is the person's row of them, None where there is none. *organisation_id* is by which they are shown.
    """

    owner_id: int
    href: str
    uid: str
    digest: str
    changed_at: int
    body: str
    own: Own | None
    organisation_id: int


def are_shown(book: Book) -> bool:
    """Whether there may be members of organisations in *book*."""
    return bool(book.rosters) and book.id == CONTACTS


def find(session: Session, book: Book, href: str, body: Body = Card.body_3) -> MemberEntry | None:
    """Return the member of this name with the text of their card, or None."""
    named = members(session, book, owners_named(session, book, [href]), body=body)
    return next((each for each in named if each.href == href), None)


def of_owner(session: Session, book: Book, owner_id: int, body: Body = Card.body_3) -> MemberEntry | None:
    """Return somebody as a member, or None where no roster shows them."""
    return next(members(session, book, [owner_id], body=body), None)


def hidden(session: Session, book: Book, owner_id: int, body: Body = Card.body_3) -> MemberEntry | None:
    """Return a member whom the person took off their devices as they would be there, or None."""
    own = own_rows(session, book, [owner_id])
    if not pair_entries.is_hidden(session, book.viewer_id, owner_id):
        return None
    own = {each: row._replace(state=REMOVED) for each, row in own.items()}
    return next(members(session, book, [owner_id], body=body, own=own), None)


def is_shown(session: Session, book: Book, href: str) -> bool:
    """Whether there is a member of this name in *book*."""
    return are_shown(book) and find(session, book, href) is not None


def owners_named(session: Session, book: Book, hrefs: Collection[str]) -> list[int]:
    """Return who may be a member whose entry has one of these names."""
    read = {href: entry_names.owner_named(book.names_key, book.viewer_id, href) for href in hrefs}
    # Connections from before the person was in any organisation have other names.
    others = sorted(href for href, owner_id in read.items() if owner_id is None)
    mine = (Entry.viewer_id == book.viewer_id, Entry.book_id == book.id, Entry.kind == CONNECTION)
    known = session.scalars(select(Entry.id).where(*mine, Entry.href.in_(others))).all() if others else ()
    return sorted({*(owner_id for owner_id in read.values() if owner_id is not None), *known})


def revisions(session: Session, book: Book, roster: Roster, since: int | None, count: int) -> Sequence[int]:
    """Return the revisions of the first *count* rows of a roster that changed after *since*, lowest first."""
    rows = _since(select(RosterEntry.revision), book, roster, since)
    return session.scalars(rows.order_by(RosterEntry.revision).limit(count)).all()


def known_to(reached: Reached | None, roster: Roster) -> int | None:
    """Return which state of a roster a device knows, None for none."""
    return dict(reached.rosters).get(roster.id) if reached is not None else None


def _since(
    statement: Select[*tuple[Any, ...]], book: Book, roster: Roster, since: int | None
) -> Select[*tuple[Any, ...]]:
    """Narrow *statement* to what a device is told of a roster that knows it as it was at *since*, or not at all."""
    mine = (RosterEntry.organisation_id == roster.organisation_id, RosterEntry.owner_id != book.viewer_id)
    if since is None:
        return statement.where(*mine, RosterEntry.state == PRESENT)
    return statement.where(*mine, RosterEntry.revision > since)


def changed(session: Session, book: Book, since: Reached | None, until: Reached | None) -> list[int]:
    """Return of whom something changed between these states: of the rosters, or of the person's own rows."""
    found = set[int]()
    for roster in book.rosters:
        rows = _since(select(RosterEntry.owner_id), book, roster, known_to(since, roster))
        if until is not None:
            last = known_to(until, roster)
            rows = rows.where(RosterEntry.revision <= (_NEVER if last is None else last))
        found.update(session.scalars(rows))
    if since is not None:
        mine = (Entry.viewer_id == book.viewer_id, Entry.book_id == book.id, Entry.revision > since.revision)
        lent = select(Entry.id).where(*mine, Entry.kind == CONNECTION, Entry.state == REMOVED)
        if until is not None:
            lent = lent.where(Entry.revision <= until.revision)
        found.update(session.scalars(lent))
    return sorted(found)


def members(
    session: Session,
    book: Book,
    owner_ids: Collection[int] | None,
    *,
    body: Body | None = None,
    own: dict[int, Own] | None = None,
) -> Iterator[MemberEntry]:
    """
    Yield who of these people, None for all, is a member and shown as such.

    *body* is the column of the card that is wanted as well; *own* are the person's own rows, where they were read.
    """
    rows = own_rows(session, book, owner_ids) if own is None else own
    told = {owner_id for owner_id, each in rows.items() if each.counts}
    for roster in book.rosters:
        for row in _rows(session, book, roster, owner_ids, body):
            if row.owner_id not in told:
                told.add(row.owner_id)
                yield _member(book, roster, row, rows.get(row.owner_id))


class _Row(NamedTuple):
    """A row of a roster with the card that it shows; *body* is empty where that was not asked for."""

    owner_id: int
    changed_at: int
    digest: str
    body: str = ""


def _rows(
    session: Session, book: Book, roster: Roster, owner_ids: Collection[int] | None, body: Body | None
) -> Iterator[_Row]:
    wanted = (Card.digest,) if body is None else (Card.digest, body)
    chosen = entry_cards.chosen(session, _ROWS, *wanted, kind=ROSTERS).execution_options(yield_per=_BATCH)
    chosen = _since(chosen, book, roster, None)
    if owner_ids is not None:
        chosen = chosen.where(among(session, RosterEntry.owner_id, owner_ids))
    found = entry_cards.read(session, session.execute(chosen), roster.organisation_id, *wanted, kind=ROSTERS)
    for row in found:
        each = _Row(*row)
        if each.digest is not None:
            yield each


def _member(book: Book, roster: Roster, row: _Row, own: Own | None) -> MemberEntry:
    href, uid = name_of(book, row.owner_id, own)
    changed_at = max(row.changed_at, own.changed_at if own is not None and own.digest is not None else 0)
    return MemberEntry(row.owner_id, href, uid, row.digest, changed_at, row.body, own, roster.organisation_id)


def name_of(book: Book, owner_id: int, own: Own | None) -> tuple[str, str]:
    """Return href and UID of the entry of somebody."""
    if own is not None:
        return own.href, own.uid
    uid = entry_names.uid_for(book.names_key or entry_names.new_key(), book.viewer_id, owner_id)
    return entry_names.href_for(uid), uid


def own_rows(session: Session, book: Book, owner_ids: Collection[int] | None) -> dict[int, Own]:
    """Return by person the rows of their own that a person has of these people, None for all."""
    mine = (Entry.viewer_id == book.viewer_id, Entry.book_id == book.id, Entry.kind == CONNECTION)
    chosen = _OWN.where(*mine)
    if owner_ids is not None:
        chosen = chosen.where(among(session, Entry.id, owner_ids))
    return {row.id: Own(*row) for row in session.execute(chosen)}


_ROWS: Select[*tuple[Any, ...]] = select(RosterEntry.owner_id, RosterEntry.changed_at)
_OWN: Select[*tuple[Any, ...]] = (
    select(Entry.id, Entry.href, Entry.uid, Entry.state, Entry.changed_at, Entry.digest, Entry.revision)
    .add_columns(Overlay.content, versions.has_past(Entry))
    .outerjoin(Overlay, (Overlay.viewer_id == Entry.viewer_id) & (Overlay.entry_id == Entry.id))
)
