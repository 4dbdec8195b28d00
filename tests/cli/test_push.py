"""`evercard push`."""

from __future__ import annotations

import pytest

from sync.database import accounts
from sync.database.engine import Database
from tests.cli.conftest import Command
from tests.support.push_service import PushService
from tests.support.subscribing import SETTINGS, rows, set_all, subscribe, wanted

PHONE = PushService("https://push.example.org").subscribe()


@pytest.fixture
def told(evercard: Command, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Command:
    """The command, with Anna's phone registered for her address book."""
    monkeypatch.setenv("EVERCARD_BASE_URL", SETTINGS.base_url)
    for login in ("anna", "bo"):
        evercard("user", "add", login)
    evercard("device", "add", "anna", "Anna's phone")
    database = Database(database_url, SETTINGS)
    with database.reading() as session:
        anna = accounts.find(session, "anna")
    subscribe(database, anna, wanted(PHONE))
    database.dispose()
    return evercard


def test_the_list_says_who_is_told_by_whom_and_no_secret(told: Command) -> None:
    (one,) = told.json("push", "list")
    assert (one["login"], one["device"], one["address_book"]) == ("anna", "Anna's phone", "contacts")
    assert (one["push_service"], one["told_at"], one["content"]) == ("push.example.org", None, True)
    for printed in (told("push", "list"), told("push", "list", "anna"), told("push", "list", "--json")):
        assert "push.example.org" in printed
        assert "/push/" not in printed
        assert PHONE.url.rpartition("/")[2] not in printed
    assert told.json("push", "list", "bo") == []
    assert told.error("push", "list", "nobody")


def test_the_list_says_what_fails(told: Command, database_url: str) -> None:
    database = Database(database_url, SETTINGS)
    set_all(database, failing_since=1_000_000_000)
    database.dispose()
    assert "fails since 2001" in told("push", "list")


def test_another_key_is_told_to_everybody_who_knows_the_old_one(told: Command, database_url: str) -> None:
    assert "1 registration is told" in told("push", "rotate-key")
    database = Database(database_url, SETTINGS)
    (row,) = rows(database)
    assert (row.has_key, row.waiting_since is not None) == (True, True)
    database.dispose()


@pytest.mark.parametrize(("name", "value"), [("EVERCARD_PUSH", "False"), ("EVERCARD_BASE_URL", "")])
def test_a_server_that_tells_nobody_has_no_key_to_change(
    told: Command, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    assert "tells no devices" in told.error("push", "rotate-key")
