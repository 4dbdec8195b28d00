"""Groups, grants, connections, and what somebody has of somebody else."""

from __future__ import annotations

import pytest

from sync.database import accounts
from sync.database.engine import Database
from sync.revisions import fan_out
from sync.sharing import connections
from tests.cli.conftest import Command
from tests.support.factories import pending


def card(evercard: Command, *whom: str) -> str:
    """Return Anna's card as somebody gets it."""
    return evercard("preview", "anna", *whom)


def test_a_group_gives_its_members_what_it_was_granted_until_it_is_taken_back(anna: Command) -> None:
    anna("profile", "set", "anna", "mobile", "+86 1")
    anna("grant", "give", "anna", "family", "mobile")
    assert "TEL" in card(anna, "--person", "bo")
    assert "TEL" in card(anna, "--group", "Family")
    assert "TEL" not in card(anna, "--person", "chiara")
    assert "TEL" not in card(anna, "--stranger")
    anna("grant", "take", "anna", "family", "mobile")
    assert "TEL" not in card(anna, "--person", "bo")


def test_a_person_can_be_an_exception(anna: Command) -> None:
    anna("profile", "set", "anna", "mobile", "+86 1")
    anna("grant", "except", "anna", "chiara", "mobile", "--show")
    assert "TEL" in card(anna, "--person", "chiara")
    assert anna.json("grant", "list", "anna")["exceptions"] == {"chiara": {"mobile": True}}
    assert "Except chiara: also mobile" in anna("grant", "list", "anna")
    anna("grant", "except", "anna", "chiara", "mobile", "--clear")
    assert "TEL" not in card(anna, "--person", "chiara")
    assert anna.run("grant", "except", "anna", "chiara", "mobile").exit_code == 2


def test_strangers_see_what_they_were_granted(anna: Command) -> None:
    anna("profile", "set", "anna", "name", "陈安娜")
    anna("grant", "give", "anna", "strangers", "name")
    assert "FN:陈安娜" in card(anna, "--stranger")
    preview = anna.json("preview", "anna", "--stranger", "--vcard-version", "4.0")
    assert "VERSION:4.0" in preview["vcard"]


def test_both_parts_of_a_name_are_one_to_whoever_grants_it(anna: Command) -> None:
    given = "BEGIN:VCARD\nVERSION:3.0\nN:Chen;Anna;;;\nFN:Anna Chen\nEND:VCARD\n"
    anna("profile", "import", "anna", "-", given=given)
    anna("grant", "give", "anna", "family", "name")
    assert anna.json("grant", "list", "anna")["groups"]["family"] == ["name:1", "name:2"]
    assert "is changed" in anna("profile", "set", "anna", "name", "Anna")


def test_groups_are_made_renamed_and_deleted(anna: Command) -> None:
    anna("group", "rename", "anna", "family", "relatives")
    groups = {group["group"]: group["members"] for group in anna.json("group", "list", "anna")}
    assert groups == {"connections": [], "relatives": ["bo"], "strangers": []}
    anna("group", "remove", "anna", "relatives", "bo")
    assert "is not in the group" in anna.error("group", "remove", "anna", "relatives", "bo")
    anna("group", "delete", "anna", "relatives")
    assert "anybody" in anna("group", "list", "anna")
    assert "no group 'relatives'" in anna.error("group", "delete", "anna", "relatives")


def test_only_connected_people_come_into_a_group(anna: Command) -> None:
    anna("user", "add", "dan")
    assert "see `evercard connect`" in anna.error("group", "add", "anna", "family", "dan")


def _family(anna: Command) -> list[str]:
    (found,) = (each["members"] for each in anna.json("group", "list", "anna") if each["group"] == "family")
    return list(found)


def test_several_people_come_into_a_group_together_or_not_at_all(anna: Command) -> None:
    anna.error("group", "add", "anna", "family", "chiara", "nobody")
    assert _family(anna) == ["bo"]


def test_holders_are_told_with_what_they_have(anna: Command) -> None:
    anna("profile", "set", "anna", "mobile", "+86 1")
    anna("grant", "give", "anna", "family", "mobile")
    anna("device", "add", "bo", "Phone")
    holders = {holder["login"]: holder for holder in anna.json("holders", "anna")}
    assert holders["bo"]["fields"] == ["mobile"]
    assert holders["bo"]["groups"] == ["family"]
    assert [device["current"] for device in holders["bo"]["devices"]] == [False]
    assert holders["chiara"]["fields"] == []
    assert "0 of 1 device up to date" in anna("holders", "anna")


def test_who_is_disconnected_holds_nothing(anna: Command) -> None:
    anna("disconnect", "anna", "bo")
    assert [holder["login"] for holder in anna.json("holders", "anna")] == ["chiara"]
    assert "not connected" in anna.error("disconnect", "anna", "bo")
    assert "themselves" in anna.error("connect", "anna", "anna")


def test_a_hidden_entry_is_listed_and_brought_back(anna: Command, database_url: str) -> None:
    database = Database(database_url)
    database.write(
        lambda session: connections.hide(session, accounts.find(session, "bo"), accounts.find(session, "anna"))
    )
    database.dispose()
    assert anna.json("hidden", "bo") == ["anna"]
    assert anna("hidden", "bo") == "anna\n"
    assert "deleted there" in anna("holders", "anna")
    anna("show", "bo", "anna")
    assert anna.json("hidden", "bo") == []
    assert "No entry" in anna.error("show", "bo", "anna")


def test_a_change_that_many_see_has_reached_them_when_the_command_ends(
    anna: Command, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVERCARD_INLINE_VIEWERS", "1")
    monkeypatch.setenv("EVERCARD_CHUNK_VIEWERS", "1")
    before = {holder["login"]: holder["revision"] for holder in anna.json("holders", "anna")}
    anna("profile", "set", "anna", "name", "Anna")
    anna("grant", "give", "anna", "strangers", "name")
    after = {holder["login"]: holder["revision"] for holder in anna.json("holders", "anna")}
    assert after["chiara"] > before["chiara"]
    database = Database(database_url)
    with database.reading() as session:
        assert fan_out.owed(session) == 0
    assert pending(database) == 0
    database.dispose()
