"""Addresses: written in one way, proved by a code or a link, and told to nobody."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from sync.accounts import addresses, one_time_tokens
from sync.accounts.addresses import verify_code, verify_link, verify_start
from sync.database.engine import Database
from sync.errors import InvalidInput, InvalidOneTimeToken, LimitExceeded, NotFound, Refused, TooManyTries
from sync.models import Message
from sync.settings import Limits, Sending, Settings
from tests.support.factories import people, person
from tests.support.meeting import SENDING, messages, prefer

MAIL, NUMBER = "anna@example.org", "+8613800138000"
HERE = "192.0.2.1"


#: A server in China that sends messages.
SETTINGS = replace(SENDING, limits=Limits(addresses=2))


def proved(database: Database, owner_id: int) -> list[tuple[str, str]]:
    with database.reading() as session:
        return addresses.addresses_of(session, owner_id)


def values_sent(database: Database) -> dict[str, str]:
    with database.reading() as session:
        values: dict[str, str] = json.loads(session.scalars(select(Message.values)).one())
        return values


@pytest.mark.parametrize(
    ("channel", "text", "value"),
    [
        ("email", " Anna@Example.ORG", "anna@example.org"),
        ("email", "李@例子.中国", "李@例子.中国"),
        ("email", "a@xn--fsqu00a.xn--fiqs8s", "a@例子.中国"),
        ("sms", "138 0013 8000", "+8613800138000"),
        ("sms", "+86 (138) 0013-8000", "+8613800138000"),
        ("sms", "００８６１３８００１３８０００", "+8613800138000"),
        ("sms", "tel:+86-138-0013-8000", "+8613800138000"),
        ("sms", "+852 5555 0138", "+85255550138"),
    ],
)
def test_an_address_is_written_in_one_way(database: Database, channel: str, text: str, value: str) -> None:
    with database.reading() as session:
        assert addresses.normalize(session, channel, text) == value
        assert addresses.normalize(session, channel, value) == value
        assert addresses.meant_by(session, text) == (channel, value)


@pytest.mark.parametrize(
    ("channel", "text"),
    [
        ("email", "anna"),
        ("email", "anna@localhost"),
        ("email", "a@b@c.org"),
        ("email", "anna@example.org\nBcc: bert@example.org"),
        ("email", "x" * 300 + "@example.org"),
        ("email", "\ud800@example.org"),
        ("sms", "110"),
        ("sms", "anna"),
        ("sms", "\ud800"),
        ("sms", "1" * 300),
        ("pigeon", "anna@example.org"),
    ],
)
def test_what_is_no_address_is_refused(database: Database, channel: str, text: str) -> None:
    anna = person(database)
    with pytest.raises(InvalidInput):
        database.write(lambda session: addresses.add(session, anna, channel, text))
    with pytest.raises(InvalidInput):
        verify_start(database, anna, channel, text, source=HERE)
    assert messages(database) == []


@given(st.text())
def test_any_text_is_an_address_or_none(text: str) -> None:
    with contextlib.suppress(InvalidInput):
        assert "@" in addresses.email_of(text)
    with contextlib.suppress(InvalidInput):
        assert addresses._number(text, "CN").startswith("+")


def test_a_number_without_its_country_is_understood_where_the_settings_name_one(database_url: str) -> None:
    elsewhere = Database(database_url, Settings())
    with elsewhere.reading() as session:
        assert addresses.meant_by(session, "13800138000") is None
        assert addresses.meant_by(session, NUMBER) == ("sms", NUMBER)
    elsewhere.dispose()


def test_an_email_address_is_proved_by_a_link(database: Database) -> None:
    anna, bert = people(database, "anna", "bert")
    assert verify_start(database, anna, "email", "Anna@example.org", source=HERE) == MAIL
    assert messages(database) == [("email", MAIL, "confirm")]
    assert proved(database, anna) == []
    link = values_sent(database)["link"]
    before, _, token = link.partition("=")
    assert before == "https://cards.example.org/.web/confirm?token"
    assert database.write(lambda session: verify_link(session, token)) == anna
    assert proved(database, anna) == [("email", MAIL)]
    assert proved(database, bert) == []
    with pytest.raises(InvalidOneTimeToken):
        database.write(lambda session: verify_link(session, token))


def test_a_number_is_proved_by_a_code(database: Database) -> None:
    anna, bert = people(database, "anna", "bert")
    assert verify_start(database, anna, "sms", "13800138000", source=HERE) == NUMBER
    assert messages(database) == [("sms", NUMBER, "code")]
    code = values_sent(database)["code"]
    wrong = f"{(int(code) + 1) % 10**one_time_tokens.CODE_LENGTH:06}"
    assert not database.write(lambda session: verify_code(session, anna, NUMBER, wrong))
    assert not database.write(lambda session: verify_code(session, bert, NUMBER, code))
    assert not database.write(lambda session: verify_code(session, anna, "+8613900139000", code))
    assert proved(database, anna) == []
    assert database.write(lambda session: verify_code(session, anna, "138 0013 8000", code))
    assert proved(database, anna) == [("sms", NUMBER)]
    assert not database.write(lambda session: verify_code(session, anna, NUMBER, code))


def test_a_code_cannot_be_guessed(database: Database) -> None:
    anna = person(database)
    verify_start(database, anna, "sms", NUMBER, source=HERE)
    code = values_sent(database)["code"]
    for number in range(one_time_tokens.CODE_TRIES):
        wrong = f"{(int(code) + 1 + number) % 10**one_time_tokens.CODE_LENGTH:06}"
        assert not database.write(lambda session, wrong=wrong: verify_code(session, anna, NUMBER, wrong))  # type: ignore[misc]
    assert not database.write(lambda session: verify_code(session, anna, NUMBER, code))


def test_nobody_is_told_who_proved_an_address_before(database: Database) -> None:
    anna, bert = people(database, "anna", "bert")
    database.write(lambda session: addresses.add(session, anna, "email", MAIL))
    assert verify_start(database, bert, "email", MAIL, source=HERE) == MAIL
    assert messages(database) == [("email", MAIL, "confirm")]


def test_a_message_is_in_the_language_of_who_gets_it(database: Database) -> None:
    anna = person(database)
    prefer(database, anna, language="zh-Hans")
    verify_start(database, anna, "email", MAIL, source=HERE)
    with database.reading() as session:
        assert session.scalars(select(Message.language)).one() == "zh-Hans"


def test_an_address_gets_few_messages_whoever_asks_for_them_from_wherever(database: Database) -> None:
    for number in range(addresses.PROOFS_OF_ADDRESS.tries):
        verify_start(database, person(database, f"p{number}"), "email", MAIL, source=f"192.0.2.{number}")
    with pytest.raises(TooManyTries):
        verify_start(database, person(database), "email", "ANNA@example.org", source="198.51.100.1")
    assert len(messages(database)) == addresses.PROOFS_OF_ADDRESS.tries


def test_nobody_keeps_the_owner_from_proving_their_own_address(database: Database) -> None:
    """One person, and many from one place, use up their share, and the owner elsewhere has theirs."""

    def annoy(account_id: int, source: str) -> bool:
        try:
            return bool(verify_start(database, account_id, "email", MAIL, source=source))
        except TooManyTries:
            return False

    assert not all(annoy(person(database, f"p{number}"), HERE) for number in range(10))
    mallory = person(database, "mallory")
    assert not all(annoy(mallory, f"192.0.2.{number}") for number in range(10))
    assert verify_start(database, person(database, "anna"), "email", MAIL, source="198.51.100.1") == MAIL


@pytest.mark.parametrize(
    "spelling",
    [
        "carol@ｅxample.com",
        "carol@ex\u00adample.com",
        "CAROL@EXAMPLE.com",
        "ｃａｒｏｌ＠example。com",
        "\u202acarol@example.com\u202c",
    ],
)
def test_a_spelling_is_no_other_address(database: Database, spelling: str) -> None:
    with database.reading() as session:
        assert addresses.normalize(session, "email", spelling) == "carol@example.com"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("carol@example.com", "carol+a@example.com"),
        ("carol@example.com", "carol@ｅxample.com"),
        ("carol.k@gmail.com", "c.arolk+x@gmail.com"),
        ("+8613800138000", "+86\u00ad138 0013 8000"),
    ],
)
def test_one_mailbox_is_counted_once_however_it_is_written(database: Database, one: str, other: str) -> None:
    """In whatever spelling, and with whatever its server ignores."""
    channel = "email" if "@" in one else "sms"
    for number in range(addresses.PROOFS_OF_SOURCE.tries):
        verify_start(database, person(database), channel, (one, other)[number % 2], source=HERE)
    for spelling in (one, other):
        with pytest.raises(TooManyTries):
            verify_start(database, person(database), channel, spelling, source=HERE)


def test_a_person_has_few_messages_sent(database: Database) -> None:
    anna = person(database)
    for number in range(addresses.PROOFS.tries):
        verify_start(database, anna, "email", f"a{number}@example.org", source=HERE)
    with pytest.raises(TooManyTries):
        verify_start(database, anna, "sms", NUMBER, source=HERE)


def test_a_server_that_sends_nothing_says_so(database_url: str) -> None:
    silent = Database(database_url, replace(SENDING, sending=Sending()))
    anna = person(silent)
    for channel, value in (("email", MAIL), ("sms", NUMBER)):
        with pytest.raises(Refused):
            verify_start(silent, anna, channel, value, source=HERE)
    silent.dispose()


def test_a_person_has_so_many_addresses_and_each_once(database: Database) -> None:
    anna = person(database)

    def add(value: str) -> None:
        database.write(lambda session: addresses.add(session, anna, "email", value))

    for value in (MAIL, "ANNA@example.org", "b@example.org", MAIL):
        add(value)
    with pytest.raises(LimitExceeded):
        add("c@example.org")
    with pytest.raises(LimitExceeded):
        verify_start(database, anna, "email", "c@example.org", source=HERE)
    database.write(lambda session: addresses.remove(session, anna, "email", "Anna@Example.org"))
    add("c@example.org")
    assert sorted(proved(database, anna)) == [("email", "b@example.org"), ("email", "c@example.org")]


def test_only_ones_own_address_can_be_removed(database: Database) -> None:
    anna, bert = people(database, "anna", "bert")
    database.write(lambda session: addresses.add(session, anna, "email", MAIL))
    with pytest.raises(NotFound):
        database.write(lambda session: addresses.remove(session, bert, "email", MAIL))
    with pytest.raises(NotFound):
        database.write(lambda session: addresses.add(session, 1, "email", MAIL))
