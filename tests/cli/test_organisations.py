"""`evercard organisation`: made, asked for, joined, left, deleted."""

from __future__ import annotations

from tests.cli.conftest import Command


def test_an_organisation_from_its_beginning_to_its_end(anna: Command) -> None:
    anna("organisation", "create", "Chess Club", "--minimum", "mobile")
    anna("organisation", "invite", "anna", "chess club")
    anna("organisation", "invite", "bo", "Chess Club")
    assert anna.json("organisation", "people", "Chess Club", "--invited") == ["anna", "bo"]
    assert anna.json("organisation", "of", "anna") == [{"name": "Chess Club", "member": False}]
    anna("profile", "add", "anna", "mobile", "+49 170 5550101")
    assert "mobile" in anna.error("organisation", "join", "anna", "Chess Club")
    anna("organisation", "join", "anna", "Chess Club", "mobile")
    assert anna.json("organisation", "people", "Chess Club") == ["anna"]
    counted = {"name": "Chess Club", "minimum": ["mobile"], "members": 1, "invited": 1}
    assert anna.json("organisation", "list") == [counted]
    assert "Chess Club" in anna("grant", "list", "anna")
    anna("organisation", "administrator", "anna", "Chess Club")
    anna("organisation", "administrator", "anna", "Chess Club", "--dismiss")
    anna("organisation", "change", "Chess Club", "--name", "Go Club")
    assert anna.json("organisation", "list") == [{**counted, "name": "Go Club"}]
    assert "Go Club" in anna("grant", "list", "anna")
    anna("organisation", "change", "Go Club", "--name", "Chess Club", "--no-minimum")
    assert anna.json("organisation", "list") == [{**counted, "minimum": []}]
    anna("organisation", "leave", "bo", "Chess Club")
    anna("organisation", "delete", "Chess Club", "--yes")
    assert anna.json("organisation", "list") == anna.json("organisation", "of", "anna") == []
    assert anna.run("verify").exit_code == 0


def test_what_cannot_be_is_said_in_one_line(anna: Command) -> None:
    anna("organisation", "create", "Club")
    for words in (
        ("create", "club"),
        ("create", "Other", "--minimum", "shoe size"),
        ("invite", "nobody", "Club"),
        ("join", "anna", "Club"),
        ("leave", "anna", "Club"),
        ("change", "Nowhere", "--name", "Club"),
        ("administrator", "anna", "Club"),
        ("delete", "Nowhere", "--yes"),
    ):
        assert anna.error("organisation", *words)
