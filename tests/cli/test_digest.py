"""`evercard digest`, and text messages for requests."""

from __future__ import annotations

from tests.cli.conftest import Command


def test_it_is_off_until_it_is_chosen(anna: Command) -> None:
    assert anna("digest", "show", "anna") == "None.\n"
    assert not anna.json("digest", "show", "anna")["is_wanted"]


def test_it_is_chosen_and_ended(anna: Command) -> None:
    said = anna("digest", "set", "anna", "--hour", "19", "--time-zone", "Asia/Shanghai")
    assert said == "Decided; it is sent once they have confirmed an e-mail address.\n"
    assert anna("digest", "show", "anna") == "Once a day at 19:00, Asia/Shanghai, when something changed.\n"
    assert anna.json("digest", "show", "anna") == {"is_wanted": True, "hour": 19, "time_zone": "Asia/Shanghai"}
    anna("address", "add", "anna", "email", "anna@example.org")
    assert anna("digest", "set", "anna", "--hour", "7") == "Decided.\n"
    anna("digest", "off", "anna")
    assert anna("digest", "show", "anna") == "None.\n"


def test_what_there_is_not_is_said_in_a_sentence(anna: Command) -> None:
    assert "time zone" in anna.error("digest", "set", "anna", "--time-zone", "Mars/Olympus")
    assert "nobody" in anna.error("digest", "set", "nobody")
    assert anna.run("digest", "set", "anna", "--hour", "24").exit_code == 2


def test_text_messages_are_chosen_and_left(anna: Command) -> None:
    assert anna.json("preference", "show", "anna")["requests_by_sms"] is False
    anna("preference", "set", "anna", "--by-sms")
    assert anna.json("preference", "show", "anna")["requests_by_sms"] is True
    assert "by text message" in anna("preference", "show", "anna")
    anna("preference", "set", "anna", "--language", "en")
    assert anna.json("preference", "show", "anna")["requests_by_sms"] is True
    anna("preference", "set", "anna", "--by-email")
    assert anna.json("preference", "show", "anna")["requests_by_sms"] is False
