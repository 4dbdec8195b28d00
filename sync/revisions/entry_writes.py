"""
What the write of a device finds of an entry, and what it leaves of it: one statement for each table.

They are of SQLAlchemy's core and put together once, for every request that stores a card sends them; the ORM, which
takes many times as long to do the same, is for what people do once in a while. What is read here is handed on, so
nobody asks for it again. `sync.books.entries` decides what is written.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import BindParameter, Insert, Select, bindparam, insert, select, update
from sqlalchemy.orm import Session

from sync.database import entry_cards
from sync.database.distribution import is_distributed
from sync.database.prepared import execute, later
from sync.database.upserts import insert_into
from sync.errors import NotFound
from sync.models import Base, Card, new_id, now
from sync.revisions import address_books, versions
from sync.revisions.address_books import PRESENT, REMOVED, Book

PRIVATE, SELF = "private", "self"
#: No device has this id.
_NOBODY = -1


@dataclass(frozen=True, slots=True)
class Copy:
    """What a device has of an entry: see `sync.models.DeviceCopy`."""

    revision: int
    sent: bytes | None


@dataclass(frozen=True, slots=True)
class Found:
    """
    An entry as a write finds it, present or gone; the columns are those of `sync.models.Entry`.

    *card_digest* is the hash of the card that it shows, *data* the bytes of a private one, *copy* what the device that
    writes has of it, and *version* that of the profile of which it is the person's own card; None where there is none.
    """

    viewer_id: int
    id: int
    book_id: int
    href: str
    uid: str | None
    kind: str
    state: str
    revision: int
    changed_at: int
    digest: str | None
    card_digest: str | None = None
    data: bytes | None = None
    copy: Copy | None = None
    version: int | None = None

    @property
    def is_present(self) -> bool:
        """Whether the person's devices have it."""
        return self.state == PRESENT


@dataclass(frozen=True, slots=True)
class Seen:
    """What is of one name while the book is at *revision*: an entry, or nothing."""

    revision: int
    entry: Found | None


def look(session: Session, book: Book, href: str, device_id: int | None) -> Seen:
    """
    Return what is of this name, with what this device has of it.

    Raises:
        NotFound: The book is gone.
    """
    device = device_id if device_id is not None else _NOBODY
    statement = _FIND_APART if is_distributed(session) else _FIND
    found = execute(session, statement, {"viewer": book.viewer_id, "book": book.id, "href": href, "device": device})
    rows = list(entry_cards.read(session, found, book.viewer_id, Card.digest))
    if not rows:
        raise NotFound("There is no such address book.")
    revision, *entry, data, copied, sent, version, card_digest = rows[0]
    copy = Copy(copied, sent) if copied is not None else None
    whole = (book.viewer_id, *entry, card_digest, data, copy, version)
    return Seen(revision, Found(*whole) if entry[0] is not None else None)


def locked(session: Session, book: Book, href: str, seen: Seen, device_id: int | None) -> Seen:
    """
    Let nobody else write to the book until the transaction ends, and return what is of this name now.

    That is what was *seen* where the book has the revision that it had then: nothing of the person's own changes
    without raising it. A connection's card does.
    """
    revision = address_books.lock(session, book.viewer_id, book.id)
    is_own = seen.entry is None or seen.entry.kind == PRIVATE
    if revision is None or (revision == seen.revision and is_own):
        return seen
    return look(session, book, href, device_id)


def again(session: Session, book: Book, own: Found, device_id: int | None, version: int) -> Found:
    """
    Return the entry of the person's *own* card as it is now that the profile is locked, and this is its next *version*.

    That is what was seen before where nobody changed the profile since.
    """
    if own.version == version - 1:
        return own
    return look(session, book, own.href, device_id).entry or own


def store_private(
    session: Session, book: Book, href: str, found: Found | None, uid: str, data: bytes, digest: str
) -> Found:
    """
    Make a private entry say *data*, of this *uid* and *digest*, and tell the devices; returns what it is now.

    *found* is what is of this name, None for nothing. The caller holds the lock of the book.
    """
    entry = found or Found(book.viewer_id, new_id(), book.id, href, None, PRIVATE, REMOVED, 0, 0, None)
    if entry.data is not None:
        versions.keep(session, entry, entry.data)
    at = now()
    revision = address_books.raise_one(session, book, at)
    after = replace(entry, uid=uid, state=PRESENT, revision=revision, changed_at=at, digest=digest, data=data)
    key = {"viewer": book.viewer_id, "entry": entry.id}
    said = {f"new_{name}": getattr(after, name) for name in _SAID}
    if found is None:
        later(session, _INSERT, {**key, **said, "book": book.id, "name": href, "new_kind": PRIVATE})
    else:
        later(session, _UPDATE, {**key, **said})
    later(session, _SET_DATA if entry.data is not None else _ADD_DATA, {**key, "new_data": data})
    return after


def stamp(session: Session, book: Book, found: Found) -> Found:
    """Tell the devices that an entry changed; returns what it is now."""
    at = now()
    revision = address_books.raise_one(session, book, at)
    key = {"viewer": found.viewer_id, "entry": found.id}
    later(session, _STAMP, {**key, "new_revision": revision, "new_changed_at": at})
    return replace(found, revision=revision, changed_at=at)


def note_copy(session: Session, found: Found, device_id: int, sent: bytes | None) -> None:
    """Write down that a device has an entry as it is now; *sent* is what it sent where that is another card."""
    copy = Copy(found.revision, sent)
    if copy == found.copy:
        return
    key = {"viewer": found.viewer_id, "device": device_id, "entry": found.id}
    values = {**key, "new_revision": copy.revision, "new_sent": sent}
    later(session, _setting_copy(session.get_bind().dialect.name), values)


_TABLES = Base.metadata.tables
_ENTRIES, _DATA, _PROFILES = _TABLES["entry"], _TABLES["private_card"], _TABLES["profile"]
_COPIES, _BOOKS = _TABLES["device_copy"], _TABLES["address_book"]
_KEY = (_ENTRIES.c.viewer_id == bindparam("viewer"), _ENTRIES.c.id == bindparam("entry"))
_FOUND: Select[*tuple[Any, ...]] = (
    select(
        _BOOKS.c.revision,
        _ENTRIES.c.id,
        _ENTRIES.c.book_id,
        _ENTRIES.c.href,
        _ENTRIES.c.uid,
        _ENTRIES.c.kind,
        _ENTRIES.c.state,
        _ENTRIES.c.revision,
        _ENTRIES.c.changed_at,
        _ENTRIES.c.digest,
        _DATA.c.data,
        _COPIES.c.revision,
        _COPIES.c.sent,
        select(_PROFILES.c.version)
        .where(_PROFILES.c.owner_id == bindparam("viewer"), _ENTRIES.c.kind == SELF)
        .scalar_subquery(),
    )
    .select_from(_BOOKS)
    .outerjoin(
        _ENTRIES,
        (_ENTRIES.c.viewer_id == _BOOKS.c.viewer_id)
        & (_ENTRIES.c.book_id == _BOOKS.c.id)
        & (_ENTRIES.c.href == bindparam("href")),
    )
    .outerjoin(_DATA, (_DATA.c.viewer_id == _ENTRIES.c.viewer_id) & (_DATA.c.entry_id == _ENTRIES.c.id))
    .outerjoin(
        _COPIES,
        (_COPIES.c.viewer_id == _ENTRIES.c.viewer_id)
        & (_COPIES.c.entry_id == _ENTRIES.c.id)
        & (_COPIES.c.device_id == bindparam("device")),
    )
    .where(_BOOKS.c.viewer_id == bindparam("viewer"), _BOOKS.c.id == bindparam("book"))
)
_FIND, _FIND_APART = entry_cards.together(_FOUND, Card.digest), entry_cards.apart(_FOUND)
# The parameters of an update must not be called as its columns are.
_SAID: dict[str, BindParameter[Any]] = {
    name: bindparam(f"new_{name}") for name in ("uid", "state", "revision", "changed_at", "digest")
}
_UPDATE = update(_ENTRIES).where(*_KEY).values(**_SAID)
_STAMP = update(_ENTRIES).where(*_KEY).values({name: _SAID[name] for name in ("revision", "changed_at")})
_INSERT = insert(_ENTRIES).values(
    viewer_id=bindparam("viewer"),
    id=bindparam("entry"),
    book_id=bindparam("book"),
    href=bindparam("name"),
    kind=bindparam("new_kind"),
    **_SAID,
)
_DATA_KEY = (_DATA.c.viewer_id == bindparam("viewer"), _DATA.c.entry_id == bindparam("entry"))
_SET_DATA = update(_DATA).where(*_DATA_KEY).values(data=bindparam("new_data"))
_ADD_DATA = insert(_DATA).values(viewer_id=bindparam("viewer"), entry_id=bindparam("entry"), data=bindparam("new_data"))
_COPY: dict[str, BindParameter[Any]] = {"revision": bindparam("new_revision"), "sent": bindparam("new_sent")}


@functools.cache
def _setting_copy(dialect: str) -> Insert:
    # A report of the same device's may write it down at the same time.
    made = insert_into(dialect, _COPIES).values(
        viewer_id=bindparam("viewer"), device_id=bindparam("device"), entry_id=bindparam("entry"), **_COPY
    )
    setting: Insert = made.on_conflict_do_update(index_elements=_COPIES.primary_key.columns, set_=_COPY)
    return setting
