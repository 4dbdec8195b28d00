"""
An address book as its person has it: their own entries, and the members of their organisations.

Where there is no organisation these are the functions of `sync.books.entry_heads` and `sync.books.entry_texts`, to the
byte and to the statement. Everything that shows an address book goes through here, so that a listing, a
synchronization, a fetch, a search and an export show the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from sqlalchemy.orm import Session

from sync.books import entry_heads, entry_texts, roster_entries
from sync.books.entry_heads import EntryHead
from sync.books.entry_texts import BATCH, EntryText
from sync.database.engine import Database
from sync.organisations import roster_rows
from sync.revisions.address_books import Book, Reached


def heads(
    session: Session, book: Book, since: Reached | None = None, *, until: Reached | None = None
) -> Iterator[EntryHead]:
    """Yield what is there; with *since*, what changed after that state, gone ones included, and not after *until*."""
    before = since.revision if since is not None else None
    own = entry_heads.heads(session, book, before, until=until.revision if until is not None else None)
    if not roster_rows.are_shown(book):
        yield from own
        return
    members = roster_entries.heads(session, book, since, until)
    names = {member.href for member in members}
    # An entry that is gone as the person's own may be there as a member's.
    yield from (head for head in own if head.href not in names)
    yield from members


def changed_heads(database: Database, book: Book, since: Reached, until: Reached | None = None) -> Iterator[EntryHead]:
    """Yield what `heads` does of what changed, as cheaply as it can be had."""
    if not roster_rows.are_shown(book):
        last = until.revision if until is not None else None
        yield from entry_heads.changed_heads(database, book, since.revision, last)
        return
    with database.reading() as session:
        yield from heads(session, book, since, until=until)


def texts(
    session: Session,
    book: Book,
    version: str | None = "3.0",
    *,
    since: Reached | None = None,
    until: Reached | None = None,
    hrefs: Sequence[str] | None = None,
) -> Iterator[EntryText]:
    """Yield what is there of what `heads` has, or of what *hrefs* name, with its text (see `entry_texts.texts`)."""
    before, last = (reached.revision if reached is not None else None for reached in (since, until))
    yield from entry_texts.texts(session, book, version, since=before, until=last, hrefs=hrefs)
    if roster_rows.are_shown(book):
        yield from roster_entries.texts(session, book, version, since=since, until=until, hrefs=hrefs)


def named(database: Database, book: Book, version: str | None, hrefs: Sequence[str]) -> Iterator[EntryText]:
    """Yield what is there of what *hrefs* name, as `entry_texts.named` does."""
    found = entry_texts.named(database, book, version, hrefs)
    return _with_members(found, database, book, version, hrefs) if roster_rows.are_shown(book) else found


def _with_members(
    found: Iterator[EntryText], database: Database, book: Book, version: str | None, hrefs: Sequence[str]
) -> Iterator[EntryText]:
    missing = set(hrefs)
    for entry in found:
        missing.discard(entry.href)
        yield entry
    if missing:
        with database.reading() as session:
            wanted = iter(sorted(missing))
            while some := list(islice(wanted, BATCH)):
                yield from roster_entries.texts(session, book, version, hrefs=some)


def searched(
    session: Session, book: Book, version: str | None = "3.0", *, hrefs: Sequence[str] | None = None
) -> Iterator[tuple[EntryText, str]]:
    """Yield what `texts` does with what else is to be looked through for it (see `entry_texts.searched`)."""
    yield from entry_texts.searched(session, book, version, hrefs=hrefs)
    if roster_rows.are_shown(book):
        members = roster_entries.texts(session, book, version, hrefs=hrefs)
        other = "3.0" if entry_texts.is_modern(version) else "4.0"
        while batch := list(islice(members, BATCH)):
            again = roster_entries.texts(session, book, other, hrefs=[member.href for member in batch])
            others = {member.href: member.text for member in again}
            yield from ((member, others.get(member.href, "")) for member in batch)


def head(session: Session, book: Book, href: str) -> EntryHead | None:
    """Return what is of this name, without its text, or None."""
    found = entry_heads.head(session, book, href)
    if found is None and roster_rows.are_shown(book):
        return roster_entries.head(session, book, href)
    return found


def end(session: Session, book: Book, since: Reached | None, limit: int) -> tuple[Reached | None, int]:
    """
    Return the state at which an answer with at most *limit* changes ends, None where all of them fit.

    The person's own entries come first, and then one roster after the other, each up to a state of it. Also how much
    room is left. What changed together cannot be told in two answers: where not even that fits, the state is *since*.
    """
    before = since or Reached(-1, 0)
    found = entry_heads.revisions(session, book, since.revision if since is not None else None, limit + 1)
    if len(found) > limit:
        last = whole(found)
        return before._replace(revision=before.revision if last is None else last), 0
    room, reached = limit - len(found), before._replace(revision=book.revision)
    for roster in book.rosters if roster_rows.are_shown(book) else ():
        known = roster_rows.known_to(since, roster)
        found = roster_rows.revisions(session, book, roster, known, room + 1)
        if len(found) > room:
            last = whole(found)
            return (_with(reached, book, roster.id, last) if last is not None else reached), 0
        room, reached = room - len(found), _with(reached, book, roster.id, roster.revision)
    return None, room


def whole(revisions: Sequence[int]) -> int | None:
    """Return the last of *revisions* of which everything is there, of which the last one is one too many."""
    return max((revision for revision in revisions if revision < revisions[-1]), default=None)


def _with(reached: Reached, book: Book, key: int, revision: int) -> Reached:
    known = {**dict(reached.rosters), key: revision}
    return reached._replace(rosters=tuple((each.id, known[each.id]) for each in book.rosters if each.id in known))
