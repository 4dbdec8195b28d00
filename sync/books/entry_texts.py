"""
Reading the text of entries.

It is never rendered for that: a connection's text is its card's, with the entry's own UID and REV in front.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

from sqlalchemy import FromClause, Select, bindparam, func, literal_column, select, true
from sqlalchemy.orm import Session, aliased

from sync.books import categories, entry_rows, served
from sync.books.attempts import Attempt
from sync.books.etags import etag_of
from sync.database import entry_cards, lists
from sync.database.distribution import is_distributed
from sync.database.engine import Database
from sync.database.prepared import execute
from sync.models import Card, Entry, Overlay, PrivateCard
from sync.pictures.columns import Column
from sync.revisions import versions
from sync.revisions.address_books import PRESENT, Book

logger = logging.getLogger("evercard.entries")
_MODERN = ("4.0", served.THUNDERBIRD)
#: How many cards are held in memory at a time.
BATCH = 100
#: Where in a row is what is stored of a private entry; the body of a card is at the end.
_DATA = 5
#: Where in a row is what `categories.joined` adds, if anything.
_LISTED = 10


class EntryText(NamedTuple):
    """
    A present entry. *text* is the vCard as it is served, *data* what it is made of, of a private entry.

    *has_past* is true where something is kept that the person's devices wrote before what is now, or was until some
    device was the last to have it; *revision* is that of the entry's last change.
    """

    href: str
    uid: str
    kind: str
    etag: str
    changed_at: int
    text: str
    id: int = 0
    revision: int = 0
    has_past: bool = False
    data: bytes | None = None

    @property
    def stored(self) -> str:
        """The text of a private entry as it is stored, for who looks for what that says; empty where *text* is it."""
        text = served.private(self.data, None, self.uid, self.changed_at) if self.data is not None else ""
        return "" if text == self.text else text


def texts(
    session: Session,
    book: Book,
    version: str | None = "3.0",
    *,
    since: int | None = None,
    until: int | None = None,
    hrefs: Sequence[str] | None = None,
) -> Iterator[EntryText]:
    """
    Yield present entries of *book* with their text: those named by *hrefs*, else those that `heads` has.

    The text is in vCard *version*; None is 3.0, but for private entries what they were stored in,
    and `served.THUNDERBIRD` what that program shows. Rows are fetched as
    they are yielded, so a book with photos does not have to fit into memory.
    """
    yield from _read(_rows(session, book, version, hrefs, since=since, until=until), version)


def searched(
    session: Session, book: Book, version: str | None = "3.0", *, hrefs: Sequence[str] | None = None
) -> Iterator[tuple[EntryText, str]]:
    """
    Yield what `texts` does, each with all else that it says of the same: what is stored, or the other version.

    It is for who looks for something that only one version of vCard has a word for. That is empty where it is the text.
    """
    other = "3.0" if version in _MODERN else "4.0"
    every = _rows(session, book, version, hrefs, with_both=True)
    while batch := list(islice(every, BATCH)):
        # Each row has the other body at its end, behind the one.
        swapped = ((*row[:-2], row[-1]) for row in batch if row[_DATA] is None)
        others = {entry.href: entry.text for entry in _read(swapped, other)}
        for entry in _read((row[:-1] for row in batch), version):
            yield entry, others.get(entry.href, "") if entry.data is None else entry.stored


def named(database: Database, book: Book, version: str | None, hrefs: Sequence[str]) -> Iterator[EntryText]:
    """
    Yield the present entries of *book* named by *hrefs*, all of one moment, as `texts` does.

    What fits into one statement needs no transaction: most clients fetch cards in tens, and beginning and ending one
    would be half of the work.
    """
    wanted = list(dict.fromkeys(hrefs))
    if len(wanted) > BATCH:
        with database.reading() as session:
            yield from texts(session, book, version, hrefs=wanted)
    elif wanted:
        dialect = database.engine.dialect.name
        key = {"viewer": book.viewer_id, "book": book.id, "names": lists.texts(dialect, wanted)}
        is_apart = database.is_distributed
        statement = _named(dialect, version, is_apart=is_apart, with_groups=categories.are_shown(book))
        rows = database.quick_rows(statement, key)
        yield from _read(entry_cards.read_quickly(database, rows, book.viewer_id, *_wanted(version)), version)


def _rows(
    session: Session,
    book: Book,
    version: str | None,
    hrefs: Sequence[str] | None,
    *,
    since: int | None = None,
    until: int | None = None,
    with_both: bool = False,
) -> Iterator[Any]:
    """Yield for `_read` what `texts` is asked for; *with_both* says that the other body of each card comes behind."""
    rows = _entries(session, book, version, hrefs, since=since, until=until, with_both=with_both)
    yield from entry_cards.read(session, rows, book.viewer_id, *_wanted(version, with_both=with_both))


def _entries(
    session: Session,
    book: Book,
    version: str | None,
    hrefs: Sequence[str] | None,
    *,
    since: int | None,
    until: int | None,
    with_both: bool,
) -> Iterator[Any]:
    is_apart, with_groups = is_distributed(session), categories.are_shown(book)
    if hrefs is None:
        chosen = _chosen(version, is_apart=is_apart, with_groups=with_groups, with_both=with_both)
        statement = entry_rows.changed(chosen, book, since, until).where(Entry.state == PRESENT)
        yield from session.execute(statement.execution_options(yield_per=BATCH))
        return
    dialect, wanted = session.get_bind().dialect.name, list(dict.fromkeys(hrefs))
    statement = _named(dialect, version, is_apart=is_apart, with_groups=with_groups, with_both=with_both)
    for start in range(0, len(wanted), BATCH):
        names = lists.texts(dialect, wanted[start : start + BATCH])
        yield from execute(session, statement, {"viewer": book.viewer_id, "book": book.id, "names": names})


def is_modern(version: str | None) -> bool:
    """Whether the text in *version* is made of a card's in vCard 4.0."""
    return version in _MODERN


def of_card(entry: EntryText, version: str | None, body: str, overlay: str | None) -> EntryText:
    """Return *entry* with its text: somebody's card, of this *body*, and what the viewer added."""
    text = _text(entry.href, version, entry.changed_at, _Source(entry.uid, body, None, overlay, None))
    return entry._replace(text=text or "")


class _Source(NamedTuple):
    """What a text is made of: a card, or the bytes of a private entry, and what the viewer has besides."""

    uid: str
    body: str
    data: bytes | None
    overlay: str | None
    groups: categories.Groups | None


def _read(rows: Iterable[Any], version: str | None) -> Iterator[EntryText]:
    written = "4.0" if version in _MODERN else "3.0"
    for row in rows:
        (href, kind, at, uid, own_digest, data, overlay, entry_id, revision, has_past, *listed, card_digest, body) = row
        etag, groups = etag_of(card_digest, own_digest, at), categories.groups_of(listed)
        if groups is not None:
            etag, at = groups.etag(etag), groups.changed(at)
        if body and uid and overlay is None and groups is None and version != served.THUNDERBIRD:
            # Nearly all are so, and nothing can go wrong with them.
            text: str | None = served.held(body, None, written, uid, at)
        else:
            text = _text(href, version, at, _Source(uid, body, data, overlay, groups))
        if text is not None:
            yield EntryText(href, uid or "", kind, etag, at, text, entry_id, revision, bool(has_past), data)


def _text(href: str, version: str | None, changed_at: int, source: _Source) -> str | None:
    """
    Return the text of an entry as far as there is one, None where there is none.

    Whatever is wrong with one entry, all others are served: one that stops the address book stops every change in it.
    """
    written = "4.0" if version in _MODERN else "3.0"
    uid, body, data, overlay, groups = source
    with Attempt() as whole:
        added = overlay if groups is None else groups.overlay(overlay)
        if version == served.THUNDERBIRD:
            held = functools.partial(served.held, body, added, written, uid, changed_at)
            return served.for_thunderbird(data, held, uid, changed_at)
        if data is not None:
            return served.private(data, version, uid, changed_at)
        return served.held(body, added, written, uid, changed_at)
    with Attempt() as part:
        if data is not None:
            text = served.private_in_part(data, written, uid, changed_at)
        else:
            text = served.held(body, None, written, uid, changed_at)
        _tell("served in part", href, changed_at, whole.trouble)
        return text
    _tell("left out", href, changed_at, part.trouble)
    return None


@functools.lru_cache(maxsize=1_000)
def _tell(what: str, href: str, changed_at: int, trouble: str) -> None:
    """Say once, and not at every poll, what could not be done."""
    logger.error("The entry %s, as it is since %d, is %s: %s", href, changed_at, what, trouble)


def _wanted(version: str | None, *, with_both: bool = False) -> tuple[Column, ...]:
    """Return what is read of a card, behind what there is of the entry."""
    body, other = (Card.body_4, Card.body_3) if version in _MODERN else (Card.body_3, Card.body_4)
    return (Card.digest, body, other) if with_both else (Card.digest, body)


@functools.cache
def _chosen(
    version: str | None,
    *,
    is_apart: bool,
    with_groups: bool,
    with_both: bool = False,
    entry: type[Entry] = Entry,
    source: FromClause | None = None,
) -> Select[Any]:
    """Return a statement for `_read` about all entries, or those of *source*, which it knows as *entry*."""
    chosen: Select[Any] = (
        select(entry.href, entry.kind, entry.changed_at, entry.uid, entry.digest, PrivateCard.data, Overlay.content)
        .add_columns(entry.id, entry.revision, versions.has_past(entry))
        .select_from(entry if source is None else source)
        .outerjoin(PrivateCard, (PrivateCard.viewer_id == entry.viewer_id) & (PrivateCard.entry_id == entry.id))
        .outerjoin(Overlay, (Overlay.viewer_id == entry.viewer_id) & (Overlay.entry_id == entry.id))
    )
    if with_groups:
        chosen = categories.joined(chosen, entry)
    kind = entry_cards.of_entries(entry)
    if is_apart:
        return entry_cards.apart(chosen, kind)
    return entry_cards.together(chosen, *_wanted(version, with_both=with_both), kind=kind)


@functools.cache
def _named(
    dialect: str, version: str | None, *, is_apart: bool, with_groups: bool, with_both: bool = False
) -> Select[Any]:
    forms = {"is_apart": is_apart, "with_groups": with_groups, "with_both": with_both}
    names = lists.texts_parameter(dialect, "names")
    if dialect != lists.SQLITE:
        # Each name is looked for by itself, so by its index: with a plan that is kept, for books of average size, they
        # would be looked for among all entries of a large one. Planning takes longer than reading ten cards.
        name = func.unnest(names).table_valued("name").render_derived()
        mine = (Entry.viewer_id == bindparam("viewer"), Entry.book_id == bindparam("book"))
        one = select(Entry).where(*mine, Entry.href == name.c.name).offset(literal_column("0")).lateral("entry")
        chosen = _chosen(version, **forms, entry=aliased(Entry, one), source=name.join(one, true()))
        return chosen.where(one.c.state == PRESENT)
    # To find entries by several names SQLite reads the whole book, unless the names come first and what they name is
    # joined to them from the left.
    named, said = aliased(Entry), func.json_each(names).table_valued("value")
    theirs = (named.viewer_id == bindparam("viewer")) & (named.book_id == bindparam("book"))
    ids = select(named.id).select_from(said.outerjoin(named, theirs & (named.href == said.c.value)))
    chosen = _chosen(version, **forms).where(Entry.viewer_id == bindparam("viewer"), Entry.book_id == bindparam("book"))
    return chosen.where(Entry.state == PRESENT, Entry.id.in_(ids))
