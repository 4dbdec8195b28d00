"""
Address books: revisions and the sync tokens that name them. Nothing else writes a revision.

Theory of operation
------------------- Rule 1: a change that the person can see raises the book's revision by one, in the transaction of
the change, by an update in place. The row lock that this takes orders all changes of one book, so revisions are
committed in their order. (A sequence, ``max + 1`` or a clock are not: readers would pass over numbers that are
committed late.)

Rule 2: an entry that changed, went or came carries the revision that its book was raised to. "What changed since r"
is every entry with a higher revision, present or gone; nothing else is kept, so a token never expires.

Rule 3: a reader takes the book's revision first and its entries afterwards. It may be shown a change twice; it never
misses one.

Rule 4: books are raised in the order of their viewers' ids, as the last thing a transaction does. Transactions that
still meet in another order are run again by `sync.database.engine`.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Update, bindparam, delete, func, insert, or_, select, update
from sqlalchemy.orm import Session

from sync.database.distribution import TOGETHER, is_distributed, set_locally
from sync.database.engine import Database, settings_of
from sync.database.lists import SQLITE, among, among_parameter, ids
from sync.database.prepared import execute, later, read, value
from sync.errors import AlreadyExists, InvalidInput, InvalidSyncToken, LimitExceeded, NotFound, Refused
from sync.models import CONTACTS, AddressBook, Base, Device, DeviceCopy, Entry, VersionTotal, new_id, now
from sync.push import news, subscriptions
from sync.push.keys import HOME
from sync.revisions import dead_properties, link_revisions, rosters
from sync.revisions.rosters import Roster
from sync.revisions.shared_states import Shared, id_of, path_of
from sync.vcard import clean

CONTACTS_PATH = "contacts"
DEFAULT_TITLE = "Contacts"
PRESENT = "present"
REMOVED = "removed"
HIDDEN = "hidden"
BLOCKED = "blocked"
#: Characters of what somebody says that an address book is for.
_DESCRIPTION = 2_000
_TITLE = 200

_TOKEN = re.compile(r"urn:x-evercard:sync/([0-9a-f]{1,16})/([0-9a-f]{1,16})/([0-9]{1,18})", re.ASCII)
_LISTS_TOKEN = re.compile(r"(.+)/([a-z]{1,16})/([0-9]{1,18})", re.ASCII)
_ROSTERS = "/organisations/"
_ROSTER_STATE = re.compile(r"([0-9a-f]{1,16})\.([0-9]{1,18})", re.ASCII)


class Lists(NamedTuple):
    """In which way a device shows groups as lists, and the state that these are in: `sync.revisions.list_states`."""

    way: str
    revision: int


class Reached(NamedTuple):
    """
    A state that a device knows: of the entries of an address book, and of the lists that it shows besides.

    Also of the rosters of the person's organisations, by the id of the membership; one that is not there it never saw.
    """

    revision: int
    lists: int = 0
    rosters: tuple[tuple[int, int], ...] = ()


class Book(NamedTuple):
    """
    One state of an address book, as a device sees it that shows *lists*, or none.

    *rosters* are those of the organisations that its person is a member of, *names_key* is the key of the names that
    entries of members have (`sync.revisions.entry_names`). *shared* is what the book is that an organisation shares,
    laid over which this is what its person has of their own; then *rosters* names the state of that one.
    """

    viewer_id: int
    id: int
    path: str
    title: str
    epoch: int
    revision: int
    lists: Lists | None = None
    rosters: tuple[Roster, ...] = ()
    names_key: bytes | None = None
    shared: Shared | None = None

    @property
    def is_layer(self) -> bool:
        """Whether this is what somebody has of their own in a book that is shared, and no address book by itself."""
        return self.path == path_of(self.id)

    @property
    def sync_token(self) -> str:
        """The URI that names this state; the ctag is the same text (client fact E-2: it needs a colon and a slash)."""
        return self.token_of(self.reached)

    @property
    def reached(self) -> Reached:
        """What a device knows that has everything."""
        known = tuple([(roster.id, roster.revision) for roster in self.rosters]) if self.rosters else ()
        return Reached(self.revision, self.lists.revision if self.lists is not None else 0, known)

    def token_of(self, reached: Reached) -> str:
        """Return the token of a state of this book; which lists a device shows is in it, so that no other takes it."""
        plain = sync_token(self.epoch, self.id, reached.revision)
        token = plain if self.lists is None else f"{plain}/{self.lists.way}/{reached.lists}"
        states = "+".join([f"{key:x}.{revision}" for key, revision in reached.rosters])
        return f"{token}{_ROSTERS}{states}" if states else token

    def reached_of(self, token: str) -> Reached:
        """
        Return what *token* stands for.

        Raises:
            InvalidSyncToken: As `revision_of`; or it is one of a device that shows other lists, or none; or it knows
            an organisation that the person is no member of any more, or of which it is not known any more who left.
        """
        token, _, states = token.partition(_ROSTERS)
        known = self._rosters_of(states)
        if self.lists is None:
            return Reached(self.revision_of(token), 0, known)
        match = _LISTS_TOKEN.fullmatch(token)
        if not match or match[2] != self.lists.way or int(match[3]) > self.lists.revision:
            raise InvalidSyncToken
        return Reached(self.revision_of(match[1]), int(match[3]), known)

    def _rosters_of(self, states: str) -> tuple[tuple[int, int], ...]:
        found = [_ROSTER_STATE.fullmatch(state) for state in states.split("+")] if states else []
        known = {int(each[1], 16): int(each[2]) for each in found if each}
        kept = tuple((each.id, known[each.id]) for each in self.rosters if each.is_known(known.get(each.id, -1)))
        if len(kept) != len(found):
            raise InvalidSyncToken
        return kept

    def revision_of(self, token: str) -> int:
        """
        Return the revision that *token* stands for.

        Raises:
            InvalidSyncToken: It is no token of this book, is of another epoch, or of a revision that was never handed
            out.
        """
        match = _TOKEN.fullmatch(token)
        if not match:
            raise InvalidSyncToken
        epoch, book_id, revision = int(match[1], 16), int(match[2], 16), int(match[3])
        if (epoch, book_id) != (self.epoch, self.id) or revision > self.revision:
            raise InvalidSyncToken
        return revision


def sync_token(epoch: int, book_id: int, revision: int) -> str:
    """Write the token of one state of an address book."""
    return f"urn:x-evercard:sync/{epoch:x}/{book_id:x}/{revision}"


def books_of(session: Session, viewer_id: int) -> list[Book]:
    """Return a person's address books, that of their connections first, and what they laid over shared ones."""
    found = session.execute(_BOOK.where(AddressBook.viewer_id == viewer_id).order_by(AddressBook.id)).all()
    return [_book(row, rosters.find(session, row.rosters)) for row in found]


def find_book(session: Session, viewer_id: int, path: str) -> Book | None:
    """Return the address book at *path* below a person's principal, if there is one."""
    rows = read(session, _AT_PATH, {"viewer": viewer_id, "path": path})
    return _book(rows[0], rosters.find(session, rows[0][6])) if rows and path != path_of(rows[0][1]) else None


def read_book(database: Database, viewer_id: int, path: str) -> Book | None:
    """Return the address book at *path* as `find_book` does, without a transaction: every poll of it asks for this."""
    rows = database.quick_rows(_AT_PATH, {"viewer": viewer_id, "path": path})
    return _book(rows[0], rosters.read(database, rows[0][6])) if rows and path != path_of(rows[0][1]) else None


def create_contacts(session: Session, viewer_id: int, at: int) -> None:
    """Make a person's first address book, in which connections appear."""
    session.execute(
        insert(AddressBook).values(
            viewer_id=viewer_id,
            id=CONTACTS,
            path=CONTACTS_PATH,
            title=DEFAULT_TITLE,
            epoch=new_id(),
            revision=0,
            changed_at=at,
        )
    )


def raise_revisions(
    session: Session, viewer_ids: Iterable[int], at: int, book_id: int = CONTACTS
) -> news.Browsers | None:
    """
    Raise the revision of one book of each viewer by one, and return their browsers that are told of cards.

    The caller stamps what changed (`stamp`, `stamp_entry`) in the same transaction and changes nothing else afterwards;
    whose cards these are it notes for the browsers (`news.note_card`).
    """
    viewers = sorted(set(viewer_ids))
    dialect = session.get_bind().dialect.name
    if not viewers:
        return None
    if len(viewers) > 1 and dialect == "postgresql":
        set_locally(session, _IN_ORDER)
    later(session, _raising(dialect), {"viewers": ids(dialect, viewers), "book": book_id, "at": at})
    return news.note_content(session, viewers, book_id, at, with_browsers=True)


def raise_one(session: Session, book: Book, at: int) -> int:
    """
    Raise the revision of one book as `raise_revisions` does, for the caller to stamp with what it returns.

    Raises:
        NotFound: The book is gone.
    """
    rows = execute(session, _RAISE_ONE, {"viewer": book.viewer_id, "book": book.id, "at": at})
    if not rows:
        raise NotFound("There is no such address book.")
    ((raised, is_heard_of),) = rows
    if is_heard_of:
        news.note_content(session, [book.viewer_id], book.id, at)
    return int(raised)


def stamp(session: Session, viewer_ids: Iterable[int], entry_id: int, at: int, version: int | None = None) -> None:
    """
    Give the entry of this id in the book of each viewer the book's revision. *at* becomes its REV.

    *version* is that of the owner's profile with the change, where it is one of the owner's.
    """
    viewers, is_apart = sorted(set(viewer_ids)), is_distributed(session)
    # For which change an entry was raised is asked by those only who read it apart from its card.
    values = {"entry": entry_id, "at": at, **({"version": version} if is_apart else {})}
    if len(viewers) == 1:
        later(session, _STAMP_ONE_APART if is_apart else _STAMP_ONE, {"viewer": viewers[0], **values})
    elif viewers:
        dialect = session.get_bind().dialect.name
        stamping = _stamping_apart if is_apart else _stamping
        later(session, stamping(dialect), {"viewers": ids(dialect, viewers), **values})


def raised_before(session: Session, viewer_ids: Collection[int], entry_id: int, version: int) -> list[int]:
    """Return those viewers in whose books the entry was raised for no change of its owner's as late as *version*."""
    theirs = (among(session, Entry.viewer_id, viewer_ids), Entry.id == entry_id)
    before = or_(Entry.raised_for.is_(None), Entry.raised_for < version)
    return sorted(session.scalars(select(Entry.viewer_id).where(*theirs, before)))


def create(session: Session, viewer_id: int, path: str, title: str = "", description: str = "") -> Book:
    """
    Make a further address book, for private contacts only. *description* is what the person says that it is for.

    Raises:
        InvalidInput: There cannot be an address book at this path.
        AlreadyExists: There is one.
        LimitExceeded: The person has as many as they may, or the title or description is too long.
    """
    if not path or len(path) > 64 or path != clean(path) or id_of(path) is not None:
        raise InvalidInput("The name of an address book has 1 to 64 characters, none of them invisible.")
    with session.begin_nested():
        # Whoever makes two at once must not come past the limit.
        lock(session, viewer_id, CONTACTS)
        existing = [book for book in books_of(session, viewer_id) if not book.is_layer]
        if any(book.path == path for book in existing):
            raise AlreadyExists("There is an address book of this name already.")
        limit = settings_of(session).limits.address_books
        if len(existing) >= limit:
            raise LimitExceeded(f"A person has at most {limit} address books.")
        values = {
            "path": path,
            "title": _titled(title) or path,
            "description": _described(description) or None,
            "epoch": new_id(),
            "revision": 0,
            "changed_at": now(),
        }
        session.execute(insert(AddressBook).values(viewer_id=viewer_id, id=new_id(), **values))
        news.note_content(session, [viewer_id], HOME, now())
    found = find_book(session, viewer_id, path)
    if found is None:
        raise NotFound("There is no such address book.")
    return found


def remove(session: Session, book: Book) -> None:
    """
    Delete an address book that the person made, with everything in it.

    Raises:
        Refused: It is the one that connections appear in, or one that an organisation shares.
    """
    if book.shared is not None:
        raise Refused("An address book that is shared is looked after by its organisation.")
    if book.id == CONTACTS:
        raise Refused("The address book of your connections cannot be deleted.")
    with session.begin_nested():
        dead_properties.forget_book(session, book.viewer_id, book.id)
        session.execute(delete(AddressBook).where(AddressBook.viewer_id == book.viewer_id, AddressBook.id == book.id))
        session.execute(delete(VersionTotal).where(VersionTotal.viewer_id == book.viewer_id))
        subscriptions.end_of_book(session, book.viewer_id, book.id)
        news.note_content(session, [book.viewer_id], HOME, now())


def lock(session: Session, viewer_id: int, book_id: int) -> int | None:
    """
    Let nobody else change an address book until the transaction ends, and return its revision.

    Nobody can on SQLite from the beginning of the transaction on; there nothing is asked and None returned.
    """
    if session.get_bind().dialect.name == SQLITE:
        return None
    revision: int | None = value(session, _LOCK, {"viewer": viewer_id, "book": book_id})
    return revision


def lock_all(session: Session, viewer_ids: Iterable[int], book_id: int = CONTACTS) -> None:
    """Do for one book of each viewer what `lock` does, in the order of their ids, where rows have to be locked."""
    dialect = session.get_bind().dialect.name
    if dialect == SQLITE:
        return
    set_locally(session, _IN_ORDER)
    # Rows of several people cannot be locked but by changing them; this changes nothing of them.
    execute(session, _locking(dialect), {"viewers": ids(dialect, sorted(set(viewer_ids))), "book": book_id})


def set_title(session: Session, book: Book, title: str) -> None:
    """
    Give an address book another title, or its first one back when *title* is empty. What is in it stays the same.

    Raises:
        LimitExceeded: The title is too long.
    """
    _set(session, book, title=_titled(title) or DEFAULT_TITLE)


def remove_title(session: Session, book: Book) -> None:
    """Take the title of an address book away. What is in it stays the same."""
    _set(session, book, title="")


def description(session: Session, book: Book) -> str | None:
    """Return what the person says that an address book is for, None where they say nothing."""
    said = select(AddressBook.description).where(AddressBook.viewer_id == book.viewer_id, AddressBook.id == book.id)
    return session.scalars(said).first()


def set_description(session: Session, book: Book, text: str | None) -> None:
    """
    Note what the person says that an address book is for, None for nothing. What is in it stays the same.

    Raises:
        LimitExceeded: They say more than can be kept.
    """
    _set(session, book, description=_described(text) if text is not None else None)


def _set(session: Session, book: Book, **values: str | None) -> None:
    mine = (AddressBook.viewer_id == book.viewer_id, AddressBook.id == book.id)
    with session.begin_nested():
        session.execute(update(AddressBook).where(*mine).values(**values))
        news.note_properties(session, book.viewer_id, book.id, now())


def me_card(session: Session, viewer_id: int) -> str:
    """Return the name of the entry that is the person's own card: that which a device chose, else the profile's."""
    own = select(func.coalesce(AddressBook.me_card, Entry.href))
    of_person = (AddressBook.viewer_id == viewer_id, AddressBook.id == CONTACTS, Entry.id == viewer_id)
    return session.scalars(own.join(Entry, Entry.viewer_id == AddressBook.viewer_id).where(*of_person)).one()


def set_me_card(session: Session, viewer_id: int, href: str) -> None:
    """Note which entry of their connections' address book a device calls the person's own card."""
    mine = (AddressBook.viewer_id == viewer_id, AddressBook.id == CONTACTS)
    with session.begin_nested():
        session.execute(update(AddressBook).where(*mine).values(me_card=href[:255]))
        news.note_properties(session, viewer_id, HOME, now())


def begin_new_epoch(session: Session) -> int:
    """
    Make every sync token that was ever handed out invalid, so that each client fetches its whole address book once.

    To be done after a backup was put back: revisions that clients have seen will be handed out again with another
    meaning. For the same reason no device counts as having anything until it has come. Returns how many books there
    are.
    """
    with session.begin_nested():
        session.execute(update(Device).values(synced_revision=0, synced_at=None))
        session.execute(delete(DeviceCopy))
        keys = session.execute(select(AddressBook.viewer_id, AddressBook.id)).all()
        epochs = [{"viewer_id": viewer_id, "id": book_id, "epoch": new_id()} for viewer_id, book_id in keys]
        if epochs:
            session.execute(update(AddressBook), epochs)
        link_revisions.begin_new_epoch(session)
    return len(keys)


_BOOK = select(
    AddressBook.viewer_id, AddressBook.id, AddressBook.path, AddressBook.title, AddressBook.epoch, AddressBook.revision
).add_columns(AddressBook.rosters, AddressBook.names_key)
_AT_PATH = _BOOK.where(AddressBook.viewer_id == bindparam("viewer"), AddressBook.path == bindparam("path"))
#: Rule 4: read by their index, rows are locked in the order of ids; read as they lie in the table, in any order. And a
#: plan that was made for few viewers takes many times as long for thousands. The settings end with the transaction.
_IN_ORDER = {"enable_seqscan": "off", "enable_bitmapscan": "off", "plan_cache_mode": "force_custom_plan"}
# Every change of what somebody shows ends with these two; putting such a statement together takes longer than a small
# one runs.
_BOOKS, _ENTRIES = Base.metadata.tables["address_book"], Base.metadata.tables["entry"]
_MINE = (_BOOKS.c.viewer_id == bindparam("viewer"), _BOOKS.c.id == bindparam("book"))
_LOCK = select(_BOOKS.c.revision).where(*_MINE).with_for_update()
_RAISE_ONE = (
    update(_BOOKS)
    .where(*_MINE)
    .values(revision=_BOOKS.c.revision + 1, changed_at=bindparam("at"))
    .returning(_BOOKS.c.revision, news.is_registered("viewer", "book"))
)


@functools.cache
def _raising(dialect: str) -> Update:
    return (
        update(_BOOKS)
        .where(among_parameter(dialect, _BOOKS.c.viewer_id, "viewers"), _BOOKS.c.id == bindparam("book"))
        .values(revision=_BOOKS.c.revision + 1, changed_at=bindparam("at"))
    )


@functools.cache
def _locking(dialect: str) -> Update:
    theirs = (among_parameter(dialect, _BOOKS.c.viewer_id, "viewers"), _BOOKS.c.id == bindparam("book"))
    return update(_BOOKS).where(*theirs).values(lists_revision=_BOOKS.c.lists_revision)


@functools.cache
def _stamping(dialect: str) -> Update:
    current = (
        select(_BOOKS.c.revision)
        .where(_BOOKS.c.viewer_id == _ENTRIES.c.viewer_id, _BOOKS.c.id == _ENTRIES.c.book_id)
        .scalar_subquery()
    )
    return (
        update(_ENTRIES)
        .where(among_parameter(dialect, _ENTRIES.c.viewer_id, "viewers"), _ENTRIES.c.id == bindparam("entry"))
        .values(revision=current, changed_at=bindparam("at"))
        .execution_options(**{TOGETHER: True})
    )


@functools.cache
def _stamping_apart(dialect: str) -> Update:
    return _STAMP_APART.where(
        among_parameter(dialect, _ENTRIES.c.viewer_id, "viewers"),
        among_parameter(dialect, _BOOKS.c.viewer_id, "viewers"),
    )


# Both tables are told whose rows these are: where only one is, a database of many machines asks all of them.
_STAMP = (
    update(_ENTRIES)
    .where(
        _ENTRIES.c.id == bindparam("entry"),
        _BOOKS.c.viewer_id == _ENTRIES.c.viewer_id,
        _BOOKS.c.id == _ENTRIES.c.book_id,
    )
    .values(revision=_BOOKS.c.revision, changed_at=bindparam("at"))
)
_STAMP_APART = _STAMP.values(raised_for=rosters.raised_for(_ENTRIES.c.raised_for))
_ONE = (_ENTRIES.c.viewer_id == bindparam("viewer"), _BOOKS.c.viewer_id == bindparam("viewer"))
_STAMP_ONE, _STAMP_ONE_APART = _STAMP.where(*_ONE), _STAMP_APART.where(*_ONE)


def _titled(title: str) -> str:
    title = clean(title)
    if len(title) > _TITLE:
        raise LimitExceeded(f"The title of an address book has at most {_TITLE} characters.")
    return title


def _described(text: str) -> str:
    if len(text) > _DESCRIPTION:
        raise LimitExceeded(f"The description of an address book has at most {_DESCRIPTION} characters.")
    return clean(text)


def _book(row: Sequence[Any], found: tuple[Roster, ...]) -> Book:
    *state, _, key = row
    return Book(*state)._replace(rosters=found, names_key=bytes(key) if key is not None else None)
