"""`evercard user` and `evercard device`."""

from __future__ import annotations

import pytest

from sync.database.engine import Database
from sync.sign_in import credentials
from tests.cli.conftest import Command


def admitted(url: str, login: str, password: str) -> bool:
    database = Database(url)
    found = credentials.Gate(database).admit(login, password)
    database.dispose()
    return found is not None


def test_a_person_is_registered_once(evercard: Command) -> None:
    evercard("user", "add", "Anna")
    assert [person["login"] for person in evercard.json("user", "list")] == ["anna"]
    assert evercard.error("user", "add", "anna") == "The login 'anna' is taken."


def test_a_person_whose_language_is_told_has_groups_in_it(evercard: Command) -> None:
    for login, language, names in (("anna", ["--language", "zh-Hans"], ["同事", "家人", "朋友"]), ("bo", [], [])):
        evercard("user", "add", login, *language)
        assert [each["group"] for each in evercard.json("group", "list", login)][2:] == names


def test_a_login_that_cannot_be_one_is_refused(evercard: Command) -> None:
    assert "small letters or digits" in evercard.error("user", "add", "anna@example.com")


def test_a_device_password_is_printed_and_works_until_it_is_revoked(evercard: Command, database_url: str) -> None:
    evercard("user", "add", "anna")
    given = evercard.json("device", "add", "anna", "Phone")
    assert admitted(database_url, "anna", given["password"])
    evercard("device", "revoke", "anna", "Phone")
    assert not admitted(database_url, "anna", given["password"])
    assert "revoked" in evercard("device", "list", "anna")


def test_a_disabled_person_is_not_let_in(evercard: Command, database_url: str) -> None:
    evercard("user", "add", "anna")
    given = evercard.json("device", "add", "anna", "Phone")
    evercard("user", "disable", "anna")
    assert "disabled" in evercard("user", "list")
    assert not admitted(database_url, "anna", given["password"])
    evercard("user", "enable", "anna")
    assert admitted(database_url, "anna", given["password"])


def test_nothing_but_adding_prints_a_device_password(evercard: Command) -> None:
    evercard("user", "add", "anna")
    secret = evercard.json("device", "add", "anna", "Phone")["password"]
    assert secret not in evercard("device", "list", "anna") + evercard("device", "list", "anna", "--json")


def test_of_two_devices_with_one_label_the_number_is_asked(evercard: Command) -> None:
    evercard("user", "add", "anna")
    first = evercard.json("device", "add", "anna", "Phone")["device"]
    evercard("device", "add", "anna", "Phone")
    assert str(first) in evercard.error("device", "revoke", "anna", "Phone")
    evercard("device", "revoke", "anna", str(first))
    assert "no device 'Other'" in evercard.error("device", "revoke", "anna", "Other")


def test_a_password_comes_from_standard_input(evercard: Command, database_url: str) -> None:
    evercard("user", "add", "anna")
    evercard("user", "password", "anna", "--password-stdin", given="long enough é\n")
    assert evercard.json("user", "list")[0]["has_password"]
    database = Database(database_url)
    with database.reading() as session:
        assert credentials.check_password(session, "anna", "long enough é") is not None
    database.dispose()


@pytest.mark.parametrize(("given", "said"), [("short", "at least 10"), (b"\xff" * 12, "not UTF-8")])
def test_a_password_that_cannot_be_one_is_refused(evercard: Command, given: str | bytes, said: str) -> None:
    evercard("user", "add", "anna")
    assert said in evercard.error("user", "password", "anna", "--password-stdin", given=given)


def test_without_a_terminal_a_password_is_not_asked_for(evercard: Command) -> None:
    evercard("user", "add", "anna")
    assert evercard.run("user", "password", "anna").exit_code == 2
