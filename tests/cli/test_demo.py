"""The demo's people hold of each other just what the example says."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from radicale_plugin import settings
from radicale_plugin.cli.demo import stage
from radicale_plugin.cli.demo.cast import CAST
from sync import fields, verification
from sync.books import entries
from sync.database import accounts
from sync.database.engine import Database
from sync.revisions import address_books
from sync.sharing import visibility
from sync.sign_in import credentials
from sync.vcard import parse_one


@pytest.fixture
def ready(tmp_path: Path) -> stage.Stage:
    return stage.prepare(tmp_path / "demo", 5232)


@pytest.fixture
def demo(ready: stage.Stage) -> Iterator[Database]:
    database = settings.database(settings.load(str(ready.configuration)))
    yield database
    database.dispose()


def held(database: Database, login: str) -> dict[str, list[tuple[str, str]]]:
    """Return the cards that a person's devices get: kind and text of each field, by the name of the card."""
    with database.reading() as session:
        book = address_books.books_of(session, accounts.find(session, login))[0]
        cards = [fields.fields_of(parse_one(entry.text)) for entry in entries.texts(session, book)]
    return {fields.full_name(card, ""): [(field.kind, field.text()) for field in card] for card in cards}


def shown(card: list[tuple[str, str]]) -> set[tuple[str, str]]:
    """Return what is on a card besides the name."""
    return {field for field in card if field[0] != "name"}


@pytest.mark.parametrize(
    ("login", "expected"),
    [
        (
            "bo",
            {
                ("mobile", "+86 138 0013 8000"),
                ("bank-account", "6222 0000 0000 0138"),
                ("office-phone", "+86 10 5555 0121"),
            },
        ),
        ("chiara", {("qq", "10001234"), ("email", "anna@y.example")}),
        ("david", {("mobile", "+86 138 0013 8000"), ("email", "anna@z.example")}),
        ("emil", set()),
        ("ivy", set()),
    ],
)
def test_anna_shows_each_just_what_their_group_was_granted(
    demo: Database, login: str, expected: set[tuple[str, str]]
) -> None:
    assert shown(held(demo, login)["陈安娜 Anna Chen"]) == expected


def test_strangers_see_what_bo_and_david_show_and_nothing_of_emil(demo: Database) -> None:
    kinds = {}
    with demo.reading() as session:
        for login in ("bo", "david", "emil"):
            seen = visibility.visible_fields(session, accounts.find(session, login), visibility.STRANGER)
            kinds[login] = {field.kind for field in seen}
    assert kinds == {
        "bo": {"name", "photo", "mobile", "hobby"},
        "david": {"name", "photo", "office-phone", "hobby"},
        "emil": set(),
    }


def test_portraits_are_shown_to_whom_they_were_granted(demo: Database) -> None:
    kinds = {name: {kind for kind, _ in card} for name, card in held(demo, "anna").items()}
    assert "photo" in kinds["陈博 Chen Bo"]
    assert "photo" not in kinds["Emil Lindqvist"]


def test_each_device_signs_in(ready: stage.Stage, demo: Database) -> None:
    gate = credentials.Gate(demo)
    assert ready.devices.keys() == {person.login for person in CAST}
    for login, device in ready.devices.items():
        assert gate.admit(login, device.password) is not None


def test_the_next_time_everything_is_as_it_was(ready: stage.Stage, demo: Database) -> None:
    assert stage.prepare(ready.directory, 5233) == stage.Stage(ready.directory, 5233, ready.devices, ready.password)
    assert "127.0.0.1:5233" in ready.curl("bo").read_text()


def test_a_device_that_is_lost_is_replaced(ready: stage.Stage, demo: Database) -> None:
    (ready.directory / "devices.json").write_text(json.dumps({"anna": {"password": "x", "token": "y"}}))
    again = stage.prepare(ready.directory, 5232)
    assert again.devices["anna"].password != ready.devices["anna"].password


def test_nobody_else_may_read_what_the_demo_keeps(ready: stage.Stage) -> None:
    assert stat.S_IMODE(ready.directory.stat().st_mode) == 0o700
    secret = [ready.directory / "devices.json", ready.configuration, *map(ready.curl, ready.devices)]
    assert {stat.S_IMODE(file.stat().st_mode) for file in secret} == {0o600}


def test_the_demo_is_a_sound_database(demo: Database) -> None:
    with demo.reading() as session:
        assert list(verification.findings(session)) == []
