"""Requests: nobody is connected who does not want it, nobody is pestered, and nobody learns of a refusal."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from sync import meeting
from sync.accounts import addresses, registration
from sync.database.engine import Database
from sync.errors import AlreadyExists, InvalidInput, NotFound, Refused, TooManyTries
from sync.meeting import Asked
from sync.settings import Limits
from sync.sharing import groups
from tests.support.factories import connect, field, group, people, seen, strangers
from tests.support.meeting import (
    SENDING,
    are_connected,
    ask,
    block,
    confirm,
    decline,
    messages,
    prefer,
    refuse,
    requests,
    said,
    show_strangers,
    states,
)

#: A server that sends messages, where a person may ask three others a day.
SETTINGS = replace(SENDING, limits=Limits(requests_a_day=3))


def prove(database: Database, owner_id: int, channel: str = "email", text: str = "anna@example.org") -> None:
    database.write(lambda session: addresses.add(session, owner_id, channel, text))


def withdraw(database: Database, asker_id: int, target_id: int) -> None:
    database.write(lambda session: meeting.withdraw(session, asker_id, target_id))


def test_who_is_asked_confirms_and_the_two_are_connected(database: Database) -> None:
    anna, bert = people(database, "anna", "bert")
    assert not ask(database, bert, anna, " Hello!\0 ")
    assert not are_connected(database, anna, bert)
    (received,), (sent,) = requests(database, anna), requests(database, bert)
    assert (received.direction, received.login, received.message) == ("in", "bert", "Hello!")
    assert (sent.direction, sent.login, sent.state) == ("out", "anna", "waiting")
    assert confirm(database, anna, bert)
    assert are_connected(database, anna, bert)
    assert requests(database, anna) == requests(database, bert) == []
    with pytest.raises(AlreadyExists):
        ask(database, bert, anna)


def test_who_asks_cannot_confirm_for_the_other(database: Database) -> None:
    anna, bert, carl = people(database, "anna", "bert", "carl")
    ask(database, bert, anna)
    attempts: list[tuple[Callable[..., object], int, int]] = [
        (act, *pair) for act in (confirm, decline, refuse) for pair in ((bert, anna), (carl, bert), (anna, carl))
    ]
    for act, one, other in attempts:
        with pytest.raises(NotFound):
            act(database, one, other)
    assert not are_connected(database, anna, bert)
    assert states(database, anna) == [("in", "bert", "waiting")]


def test_a_request_is_asked_once_until_it_is_taken_back(database: Database) -> None:
    anna, bert = people(database, "anna", "bert")
    ask(database, bert, anna, "one")
    with pytest.raises(AlreadyExists):
        ask(database, bert, anna, "two")
    withdraw(database, bert, anna)
    assert states(database, anna) == states(database, bert) == []
    with pytest.raises(NotFound):
        confirm(database, anna, bert)
    with pytest.raises(NotFound):
        withdraw(database, bert, anna)
    ask(database, bert, anna, "three")
    assert [each.message for each in requests(database, anna)] == ["three"]
    withdraw(database, bert, anna)
    with pytest.raises(TooManyTries):
        ask(database, bert, anna, "four")


def test_two_who_ask_each_other_are_connected_at_once(database: Database) -> None:
    anna, bert = people(database, "anna", "bert")
    assert not ask(database, bert, anna)
    assert ask(database, anna, bert)
    assert are_connected(database, anna, bert)
    assert states(database, anna) == states(database, bert) == []


def test_two_who_ask_each_other_at_the_same_moment_do_not_pass_each_other_by(database: Database) -> None:
    for number in range(8):
        one, other = people(database, f"a{number}", f"b{number}")
        barrier = threading.Barrier(2)

        def run(pair: tuple[int, int], barrier: threading.Barrier = barrier) -> bool:
            barrier.wait()
            return ask(database, *pair)

        with ThreadPoolExecutor(2) as pool:
            assert sorted(pool.map(run, [(one, other), (other, one)])) == [False, True]
        assert are_connected(database, one, other)


def test_who_lets_anyone_is_connected_by_asking(database: Database) -> None:
    anna, bert = people(database, "anna", "bert")
    prefer(database, anna, connecting="anyone")
    assert ask(database, bert, anna)
    assert are_connected(database, anna, bert)


def test_who_is_declined_is_told_and_may_ask_again(database: Database) -> None:
    anna, bert = people(database, "anna", "bert")
    ask(database, bert, anna)
    decline(database, anna, bert)
    assert (states(database, anna), states(database, bert)) == ([], [("out", "anna", "declined")])
    with pytest.raises(NotFound):
        confirm(database, anna, bert)
    ask(database, bert, anna, "please")
    assert states(database, anna) == [("in", "bert", "waiting")]
    assert confirm(database, anna, bert)


def test_who_is_refused_for_ever_waits_for_ever(database: Database) -> None:
    anna, bert = people(database, "anna", "bert")
    ask(database, bert, anna)
    refuse(database, anna, bert)
    assert (states(database, anna), states(database, bert)) == ([], [("out", "anna", "waiting")])
    withdraw(database, bert, anna)
    assert not ask(database, bert, anna)
    assert (states(database, anna), states(database, bert)) == ([], [("out", "anna", "waiting")])
    prefer(database, anna, connecting="anyone")
    withdraw(database, bert, anna)
    with pytest.raises(NotFound, match="has to be asked"):
        database.write(lambda session: meeting.connect_directly(session, bert, anna))
    assert not are_connected(database, anna, bert)


def test_a_refusal_can_be_taken_back(database: Database) -> None:
    anna, bert = people(database, "anna", "bert")
    ask(database, bert, anna)
    refuse(database, anna, bert)
    with database.reading() as session:
        assert meeting.refused(session, anna) == [(bert, "bert")]
    database.write(lambda session: meeting.allow_again(session, anna, bert))
    with pytest.raises(NotFound):
        database.write(lambda session: meeting.allow_again(session, anna, bert))
    # What waits was asked, so it counts as soon as the other wants it, too.
    assert ask(database, anna, bert)


REACHING_NOBODY: dict[str, Callable[[Database, int, int], object]] = {
    "blocked": block,
    "shut out": lambda database, anna, _: database.write(
        lambda session: registration.set_disabled(session, anna, disabled=True)
    ),
    "letting nobody": lambda database, anna, _: prefer(database, anna, connecting="nobody"),
}


@pytest.mark.parametrize("close", REACHING_NOBODY.values(), ids=REACHING_NOBODY)
def test_a_request_that_reaches_nobody_looks_like_any_other(
    database: Database, close: Callable[[Database, int, int], object]
) -> None:
    anna, bert, carl = people(database, "anna", "bert", "carl")
    prove(database, anna)
    close(database, anna, bert)

    def story(target_id: int) -> list[object]:
        told: list[object] = [ask(database, bert, target_id, "Hello!")]
        told += [replace(each, other_id=0, login="", asked_at=0) for each in requests(database, bert)]
        with pytest.raises(AlreadyExists) as error:
            ask(database, bert, target_id)
        told.append(str(error.value))
        withdraw(database, bert, target_id)
        return told

    assert story(anna) == story(carl)
    assert requests(database, anna) == []
    assert messages(database) == []
    assert not are_connected(database, anna, bert)


def test_a_request_shows_what_strangers_may_see_and_what_kinds_newcomers_would_be_given(database: Database) -> None:
    anna, bert = people(database, "anna", "bert")
    show_strangers(database, bert, "name", "Bert Beran")
    mobile = field(database, bert, "mobile", "+86 138 0013 8000")
    field(database, bert, "bank-account", "6222 0000")
    prefer(database, bert, newcomers_group_id=group(database, bert, "new", granted=[mobile]))
    ask(database, bert, anna)
    (received,) = requests(database, anna)
    assert (received.name, said(received.fields)) == ("Bert Beran", {"Bert Beran"})
    assert received.would_share == ("name", "mobile")


def test_who_asks_sees_no_more_of_the_other_than_the_login(database: Database) -> None:
    """Else a request to somebody who blocked them would go on telling what that person shows."""
    anna, bert = people(database, "anna", "bert")
    show_strangers(database, anna, "name", "Anna Berg")
    ask(database, bert, anna)
    (sent,) = requests(database, bert)
    assert sent == Asked(anna, "anna", "out", "waiting", "", sent.asked_at)


def test_newcomers_land_in_the_group_for_them(database: Database) -> None:
    anna, bert, carl = people(database, "anna", "bert", "carl")
    mobile, mail = field(database, anna), field(database, anna, "email", "anna@example.org")
    new, family = group(database, anna, "new", granted=[mobile]), group(database, anna, "family", granted=[mail])
    prefer(database, anna, newcomers_group_id=new)
    ask(database, bert, anna)
    confirm(database, anna, bert)
    assert seen(database, bert, anna) == {"+86 138 0013 8000"}
    ask(database, carl, anna)
    assert database.write(lambda session: meeting.confirm(session, anna, carl, [family]))
    assert seen(database, carl, anna) == {"anna@example.org"}
    with database.reading() as session:
        assert (groups.members(session, anna, new), groups.members(session, anna, family)) == ([bert], [carl])
    assert seen(database, anna, bert) == set()


def test_nobody_lands_in_a_group_that_is_not_the_owners(database: Database) -> None:
    anna, bert = people(database, "anna", "bert")
    ask(database, bert, anna)
    for group_id in (group(database, bert, "mine"), strangers(database, anna), 1):
        with pytest.raises(NotFound):
            database.write(lambda session, group_id=group_id: meeting.confirm(session, anna, bert, [group_id]))  # type: ignore[misc]
    assert not are_connected(database, anna, bert)
    assert confirm(database, anna, bert)


def test_a_person_asks_so_many_others_a_day(database: Database) -> None:
    asker, *others = people(database, "asker", "a", "b", "c", "d")
    block(database, others[0], asker)
    for other in others[:3]:
        ask(database, asker, other)
    with pytest.raises(TooManyTries):
        ask(database, asker, others[3])
    assert states(database, others[3]) == []


def test_what_cannot_be_asked_is_refused_with_a_reason(database: Database) -> None:
    anna, bert = people(database, "anna", "bert")
    block(database, anna, bert)
    attempts: list[tuple[type[Exception], Callable[[], object]]] = [
        (InvalidInput, lambda: ask(database, anna, anna)),
        (InvalidInput, lambda: ask(database, bert, anna, "x" * 501)),
        (NotFound, lambda: ask(database, anna, 1)),
        (Refused, lambda: ask(database, anna, bert)),
    ]
    for error, attempt in attempts:
        with pytest.raises(error):
            attempt()
    assert states(database, anna) == states(database, bert) == []


def test_requests_are_told_with_those_who_are_there_only(database: Database) -> None:
    anna, bert, carl = people(database, "anna", "bert", "carl")
    ask(database, bert, anna)
    ask(database, anna, carl)
    database.write(lambda session: registration.set_disabled(session, bert, disabled=True))
    assert states(database, anna) == [("out", "carl", "waiting")]
    database.write(lambda session: registration.set_disabled(session, bert, disabled=False))
    assert states(database, anna) == [("in", "bert", "waiting"), ("out", "carl", "waiting")]


def test_to_be_connected_otherwise_settles_a_request(database: Database) -> None:
    anna, bert = people(database, "anna", "bert")
    ask(database, bert, anna)
    connect(database, anna, bert)
    assert states(database, anna) == states(database, bert) == []
    with pytest.raises(NotFound):
        confirm(database, anna, bert)
    database.write(lambda session: meeting.disconnect(session, anna, bert))
    assert states(database, anna) == states(database, bert) == []
