"""Being found, asking, blocking and public friends, by command."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Command


@pytest.fixture
def dan(anna: Command) -> Command:
    """The command, with Dan, too, whom nobody is connected to."""
    anna("user", "add", "dan")
    return anna


def found(dan: Command, text: str) -> list[str]:
    return [each["login"] for each in dan.json("find", "dan", text)]


def test_people_are_found_by_what_they_decided(dan: Command) -> None:
    dan("profile", "set", "anna", "name", "陈安娜")
    dan("grant", "give", "anna", "strangers", "name")
    dan("address", "add", "anna", "email", "Anna@example.org")
    assert found(dan, "anna") == found(dan, "anna@example.org") == ["anna"]
    assert found(dan, "chen anna") == []
    dan("preference", "set", "anna", "--found-by", "name", "--not-found-by", "login")
    assert (found(dan, "anna"), found(dan, "chen anna")) == ([], ["anna"])
    assert "陈安娜  confirm" in dan("find", "dan", "陈安娜")
    assert dan.json("address", "list", "anna") == [{"channel": "email", "address": "anna@example.org"}]
    assert "anna@example.org" in dan("address", "list", "anna")
    dan("address", "remove", "anna", "email", "anna@example.org")
    assert found(dan, "anna@example.org") == []
    assert "no e-mail address" in dan.error("address", "add", "anna", "email", "anna")


def test_preferences_are_shown_and_kept_where_they_are_not_named(dan: Command) -> None:
    dan("preference", "set", "anna", "--connecting", "anyone", "--newcomers", "family", "--not-told")
    dan("preference", "set", "anna", "--language", "zh-Hans")
    shown = dan.json("preference", "show", "anna")
    assert (shown["connecting"], shown["newcomers"], shown["language"]) == ("anyone", "family", "zh-Hans")
    assert (shown["told_of_requests"], shown["keys"]) == (False, ["login:anna"])
    assert "newcomers         family" in dan("preference", "show", "anna")
    dan("preference", "set", "anna", "--newcomers", "", "--language", "", "--connecting", "nobody")
    assert "nobody finds this person" in dan("preference", "show", "anna")
    assert "set one first" in dan.error("preference", "set", "anna", "--connecting", "question")


def test_a_question_is_answered(dan: Command) -> None:
    dan("question", "set", "anna", "Which school?", "--answer-stdin", given="Blue\n")
    assert dan.json("find", "dan", "anna")[0]["question"] == "Which school?"
    assert "wrong" in dan.error("question", "answer", "dan", "anna", "--answer-stdin", given="Red\n")
    dan("question", "answer", "dan", "anna", "--answer-stdin", given="b l u e\n")
    assert dan.json("find", "dan", "anna")[0]["connected"]
    dan("question", "remove", "anna")
    assert dan.json("preference", "show", "anna")["connecting"] == "confirm"
    assert "UTF-8" in dan.error("question", "set", "anna", "Which?", "--answer-stdin", given=b"\xff")
    assert dan.run("question", "set", "anna", "Which?").exit_code == 2


def test_a_request_is_asked_listed_and_confirmed(dan: Command) -> None:
    dan("profile", "set", "dan", "mobile", "+86 1")
    dan("grant", "give", "dan", "strangers", "mobile")
    assert "is asked" in dan("request", "ask", "dan", "anna", "--message", "Hello!")
    (received,) = dan.json("request", "list", "anna")["requests"]
    assert (received["login"], received["message"], received["would_share"]) == ("dan", "Hello!", ["mobile"])
    assert "dan asks" in dan("request", "list", "anna")
    assert "asked this person already" in dan.error("request", "ask", "dan", "anna")
    assert "are connected" in dan("request", "confirm", "anna", "dan")
    assert dan.json("request", "list", "anna")["requests"] == []
    assert "connected already" in dan.error("request", "ask", "dan", "anna")


def test_a_request_is_declined_for_now_or_for_ever(dan: Command) -> None:
    dan("request", "ask", "dan", "anna")
    dan("request", "decline", "anna", "dan")
    assert "declined" in dan("request", "list", "dan")
    dan("request", "ask", "dan", "anna")
    dan("request", "decline", "anna", "dan", "--for-ever")
    assert "waiting" in dan("request", "list", "dan")
    assert "Declined for ever: dan" in dan("request", "list", "anna")
    dan("request", "allow", "anna", "dan")
    dan("request", "withdraw", "dan", "anna")
    assert "have not asked" in dan.error("request", "withdraw", "dan", "anna")


def test_who_is_blocked_finds_nobody(dan: Command) -> None:
    dan("block", "anna", "dan")
    assert (found(dan, "anna"), dan("blocked", "anna"), dan.json("blocked", "anna")) == ([], "dan\n", ["dan"])
    assert "is asked" in dan("request", "ask", "dan", "anna")
    assert dan.json("request", "list", "anna")["requests"] == []
    dan("unblock", "anna", "dan")
    assert found(dan, "anna") == ["anna"]


def test_friends_are_published_and_introduced(dan: Command) -> None:
    dan("profile", "set", "bo", "qq", "10001234")
    dan("grant", "give", "bo", "strangers", "qq")
    dan("friend", "publish", "anna", "bo")
    assert dan("friend", "list", "anna") == "bo\n"
    (seen,) = dan.json("friend", "list", "anna", "--seen-by", "chiara")
    assert (seen["login"], seen["fields"]) == ("bo", [{"kind": "qq", "text": "10001234"}])
    assert "not connected" in dan.error("friend", "list", "anna", "--seen-by", "dan")
    dan("friend", "introduce", "anna", "bo", "chiara", "--message", "Chess")
    assert "has to confirm, too" in dan("request", "confirm", "bo", "chiara")
    assert "introduced by anna" in dan("request", "list", "chiara")
    assert "are connected" in dan("request", "confirm", "chiara", "bo")
    dan("friend", "unpublish", "anna", "bo")
    assert dan.json("friend", "list", "anna") == []


def test_who_disconnects_may_keep_the_card(dan: Command) -> None:
    dan("disconnect", "anna", "bo", "--keep")
    dan("disconnect", "anna", "chiara")
    assert dan.json("holders", "anna") == []
    dan("verify")
