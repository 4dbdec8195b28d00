"""Signing in and up: whoever knows the password gets in, whatever is wrong looks alike, and tries are counted."""

from __future__ import annotations

import pytest

from sync.accounts import addresses, preference_changes, registration
from sync.accounts.preference_changes import NOBODY, Preferences
from sync.accounts.rate_limits import Limit
from sync.database import accounts
from sync.database.engine import Database
from sync.discovery import directory
from sync.errors import AlreadyExists, EvercardError, InvalidInput, Refused, TooManyTries, WrongPassword
from sync.settings import Settings
from sync.sign_in import credentials, sessions, signing_in, signing_up
from tests.support import factories

PASSWORD = "correct horse battery"
HERE, THERE = "192.0.2.1", "192.0.2.2"


#: A server where anybody may sign up.
SETTINGS = Settings(sign_up="open", base_url="https://cards.example.org")


@pytest.fixture
def anna(database: Database) -> int:
    """Return somebody who has a password for the portal."""
    account_id = factories.person(database, "anna")
    database.write(lambda session: credentials.set_password(session, account_id, PASSWORD))
    return account_id


def sign_in(database: Database, login: str = "anna", password: str = PASSWORD, source: str = HERE) -> int:
    """Sign in and return who the visit is of."""
    token = signing_in.sign_in(database, login, password, source=source, browser="Firefox")
    with database.reading() as session:
        visit = sessions.find(session, token)
    assert visit is not None
    return visit.account_id


def sign_up(database: Database, login: str = "cleo", password: str = PASSWORD, *, invited: bool = False) -> int:
    made = signing_up.sign_up(database, login, password, source=HERE, browser="Firefox", invited=invited)
    return made[0]


def tighten(monkeypatch: pytest.MonkeyPatch, module: object, name: str, tries: int = 2) -> None:
    limit: Limit = getattr(module, name)
    monkeypatch.setattr(module, name, Limit(limit.name, tries, limit.period))


@pytest.mark.parametrize(
    "login", ["anna", "ANNA", " anna ", "ａｎｎａ", "an\u00adna", "anna@cards.example.org", "Anna@CARDS.example.org."]
)
def test_the_password_lets_in(database: Database, anna: int, login: str) -> None:
    assert sign_in(database, login) == anna


@pytest.mark.parametrize(
    ("login", "password"),
    [
        ("anna", "wrong"),
        ("anna", ""),
        ("nobody", PASSWORD),
        ("", ""),
        ("anna", PASSWORD * 100),
        ("anna", "\udc00"),
        ("\udc00", PASSWORD),
        ("a\0nna", PASSWORD),
        ("x" * 10_000, PASSWORD),
    ],
)
def test_whatever_is_wrong_is_told_alike(database: Database, anna: int, login: str, password: str) -> None:
    with pytest.raises(WrongPassword) as caught:
        sign_in(database, login, password)
    assert str(caught.value) == str(WrongPassword())


def test_a_closed_account_and_one_without_a_password_are_told_alike(database: Database, anna: int) -> None:
    factories.person(database, "ben")
    database.write(lambda session: registration.set_disabled(session, anna, disabled=True))
    for login in ("anna", "ben"):
        with pytest.raises(WrongPassword):
            sign_in(database, login)


def test_wrong_tries_make_nobody_wait_elsewhere(database: Database, anna: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a few from one place not even the right password helps there; at another place it does."""
    tighten(monkeypatch, signing_in, "PAIR")
    for _ in range(2):
        with pytest.raises(WrongPassword):
            sign_in(database, password="wrong")
    with pytest.raises(TooManyTries):
        sign_in(database)
    assert sign_in(database, source=THERE) == anna


def test_tries_are_counted_for_logins_that_nobody_has(
    database: Database, anna: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    tighten(monkeypatch, signing_in, "PAIR")
    for login in ("nobody", "anna"):
        seen: list[type[EvercardError]] = []
        for _ in range(3):
            with pytest.raises(EvercardError) as caught:
                sign_in(database, login, "wrong")
            seen.append(caught.type)
        assert seen == [WrongPassword, WrongPassword, TooManyTries]


@pytest.mark.parametrize("name", ["SOURCE", "ALL"])
def test_trying_many_logins_is_limited_too(
    database: Database, anna: int, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    tighten(monkeypatch, signing_in, name)
    for login in ("one", "two"):
        with pytest.raises(WrongPassword):
            sign_in(database, login, "wrong")
    with pytest.raises(TooManyTries):
        sign_in(database)


def test_a_new_password_ends_every_visit_but_the_one_it_begins(database: Database, anna: int) -> None:
    old = signing_in.sign_in(database, "anna", PASSWORD, source=HERE, browser="")
    new = signing_in.change_password(database, anna, "anna", old=PASSWORD, new="another password", browser="")
    with database.reading() as session:
        assert sessions.find(session, old) is None
        assert sessions.find(session, new) is not None
    with pytest.raises(WrongPassword):
        sign_in(database)
    assert sign_in(database, password="another password") == anna


def test_a_password_is_changed_by_who_knows_it_only(
    database: Database, anna: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A visit that somebody else got hold of is not enough, and the old password cannot be guessed for long."""
    tighten(monkeypatch, signing_in, "OWN")
    visit = signing_in.sign_in(database, "anna", PASSWORD, source=HERE, browser="")
    for error in (WrongPassword, WrongPassword, TooManyTries):
        with pytest.raises(error):
            signing_in.change_password(database, anna, "anna", old="wrong", new="another password", browser="")
    with database.reading() as session:
        assert sessions.find(session, visit) is not None
    assert sign_in(database) == anna


@pytest.mark.parametrize("new", ["", "too short", "x" * 1001])
def test_what_cannot_be_a_password_changes_nothing(database: Database, anna: int, new: str) -> None:
    with pytest.raises(InvalidInput):
        signing_in.change_password(database, anna, "anna", old=PASSWORD, new=new, browser="")
    assert sign_in(database) == anna


def test_whoever_signs_up_is_signed_in_and_can_come_back(database: Database) -> None:
    account_id = sign_up(database)
    assert sign_in(database, "cleo") == account_id


def test_a_login_is_given_once(database: Database, anna: int) -> None:
    with pytest.raises(AlreadyExists):
        sign_up(database, "Anna")
    assert sign_in(database) == anna


@pytest.mark.parametrize(("login", "password"), [("with space", PASSWORD), ("", PASSWORD), ("cleo", "short")])
def test_nothing_is_left_of_a_sign_up_that_is_refused(database: Database, login: str, password: str) -> None:
    with pytest.raises(InvalidInput):
        sign_up(database, login, password)
    with database.reading() as session:
        assert accounts.everybody(session) == []


def test_signing_up_is_limited(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    tighten(monkeypatch, signing_up, "SOURCE")
    sign_up(database, "one")
    sign_up(database, "two")
    with pytest.raises(TooManyTries):
        sign_up(database, "three")


def test_who_was_not_invited_signs_up_only_where_that_was_chosen(database_url: str) -> None:
    assert Settings().sign_up == "invited"
    database = Database(database_url)
    with database.reading() as session:
        assert (signing_up.is_open(session), signing_up.is_open(session, invited=True)) == (False, True)
    database.dispose()


@pytest.mark.parametrize(
    ("mode", "invited", "allowed"),
    [("open", False, True), ("invited", False, False), ("invited", True, True), ("closed", True, False)],
)
def test_the_configuration_says_who_may_sign_up(database_url: str, mode: str, *, invited: bool, allowed: bool) -> None:
    database = Database(database_url, Settings(sign_up=mode))
    try:
        if allowed:
            sign_up(database, invited=invited)
        else:
            with pytest.raises(Refused):
                sign_up(database, invited=invited)
        with database.reading() as session:
            assert len(accounts.everybody(session)) == int(allowed)
    finally:
        database.dispose()


def prove(database: Database, account_id: int, value: str) -> None:
    database.write(lambda session: addresses.add(session, account_id, addresses.EMAIL, value))


def test_an_e_mail_address_that_was_proved_stands_for_the_login(database: Database, anna: int) -> None:
    """Also of somebody who does not want to be found by it; and no longer when it is not theirs any more."""
    prove(database, anna, "Anna@Example.org")
    assert sign_in(database, "anna@example.org") == anna
    hidden = Preferences(found_by_email=False, connecting=NOBODY)
    database.write(lambda session: preference_changes.set_preferences(session, anna, hidden))
    assert sign_in(database, " ANNA@example.org ") == anna
    with pytest.raises(WrongPassword):
        sign_in(database, "anna@example.org", "wrong")
    database.write(lambda session: addresses.remove(session, anna, addresses.EMAIL, "anna@example.org"))
    with pytest.raises(WrongPassword):
        sign_in(database, "anna@example.org")


def test_nobody_is_found_by_what_they_only_sign_in_with(database: Database, anna: int) -> None:
    ben = factories.person(database, "ben")
    prove(database, anna, "anna@example.org")
    hidden = Preferences(found_by_email=False)
    database.write(lambda session: preference_changes.set_preferences(session, anna, hidden))
    with database.reading() as session:
        for text in ("anna@example.org", "own:anna@example.org", "email:anna@example.org"):
            assert directory.find(session, ben, text) == []


def test_an_address_that_a_family_shares_stands_for_nobody(database: Database, anna: int) -> None:
    ben = factories.person(database, "ben")
    for account_id in (anna, ben):
        prove(database, account_id, "family@example.org")
    with pytest.raises(WrongPassword):
        sign_in(database, "family@example.org")
    assert sign_in(database) == anna


def test_every_spelling_of_a_name_is_counted_as_one(
    database: Database, anna: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    tighten(monkeypatch, signing_in, "PAIR", 4)
    prove(database, anna, "anna@example.org")
    for spellings in (("anna", "ＡＮＮＡ", "an\u00adna", " Anna"), ("anna@example.org", "anna@ｅxample.org") * 2):
        for spelling in spellings:
            with pytest.raises(WrongPassword):
                sign_in(database, spelling, "wrong")
        with pytest.raises(TooManyTries):
            sign_in(database, spellings[0], "wrong")


def test_the_names_of_one_person_are_counted_together_and_nobody_is_told(
    database: Database, anna: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever tries one after the other finds no way around the limit, and does not learn that it is one person."""
    tighten(monkeypatch, signing_in, "PERSON", 3)
    prove(database, anna, "anna@example.org")
    for name in ("anna", "anna@example.org", "anna@cards.example.org"):
        with pytest.raises(WrongPassword):
            sign_in(database, name, "wrong")
    with pytest.raises(WrongPassword):
        sign_in(database)
    assert sign_in(database, source=THERE) == anna


def test_a_proved_address_comes_before_a_login_that_looks_like_it(database: Database, anna: int) -> None:
    ben = factories.person(database, "ben")
    database.write(lambda session: credentials.set_password(session, ben, "the password of ben"))
    prove(database, ben, "anna@cards.example.org")
    assert sign_in(database, "anna@cards.example.org", "the password of ben") == ben
    assert sign_in(database, "anna") == anna
