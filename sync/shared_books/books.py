"""Shared books as those see them who look after an organisation: made, named, granted, and deleted."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import Session

from sync.database.engine import Database, among
from sync.database.upserts import insert_into
from sync.errors import InvalidInput, LimitExceeded, NotFound
from sync.models import (
    CONTACTS,
    AddressBook,
    Base,
    Entry,
    Organisation,
    OrganisationBook,
    PushSubscription,
    SharedAccess,
    SharedBook,
    new_id,
    now,
)
from sync.revisions import address_books
from sync.revisions.address_books import PRESENT
from sync.revisions.shared_states import NO_ACCESS, READER, WRITER, path_of
from sync.shared_books import access
from sync.vcard import clean

ROLES = (READER, WRITER, NO_ACCESS)
#: Shared books of one organisation.
MOST = 50
_TITLE = 100


@dataclass(frozen=True, slots=True)
class About:
    """A shared book, what every member may do with it who was granted nothing else, and how many contacts it has."""

    id: int
    organisation_id: int
    title: str
    everybody: str
    contacts: int

    @property
    def path(self) -> str:
        """Its name below the principal of each member."""
        return path_of(self.id)


def create(session: Session, organisation_id: int, title: str, everybody: str = READER) -> int:
    """
    Make a shared book of an organisation without contacts, and return its id.

    Raises:
        NotFound: There is no such organisation.
        InvalidInput: The title is empty, too long, or that of another book there; or there is no such role.
        LimitExceeded: The organisation has as many as it may.
    """
    with session.begin_nested():
        # Two that are made at once must not come past the limit, nor have one title.
        there = (Organisation.id == organisation_id, Organisation.deleted_at.is_(None))
        if session.scalars(select(Organisation.id).where(*there).with_for_update()).first() is None:
            raise NotFound("There is no such organisation.")
        known = of_organisation(session, organisation_id)
        if len(known) >= MOST:
            raise LimitExceeded(f"An organisation has at most {MOST} shared address books.")
        book_id, at = new_id(), now()
        title = _titled(session, organisation_id, title)
        made = {"id": CONTACTS, "path": address_books.CONTACTS_PATH, "epoch": new_id(), "revision": 0}
        session.execute(insert(AddressBook).values(viewer_id=book_id, title=title, changed_at=at, **made))
        shared = {"organisation_id": organisation_id, "everybody": _role(everybody), "created_at": at}
        session.execute(insert(SharedBook).values(id=book_id, **shared))
        session.execute(insert(OrganisationBook).values(organisation_id=organisation_id, book_id=book_id))
    return book_id


def of_organisation(session: Session, organisation_id: int) -> list[About]:
    """Return the shared books of an organisation, by their titles."""
    theirs = select(OrganisationBook.book_id).where(OrganisationBook.organisation_id == organisation_id)
    ids = session.scalars(theirs).all()
    return sorted((about(session, each) for each in ids), key=lambda each: (each.title.casefold(), each.id))


def about(session: Session, book_id: int) -> About:
    """
    Return what there is to know of a shared book.

    Raises:
        NotFound: There is none.
    """
    shared = session.get(SharedBook, book_id, populate_existing=True)
    if shared is None:
        raise NotFound("There is no such address book.")
    title = access.base(session, book_id).title
    there = (Entry.viewer_id == book_id, Entry.book_id == CONTACTS, Entry.state == PRESENT)
    contacts = session.scalars(select(func.count()).where(*there)).one()
    return About(book_id, shared.organisation_id, title, shared.everybody, contacts)


def named(session: Session, organisation_id: int, title: str) -> About:
    """
    Return the shared book of an organisation that has this title, in whatever case.

    Raises:
        NotFound: It has none.
    """
    for found in of_organisation(session, organisation_id):
        if found.title.casefold() == " ".join(title.split()).casefold():
            return found
    raise NotFound(f"This organisation has no address book {title!r}.")


def rename(session: Session, book_id: int, title: str) -> None:
    """
    Give a shared book another title; what is in it stays the same.

    Raises:
        NotFound: There is none.
        InvalidInput: As `create`.
    """
    with session.begin_nested():
        base, shared = access.base(session, book_id), about(session, book_id)
        address_books.set_title(session, base, _titled(session, shared.organisation_id, title, but=book_id))


def set_everybody(session: Session, book_id: int, role: str) -> None:
    """
    Say what every member may do with a shared book who was granted nothing else.

    Raises:
        NotFound: There is none.
        InvalidInput: There is no such role.
    """
    changed = update(SharedBook).where(SharedBook.id == book_id).values(everybody=_role(role))
    if session.execute(changed.returning(SharedBook.id)).first() is None:
        raise NotFound("There is no such address book.")


def grant(session: Session, book_id: int, account_id: int, role: str) -> None:
    """
    Say what one member may do with a shared book, whatever everybody may.

    Raises:
        NotFound: There is no such book.
        InvalidInput: There is no such role.
    """
    about(session, book_id)
    table = Base.metadata.tables["shared_access"]
    said = {"role": _role(role)}
    made = insert_into(session.get_bind().dialect.name, table).values(viewer_id=account_id, book_id=book_id, **said)
    session.execute(made.on_conflict_do_update(index_elements=table.primary_key.columns, set_=said))


def take_back(session: Session, book_id: int, account_id: int) -> None:
    """
    Let a member do again what everybody may.

    Raises:
        NotFound: Nothing else was granted to them.
    """
    mine = (SharedAccess.viewer_id == account_id, SharedAccess.book_id == book_id)
    if session.execute(delete(SharedAccess).where(*mine).returning(SharedAccess.book_id)).first() is None:
        raise NotFound("Nothing was granted to this person in this address book.")


def granted(session: Session, book_id: int) -> dict[int, str]:
    """Return what was granted to single people, by their account ids."""
    rows = session.execute(select(SharedAccess.viewer_id, SharedAccess.role).where(SharedAccess.book_id == book_id))
    return {row[0]: row[1] for row in rows}


def remove(session: Session, book_id: int) -> None:
    """
    Delete a shared book with everything that everybody has in it; what readers added for themselves stays theirs.

    Raises:
        NotFound: There is none.
    """
    with session.begin_nested():
        gone = delete(SharedBook).where(SharedBook.id == book_id).returning(SharedBook.organisation_id)
        organisation_id = session.scalars(gone).first()
        if organisation_id is None:
            raise NotFound("There is no such address book.")
        theirs = (OrganisationBook.organisation_id == organisation_id, OrganisationBook.book_id == book_id)
        session.execute(delete(OrganisationBook).where(*theirs))
        session.execute(delete(AddressBook).where(AddressBook.viewer_id == book_id))
        session.execute(delete(SharedAccess).where(SharedAccess.book_id == book_id))
        session.execute(delete(PushSubscription).where(PushSubscription.book_id == book_id))


def tidy(database: Database) -> int:
    """Delete the shared books of organisations that are no more, one by one, and return how many those were."""
    with database.reading() as session:
        owners = session.scalars(select(OrganisationBook.organisation_id).distinct()).all()
        there = set(session.scalars(select(Organisation.id).where(among(session, Organisation.id, owners))))
        gone = among(session, OrganisationBook.organisation_id, sorted(set(owners) - there))
        ids = session.scalars(select(OrganisationBook.book_id).where(gone)).all()
    for book_id in ids:
        database.write(partial(remove, book_id=book_id))
    return len(ids)


def _titled(session: Session, organisation_id: int, title: str, but: int | None = None) -> str:
    title = " ".join(clean(title).split())
    if not title or len(title) > _TITLE:
        raise InvalidInput(f"The title of a shared address book has 1 to {_TITLE} characters.")
    others = [each for each in of_organisation(session, organisation_id) if each.id != but]
    if title.casefold() in {each.title.casefold() for each in others}:
        raise InvalidInput(f"The organisation has an address book {title!r} already.")
    return title


def _role(role: str) -> str:
    if role not in ROLES:
        raise InvalidInput(f"What somebody may do with a shared address book is one of: {', '.join(ROLES)}.")
    return role
