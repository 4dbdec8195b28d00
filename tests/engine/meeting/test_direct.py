"""Direct connections: by a right answer or where anyone may, and nobody guesses or learns more than that."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sync import meeting
from sync.accounts import preference_changes, registration, slow_hash
from sync.accounts.rate_limits import Limit
from sync.database.engine import Database
from sync.errors import AlreadyExists, InvalidInput, NotFound, TooManyTries
from sync.meeting import direct
from tests.support.factories import connect, group, people
from tests.support.meeting import are_connected, ask, ask_first, block, prefer, refuse
from tests.support.statements import sent

HERE = "192.0.2.1"


def answer(database: Database, asker_id: int, target_id: int, text: str) -> bool:
    return meeting.answer(database, asker_id, target_id, text, HERE)


def connect_directly(database: Database, asker_id: int, target_id: int) -> None:
    database.write(lambda session: meeting.connect_directly(session, asker_id, target_id))


def test_a_right_answer_connects_at_once(database: Database) -> None:
    anna, bert = people(database, "anna", "bert")
    ask_first(database, anna, "Which school?", "清华 大学 １９８９")
    assert not answer(database, bert, anna, "北京大学")
    assert not are_connected(database, anna, bert)
    assert answer(database, bert, anna, " 清华大学1989")
    assert are_connected(database, anna, bert)
    with pytest.raises(AlreadyExists):
        answer(database, bert, anna, "清华大学1989")


def test_whoever_lets_anyone_is_connected_at_once(database: Database) -> None:
    anna, bert = people(database, "anna", "bert")
    new = group(database, anna, "new")
    prefer(database, anna, connecting="anyone", newcomers_group_id=new)
    connect_directly(database, bert, anna)
    assert are_connected(database, anna, bert)
    with pytest.raises(AlreadyExists):
        connect_directly(database, bert, anna)


@pytest.mark.parametrize("connecting", ["confirm", "nobody", "question"])
def test_nobody_else_is(database: Database, connecting: str) -> None:
    anna, bert = people(database, "anna", "bert")
    ask_first(database, anna, "Which school?", "Blue")
    prefer(database, anna, connecting=connecting)
    with pytest.raises(NotFound) as not_anyone:
        connect_directly(database, bert, anna)
    with pytest.raises(NotFound) as nobody:
        connect_directly(database, bert, 1)
    assert str(not_anyone.value) == str(nobody.value)
    with pytest.raises(InvalidInput):
        connect_directly(database, anna, anna)
    with pytest.raises(InvalidInput):
        answer(database, anna, anna, "Blue")


def ask_in_vain(database: Database, asker_id: int, target_id: int) -> None:
    ask(database, asker_id, target_id)
    refuse(database, target_id, asker_id)


SHUT: dict[str, Callable[[Database, int, int], object]] = {
    "the answer is wrong": lambda database, anna, _: ask_first(database, anna, "Which school?", "Red"),
    "they confirm": lambda database, anna, _: prefer(database, anna, connecting="confirm"),
    "they let nobody": lambda database, anna, _: prefer(database, anna, connecting="nobody"),
    "they have blocked": block,
    "they are blocked": lambda database, anna, bert: block(database, bert, anna),
    "the question is removed": lambda database, anna, _: database.write(
        lambda session: preference_changes.remove_question(session, anna)
    ),
    "they are shut out": lambda database, anna, _: database.write(
        lambda session: registration.set_disabled(session, anna, disabled=True)
    ),
    "they refused for ever": lambda database, anna, bert: ask_in_vain(database, bert, anna),
}


@pytest.mark.parametrize("shut", SHUT.values(), ids=SHUT)
def test_wrong_and_nobody_and_blocked_are_one_and_the_same(
    database: Database, monkeypatch: pytest.MonkeyPatch, shut: Callable[[Database, int, int], object]
) -> None:
    """In the answer, the statements that it takes, and the one slow hash."""
    anna, bert = people(database, "anna", "bert")
    ask_first(database, anna, "Which school?", "Blue")
    shut(database, anna, bert)
    hashed: list[str] = []
    fits = slow_hash.fits

    def watched(stored: str | None, text: str) -> bool:
        hashed.append(text)
        return fits(stored, text)

    monkeypatch.setattr(slow_hash, "fits", watched)
    with sent(database.engine) as statements:
        assert not answer(database, bert, anna, "Blue")
    with sent(database.engine) as for_nobody:
        assert not answer(database, bert, 1, "Blue")
    assert statements == for_nobody
    assert hashed == ["blue", "blue"]
    assert not are_connected(database, anna, bert)


def test_a_pair_has_few_tries_and_a_right_answer_comes_too_late_after_them(database: Database) -> None:
    anna, bert, carl = people(database, "anna", "bert", "carl")
    ask_first(database, anna, "Which school?", "Blue")
    for _ in range(direct.ANSWERS.tries):
        assert not answer(database, bert, anna, "Red")
    with sent(database.engine) as statements, pytest.raises(TooManyTries):
        answer(database, bert, anna, "Blue")
    assert not [text for text in statements if "preferences" in text]
    assert not are_connected(database, anna, bert)
    assert answer(database, carl, anna, "Blue")


def test_who_is_not_there_has_as_few(database: Database) -> None:
    (bert,) = people(database, "bert")
    for _ in range(direct.ANSWERS.tries):
        assert not answer(database, bert, 1, "Blue")
    with pytest.raises(TooManyTries):
        answer(database, bert, 1, "Blue")


@pytest.mark.parametrize("name", ["ANSWERS_TO_ONE", "ANSWERS_OF_SOURCE", "ANSWERS_OF_ALL"])
def test_many_together_have_few_tries_too(database: Database, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    anna, bert, carl = people(database, "anna", "bert", "carl")
    ask_first(database, anna, "Which school?", "Blue")
    monkeypatch.setattr(direct, name, Limit(name, 1, 3600))
    assert not answer(database, bert, anna, "Red")
    with pytest.raises(TooManyTries):
        answer(database, carl, anna, "Blue")
    assert not are_connected(database, anna, carl)


def test_an_answer_to_a_question_that_was_changed_meanwhile_connects_nobody(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna, bert = people(database, "anna", "bert")
    ask_first(database, anna, "Which school?", "Blue")
    fits = slow_hash.fits

    def slowly(stored: str | None, text: str) -> bool:
        right = fits(stored, text)
        ask_first(database, anna, "Which other school?", "Red")
        return right

    monkeypatch.setattr(slow_hash, "fits", slowly)
    assert not answer(database, bert, anna, "Blue")
    assert not are_connected(database, anna, bert)


def test_two_right_answers_at_once_connect_once(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    anna, bert = people(database, "anna", "bert")
    ask_first(database, anna, "Which school?", "Blue")
    fits = slow_hash.fits

    def slowly(stored: str | None, text: str) -> bool:
        if not are_connected(database, anna, bert):
            connect(database, anna, bert)
        return fits(stored, text)

    monkeypatch.setattr(slow_hash, "fits", slowly)
    assert not answer(database, bert, anna, "Blue")
    assert are_connected(database, anna, bert)
