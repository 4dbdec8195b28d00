"""Address books: which sync tokens are good, and what raises a revision."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from sqlalchemy import select

from sync.database.engine import Database
from sync.errors import InvalidSyncToken, LimitExceeded
from sync.models import Device
from sync.queries import previews
from sync.revisions import address_books
from sync.revisions.address_books import Book, sync_token
from sync.sign_in import credentials
from tests.support.factories import (
    book,
    changes,
    connect,
    connected,
    field,
    people,
    person,
    put,
    revisions,
    set_field,
    vcard,
)
from tests.support.people import register

BOOK = Book(7, 1, "contacts", "Contacts", 0xABC, 5)


def test_a_token_names_a_revision_of_one_book_in_one_epoch() -> None:
    assert BOOK.revision_of(BOOK.sync_token) == 5
    assert [BOOK.revision_of(sync_token(0xABC, 1, revision)) for revision in range(6)] == [0, 1, 2, 3, 4, 5]


def test_a_token_is_a_uri_with_a_colon_and_a_slash() -> None:
    assert urlsplit(BOOK.sync_token).scheme
    assert ":" in BOOK.sync_token
    assert "/" in BOOK.sync_token


@pytest.mark.parametrize(
    "token",
    [
        sync_token(0xABC, 1, 6),
        sync_token(0xABC, 1, 10**17),
        sync_token(0xABC, 2, 5),
        sync_token(0xABD, 1, 5),
        "",
        "5",
        "http://radicale.org/ns/sync/0123",
        BOOK.sync_token + "0" * 30,
        BOOK.sync_token + "\n",
        BOOK.sync_token + "/",
        " " + BOOK.sync_token,
        BOOK.sync_token.upper(),
        BOOK.sync_token.replace("5", "-5"),
        BOOK.sync_token.replace("5", "٥"),
        BOOK.sync_token.replace("5", ""),
        BOOK.sync_token.replace("abc", ""),
        "x" * 100_000,
        "\0",
        "\ud800",
    ],
)
def test_any_other_token_is_refused(token: str) -> None:
    with pytest.raises(InvalidSyncToken):
        BOOK.revision_of(token)


def test_a_token_of_another_persons_book_is_refused(database: Database) -> None:
    """Books are told apart by their epochs, which are random: all of them have the same id."""
    anna, bert = people(database, "anna", "bert")
    with pytest.raises(InvalidSyncToken):
        book(database, anna).revision_of(book(database, bert).sync_token)


def test_a_token_tells_nothing_of_the_person() -> None:
    assert f"{BOOK.viewer_id:x}" not in BOOK.sync_token.rpartition("sync/")[2]


def test_a_restored_backup_begins_anew_for_everybody(database: Database) -> None:
    """Every token of before is refused, and no device counts as having anything."""
    owner, holder = register(database, "anna"), register(database, "bert")
    connect(database, owner.id, holder.id)
    gate = credentials.Gate(database)
    caller = gate.admit(holder.login, holder.password)
    assert caller is not None
    gate.note_sync(caller, caller.revision)
    gate.notes.flush()
    before = {who: book(database, who) for who in (owner.id, holder.id)}
    assert database.write(address_books.begin_new_epoch) == 2
    for who, old in before.items():
        now = book(database, who)
        assert now.revision == old.revision
        with pytest.raises(InvalidSyncToken):
            now.revision_of(old.sync_token)
        assert [entry.present for entry in changes(database, who)] == [True, True]
    assert len({book(database, who).epoch for who in before} | {old.epoch for old in before.values()}) == 4
    with database.reading() as session:
        assert session.scalars(select(Device.synced_revision)).all() == [0, 0]
        assert [device.current for device in previews.holders(session, owner.id)[0].devices] == [False]


def test_a_book_is_found_by_its_path(database: Database) -> None:
    anna, bert = people(database, "anna", "bert")
    with database.reading() as session:
        assert address_books.books_of(session, anna) == [address_books.find_book(session, anna, "contacts")]
        assert address_books.find_book(session, anna, "other") is None
        assert address_books.find_book(session, 1, "contacts") is None
        assert address_books.books_of(session, 1) == []
    assert book(database, bert).viewer_id == bert


@pytest.mark.parametrize(
    ("title", "shown"), [("Friends 朋友", "Friends 朋友"), ("", "Contacts"), ("\0", "Contacts"), ("x" * 200, "x" * 200)]
)
def test_a_title_is_no_change_of_what_is_in_the_book(database: Database, title: str, shown: str) -> None:
    anna = person(database)
    before = book(database, anna)
    database.write(lambda session: address_books.set_title(session, before, title))
    after = book(database, anna)
    assert (after.title, after.revision, after.sync_token) == (shown, before.revision, before.sync_token)


def test_a_title_is_kept_whole_or_refused_and_can_be_taken_away(database: Database) -> None:
    anna = person(database)
    before = book(database, anna)
    with pytest.raises(LimitExceeded):
        database.write(lambda session: address_books.set_title(session, before, "x" * 201))
    assert book(database, anna) == before
    database.write(lambda session: address_books.remove_title(session, before))
    assert book(database, anna).title == ""


def test_every_change_that_one_can_see_raises_the_own_book_by_one(database: Database) -> None:
    anna, bert = connected(database, "anna", "bert")
    before = revisions(database, [anna, bert])
    phone = field(database, anna)
    set_field(database, anna, phone, "+1 555 0101")
    put(database, anna, "a.vcf", vcard())
    assert revisions(database, before) == {anna: before[anna] + 3, bert: before[bert]}


def test_raising_nobodys_book_is_nothing(database: Database) -> None:
    anna = person(database)
    before = book(database, anna)
    database.write(lambda session: address_books.raise_revisions(session, [], 1))
    database.write(lambda session: address_books.stamp(session, [], anna, 1))
    database.write(lambda session: address_books.raise_revisions(session, [1], 1))
    assert book(database, anna) == before


def test_books_of_more_people_than_a_statement_has_parameters_are_raised_at_once(database: Database) -> None:
    anna = person(database)
    before = book(database, anna).revision
    everybody = [anna, *range(1, 70_000)]
    database.write(lambda session: address_books.raise_revisions(session, everybody, 1))
    database.write(lambda session: address_books.stamp(session, everybody, anna, 1))
    assert book(database, anna).revision == before + 1
    assert [entry.changed_at for entry in changes(database, anna, before)] == [1]
