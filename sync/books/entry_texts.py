"""
Reading the text of entries.

It is never rendered for that: a connection's text is its card's, with the entry's own UID and REV in front.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, any_, bindparam, exists, func, select
from sqlalchemy.orm import Session, aliased

from sync.books import entry_rows, served
from sync.books.etags import etag_of
from sync.database import lists
from sync.database.engine import Database
from sync.database.models import Card, Entry, EntryVersion, Overlay, PrivateCard
from sync.revisions.address_books import PRESENT, Book

#: How many cards are held in memory at a time.
BATCH = 100


@dataclass(frozen=True, slots=True)
class EntryText:
    """
    A present entry. *text* is the vCard as it is served.

    *has_past* is true where something is kept that the person's devices wrote before what is now, *revision* that of
    the entry's last change.
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

    The text is in vCard *version*; None is 3.0, but for private entries what they were stored in. Rows are fetched as
    they are yielded, so a book with photos does not have to fit into memory.
    """
    if hrefs is None:
        statement = entry_rows.changed(_TEXT_4 if version == "4.0" else _TEXT_3, book, since, until)
        statement = statement.where(Entry.state == PRESENT)
        yield from _read(session.execute(statement.execution_options(yield_per=BATCH)), version)
        return
    dialect = session.get_bind().dialect.name
    wanted = list(dict.fromkeys(hrefs))
    for start in range(0, len(wanted), BATCH):
        names = lists.texts(dialect, wanted[start : start + BATCH])
        key = {"viewer": book.viewer_id, "book": book.id, "names": names}
        yield from _read(session.execute(_named(dialect, version), key), version)


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
        yield from _read(database.quick_rows(_named(dialect, version), key), version)


def _read(rows: Iterable[Any], version: str | None) -> Iterator[EntryText]:
    for href, kind, changed_at, uid, own_digest, card_digest, body, data, overlay, *rest in rows:
        if data is not None:
            text = served.private(data, version, uid, changed_at)
        else:
            text = served.held(body, overlay, version or "3.0", uid, changed_at)
        entry_id, revision, has_past = rest
        etag = etag_of(card_digest, own_digest, changed_at)
        yield EntryText(href, uid or "", kind, etag, changed_at, text, entry_id, revision, bool(has_past))


_CARD = (Card.owner_id == Entry.id) & (Card.id == Entry.card_id)
_PRIVATE = (PrivateCard.viewer_id == Entry.viewer_id) & (PrivateCard.entry_id == Entry.id)
_OVERLAY = (Overlay.viewer_id == Entry.viewer_id) & (Overlay.entry_id == Entry.id)
_PAST = exists().where(EntryVersion.viewer_id == Entry.viewer_id, EntryVersion.entry_id == Entry.id)


def _text_statement(body: Any) -> Select[Any]:
    return (
        select(Entry.href, Entry.kind, Entry.changed_at, Entry.uid, Entry.digest, Card.digest, body)
        .add_columns(PrivateCard.data, Overlay.content, Entry.id, Entry.revision, _PAST)
        .outerjoin(Card, _CARD)
        .outerjoin(PrivateCard, _PRIVATE)
        .outerjoin(Overlay, _OVERLAY)
    )


_TEXT_3 = _text_statement(Card.body_3)
_TEXT_4 = _text_statement(Card.body_4)


@functools.cache
def _named(dialect: str, version: str | None) -> Select[Any]:
    chosen = _TEXT_4 if version == "4.0" else _TEXT_3
    chosen = chosen.where(Entry.viewer_id == bindparam("viewer"), Entry.book_id == bindparam("book"))
    if dialect != lists.SQLITE:
        return chosen.where(Entry.state == PRESENT, Entry.href == any_(lists.texts_parameter(dialect, "names")))
    # To find entries by several names SQLite reads the whole book, unless the names come first and what they name is
    # joined to them from the left.
    named, names = aliased(Entry), func.json_each(lists.texts_parameter(dialect, "names")).table_valued("value")
    theirs = (named.viewer_id == bindparam("viewer")) & (named.book_id == bindparam("book"))
    ids = select(named.id).select_from(names.outerjoin(named, theirs & (named.href == names.c.value)))
    return chosen.where(Entry.state == PRESENT, Entry.id.in_(ids))
