"""Further address books, and private contacts that move between them."""

from __future__ import annotations

import pytest

from sync.books import entries, transfers
from sync.database.engine import Database
from sync.errors import (
    AlreadyExists,
    InvalidInput,
    InvalidSyncToken,
    LimitExceeded,
    NotFound,
    PreconditionFailed,
    Refused,
    UIDConflict,
)
from sync.revisions import address_books
from sync.revisions.address_books import Book
from sync.settings import Limits, Settings
from tests.support import factories


def make(database: Database, viewer_id: int, path: str, title: str = "") -> Book:
    """Make a further address book."""
    return database.write(lambda session: address_books.create(session, viewer_id, path, title))


def move(
    database: Database,
    source: tuple[Book, str],
    target: tuple[Book, str],
    *,
    keep: bool = False,
    overwrite: bool = False,
) -> bool:
    """Move or copy an entry."""
    return database.write(lambda session: transfers.transfer(session, source, target, keep=keep, overwrite=overwrite))


def held(database: Database, book: Book) -> dict[str, str]:
    """Return the texts of an address book by name."""
    with database.reading() as session:
        found = address_books.find_book(session, book.viewer_id, book.path)
        assert found is not None
        return {entry.href: entry.text for entry in entries.texts(session, found)}


def test_a_person_makes_address_books_up_to_a_limit(database_url: str) -> None:
    """Each has a path of its own and is empty; names that cannot be one are refused, and so is one too many."""
    database = Database(database_url, Settings(limits=Limits(address_books=2)))
    try:
        (anna,) = factories.people(database, "anna")
        club = make(database, anna, "club", "Chess club")
        assert (club.title, held(database, club)) == ("Chess club", {})
        with pytest.raises(AlreadyExists):
            make(database, anna, "club")
        with pytest.raises(LimitExceeded):
            make(database, anna, "more")
        for path in ("", "x" * 65, "a\x00b"):
            with pytest.raises(InvalidInput):
                make(database, anna, path)
        with database.reading() as session:
            assert [book.path for book in address_books.books_of(session, anna)] == ["contacts", "club"]
    finally:
        database.dispose()


def test_the_address_book_of_connections_cannot_be_deleted(database: Database) -> None:
    """A person's own address book goes with its contacts; one made anew at its path knows no old token."""
    (anna,) = factories.people(database, "anna")
    contacts, club = factories.book(database, anna), make(database, anna, "club")
    with pytest.raises(Refused):
        database.write(lambda session: address_books.remove(session, contacts))
    database.write(lambda session: address_books.remove(session, club))
    again = make(database, anna, "club")
    with pytest.raises(InvalidSyncToken):
        again.revision_of(club.sync_token)


def test_a_contact_moves_with_its_bytes(database: Database) -> None:
    """Both address books tell their devices; the name that was left may be used again."""
    (anna,) = factories.people(database, "anna")
    contacts, club = factories.book(database, anna), make(database, anna, "club")
    data = factories.vcard("u", "NOTE:a")
    factories.put(database, anna, "x.vcf", data)
    before = factories.book(database, anna).revision
    assert not move(database, (contacts, "x.vcf"), (club, "y.vcf"))
    assert held(database, club) == {"y.vcf": data.decode()}
    assert "x.vcf" not in held(database, contacts)
    assert factories.book(database, anna).revision == before + 1
    assert not move(database, (club, "y.vcf"), (contacts, "x.vcf"))
    assert held(database, contacts)["x.vcf"] == data.decode()


def test_nothing_is_replaced_unless_that_is_asked(database: Database) -> None:
    """A move onto a contact needs the word for it, and leaves both as they were without."""
    (anna,) = factories.people(database, "anna")
    contacts, club = factories.book(database, anna), make(database, anna, "club")
    places = (contacts, "x.vcf"), (club, "y.vcf")
    factories.put(database, anna, "x.vcf", factories.vcard("u", "NOTE:a"))
    move(database, places[0], places[1], keep=True)
    factories.put(database, anna, "x.vcf", factories.vcard("u", "NOTE:b"))
    before = held(database, contacts), held(database, club)
    with pytest.raises(PreconditionFailed):
        move(database, *places)
    assert (held(database, contacts), held(database, club)) == before
    assert move(database, *places, overwrite=True)
    assert held(database, club)["y.vcf"] == before[0]["x.vcf"]
    assert "x.vcf" not in held(database, contacts)


def test_no_contact_takes_the_place_of_another(database: Database) -> None:
    """What has another UID is another contact, and is not replaced even where that is asked."""
    (anna,) = factories.people(database, "anna")
    contacts = factories.book(database, anna)
    for name in ("x", "y"):
        factories.put(database, anna, f"{name}.vcf", factories.vcard(name))
    before = held(database, contacts)
    with pytest.raises(UIDConflict):
        move(database, (contacts, "x.vcf"), (contacts, "y.vcf"), overwrite=True)
    assert held(database, contacts) == before


def test_a_copy_needs_another_address_book(database: Database) -> None:
    """Two entries of one address book never have one UID; in two books they may."""
    (anna,) = factories.people(database, "anna")
    contacts, club = factories.book(database, anna), make(database, anna, "club")
    factories.put(database, anna, "x.vcf", factories.vcard("u"))
    with pytest.raises(UIDConflict):
        move(database, (contacts, "x.vcf"), (contacts, "y.vcf"), keep=True)
    move(database, (contacts, "x.vcf"), (club, "x.vcf"), keep=True)
    assert held(database, club)["x.vcf"] == held(database, contacts)["x.vcf"]


def test_cards_of_people_stay_where_they_are(database: Database) -> None:
    """Neither a connection's entry nor one's own is moved, copied or replaced, and what is not there is not found."""
    anna, bao = factories.connected(database, "anna", "bao")
    contacts, club = factories.book(database, anna), make(database, anna, "club")
    factories.put(database, anna, "x.vcf", factories.vcard("u"))
    for owner in (anna, bao):
        name = factories.href_of(database, anna, owner)
        with pytest.raises(Refused):
            move(database, (contacts, name), (club, "y.vcf"))
        with pytest.raises(Refused):
            move(database, (contacts, "x.vcf"), (contacts, name), overwrite=True)
    with pytest.raises(NotFound):
        move(database, (contacts, "z.vcf"), (club, "y.vcf"))
