"""What verification finds where something of a shared book was changed behind the engine's back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import delete, update

from sync import verification
from sync.database.engine import Database, Session
from sync.models import AddressBook, OrganisationBook, PrivateCard, SharedBook
from sync.revisions.shared_states import WRITER
from sync.shared_books import access, books, writes
from sync.sign_in import deletion
from tests.support import clubs, factories

BROKEN: dict[str, Callable[[int], Any]] = {
    "nobody has it": lambda _: delete(OrganisationBook),
    "an address book of nobody": lambda _: delete(SharedBook),
    "no address book": lambda book_id: delete(AddressBook).where(AddressBook.viewer_id == book_id),
    "a book that is behind": lambda book_id: (
        update(AddressBook).where(AddressBook.viewer_id == book_id).values(revision=0)
    ),
    "another text": lambda _: update(PrivateCard).values(data=b"BEGIN:VCARD"),
    "a role that there is not": lambda _: update(SharedBook).values(everybody="owner"),
}


@pytest.fixture
def shared(database: Database) -> tuple[int, int]:
    """Somebody who wrote a contact into a shared book, and the book."""
    anna, club = factories.person(database, "anna"), clubs.found(database)
    club.join(anna)
    book_id = database.write(lambda session: books.create(session, club.id, "Customers", WRITER))

    def write(session: Session) -> None:
        book = access.of_id(session, anna, book_id)
        writes.write(session, book, "plumber.vcf", factories.vcard("plumber", "TEL:1"), lambda _etag: None)

    database.write(write)
    return anna, book_id


def found(database: Database) -> list[str]:
    with database.reading() as session:
        return [str(each) for each in verification.findings(session)]


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_it_finds(database: Database, shared: tuple[int, int], broken: Callable[[int], Any]) -> None:
    assert found(database) == []
    database.write(lambda session: session.execute(broken(shared[1])))
    assert found(database) != []


def test_nothing_is_wrong_while_others_are_still_told_what_somebody_did_who_is_gone(
    database: Database, shared: tuple[int, int]
) -> None:
    deletion.leave(database, shared[0])
    deletion.work(database)
    assert found(database) == []
