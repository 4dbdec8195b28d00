"""
What a reader made of a shared book: contacts that they changed or took off their devices, and some of their own.

Nobody else ever sees it. It is an address book of the reader's (`Book.is_layer`), which comes to be with the first
change. An entry of the kind `SHARED` in it has the id of the contact that it is about, and a name that no device can
use; one that is private is a contact that the reader added. Whoever becomes a writer sees the contacts as everybody
has them; what they made as a reader is kept, and back as soon as they are one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Select, insert, select
from sqlalchemy.orm import Session

from sync.books import entry_heads, entry_rows, entry_texts
from sync.books.entry_heads import EntryHead
from sync.books.entry_texts import EntryText
from sync.books.etags import etag_of
from sync.database.engine import among
from sync.database.upserts import insert_into
from sync.models import AddressBook, Base, Entry, Overlay, now
from sync.revisions import versions
from sync.revisions.address_books import HIDDEN, PRESENT, Book
from sync.revisions.entry_writes import PRIVATE
from sync.revisions.shared_states import SHARED, path_of
from sync.shared_books import access

#: How many names or ids are looked for in one statement.
_SOME = 200


@dataclass(frozen=True, slots=True)
class Touched:
    """What a reader made of the contact *id*: they took it off their devices, or added what *digest* is the hash of."""

    id: int
    state: str
    digest: str | None
    revision: int
    changed_at: int
    has_past: bool = False
    overlay: str | None = None

    @property
    def is_hidden(self) -> bool:
        """Whether the reader's devices do not have it."""
        return self.state == HIDDEN


@dataclass(frozen=True, slots=True)
class Layer:
    """What a reader made of a book: contacts by their names for devices, and the names of their own."""

    touched: Mapping[str, Touched] = field(default_factory=dict)
    own: Mapping[str, EntryHead] = field(default_factory=dict)


def read(session: Session, book: Book, *, with_texts: bool = False) -> Layer:
    """Return what the person of *book* made of it; *with_texts* with what they added."""
    if book.shared is None or not book.shared.is_laid_over:
        return Layer()
    mine = access.layer_of(book)
    own = {head.href: head for head in entry_heads.heads(session, mine) if head.kind == PRIVATE}
    return Layer({} if book.shared.is_writer else _touched(session, book, with_texts=with_texts), own)


def changed(session: Session, book: Book, since: int, until: int | None) -> set[str]:
    """Return the names of what the person of *book* changed for themselves after a revision."""
    if book.shared is None or not book.shared.is_laid_over:
        return set()
    chosen = entry_rows.changed(select(Entry.kind, Entry.id, Entry.href), access.layer_of(book), since, until)
    rows = session.execute(chosen).all()
    own = {href for kind, _id, href in rows if kind == PRIVATE}
    return own | set(names_of(session, book, [key for kind, key, _href in rows if kind == SHARED]).values())


def names_of(session: Session, book: Book, ids: Collection[int]) -> dict[int, str]:
    """Return the names of contacts of a shared book by their ids."""
    there = access.base_of(book)
    chosen = select(Entry.id, Entry.href).where(Entry.viewer_id == there.viewer_id, among(session, Entry.id, ids))
    return {row[0]: row[1] for row in session.execute(chosen)} if ids else {}


def ensure(session: Session, book: Book) -> Book:
    """Let the person of a shared book have something of their own in it, and return that."""
    table = Base.metadata.tables["address_book"]
    values = {"viewer_id": book.viewer_id, "id": book.id, "path": path_of(book.id), "title": ""}
    # An epoch of 0 leaves the one of what it is laid over as it is.
    made = insert_into(session.get_bind().dialect.name, table).values(**values, epoch=0, revision=0, changed_at=now())
    session.execute(made.on_conflict_do_nothing())
    row = select(AddressBook.epoch, AddressBook.revision).where(*_book_key(book))
    epoch, revision = session.execute(row).one()
    return access.layer_of(book)._replace(epoch=epoch, revision=revision)


def touch(session: Session, layer: Book, entry_id: int) -> Entry:
    """Return the row that says what the reader made of a contact, which comes to be where there is none."""
    entry_rows.lock(session, layer)
    key = (Entry.viewer_id == layer.viewer_id, Entry.id == entry_id)
    found = session.scalars(select(Entry).where(*key).execution_options(populate_existing=True)).first()
    if found is None:
        values = {"viewer_id": layer.viewer_id, "id": entry_id, "book_id": layer.id, "href": name_of(entry_id)}
        values |= {"kind": SHARED, "state": PRESENT, "revision": 0, "changed_at": now()}
        session.execute(insert(Entry).values(**values))
        return session.scalars(select(Entry).where(*key)).one()
    return found


def set_state(session: Session, layer: Book, entry_id: int, state: str) -> None:
    """Take a contact off the reader's devices, or bring it back."""
    entry = touch(session, layer, entry_id)
    if entry.state != state:
        entry_rows.change(session, entry, state=state)
        entry_rows.stamp_now(session, layer, entry)


def name_of(entry_id: int) -> str:
    """Return what the row about a contact is called: no request can name it."""
    return f".{entry_id:x}"


def hidden(session: Session, book: Book) -> list[int]:
    """Return the ids of the contacts that the person took off their devices."""
    mine = (Entry.viewer_id == book.viewer_id, Entry.book_id == book.id, Entry.kind == SHARED, Entry.state == HIDDEN)
    return list(session.scalars(select(Entry.id).where(*mine).order_by(Entry.id)))


def own_texts(session: Session, layer: Book, version: str | None, names: Iterable[str] | None) -> list[EntryText]:
    """Return the contacts that a reader added, all or those of these *names*."""
    wanted = names if names is not None else [each.href for each in entry_heads.heads(session, layer)]
    return list(entry_texts.texts(session, layer, version, hrefs=[name for name in wanted if name[:1] != "."]))


def etag_with(etag: str, changed_at: int, touched: Touched | None) -> tuple[str, int]:
    """Return ETag and time of a contact that has these, with what a reader added to it."""
    if touched is None or touched.digest is None:
        return etag, changed_at
    at = max(changed_at, touched.changed_at)
    return etag_of(etag.strip('"').rpartition("-")[0], touched.digest, at), at


def _touched(session: Session, book: Book, *, with_texts: bool) -> dict[str, Touched]:
    statement: Select[*tuple[Any, ...]] = _TOUCHED_WITH_TEXT if with_texts else _TOUCHED
    mine = (Entry.viewer_id == book.viewer_id, Entry.book_id == book.id, Entry.kind == SHARED)
    rows: Sequence[Any] = session.execute(statement.where(*mine)).all()
    names = names_of(session, book, [row[0] for row in rows])
    return {names[row[0]]: Touched(*row) for row in rows if row[0] in names}


def _book_key(book: Book) -> tuple[Any, Any]:
    return AddressBook.viewer_id == book.viewer_id, AddressBook.id == book.id


_TOUCHED = select(Entry.id, Entry.state, Entry.digest, Entry.revision, Entry.changed_at, versions.has_past(Entry))
_TOUCHED_WITH_TEXT = _TOUCHED.add_columns(Overlay.content).outerjoin(
    Overlay, (Overlay.viewer_id == Entry.viewer_id) & (Overlay.entry_id == Entry.id)
)
