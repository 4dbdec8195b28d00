"""Preferences: what people decide counts at once, and is theirs alone."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from sync import models
from sync.accounts import addresses, preference_changes, slow_hash
from sync.accounts.preference_changes import normalize_answer
from sync.database.engine import Database
from sync.errors import InvalidInput, NotFound
from sync.sharing import groups
from sync.sharing.preferences import Preferences
from tests.support.factories import group, people, person, strangers
from tests.support.meeting import ask_first, found, prefer


def decided(database: Database, owner_id: int) -> Preferences:
    with database.reading() as session:
        return preference_changes.preferences_of(session, owner_id)


def test_who_decided_nothing_is_found_by_what_others_know_already_and_confirms(database: Database) -> None:
    assert decided(database, person(database)) == Preferences(
        found_by_login=True,
        found_by_email=True,
        found_by_phone=False,
        found_by_name=False,
        connecting="confirm",
        question=None,
        newcomers_group_id=None,
        told_of_requests=True,
        phone_decided=False,
        language=None,
    )
    assert decided(database, 1) == Preferences()


def test_what_is_decided_is_kept(database: Database) -> None:
    anna, bert = people(database, "anna", "bert")
    chosen = {
        "found_by_login": False,
        "found_by_name": True,
        "connecting": "anyone",
        "newcomers_group_id": group(database, anna, "new"),
        "told_of_requests": False,
        "language": "zh-Hans",
    }
    prefer(database, anna, **chosen)
    assert decided(database, anna) == Preferences(**chosen)  # type: ignore[arg-type]
    prefer(database, anna, language="en")
    assert decided(database, anna) == Preferences(**chosen | {"language": "en"})  # type: ignore[arg-type]
    assert decided(database, bert) == Preferences()


@pytest.mark.parametrize(
    "changes", [{"connecting": "everybody"}, {"connecting": "question"}, {"language": "x"}, {"language": "en\n"}]
)
def test_what_is_no_choice_is_refused(database: Database, changes: dict[str, Any]) -> None:
    anna = person(database)
    with pytest.raises(InvalidInput):
        prefer(database, anna, **changes)
    assert decided(database, anna) == Preferences()


def test_newcomers_land_in_a_group_of_ones_own_that_is_there(database: Database) -> None:
    anna, bert = people(database, "anna", "bert")
    for group_id in (group(database, bert, "new"), strangers(database, anna), 1):
        with pytest.raises(NotFound):
            prefer(database, anna, newcomers_group_id=group_id)
    new = group(database, anna, "new")
    prefer(database, anna, newcomers_group_id=new)
    database.write(lambda session: groups.remove(session, anna, new))
    assert decided(database, anna).newcomers_group_id is None
    with pytest.raises(NotFound):
        prefer(database, 1)


def test_a_question_is_asked_until_it_is_removed(database: Database) -> None:
    anna = person(database, "anna")
    ask_first(database, anna, " Which  school? ", "Blue!")
    assert (decided(database, anna).connecting, decided(database, anna).question) == ("question", "Which school?")
    prefer(database, anna, connecting="confirm")
    prefer(database, anna, connecting="question")
    database.write(lambda session: preference_changes.remove_question(session, anna))
    assert (decided(database, anna).connecting, decided(database, anna).question) == ("confirm", None)
    with pytest.raises(InvalidInput):
        prefer(database, anna, connecting="question")


def test_an_answer_is_stored_as_a_slow_hash_only(database: Database) -> None:
    anna = person(database)
    ask_first(database, anna, "Which school?", "Ｎｏ． １９, Main St.")
    with database.reading() as session:
        row = session.scalars(select(models.Preferences)).one()
    assert row.answer_hash is not None
    assert row.answer_hash.startswith("$argon2id$")
    assert "main" not in repr(vars(row)).lower()
    assert slow_hash.fits(row.answer_hash, normalize_answer("no 19 MAIN st"))
    assert not slow_hash.fits(row.answer_hash, normalize_answer("no 20 main st"))
    assert not slow_hash.fits(None, "")


@pytest.mark.parametrize(
    ("question", "answer"), [("", "a"), ("x" * 201, "a"), ("q", ""), ("q", " \u3000\u200b"), ("q", "x" * 201)]
)
def test_a_question_without_an_answer_is_none(database: Database, question: str, answer: str) -> None:
    anna = person(database)
    with pytest.raises(InvalidInput):
        ask_first(database, anna, question, answer)
    assert decided(database, anna) == Preferences()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Blue", " blue "),
        ("Blue", "B l u e"),
        ("１９８９", "1989"),
        ("Straße", "STRASSE"),
        ("清华 大学", "清华大学"),
        ("19 Main St.", "19, main st"),
        ("é", "e\u0301"),
        (":-)", ": - )"),
    ],
)
def test_an_answer_is_right_however_it_is_typed(one: str, other: str) -> None:
    assert normalize_answer(one) == normalize_answer(other)


@pytest.mark.parametrize(("one", "other"), [("Blue", "Blues"), ("C", "C++"), ("résumé", "resume"), (":-)", ":-(")])
def test_another_answer_is_wrong(one: str, other: str) -> None:
    assert normalize_answer(one) != normalize_answer(other)


@given(st.text())
def test_any_answer_can_be_hashed(text: str) -> None:
    said = normalize_answer(text)
    assert normalize_answer(said) == said
    said.encode()


def test_who_lets_nobody_connect_is_found_by_nobody(database: Database) -> None:
    anna, bert = people(database, "anna", "bert")
    assert found(database, bert, "anna") == {"anna"}
    prefer(database, anna, connecting="nobody")
    assert found(database, bert, "anna") == set()
    prefer(database, anna, connecting="anyone")
    assert found(database, bert, "anna") == {"anna"}


def test_the_group_of_newcomers_is_chosen_alone(database: Database) -> None:
    anna, bo = people(database, "anna", "bo")
    prefer(database, anna, found_by_name=True, language="zh-Hans")
    mine, foreign = group(database, anna, "New"), group(database, bo, "New")
    database.write(lambda session: preference_changes.set_newcomers_group(session, anna, mine))
    now = decided(database, anna)
    assert (now.newcomers_group_id, now.found_by_name, now.language) == (mine, True, "zh-Hans")
    for wrong in (foreign, strangers(database, anna), 1):
        with pytest.raises(NotFound):
            database.write(lambda session, wrong=wrong: preference_changes.set_newcomers_group(session, anna, wrong))  # type: ignore[misc]
    database.write(lambda session: preference_changes.set_newcomers_group(session, anna, None))
    assert decided(database, anna).newcomers_group_id is None


def test_what_is_not_decided_anew_stays(database: Database) -> None:
    anna = person(database)
    database.write(
        lambda session: preference_changes.change_preferences(session, anna, found_by_name=True, language="en")
    )
    database.write(lambda session: preference_changes.change_preferences(session, anna, connecting="nobody"))
    assert decided(database, anna) == Preferences(found_by_name=True, language="en", connecting="nobody")


def test_nobody_is_found_by_number_who_has_not_said_so(database: Database) -> None:
    """Who has proved one is asked, once; and who says no is found by it no more than who says nothing."""
    anna, bert = people(database, "anna", "bert")

    def asked() -> bool:
        with database.reading() as session:
            return preference_changes.is_asked_about_number(session, anna)

    assert not asked()
    database.write(lambda session: addresses.add(session, anna, "sms", "+8613800138000"))
    assert asked()
    assert found(database, bert, "+8613800138000") == set()
    for answer in (False, True):
        database.write(lambda session, said=answer: preference_changes.decide_about_number(session, anna, found=said))  # type: ignore[misc]
        assert not asked()
        assert found(database, bert, "+8613800138000") == ({"anna"} if answer else set())
