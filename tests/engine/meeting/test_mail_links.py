"""Messages about requests: who is told, once, with a link by which they decide."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import select

from sync import meeting
from sync.accounts import addresses
from sync.accounts.rate_limits import DAY, Limit
from sync.database.engine import Database
from sync.errors import InvalidOneTimeToken, NotFound
from sync.meeting import request_messages
from sync.meeting import requests as rules
from sync.models import Message, now
from sync.notify import suppression
from tests.support.factories import field, people, person
from tests.support.meeting import (
    SENDING,
    are_connected,
    ask,
    confirm,
    do_errands,
    messages,
    prefer,
    requests,
    show_strangers,
    states,
)

#: A server that sends messages.
SETTINGS = SENDING


def prove(database: Database, owner_id: int, channel: str = "email", text: str = "anna@example.org") -> None:
    database.write(lambda session: addresses.add(session, owner_id, channel, text))


def letter(database: Database) -> dict[str, str]:
    """Return what the one message says that is still to be sent."""
    do_errands(database)
    with database.reading() as session:
        values: dict[str, str] = json.loads(session.scalars(select(Message.values)).one())
        return values


def token(database: Database) -> str:
    """Return the ticket in that message's link."""
    return parse_qs(urlsplit(letter(database)["link"]).query)["token"][0]


def withdraw(database: Database, asker_id: int, target_id: int) -> None:
    database.write(lambda session: meeting.withdraw(session, asker_id, target_id))


def test_who_is_asked_is_told_once_with_a_link_that_lets_them_decide(database: Database) -> None:
    anna, bert = people(database, "anna", "bert")
    prove(database, anna)
    show_strangers(database, bert, "name", "Bert Beran")
    field(database, bert, "mobile", "+86 138 0013 8000")
    ask(database, bert, anna, "Hello!")
    assert messages(database) == [("email", "anna@example.org", "request")]
    told = letter(database)
    assert (told["name"], told["message"]) == ("Bert Beran", "Hello!")
    assert "+86 138" not in json.dumps(told).replace(told["link"], "").replace(told["unsubscribe"], "")
    given = token(database)
    owner_id, asked = database.write(lambda session: meeting.open_letter(session, given))
    assert (owner_id, asked.login, asked.name) == (anna, "bert", "Bert Beran")
    assert states(database, anna) == [("in", "bert", "waiting")]
    assert database.write(lambda session: meeting.decide_by_letter(session, given, "confirm")) == (anna, bert)
    assert are_connected(database, anna, bert)
    for use in (meeting.open_letter, lambda session, given: meeting.decide_by_letter(session, given, "decline")):
        with pytest.raises(InvalidOneTimeToken):
            database.write(lambda session, use=use: use(session, given))  # type: ignore[misc]
    assert are_connected(database, anna, bert)


@pytest.mark.parametrize(("decision", "told"), [("decline", "declined"), ("refuse", "waiting")])
def test_a_link_lets_them_say_no(database: Database, decision: str, told: str) -> None:
    anna, bert = people(database, "anna", "bert")
    prove(database, anna)
    ask(database, bert, anna)
    given = token(database)
    with pytest.raises(NotFound):
        database.write(lambda session: meeting.decide_by_letter(session, given, "shout"))
    database.write(lambda session: meeting.decide_by_letter(session, given, decision))
    assert (states(database, anna), states(database, bert)) == ([], [("out", "anna", told)])
    assert not are_connected(database, anna, bert)


def test_a_link_is_about_the_request_that_it_was_sent_for(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    anna, bert = people(database, "anna", "bert")
    prove(database, anna)
    ask(database, bert, anna)
    given = token(database)
    withdraw(database, bert, anna)
    later = now() + 60
    monkeypatch.setattr(rules, "now", lambda: later)
    ask(database, bert, anna, "something else")
    with pytest.raises(InvalidOneTimeToken):
        database.write(lambda session: meeting.decide_by_letter(session, given, "confirm"))
    assert not are_connected(database, anna, bert)


def test_who_wants_no_messages_gets_none(database: Database) -> None:
    anna, bert, carl = people(database, "anna", "bert", "carl")
    prove(database, anna)
    prefer(database, anna, told_of_requests=False)
    ask(database, bert, anna)
    assert messages(database) == []
    prefer(database, anna, told_of_requests=True)
    unsubscribe = database.write(lambda session: suppression.token_for(session, "email", "anna@example.org"))
    database.write(lambda session: suppression.suppress(session, unsubscribe))
    ask(database, carl, anna)
    assert messages(database) == []
    assert [each.login for each in requests(database, anna)] != []


def test_a_text_message_goes_to_whoever_has_no_email(database: Database) -> None:
    anna, bert = people(database, "anna", "bert")
    prove(database, anna, "sms", "13800138000")
    prefer(database, anna, language="zh-Hans")
    ask(database, bert, anna)
    assert messages(database) == [("sms", "+8613800138000", "request")]
    prove(database, anna)
    withdraw(database, bert, anna)
    ask(database, bert, anna)
    assert ("email", "anna@example.org", "request") in messages(database)


def test_who_asked_is_told_of_the_yes(database: Database) -> None:
    anna, bert = people(database, "anna", "bert")
    prove(database, bert, text="bert@example.org")
    ask(database, bert, anna)
    confirm(database, anna, bert)
    assert messages(database) == [("email", "bert@example.org", "accepted")]
    assert letter(database)["name"] == "anna"


def test_a_person_gets_so_few_messages_whoever_asks(database: Database) -> None:
    anna = person(database, "anna")
    prove(database, anna)
    for number in range(request_messages.TOLD.tries + 2):
        assert not ask(database, person(database, f"p{number}"), anna)
    assert len(messages(database)) == request_messages.TOLD.tries
    assert len(requests(database, anna)) == request_messages.TOLD.tries + 2


def test_whoever_chose_it_is_told_by_text_message_a_few_times_a_day_and_then_by_email(database: Database) -> None:
    anna, *others = people(database, "anna", *(f"other{number}" for number in range(5)))
    prove(database, anna)
    prove(database, anna, "sms", "13800138000")
    prefer(database, anna, requests_by_sms=True)
    for other in others:
        ask(database, other, anna)
    told = [channel for channel, _to, _template in messages(database)]
    assert sorted(told) == ["email"] * 2 + ["sms"] * request_messages.TEXTS.tries


def test_no_more_text_messages_leave_in_a_day_than_the_server_pays_for(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_messages, "TEXTS_OF_ALL", Limit("anybody told by text message", 2, DAY))
    bert, *readers = people(database, "bert", "anna", "carl", "dora")
    for number, reader in enumerate(readers):
        prove(database, reader, "sms", f"1380013800{number}")
        ask(database, bert, reader)
    assert [channel for channel, _to, _template in messages(database)] == ["sms"] * 2


def test_whoever_wants_no_messages_gets_none_by_text_either(database: Database) -> None:
    anna, bert = people(database, "anna", "bert")
    prove(database, anna, "sms", "13800138000")
    prefer(database, anna, requests_by_sms=True, told_of_requests=False)
    ask(database, bert, anna)
    assert messages(database) == []


def test_a_number_that_wants_no_messages_leaves_the_email(database: Database) -> None:
    anna, bert = people(database, "anna", "bert")
    prove(database, anna)
    prove(database, anna, "sms", "13800138000")
    prefer(database, anna, requests_by_sms=True)
    unsubscribe = database.write(lambda session: suppression.token_for(session, "sms", "+8613800138000"))
    database.write(lambda session: suppression.suppress(session, unsubscribe))
    ask(database, bert, anna)
    assert [channel for channel, _to, _template in messages(database)] == ["email"]
