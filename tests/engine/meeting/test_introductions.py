"""Sideways: public friends, seen as strangers see them, and introductions."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from sqlalchemy import select

from sync import meeting
from sync.accounts import addresses, registration
from sync.database.engine import Database
from sync.errors import InvalidInput, NotFound, TooManyTries
from sync.meeting import introductions
from sync.models import Message
from sync.settings import Limits
from sync.sharing import connections
from tests.support.factories import connect, connected, contents, field, people
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

#: A server that sends messages, where a person may introduce three pairs a day.
SETTINGS = replace(SENDING, limits=Limits(introductions_a_day=3))


def publish(database: Database, owner_id: int, *friends: int) -> None:
    for friend_id in friends:
        database.write(lambda session, friend_id=friend_id: introductions.publish(session, owner_id, friend_id))  # type: ignore[misc]


def friends(database: Database, viewer_id: int, owner_id: int) -> dict[str, set[str]]:
    """Return what somebody sees of the owner's public friends, by login."""
    with database.reading() as session:
        return {each.login: said(each.fields) for each in introductions.public_friends(session, viewer_id, owner_id)}


def introduce(database: Database, introducer_id: int, one: int, other: int, message: str = "") -> None:
    database.write(lambda session: introductions.introduce(session, introducer_id, one, other, message))


def test_public_friends_are_seen_as_strangers_see_them(database: Database) -> None:
    """A, B, C, D and E are my connections; I publish B, D and E; B and D let strangers see something, E does not."""
    me, a, b, c, d, e = connected(database, "me", "a", "b", "c", "d", "e")
    show_strangers(database, b, "qq", "10001234")
    show_strangers(database, c, "qq", "10005678")
    show_strangers(database, d, "email", "d@example.org")
    for each in (b, d, e):
        field(database, each, "mobile", "+86 138 0013 8000")
    publish(database, me, b, d, e)
    before = contents(database, a)
    assert friends(database, a, me) == {"b": {"10001234"}, "d": {"d@example.org"}}
    assert contents(database, a) == before
    # Friends of mine see each other, too, but nobody themselves.
    assert friends(database, b, me) == {"d": {"d@example.org"}}
    show_strangers(database, e, "hobby", "Chess")
    assert friends(database, a, me) == {"b": {"10001234"}, "d": {"d@example.org"}, "e": {"Chess"}}


def test_only_connections_see_public_friends(database: Database) -> None:
    me, friend = connected(database, "me", "friend")
    (nobody,) = people(database, "nobody")
    show_strangers(database, friend, "qq", "10001234")
    publish(database, me, friend)
    for viewer_id in (nobody, 1):
        with pytest.raises(NotFound):
            friends(database, viewer_id, me)
    connect(database, me, nobody)
    assert friends(database, nobody, me) == {"friend": {"10001234"}}
    database.write(lambda session: connections.disconnect(session, me, nobody))
    with pytest.raises(NotFound):
        friends(database, nobody, me)


def test_who_is_blocked_either_way_or_shut_out_is_not_seen(database: Database) -> None:
    me, viewer, one, other, third = connected(database, "me", "viewer", "one", "other", "third")
    for each in (one, other, third):
        show_strangers(database, each, "qq", "10001234")
    publish(database, me, one, other, third)
    block(database, viewer, one)
    block(database, other, viewer)
    assert friends(database, viewer, me).keys() == {"third"}
    database.write(lambda session: registration.set_disabled(session, third, disabled=True))
    assert friends(database, viewer, me) == {}


def test_what_is_taken_back_is_seen_no_more(database: Database) -> None:
    me, viewer, friend = connected(database, "me", "viewer", "friend")
    show_strangers(database, friend, "qq", "10001234")
    publish(database, me, friend, friend)
    database.write(lambda session: introductions.unpublish(session, me, friend))
    assert friends(database, viewer, me) == {}
    with pytest.raises(NotFound):
        database.write(lambda session: introductions.unpublish(session, me, friend))
    publish(database, me, friend)
    database.write(lambda session: connections.disconnect(session, me, friend))
    connect(database, me, friend)
    assert friends(database, viewer, me) == {}


def test_only_a_connection_can_be_published(database: Database) -> None:
    me, stranger = people(database, "me", "stranger")
    for friend_id in (stranger, 1):
        with pytest.raises(NotFound):
            publish(database, me, friend_id)


def test_a_viewer_is_told_how_to_connect_to_a_public_friend(database: Database) -> None:
    me, viewer, friend = connected(database, "me", "viewer", "friend")
    show_strangers(database, friend, "name", "Freya Friend")
    prefer(database, friend, connecting="nobody")
    publish(database, me, friend)
    with database.reading() as session:
        (only,) = introductions.public_friends(session, viewer, me)
    assert (only.name, only.connecting, only.connected) == ("Freya Friend", "nobody", False)


def test_two_who_are_introduced_are_connected_when_both_confirm(database: Database) -> None:
    me, one, other = connected(database, "me", "one", "other")
    introduce(database, me, one, other, "You both play chess")
    (received,) = requests(database, one)
    assert (received.login, received.introducer, received.message) == ("other", "me", "You both play chess")
    assert not confirm(database, one, other)
    assert not are_connected(database, one, other)
    assert states(database, one) == [("in", "other", "accepted")]
    assert states(database, other) == [("in", "one", "waiting")]
    assert confirm(database, other, one)
    assert are_connected(database, one, other)
    assert states(database, one) == states(database, other) == []


def test_one_yes_is_not_enough(database: Database) -> None:
    me, one, other = connected(database, "me", "one", "other")
    introduce(database, me, one, other)
    confirm(database, one, other)
    with pytest.raises(NotFound):
        confirm(database, one, other)
    decline(database, other, one)
    assert (states(database, one), states(database, other)) == ([("in", "other", "declined")], [])
    for pair in ((one, other), (other, one)):
        with pytest.raises(NotFound):
            confirm(database, *pair)
    assert not are_connected(database, one, other)
    decline(database, one, other)
    assert states(database, one) == []


def test_a_yes_can_be_taken_back_until_the_other_says_it_too(database: Database) -> None:
    me, one, other = connected(database, "me", "one", "other")
    introduce(database, me, one, other)
    confirm(database, one, other)
    decline(database, one, other)
    assert states(database, other) == []
    assert not ask(database, other, one)
    assert not are_connected(database, one, other)


def test_who_asks_the_one_who_said_yes_is_connected(database: Database) -> None:
    me, one, other = connected(database, "me", "one", "other")
    introduce(database, me, one, other)
    confirm(database, one, other)
    assert ask(database, other, one)
    assert are_connected(database, one, other)


def test_an_introduction_asks_nobody_twice(database: Database) -> None:
    me, one, other = connected(database, "me", "one", "other")
    ask(database, one, other, "Hello!")
    introduce(database, me, one, other, "You both play chess")
    assert states(database, one) == [("out", "other", "waiting")]
    assert [(each.message, each.introducer) for each in requests(database, other)] == [("Hello!", None)]
    assert confirm(database, other, one)


@pytest.mark.parametrize("why", ["connected", "blocks", "is blocked", "refused", "nobody", "shut out"])
def test_who_introduces_learns_nothing(database: Database, why: str) -> None:
    me, one, other = connected(database, "me", "one", "other")
    if why == "connected":
        connect(database, one, other)
    elif why == "blocks":
        block(database, one, other)
    elif why == "is blocked":
        block(database, other, one)
    elif why == "refused":
        ask(database, one, other)
        refuse(database, other, one)
        database.write(lambda session: meeting.withdraw(session, one, other))
    elif why == "nobody":
        prefer(database, one, connecting="nobody")
    else:
        database.write(lambda session: registration.set_disabled(session, one, disabled=True))
    introduce(database, me, one, other)
    assert states(database, one) == states(database, other) == []
    assert messages(database) == []


def test_an_introduction_shows_strangers_fields_only(database: Database) -> None:
    me, one, other = connected(database, "me", "one", "other")
    show_strangers(database, other, "name", "Olga Other")
    field(database, other, "mobile", "+86 138 0013 8000")
    introduce(database, me, one, other)
    (received,) = requests(database, one)
    assert (received.name, said(received.fields), received.would_share) == ("Olga Other", {"Olga Other"}, ())


def test_who_is_introduced_is_told(database: Database) -> None:
    me, one, other = connected(database, "me", "one", "other")
    database.write(lambda session: addresses.add(session, one, "email", "one@example.org"))
    introduce(database, me, one, other, "You both play chess")
    assert messages(database) == [("email", "one@example.org", "introduction")]
    with database.reading() as session:
        told = json.loads(session.scalars(select(Message.values)).one())
    assert (told["introducer"], told["name"], told["message"]) == ("me", "other", "You both play chess")


def test_an_introduction_is_of_two_connections(database: Database) -> None:
    me, one = connected(database, "me", "one")
    (stranger,) = people(database, "stranger")
    for pair in ((one, stranger), (stranger, one), (one, 1)):
        with pytest.raises(NotFound):
            introduce(database, me, *pair)
    for pair in ((one, one), (me, one), (one, me)):
        with pytest.raises(InvalidInput):
            introduce(database, me, *pair)
    assert states(database, one) == states(database, stranger) == []


def test_nobody_introduces_all_the_time(database: Database) -> None:
    me, *others = connected(database, "me", "a", "b", "c", "d")
    for number in range(2):
        introduce(database, me, others[number], others[number + 1])
    introduce(database, me, others[0], others[1])
    with pytest.raises(TooManyTries):
        introduce(database, me, others[0], others[1])
    with pytest.raises(TooManyTries):
        introduce(database, me, others[2], others[3])
