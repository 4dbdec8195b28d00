"""`evercard calendar`."""

from __future__ import annotations

from tests.cli.conftest import Command


def test_a_calendar_is_made_listed_and_ended(anna: Command) -> None:
    address = anna("calendar", "add", "anna", "phone", "--language", "zh-Hans").strip()
    assert address.endswith(".ics")
    (listed,) = anna.json("calendar", "list", "anna")
    assert (listed["label"], listed["language"], listed["with_private"]) == ("phone", "zh-Hans", False)
    assert address.rpartition("/")[2].partition("-")[2].removesuffix(".ics") not in anna("calendar", "list", "anna")
    anna("calendar", "add", "anna", "tablet", "--with-members")
    chosen = {each["label"]: each["with_members"] for each in anna.json("calendar", "list", "anna")}
    assert chosen == {"phone": False, "tablet": True}
    assert "with members" in anna("calendar", "list", "anna")
    anna("calendar", "end", "anna", "tablet")
    assert anna("calendar", "end", "anna", "phone") == "The calendar is ended.\n"
    assert anna.json("calendar", "list", "anna") == []


def test_what_cannot_be_is_refused_with_a_sentence(anna: Command) -> None:
    assert "'tlh'" in anna.error("calendar", "add", "anna", "phone", "--language", "tlh")
    assert "1 to 100" in anna.error("calendar", "add", "anna", " ")
    assert "no calendar 'x'" in anna.error("calendar", "end", "anna", "x")
    for _ in range(20):
        anna("calendar", "add", "anna", "phone")
    assert "at most 20" in anna.error("calendar", "add", "anna", "phone")
    assert "Several" in anna.error("calendar", "end", "anna", "phone")
