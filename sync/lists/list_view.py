"""
A person's own address book, with their groups as lists where the device that asks shows these.

`Book.lists` says so. For every other device these are the functions of `sync.lists.book_view`, to the byte and to the
statement.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy.orm import Session

from sync.books import categories, entry_heads, entry_texts
from sync.books.entry_heads import EntryHead
from sync.books.entry_texts import EntryText
from sync.database.engine import Database
from sync.lists import book_view, list_cards
from sync.revisions.address_books import Book, Reached

_START = Reached(-1, -1)


def heads(
    session: Session, book: Book, since: Reached | None = None, *, until: Reached | None = None
) -> Iterator[EntryHead]:
    """Yield what is there; with *since*, what changed after that state, gone ones included, and not after *until*."""
    yield from book_view.heads(session, book, since, until=until)
    if list_cards.are_shown(book):
        before = since.lists if since is not None else None
        yield from list_cards.heads(session, book, before, until.lists if until is not None else None)
    elif categories.are_shown(book) and since is not None:
        yield from entry_heads.regrouped_heads(session, book, since, (until or book.reached).lists)


def changed_heads(database: Database, book: Book, since: Reached, until: Reached | None = None) -> Iterator[EntryHead]:
    """Yield what `heads` does of what changed, as cheaply as it can be had."""
    if book.lists is None:
        yield from book_view.changed_heads(database, book, since, until)
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
    yield from book_view.texts(session, book, version, since=since, until=until, hrefs=hrefs)
    if list_cards.are_shown(book):
        before, last = (reached.lists if reached is not None else None for reached in (since, until))
        yield from list_cards.texts(session, book, version, before, last, hrefs=hrefs)
    elif categories.are_shown(book) and since is not None:
        others = entry_heads.regrouped_heads(session, book, since, (until or book.reached).lists)
        names = [head.href for head in others if head.present]
        yield from entry_texts.texts(session, book, version, hrefs=names)


def named(database: Database, book: Book, version: str | None, hrefs: Sequence[str]) -> Iterator[EntryText]:
    """Yield what is there of what *hrefs* name, as `entry_texts.named` does."""
    found = book_view.named(database, book, version, hrefs)
    return _with_lists(found, database, book, version, hrefs) if list_cards.are_shown(book) else found


def _with_lists(
    found: Iterator[EntryText], database: Database, book: Book, version: str | None, hrefs: Sequence[str]
) -> Iterator[EntryText]:
    missing = set(hrefs)
    for entry in found:
        missing.discard(entry.href)
        yield entry
    if missing:
        with database.reading() as session:
            yield from list_cards.texts(session, book, version, hrefs=sorted(missing))


def searched(
    session: Session, book: Book, version: str | None = "3.0", *, hrefs: Sequence[str] | None = None
) -> Iterator[tuple[EntryText, str]]:
    """Yield what `texts` does with what else is to be looked through for it (see `entry_texts.searched`)."""
    yield from book_view.searched(session, book, version, hrefs=hrefs)
    if list_cards.are_shown(book):
        for entry in list_cards.texts(session, book, version, hrefs=hrefs):
            yield entry, ""


def head(session: Session, book: Book, href: str) -> EntryHead | None:
    """Return what is of this name, without its text, or None."""
    found = book_view.head(session, book, href)
    if found is None and list_cards.are_shown(book):
        return next(list_cards.heads(session, book, href=href), None)
    return found


def end(session: Session, book: Book, since: Reached | None, limit: int) -> tuple[Reached | None, bool]:
    """
    Return the state at which an answer with at most *limit* changes ends, None where all of them fit.

    Also whether there is such a state: what changed together cannot be told in two answers. Where lists are shown, the
    entries come first, and then the lists.
    """
    before = since or _START
    reached, room = book_view.end(session, book, since, limit)
    if reached is not None:
        until = reached._replace(lists=max(before.lists, 0))
        is_one = (reached.revision, reached.rosters) != (before.revision, before.rosters)
        return (until, True) if is_one else (None, False)
    if book.lists is None:
        return None, True
    listed = _list_revisions(session, book, since, room + 1)
    if len(listed) <= room:
        return None, True
    if room < limit:
        return book.reached._replace(lists=max(before.lists, 0)), True
    last = book_view.whole(listed)
    return (book.reached._replace(lists=last), True) if last is not None else (None, False)


def _list_revisions(session: Session, book: Book, since: Reached | None, count: int) -> Sequence[int]:
    if list_cards.are_shown(book):
        return list_cards.revisions(session, book, since.lists if since is not None else None, count)
    return entry_heads.regrouped_revisions(session, book, since, count) if since is not None else ()
