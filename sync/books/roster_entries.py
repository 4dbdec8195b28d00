"""
The members of a person's organisations, as entries of the person's address book.

They are the rows of the rosters that the book names, of those people of whom the person has no entry of their own that
counts: one that is present, hidden or blocked does, one that is removed does not, and lends its name, and what the
person added, to the member's. Who is in several of the rosters is shown by the first of them.

A member is looked at as they are now, whatever changed of them: so it does not matter from which side a change came.
`sync.books.book_view` puts these entries and the person's own together; nothing else shows either.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from sync.books import entry_texts
from sync.books.entry_heads import EntryHead
from sync.books.entry_texts import BATCH, EntryText
from sync.books.etags import etag_of
from sync.database.lists import among
from sync.models import CONTACTS, Card, Entry, Overlay, RosterEntry
from sync.revisions import entry_names
from sync.revisions.address_books import PRESENT, REMOVED, Book, Reached
from sync.revisions.rosters import Roster
from sync.sharing.connections import CONNECTION

#: Before every revision.
_NEVER = -1


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
    """A member as an entry. *body* is the card's text where that was asked for, *own* the person's row, if any."""

    owner_id: int
    href: str
    uid: str
    etag: str
    changed_at: int
    body: str
    own: Own | None


def are_shown(book: Book) -> bool:
    """Whether there may be members of organisations in *book*."""
    return bool(book.rosters) and book.id == CONTACTS


def heads(session: Session, book: Book, since: Reached | None = None, until: Reached | None = None) -> list[EntryHead]:
    """
    Return the members in *book*; with *since*, those of whom something changed after that state, gone ones as well.

    With *until*, not those that changed later than it.
    """
    if since is None and until is None:
        return [head_of(each) for each in _members(session, book, None)]
    changed = _changed(session, book, since, until)
    own = _own(session, book, changed)
    there = {each.owner_id: head_of(each) for each in _members(session, book, changed, own=own)}
    if since is None:
        return list(there.values())
    missing = [owner_id for owner_id in changed if owner_id not in there and not _counts(own.get(owner_id))]
    hrefs = [_name(book, owner_id, own.get(owner_id))[0] for owner_id in missing]
    return [*there.values(), *(EntryHead(href, CONNECTION, False, "", 0) for href in hrefs)]


def texts(
    session: Session,
    book: Book,
    version: str | None,
    *,
    since: Reached | None = None,
    until: Reached | None = None,
    hrefs: Sequence[str] | None = None,
) -> Iterator[EntryText]:
    """Yield the members in *book* that *hrefs* name, or else those that `heads` has, with their text."""
    # Where no version is asked for, it is 3.0.
    written = version or "3.0"
    if hrefs is not None:
        wanted = set(hrefs)
        named = _members(session, book, owners_named(session, book, wanted), version=written)
        yield from (_text(each, version) for each in named if each.href in wanted)
    elif since is None and until is None:
        yield from (_text(each, version) for each in _members(session, book, None, version=written))
    else:
        changed = iter(_changed(session, book, since, until))
        while some := list(islice(changed, BATCH)):
            yield from (_text(each, version) for each in _members(session, book, some, version=written))


def head(session: Session, book: Book, href: str) -> EntryHead | None:
    """Return the member of this name, or None."""
    found = find(session, book, href)
    return head_of(found) if found is not None else None


def find(session: Session, book: Book, href: str, version: str | None = "3.0") -> MemberEntry | None:
    """Return the member of this name with the text of their card, or None."""
    named = _members(session, book, owners_named(session, book, [href]), version=version)
    return next((each for each in named if each.href == href), None)


def of_owner(session: Session, book: Book, owner_id: int, version: str = "3.0") -> MemberEntry | None:
    """Return somebody as a member, or None where no roster shows them."""
    return next(_members(session, book, [owner_id], version=version), None)


def is_shown(session: Session, book: Book, href: str) -> bool:
    """Whether there is a member of this name in *book*."""
    return are_shown(book) and find(session, book, href) is not None


def owners_named(session: Session, book: Book, hrefs: Collection[str]) -> list[int]:
    """Return who may be a member whose entry has one of these names."""
    read = [entry_names.owner_named(book.names_key or b"", book.viewer_id, href) for href in hrefs]
    mine = (Entry.viewer_id == book.viewer_id, Entry.book_id == book.id, Entry.kind == CONNECTION)
    known = session.scalars(select(Entry.id).where(*mine, Entry.href.in_(sorted(hrefs)))).all() if hrefs else ()
    return sorted({*(owner_id for owner_id in read if owner_id is not None), *known})


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


def _changed(session: Session, book: Book, since: Reached | None, until: Reached | None) -> list[int]:
    """Return of whom something changed between these states: of the rosters, or of the person's own rows."""
    found = set[int]()
    for roster in book.rosters:
        changed = _since(select(RosterEntry.owner_id), book, roster, known_to(since, roster))
        if until is not None:
            last = known_to(until, roster)
            changed = changed.where(RosterEntry.revision <= (_NEVER if last is None else last))
        found.update(session.scalars(changed))
    if since is not None:
        mine = (Entry.viewer_id == book.viewer_id, Entry.book_id == book.id, Entry.revision > since.revision)
        lent = select(Entry.id).where(*mine, Entry.kind == CONNECTION, Entry.state == REMOVED)
        if until is not None:
            lent = lent.where(Entry.revision <= until.revision)
        found.update(session.scalars(lent))
    return sorted(found)


def _members(
    session: Session,
    book: Book,
    owner_ids: Collection[int] | None,
    *,
    version: str | None = None,
    own: dict[int, Own] | None = None,
) -> Iterator[MemberEntry]:
    """Yield who of these people, None for all, is a member and shown as such; with *version*, with their cards."""
    rows = _own(session, book, owner_ids) if own is None else own
    told = {owner_id for owner_id, each in rows.items() if each.counts}
    for roster in book.rosters:
        for row in session.execute(_rows(session, book, roster, owner_ids, version)):
            if row.owner_id not in told:
                told.add(row.owner_id)
                yield _member(book, row, rows.get(row.owner_id))


def _rows(
    session: Session, book: Book, roster: Roster, owner_ids: Collection[int] | None, version: str | None
) -> Select[*tuple[Any, ...]]:
    columns = (RosterEntry.owner_id, RosterEntry.changed_at, Card.digest)
    chosen: Select[*tuple[Any, ...]] = select(*columns).join(Card, _CARD).execution_options(yield_per=BATCH)
    if version is not None:
        chosen = chosen.add_columns((Card.body_4 if entry_texts.is_modern(version) else Card.body_3).label("body"))
    chosen = _since(chosen, book, roster, None)
    return chosen if owner_ids is None else chosen.where(among(session, RosterEntry.owner_id, owner_ids))


def _member(book: Book, row: Any, own: Own | None) -> MemberEntry:
    href, uid = _name(book, row.owner_id, own)
    changed_at = max(row.changed_at, own.changed_at if own is not None and own.digest is not None else 0)
    etag = etag_of(row.digest, own.digest if own is not None else None, changed_at)
    return MemberEntry(row.owner_id, href, uid, etag, changed_at, getattr(row, "body", ""), own)


def _name(book: Book, owner_id: int, own: Own | None) -> tuple[str, str]:
    """Return href and UID of the entry of somebody."""
    if own is not None:
        return own.href, own.uid
    uid = entry_names.uid_for(book.names_key or b"", book.viewer_id, owner_id)
    return entry_names.href_for(uid), uid


def _own(session: Session, book: Book, owner_ids: Collection[int] | None) -> dict[int, Own]:
    mine = (Entry.viewer_id == book.viewer_id, Entry.book_id == book.id, Entry.kind == CONNECTION)
    chosen = _OWN.where(*mine)
    if owner_ids is not None:
        chosen = chosen.where(among(session, Entry.id, owner_ids))
    return {row.id: Own(*row) for row in session.execute(chosen)}


def _counts(own: Own | None) -> bool:
    return own is not None and own.counts


def head_of(member: MemberEntry) -> EntryHead:
    """Return a member without their text."""
    return EntryHead(member.href, CONNECTION, True, member.etag, member.changed_at)


def _text(member: MemberEntry, version: str | None) -> EntryText:
    own = member.own
    return entry_texts.of_card(
        EntryText(
            member.href,
            member.uid,
            CONNECTION,
            member.etag,
            member.changed_at,
            "",
            member.owner_id,
            own.revision if own is not None else 0,
            has_past=own is not None and own.has_past,
        ),
        version,
        member.body,
        own.overlay if own is not None else None,
    )


_CARD = (Card.owner_id == RosterEntry.owner_id) & (Card.id == RosterEntry.card_id)
_OWN: Select[Any] = (
    select(Entry.id, Entry.href, Entry.uid, Entry.state, Entry.changed_at, Entry.digest, Entry.revision)
    .add_columns(Overlay.content, entry_texts.HAS_PAST)
    .outerjoin(Overlay, (Overlay.viewer_id == Entry.viewer_id) & (Overlay.entry_id == Entry.id))
)
