"""The rows behind an entry: found, locked, made, stamped. `sync.books.entries` decides what may be done to them."""

from __future__ import annotations

import functools
import hashlib
from typing import Any

from sqlalchemy import Select, any_, bindparam, case, delete, func, insert, select, update
from sqlalchemy.orm import Session

from sync.database import lists
from sync.database.engine import settings_of
from sync.database.prepared import execute
from sync.errors import Conflict, LimitExceeded, UIDConflict
from sync.models import Base, Entry, PrivateCard, new_id, now
from sync.queries import contact_pages
from sync.revisions import address_books, dead_properties, entry_writes, tombstones, versions
from sync.revisions.address_books import PRESENT, REMOVED, Book, raise_revisions, stamp
from sync.vcard import uids

PRIVATE = entry_writes.PRIVATE


def lock(session: Session, book: Book) -> None:
    """
    Let nobody else write to *book* until the transaction ends.

    Two devices of one person may write at once: whoever is second must see what the first left, to compare ETags and
    UIDs.
    """
    address_books.lock(session, book.viewer_id, book.id)


def find(session: Session, book: Book, href: str) -> Entry | None:
    """Return the entry of this name, present or gone, as it is in the database."""
    key = (Entry.viewer_id == book.viewer_id, Entry.book_id == book.id, Entry.href == href)
    return session.scalars(select(Entry).where(*key).execution_options(populate_existing=True)).first()


def changed(
    statement: Select[*tuple[Any, ...]], book: Book, since: int | None, until: int | None = None
) -> Select[*tuple[Any, ...]]:
    """Narrow *statement* to the present entries of *book*; with *since*, to those that changed after that revision."""
    chosen = statement.where(Entry.viewer_id == book.viewer_id, Entry.book_id == book.id)
    if until is not None:
        chosen = chosen.where(Entry.revision <= until)
    return chosen.where(Entry.state == PRESENT) if since is None else chosen.where(Entry.revision > since)


def change(session: Session, entry: Entry, **values: object) -> None:
    """Set columns of an entry."""
    session.execute(update(Entry).where(Entry.viewer_id == entry.viewer_id, Entry.id == entry.id).values(**values))


def href_of_uid(session: Session, book: Book, uid: str) -> str | None:
    """Return the name of the entry, present or gone, that has this UID, however either is spelled."""
    found = with_uid(session, book, uid)
    return found[0] if found is not None else None


def with_uid(session: Session, book: Book, uid: str) -> tuple[str, str] | None:
    """Return name and state of the entry that has this UID, present or gone, however either is spelled."""
    dialect = session.get_bind().dialect.name
    key = {"viewer": book.viewer_id, "book": book.id, "uids": lists.texts(dialect, uids.spellings(uid))}
    rows = execute(session, _by_uid(dialect), key)
    return next(((href, state) for href, state in rows if href is not None), None)


def require_uid(session: Session, book: Book, uid: str, href: str) -> None:
    """
    Make sure that no other entry than that at *href* has this UID.

    Raises:
        UIDConflict: One has.
    """
    other = href_of_uid(session, book, uid)
    if other is not None and other != href:
        raise UIDConflict(other)


def leave_nothing(session: Session, book: Book, href: str) -> None:
    """Tell the devices that there is nothing of this name, where one of them just put something."""
    entry = find(session, book, href) or _gone(session, book, href)
    stamp_now(session, book, entry)


def require_room(session: Session, book: Book, href: str) -> None:
    """
    Make sure that a private entry of this name can come.

    Raises:
        LimitExceeded: The address book is full.
        Conflict: The name is too long.
    """
    limits = settings_of(session).limits
    ((every, gone),) = execute(session, _COUNT, {"viewer": book.viewer_id, "book": book.id})
    if every - gone >= limits.private_entries:
        raise LimitExceeded(f"An address book has at most {limits.private_entries} private entries.")
    if len(href) > 255:
        raise Conflict("The name of an entry has at most 255 characters.")
    if gone >= limits.gone_entries:
        tombstones.let_go(session, book.viewer_id, book.id)


def _gone(session: Session, book: Book, href: str) -> Entry:
    require_room(session, book, href)
    entry = Entry(
        viewer_id=book.viewer_id,
        id=new_id(),
        book_id=book.id,
        href=href,
        kind=PRIVATE,
        state=REMOVED,
        revision=0,
        changed_at=0,
    )
    session.add(entry)
    session.flush()
    return entry


def digest_of(data: bytes) -> str:
    """Return the hash of the bytes of a private entry."""
    return hashlib.sha256(data).hexdigest()[:32]


def set_bytes(session: Session, entry: Entry, data: bytes | None) -> None:
    """Keep *data* as the bytes of a private entry, or none; those that it had can be restored for a while."""
    key = (PrivateCard.viewer_id == entry.viewer_id, PrivateCard.entry_id == entry.id)
    before = session.scalars(delete(PrivateCard).where(*key).returning(PrivateCard.data)).first()
    if before is not None:
        versions.keep(session, entry, before)
    if data is not None:
        session.execute(insert(PrivateCard).values(viewer_id=entry.viewer_id, entry_id=entry.id, data=data))
        contact_pages.store(session, entry.viewer_id, entry.id, data)


def remove_private(session: Session, book: Book, entry: Entry) -> None:
    """Leave nothing of a private entry but the news that it is gone."""
    set_bytes(session, entry, None)
    dead_properties.replace(session, dead_properties.Place(book.viewer_id, book.id, entry.id), {})
    change(session, entry, state=REMOVED, uid=None, digest=None)
    stamp_now(session, book, entry)


def stamp_now(session: Session, book: Book, entry: Entry) -> int:
    """Tell the devices that the entry changed; returns the time that it has as REV."""
    at = now()
    raise_revisions(session, [book.viewer_id], at, book.id)
    stamp(session, [book.viewer_id], entry.id, at)
    return at


_ENTRIES = Base.metadata.tables["entry"]
_THEIRS = (_ENTRIES.c.viewer_id == bindparam("viewer")) & (_ENTRIES.c.book_id == bindparam("book"))
_COUNT = (
    select(func.count(), func.coalesce(func.sum(case((_ENTRIES.c.state == PRESENT, 0), else_=1)), 0))
    .select_from(_ENTRIES)
    .where(_THEIRS, _ENTRIES.c.kind == PRIVATE)
)


@functools.cache
def _by_uid(dialect: str) -> Select[Any]:
    found, uid = select(_ENTRIES.c.href, _ENTRIES.c.state), _ENTRIES.c.uid
    if dialect != lists.SQLITE:
        return found.where(_THEIRS, uid == any_(lists.texts_parameter(dialect, "uids")))
    # As where entries are found by several names: else SQLite reads the whole book.
    said = func.json_each(lists.texts_parameter(dialect, "uids")).table_valued("value")
    return found.select_from(said.outerjoin(_ENTRIES, _THEIRS & (uid == said.c.value)))
