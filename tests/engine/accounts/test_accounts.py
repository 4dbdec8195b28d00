"""Accounts: what a new person has, which logins there can be, and what closing an account does."""

from __future__ import annotations

import pytest
from sqlalchemy import delete, select

from sync.accounts import registration
from sync.database import accounts
from sync.database.engine import Database, Session
from sync.errors import AlreadyExists, InvalidInput, NotFound
from sync.models import Account, AddressBook, Base, LoginName
from sync.revisions import address_books
from sync.sharing import groups, search_keys, visibility
from tests.support.factories import book, changes, contents, people, person, values_in


def test_a_new_person_has_one_empty_book_with_their_own_card_in_it(database: Database) -> None:
    anna = person(database, "anna")
    with database.reading() as session:
        (only,) = address_books.books_of(session, anna)
    assert (only.path, only.title, only.revision) == ("contacts", "Contacts", 1)
    (own,) = contents(database, anna)
    assert own.kind == "self"
    assert values_in(own.text, "FN") == ["anna"]


def test_a_new_person_has_only_the_built_in_groups_and_no_field(database: Database) -> None:
    anna = person(database, "anna")
    with database.reading() as session:
        found = [(group.kind, group.members) for group in groups.groups_of(session, anna)]
        assert found == [("strangers", 0), ("connections", 0)]
        assert visibility.fields_of(session, anna) == []


def test_the_own_card_is_there_for_a_client_that_asks_for_changes_since_the_beginning(database: Database) -> None:
    assert [head.present for head in changes(database, person(database), 0)] == [True]


def test_a_login_is_stored_small_and_found_in_any_case(database: Database) -> None:
    anna = person(database, " Anna.B ")
    with database.reading() as session:
        assert accounts.find(session, "aNNA.b") == anna
        assert accounts.logins(session, [anna]) == {anna: "anna.b"}


@pytest.mark.parametrize("login", ["anna", "ANNA", " anna "])
def test_a_login_is_given_once(database: Database, login: str) -> None:
    person(database, "anna")
    with pytest.raises(AlreadyExists):
        person(database, login)
    with database.reading() as session:
        assert session.scalars(select(Account.login)).all() == ["anna"]


def test_a_login_that_was_taken_leaves_the_transaction_usable(database: Database) -> None:
    person(database, "anna")
    with database.writing() as session:
        with pytest.raises(AlreadyExists):
            registration.create(session, "anna")
        registration.create(session, "bert")
    with database.reading() as session:
        assert [account.login for account in accounts.everybody(session)] == ["anna", "bert"]


@pytest.mark.parametrize("login", ["a", "7", "a.b", "a-b_c.d", "x" * 64])
def test_a_login_may_be(database: Database, login: str) -> None:
    made = person(database, login)
    with database.reading() as session:
        assert accounts.find(session, login) == made


@pytest.mark.parametrize(
    "login",
    ["", " ", ".", ".a", "a.", "-a", "a b", "a@b", "a%40b", "ä", "a/b", "x" * 65, "a\nb", "a\0b", "١", "\ud800"],
)
def test_a_login_may_not_be(database: Database, login: str) -> None:
    with pytest.raises(InvalidInput):
        database.write(lambda session: registration.create(session, login))
    with database.reading() as session:
        assert [session.scalars(select(table)).first() for table in (Account, LoginName)] == [None, None]


@pytest.mark.parametrize("login", ["nobody", "", "a\0b", "\ud800", "x" * 10_000])
def test_nobody_is_found_by_a_login_that_nobody_has(database: Database, login: str) -> None:
    with database.reading() as session, pytest.raises(NotFound):
        accounts.find(session, login)


def test_logins_of_nobody_are_left_out(database: Database) -> None:
    anna, bert = people(database, "anna", "bert")
    with database.reading() as session:
        assert accounts.logins(session, [anna, bert, 1]) == {anna: "anna", bert: "bert"}
        assert accounts.logins(session, []) == {}


def test_logins_are_found_for_more_people_than_a_statement_has_parameters(database: Database) -> None:
    anna = person(database, "anna")
    with database.reading() as session:
        assert accounts.logins(session, [anna, *range(1, 70_000)]) == {anna: "anna"}


def test_everybody_is_listed_by_login(database: Database) -> None:
    people(database, "carl", "anna", "bert")
    with database.reading() as session:
        assert [account.login for account in accounts.everybody(session)] == ["anna", "bert", "carl"]


def test_a_closed_account_keeps_everything_and_can_be_opened_again(database: Database) -> None:
    anna = person(database, "anna")
    before = book(database, anna), contents(database, anna)
    database.write(lambda session: registration.set_disabled(session, anna, disabled=True))
    assert (book(database, anna), contents(database, anna)) == before
    with database.reading() as session:
        assert session.scalars(select(Account.disabled_at)).one() is not None
    database.write(lambda session: registration.set_disabled(session, anna, disabled=False))
    with database.reading() as session:
        assert session.scalars(select(Account.disabled_at)).one() is None


def test_nobody_cannot_be_closed(database: Database) -> None:
    with pytest.raises(NotFound):
        database.write(lambda session: registration.set_disabled(session, 1, disabled=True))


def test_an_account_and_its_books_that_are_deleted_take_all_their_rows_along(database: Database) -> None:
    anna = person(database, "anna")

    def forget(session: Session) -> None:
        session.execute(delete(AddressBook).where(AddressBook.viewer_id == anna))
        session.execute(delete(Account).where(Account.id == anna))

    database.write(forget)
    with database.reading() as session:
        left = {table.name for table in Base.metadata.sorted_tables if session.execute(select(table)).first()}
    assert left == {"search_key", "login_name"}


def test_somebody_new_is_found_as_whoever_has_decided_nothing(database: Database) -> None:
    anna = person(database, "anna")
    with database.reading() as session:
        assert set(search_keys.keys_of(session, anna)) == search_keys.wanted(session, anna) != set()
