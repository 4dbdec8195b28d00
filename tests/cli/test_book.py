"""`evercard book`: made, granted, filled, looked at, put back, deleted."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Command

CARD = "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{0}\r\nN:{0};;;;\r\nFN:{0}\r\nTEL:{1}\r\nEND:VCARD\r\n"
BOOK = ("Club", "Customers")


def test_a_shared_book_from_its_beginning_to_its_end(anna: Command, tmp_path: Path) -> None:
    anna("organisation", "create", "Club")
    for login in ("anna", "bo"):
        anna("organisation", "invite", login, "Club")
        anna("organisation", "join", login, "Club")
    anna("book", "create", *BOOK)
    anna("book", "grant", "anna", *BOOK, "writer")
    listed = {"title": "Customers", "everybody": "reader", "contacts": 0, "granted": {"anna": "writer"}}
    assert anna.json("book", "list", "club") == [listed]
    assert [each["role"] for login in ("anna", "bo") for each in anna.json("book", "of", login)] == ["writer", "reader"]
    told = anna("book", "import", *BOOK, "-", given=CARD.format("Plumber", 1) + CARD.format("Doctor", 2))
    assert told.startswith("2 contacts added")
    assert [each["name"] for each in anna.json("book", "contacts", *BOOK)] == ["Doctor", "Plumber"]
    assert {(each["what"], each["by"]) for each in anna.json("book", "history", *BOOK)} == {("added", "command line")}
    exported = anna("book", "export", *BOOK)
    assert all(exported.count(each) == 1 for each in ("FN:Plumber", "FN:Doctor"))
    anna("book", "export", *BOOK, "--output", str(tmp_path / "book.vcf"))
    assert (tmp_path / "book.vcf").read_text() == exported
    assert anna("book", "import", *BOOK, str(tmp_path / "book.vcf")).startswith("0 contacts added, 2 there")
    anna("book", "take-back", "anna", *BOOK)
    anna("book", "everybody", *BOOK, "none")
    assert anna.json("book", "of", "anna") == []
    anna("book", "rename", *BOOK, "Clients")
    assert "Customers" in anna.error("book", "contacts", *BOOK)
    anna("book", "delete", "Club", "Clients", "--yes")
    assert anna.json("book", "list", "Club") == []
    assert anna.run("verify").exit_code == 0


def test_a_device_is_shown_shared_books_or_not(anna: Command) -> None:
    anna("device", "add", "anna", "Mac")
    for choice in ("on", "off", "auto"):
        anna("device", "shared", "anna", "Mac", choice)
    assert anna.error("device", "shared", "anna", "Telephone", "on")


def test_what_cannot_be_is_said_in_one_line(anna: Command) -> None:
    anna("organisation", "create", "Club")
    anna("book", "create", *BOOK)
    for words in (
        ("create", "Club", "customers"),
        ("create", "Nowhere", "Doctors"),
        ("create", "Club", ""),
        ("grant", "nobody", *BOOK, "writer"),
        ("take-back", "anna", *BOOK),
        ("restore", *BOOK, "1@1"),
        ("delete", "Club", "Doctors", "--yes"),
    ):
        assert anna.error("book", *words)
