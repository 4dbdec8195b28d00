"""
Who may do what with which shared book. Everything that shows or changes one asks here first.

Whoever is a member of the organisation now may do what was granted to them, or else what everybody may. That somebody
is a member says the roster which their address book names (`sync.revisions.rosters`): it is read with the credentials.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import BigInteger, Select, bindparam, literal, literal_column, null, select, union_all, update
from sqlalchemy.orm import Session

from sync.database.engine import Database, among
from sync.database.prepared import execute
from sync.errors import NotFound, Refused
from sync.models import CONTACTS, AddressBook, Device, OrganisationBook, SharedAccess, SharedBook
from sync.revisions import address_books
from sync.revisions.address_books import CONTACTS_PATH, Book
from sync.revisions.rosters import Roster
from sync.revisions.shared_states import NO_ACCESS, Shared, id_of, key_of, path_of

_GONE = "There is no such address book."


def read(database: Database, account_id: int, rosters: Sequence[Roster], path: str) -> Book | None:
    """
    Return the shared book at *path* as somebody sees it whose organisations these are, None where they do not.

    Every poll of it asks for this, so it is without a transaction.
    """
    book_id = id_of(path)
    if book_id is None or not rosters:
        return None
    found = database.quick_rows(_BOTH, {"book": book_id, "viewer": account_id})
    return _seen_of(account_id, rosters, found)


def find(session: Session, account_id: int, path: str) -> Book | None:
    """Return what `read` does, in a transaction."""
    book_id = id_of(path)
    contacts = address_books.find_book(session, account_id, CONTACTS_PATH) if book_id is not None else None
    if contacts is None or not contacts.rosters:
        return None
    found = execute(session, _BOTH, {"book": book_id, "viewer": account_id})
    return _seen_of(account_id, contacts.rosters, found)


def seen_again(session: Session, book: Book) -> Book:
    """
    Return a shared book as its person sees it in this transaction.

    Raises:
        NotFound: They do not see it any more.
    """
    found = find(session, book.viewer_id, book.path)
    if found is None:
        raise NotFound(_GONE)
    return found


def of_id(session: Session, account_id: int, book_id: int) -> Book:
    """
    Return a shared book as somebody sees it.

    Raises:
        NotFound: There is none, or they do not see it.
    """
    found = find(session, account_id, path_of(book_id))
    if found is None:
        raise NotFound(_GONE)
    return found


def of_writer(session: Session, account_id: int, book_id: int) -> Book:
    """
    Return a shared book that somebody may change for everybody.

    Raises:
        NotFound: They do not see it.
        Refused: They may only read it.
    """
    found = of_id(session, account_id, book_id)
    if found.shared is None or not found.shared.is_writer:
        raise Refused("You may read this address book; whoever may change it can do this.")
    return found


def books_of(session: Session, account_id: int) -> list[Book]:
    """Return the shared books that somebody sees, by their titles."""
    contacts = address_books.find_book(session, account_id, CONTACTS_PATH)
    rosters = contacts.rosters if contacts is not None else ()
    if not rosters:
        return []
    theirs = among(session, OrganisationBook.organisation_id, [each.organisation_id for each in rosters])
    ids = session.scalars(select(OrganisationBook.book_id).where(theirs)).all()
    if not ids:
        return []
    own = _own_of(session, account_id, ids)
    rows = session.execute(_STATES.where(among(session, SharedBook.id, ids))).all()
    found = (_seen(account_id, rosters, row, own.get(row[0], (None, None, None))) for row in rows)
    return sorted((book for book in found if book is not None), key=lambda book: (book.title.casefold(), book.id))


def readers_of(session: Session, book_id: int, members: Sequence[int]) -> list[int]:
    """Return who of some members of its organisation sees a shared book."""
    everybody = session.scalars(select(SharedBook.everybody).where(SharedBook.id == book_id)).first()
    theirs = (SharedAccess.book_id == book_id, among(session, SharedAccess.viewer_id, members))
    rows = session.execute(select(SharedAccess.viewer_id, SharedAccess.role).where(*theirs))
    granted = {row[0]: row[1] for row in rows}
    return [each for each in members if granted.get(each, everybody) not in (NO_ACCESS, None)]


def are_shown(session: Session, account_id: int, device_id: int | None, *, is_mac: bool) -> bool:
    """Whether a device is shown the shared books: as its person chose, else unless it is a Mac, which shows one."""
    mine = (Device.viewer_id == account_id, Device.id == device_id)
    chosen = session.scalars(select(Device.shared_books).where(*mine)).first()
    return not is_mac if chosen is None else chosen


def show(session: Session, account_id: int, device_id: int, *, choice: bool | None) -> None:
    """
    Choose whether a device is shown the shared books, None for what its program gets that nobody asked.

    Raises:
        NotFound: The person has no such device.
    """
    mine = (Device.viewer_id == account_id, Device.id == device_id, Device.revoked_at.is_(None))
    chosen = update(Device).where(*mine).values(shared_books=choice)
    if session.execute(chosen.returning(Device.id)).first() is None:
        raise NotFound("There is no such device.")


def base_of(book: Book) -> Book:
    """Return the address book that is nobody's, over which *book* is laid."""
    if book.shared is None:
        raise NotFound(_GONE)
    return _base(book.shared.id, book.title, book.shared.epoch, book.shared.revision)


def layer_of(book: Book) -> Book:
    """Return what somebody has of their own in a shared book, as an address book by itself."""
    return book._replace(shared=None, rosters=())


def base(session: Session, book_id: int) -> Book:
    """
    Return the address book that is nobody's of a shared book, for whoever looks after it.

    Raises:
        NotFound: There is none.
    """
    for _id, _organisation, _everybody, title, epoch, revision in execute(session, _STATE, {"book": book_id}):
        return _base(book_id, title, epoch, revision)
    raise NotFound(_GONE)


def _base(book_id: int, title: str, epoch: int, revision: int) -> Book:
    return Book(book_id, CONTACTS, CONTACTS_PATH, title, epoch, revision)


def _own_of(session: Session, account_id: int, ids: Iterable[int]) -> dict[int, tuple[Any, ...]]:
    """Return for each book what was granted to somebody, and the state of what they have of their own in it."""
    some = sorted(ids)
    access = select(SharedAccess.book_id, SharedAccess.role).where(SharedAccess.viewer_id == account_id)
    roles = {row[0]: row[1] for row in session.execute(access.where(among(session, SharedAccess.book_id, some)))}
    layers = select(AddressBook.id, AddressBook.epoch, AddressBook.revision).where(AddressBook.viewer_id == account_id)
    found = session.execute(layers.where(among(session, AddressBook.id, some)))
    states = {row[0]: (row[1], row[2]) for row in found}
    return {each: (roles.get(each), *states.get(each, (None, None))) for each in some}


def _seen_of(account_id: int, rosters: Sequence[Roster], found: Iterable[Sequence[Any]]) -> Book | None:
    """Return what `_seen` does of the rows of `_BOTH`."""
    halves = {row[0]: row[1:] for row in found}
    return _seen(account_id, rosters, halves[_BASE], halves[_MINE]) if _BASE in halves else None


def _seen(account_id: int, rosters: Sequence[Roster], state: Sequence[Any], own: Sequence[Any]) -> Book | None:
    book_id, organisation_id, everybody, title, epoch, revision = state
    granted, own_epoch, own_revision = own[-3:]
    membership = next((each.id for each in rosters if each.organisation_id == organisation_id), None)
    role = granted or everybody
    if membership is None or role == NO_ACCESS:
        return None
    shared = Shared(book_id, organisation_id, role, epoch, revision, own_epoch is not None)
    # Either may begin a new epoch, and then every token has to be refused.
    book = Book(account_id, book_id, path_of(book_id), title, epoch ^ (own_epoch or 0), own_revision or 0)
    return book._replace(shared=shared, rosters=(Roster(key_of(membership, role), book_id, revision),))


_STATES = select(
    SharedBook.id,
    SharedBook.organisation_id,
    SharedBook.everybody,
    AddressBook.title,
    AddressBook.epoch,
    AddressBook.revision,
).join(AddressBook, (AddressBook.viewer_id == SharedBook.id) & (AddressBook.id == CONTACTS))
_BOOK, _VIEWER = bindparam("book", type_=BigInteger), bindparam("viewer", type_=BigInteger)
_STATE = _STATES.where(SharedBook.id == _BOOK)
_LAYER = (AddressBook.viewer_id == _VIEWER) & (AddressBook.id == _BOOK)
_BASE, _MINE = 0, 1
# One row, whatever there is.
_OWN: Select[*tuple[Any, ...]] = (
    select(
        literal_column(str(_MINE)),
        *(null() for _ in range(3)),
        select(SharedAccess.role)
        .where(SharedAccess.viewer_id == _VIEWER, SharedAccess.book_id == _BOOK)
        .scalar_subquery(),
        AddressBook.epoch,
        AddressBook.revision,
    )
    .select_from(select(literal(1).label("one")).subquery())
    .outerjoin(AddressBook, _LAYER)
)
# Both in one statement: a poll has to ask for each. They are of two people's key spaces, so nothing is joined.
_BOTH = select(
    union_all(
        _STATE.with_only_columns(literal_column(str(_BASE)).label("half"), *_STATES.selected_columns), _OWN
    ).subquery()
)
