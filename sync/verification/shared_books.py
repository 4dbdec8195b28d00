"""What must be true of books that organisations share: each is one organisation's, and its contacts can be served."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from sync.database.lists import among
from sync.models import CONTACTS, Account, AddressBook, Organisation, OrganisationBook, SharedBook
from sync.revisions.shared_states import NO_ACCESS, READER, WRITER, path_of
from sync.verification import viewers
from sync.verification.reading import Page, chunks, matching

#: Books that are looked at together.
_SOME = 100


def belongings(session: Session) -> Iterator[str]:
    """Yield which address books and shared books are nobody's."""
    somebody = exists().where(Account.id == AddressBook.viewer_id)
    shared = exists().where(SharedBook.id == AddressBook.viewer_id)
    if count := session.scalars(select(func.count()).select_from(AddressBook).where(~somebody, ~shared)).one():
        yield f"{count} rows of address_book belong to no row of account or shared_book."
    named = select(OrganisationBook.organisation_id, OrganisationBook.book_id)
    lost = 0
    for some in chunks(session.execute(named)):
        pairs = [(row.book_id, row.organisation_id) for row in some]
        key = (SharedBook.id, SharedBook.organisation_id)
        lost += len(set(pairs) - {tuple(row) for row in matching(session, select(*key), key, pairs)})
    if lost:
        yield f"{lost} rows of organisation_book belong to no row of shared_book."


def contents(session: Session) -> Iterator[str]:
    """Yield what is wrong with single shared books, which are named as below a principal, and with their contacts."""
    ids = select(SharedBook.id, SharedBook.organisation_id, SharedBook.everybody).order_by(SharedBook.id)
    for some in chunks(session.execute(ids).all(), _SOME):
        books = {row.id: row for row in some}
        there = select(AddressBook.viewer_id).where(among(session, AddressBook.viewer_id, list(books)))
        kept = set(session.scalars(there.where(AddressBook.id == CONTACTS)))
        owners = [row.organisation_id for row in some]
        known = set(session.scalars(select(Organisation.id).where(among(session, Organisation.id, owners))))
        pairs = [(row.organisation_id, row.id) for row in some]
        key = (OrganisationBook.organisation_id, OrganisationBook.book_id)
        named = {tuple(row) for row in matching(session, select(*key), key, pairs)}
        for book_id, row in books.items():
            if book_id not in kept:
                yield f"{path_of(book_id)}: There is no address book for the contacts."
            if row.organisation_id not in known or (row.organisation_id, book_id) not in named:
                yield f"{path_of(book_id)}: No organisation has it."
            if row.everybody not in (READER, WRITER, NO_ACCESS):
                yield f"{path_of(book_id)}: What everybody may do with it is nothing that there is."
        page = Page(session, {book_id: path_of(book_id) for book_id in books})
        yield from (f"{path_of(book_id)}: {problem}" for book_id, problem in viewers.entries_of(page))
