"""`evercard device lists` and `evercard proposal`."""

from __future__ import annotations

from radicale_plugin import settings
from sync.database import accounts
from sync.sharing import groups, phone_lists
from tests.cli.conftest import Command


def test_lists_are_chosen_for_a_device(anna: Command) -> None:
    anna("device", "add", "anna", "phone")
    assert anna.json("device", "list", "anna")[0]["lists"] is None
    for choice, wanted in (("lists", "lists"), ("categories", "categories"), ("off", None)):
        anna("device", "lists", "anna", "phone", choice)
        assert anna.json("device", "list", "anna")[0]["lists"] == wanted
    assert "no device 'x'" in anna.error("device", "lists", "anna", "x", "lists")
    anna("device", "revoke", "anna", "phone")
    assert "no device 'phone'" in anna.error("device", "lists", "anna", "phone", "lists")


def test_proposals_are_listed_agreed_to_and_dismissed(anna: Command) -> None:
    for login in ("bert", "carl"):
        anna("user", "add", login)
        anna("connect", "anna", login)
    anna("group", "create", "anna", "Club")
    anna("group", "add", "anna", "Club", "carl")
    database = settings.database(settings.load(None))

    def propose() -> None:
        with database.reading() as session:
            ids = {login: accounts.find(session, login) for login in ("anna", "bert", "carl")}
            club = groups.find(session, ids["anna"], "Club").id
        moved = {"come": [ids["bert"]], "go": [ids["carl"]]}
        database.write(lambda session: phone_lists.propose(session, ids["anna"], 1, club, **moved))

    assert anna.json("proposal", "list", "anna") == []
    propose()
    found = {(each["group"], each["person"], each["proposed"]) for each in anna.json("proposal", "list", "anna")}
    assert found == {("Club", "bert", "in"), ("Club", "carl", "out")}
    assert "bert" in anna("proposal", "list", "anna")
    anna("proposal", "accept", "anna", "club", "bert")
    anna("proposal", "dismiss", "anna", "club", "carl")
    assert anna.json("proposal", "list", "anna") == []
    assert "bert, carl" in anna("group", "list", "anna")
    assert "no such proposal" in anna.error("proposal", "accept", "anna", "club", "carl")
