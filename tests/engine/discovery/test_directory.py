"""The directory: people are found by what they chose, by nothing else, and by nobody who must not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sync.accounts import addresses, rate_limits, registration
from sync.accounts.rate_limits import Limit
from sync.database import accounts
from sync.database.engine import Database
from sync.discovery import directory
from sync.discovery.directory import find, search
from sync.errors import TooManyTries
from sync.profiles import profiles
from sync.sharing import grants, search_keys
from tests.support.factories import connect, field, people, person, set_field, strangers
from tests.support.meeting import SENDING, ask, ask_first, block, found, prefer, refuse, said, show_strangers
from tests.support.statements import sent

#: A server in China.
SETTINGS = SENDING


def prove(database: Database, owner_id: int, channel: str, text: str) -> None:
    database.write(lambda session: addresses.add(session, owner_id, channel, text))


def keys(database: Database, owner_id: int) -> list[str]:
    with database.reading() as session:
        kept = list(search_keys.keys_of(session, owner_id))
        assert kept == sorted(search_keys.wanted(session, owner_id))
    return kept


def test_people_are_found_by_login_unless_they_do_not_want_to(database: Database) -> None:
    anna, bert = people(database, "anna", "bert")
    assert found(database, bert, " Anna ") == {"anna"}
    assert found(database, bert, "ann") == set()
    assert found(database, anna, "anna") == set()
    prefer(database, anna, found_by_login=False)
    assert found(database, bert, "anna") == set()
    assert keys(database, anna) == []


@pytest.mark.parametrize(
    ("channel", "proved", "typed", "choice"),
    [
        ("email", "Anna@Example.org", "anna@example.ORG ", "found_by_email"),
        ("sms", "+86 138 0013 8000", "13800138000", "found_by_phone"),
        ("sms", "138 0013 8000", "+8613800138000", "found_by_phone"),
    ],
)
def test_people_are_found_by_an_address_that_they_proved(
    database: Database, channel: str, proved: str, typed: str, choice: str
) -> None:
    anna, bert = people(database, "anna", "bert")
    show_strangers(database, anna, "email" if channel == "email" else "mobile", proved)
    assert found(database, bert, typed) == set()
    prove(database, anna, channel, proved)
    prefer(database, anna, **{choice: True})
    assert found(database, bert, typed) == {"anna"}
    prefer(database, anna, **{choice: False})
    assert found(database, bert, typed) == set()
    prefer(database, anna, **{choice: True})
    assert found(database, bert, typed) == {"anna"}
    database.write(lambda session: addresses.remove(session, anna, channel, typed))
    assert found(database, bert, typed) == set()


def test_a_family_may_share_an_address(database: Database) -> None:
    anna, bert, carl = people(database, "anna", "bert", "carl")
    for person_id in (anna, bert):
        prove(database, person_id, "email", "family@example.org")
    assert found(database, carl, "family@example.org") == {"anna", "bert"}


def test_a_name_finds_whoever_wants_that_and_shows_it_to_strangers(database: Database) -> None:
    anna, bert = people(database, "anna", "bert")
    name = field(database, anna, "name", "陈安娜")
    prefer(database, anna, found_by_name=True)
    assert found(database, bert, "陈安娜") == set()
    everybody = strangers(database, anna)
    database.write(lambda session: grants.grant(session, anna, everybody, [name]))
    for text in ("陈安娜", "chen anna", "Anna Chen"):
        assert found(database, bert, text) == {"anna"}
    prefer(database, anna, found_by_name=False)
    assert found(database, bert, "陈安娜") == set()


def test_a_name_that_is_taken_back_or_changed_finds_nobody_at_once(database: Database) -> None:
    anna, bert = people(database, "anna", "bert")
    name = show_strangers(database, anna, "name", "陈安娜")
    prefer(database, anna, found_by_name=True)
    set_field(database, anna, name, "Anna Berg", "name")
    assert found(database, bert, "陈安娜") == set()
    assert found(database, bert, "berg") == {"anna"}
    everybody = strangers(database, anna)
    database.write(lambda session: grants.take_back(session, anna, everybody, [name]))
    assert found(database, bert, "berg") == set()
    database.write(lambda session: grants.grant(session, anna, everybody, [name]))
    assert found(database, bert, "berg") == {"anna"}
    database.write(lambda session: profiles.remove_field(session, anna, name))
    assert found(database, bert, "berg") == set()
    assert keys(database, anna) == ["login:anna"]


def test_who_is_shut_out_is_not_found(database: Database) -> None:
    anna, bert = people(database, "anna", "bert")
    show_strangers(database, anna, "name", "Anna Berg")
    prefer(database, anna, found_by_name=True)
    before = keys(database, anna)
    database.write(lambda session: registration.set_disabled(session, anna, disabled=True))
    assert keys(database, anna) == []
    show_strangers(database, anna, "nickname", "Annie")
    assert found(database, bert, "annie") | found(database, bert, "anna") == set()
    database.write(lambda session: registration.set_disabled(session, anna, disabled=False))
    assert set(before) < set(keys(database, anna))
    assert found(database, bert, "annie") == {"anna"}


def test_what_is_found_is_what_strangers_may_see(database: Database) -> None:
    anna, bert = people(database, "anna", "bert")
    field(database, anna, "mobile")
    show_strangers(database, anna, "name", "陈安娜")
    show_strangers(database, anna, "hobby", "Chess")
    connect(database, anna, bert)
    with database.reading() as session:
        (only,) = find(session, bert, "anna")
    assert (only.login, only.name, said(only.fields), only.connected) == ("anna", "陈安娜", {"陈安娜", "Chess"}, True)


def test_who_looks_is_told_how_to_connect(database: Database) -> None:
    anna, bert, carl, dora, emil = people(database, "anna", "bert", "carl", "dora", "emil")
    prefer(database, anna, connecting="anyone")
    ask_first(database, bert, "Which school?", "Blue")
    ask(database, emil, carl)

    def told(login: str) -> tuple[str, str | None, bool, bool]:
        with database.reading() as session:
            (only,) = find(session, emil, login)
        return only.connecting, only.question, only.connected, only.asked

    assert told("anna") == ("anyone", None, False, False)
    assert told("bert") == ("question", "Which school?", False, False)
    assert told("carl") == ("confirm", None, False, True)
    connect(database, dora, emil)
    assert told("dora") == ("confirm", None, True, False)
    # A question that counts no more is not told.
    prefer(database, bert, connecting="confirm")
    assert told("bert") == ("confirm", None, False, False)


def test_who_was_refused_for_ever_is_not_told_so(database: Database) -> None:
    anna, bert = people(database, "anna", "bert")
    ask(database, bert, anna)
    refuse(database, anna, bert)
    prefer(database, anna, connecting="anyone")
    with database.reading() as session:
        (only,) = find(session, bert, "anna")
    assert (only.connecting, only.asked) == ("confirm", True)


HIDING: dict[str, Callable[[Database, int, int], object]] = {
    "there is nobody": lambda *_: None,
    "they do not want to be found": lambda database, anna, _: prefer(database, anna, found_by_login=False),
    "they let nobody connect": lambda database, anna, _: prefer(database, anna, connecting="nobody"),
    "they have blocked who looks": block,
    "who looks has blocked them": lambda database, anna, bert: block(database, bert, anna),
    "they are shut out": lambda database, anna, _: database.write(
        lambda session: registration.set_disabled(session, anna, disabled=True)
    ),
}


@pytest.mark.parametrize("hide", HIDING.values(), ids=HIDING)
def test_nobody_hidden_and_blocked_are_one_and_the_same(
    database: Database, hide: Callable[[Database, int, int], object]
) -> None:
    """In the answer and in the statements that it takes, with the same values but for ids."""
    anna, bert = people(database, "anna", "bert")
    person(database, "nobodys-login-before")
    text = "nobody" if hide is HIDING["there is nobody"] else "anna"
    hide(database, anna, bert)
    with database.reading() as session, sent(database.engine) as statements:
        assert find(session, bert, text) == []
    with database.reading() as session, sent(database.engine) as for_nobody:
        assert find(session, bert, "zoe") == []
    assert statements == for_nobody
    assert len(statements) == 10


@pytest.mark.parametrize("text", ["", " ", "\0", "\ud800", "%", "a" * 10_000, "名" * 5_000, "login:anna", "'; --"])
def test_no_text_finds_what_it_does_not_say(database: Database, text: str) -> None:
    people(database, "anna", "bert")
    assert found(database, person(database), text) == set()


def test_a_common_name_finds_some_and_hides_no_exact_match(database: Database) -> None:
    searcher = person(database)
    logins = [f"p{number:02}" for number in range(directory.MOST + 5)]
    for login in logins:
        show_strangers(database, person(database, login), "name", "Li Ming")
    exact = person(database, "liming")

    with database.reading() as session:
        everybody = [each.id for each in accounts.everybody(session)]
    for owner_id in everybody:
        prefer(database, owner_id, found_by_name=True)
    with database.reading() as session:
        listed = find(session, searcher, "LiMing")
    assert len(listed) == directory.MOST
    assert listed[0].account_id == exact
    assert len({each.login for each in listed}) == directory.MOST


def test_several_addresses_are_looked_for_at_once(database: Database) -> None:
    anna, bert, carl = people(database, "anna", "bert", "carl")
    prove(database, anna, "email", "anna@example.org")
    prove(database, bert, "sms", "13800138000")
    prefer(database, bert, found_by_phone=True)
    block(database, bert, carl)
    wanted = [("email", "anna@example.org"), ("sms", "+8613800138000"), ("email", "nobody@example.org")]
    with database.reading() as session:
        by_address = directory.find_by_addresses(session, carl, wanted)
    assert {key: [each.login for each in people] for key, people in by_address.items()} == {
        ("email", "anna@example.org"): ["anna"]
    }


def test_each_number_and_address_counts_and_a_name_once(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many are looked for at a time, and in how many spellings."""
    anna = person(database)
    monkeypatch.setattr(directory, "SEARCHES", Limit("search", 6, 3600))

    def look(*texts: str) -> None:
        directory.search_any(database, anna, texts, "here")

    look("Dora Weiss", "Dora", "Weiss")
    look("+8613800138000", "138 0013 8000", "dora@example.org", "Dora")
    for texts in (("+8613800138001", "+8613800138002", "+8613800138003"), ("a@example.org", "b@example.org", "Dora")):
        with pytest.raises(TooManyTries):
            look(*texts)
    look("+8613800138001", "+8613800138002")
    with pytest.raises(TooManyTries):
        look("Dora")


@pytest.mark.parametrize("name", ["SEARCHES", "SEARCHES_A_DAY", "SEARCHES_OF_SOURCE", "SEARCHES_OF_ALL"])
def test_who_looks_too_often_is_stopped_before_any_work(
    database: Database, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    anna, bert = people(database, "anna", "bert")
    limit: Limit = getattr(directory, name)
    monkeypatch.setattr(directory, name, Limit(limit.name, 2, limit.period))
    source = rate_limits.source("192.0.2.1")
    assert [each.login for each in search(database, anna, "bert", source)] == ["bert"]
    assert search(database, anna, "nobody", source) == []
    with sent(database.engine) as statements, pytest.raises(TooManyTries):
        search(database, anna, "bert", source)
    assert not [text for text in statements if "search_key" in text]
    other_person, other_source = (bert, source), (anna, rate_limits.source("192.0.2.2"))
    stopped = {"SEARCHES_OF_SOURCE": [other_source], "SEARCHES_OF_ALL": []}
    for searcher, from_where in stopped.get(name, [other_person]):
        search(database, searcher, "bert", from_where)
