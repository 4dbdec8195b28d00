"""Blocking and parting: what goes, what stays, and that nobody is told why."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sync import meeting, verification
from sync.books import entries
from sync.database.engine import Database
from sync.errors import AlreadyExists, InvalidInput, NotFound, Refused
from sync.meeting import introductions
from sync.sharing import connections
from tests.support.factories import (
    anyway,
    book_in,
    connected,
    contents,
    field,
    group,
    href_of,
    people,
    seen,
    served,
    set_field,
)
from tests.support.meeting import are_connected, ask, block, confirm, found, refuse, requests, states


def unblock(database: Database, owner_id: int, other_id: int) -> None:
    database.write(lambda session: meeting.unblock(session, owner_id, other_id))


def disconnect(database: Database, owner_id: int, other_id: int, *, keep: bool = False) -> None:
    database.write(lambda session: meeting.disconnect(session, owner_id, other_id, keep=keep))


def cards(database: Database, viewer_id: int) -> list[str]:
    """Return the text of every entry of a person's address book but their own."""
    with database.reading() as session:
        listed = entries.texts(session, book_in(session, viewer_id))
        return [entry.text for entry in listed if entry.kind != "self"]


def add(database: Database, viewer_id: int, owner_id: int, line: str) -> None:
    """Add a line to a connection's card, as a device does."""
    entry = served(database, viewer_id, owner_id)
    assert entry is not None
    data = entry.text.replace("END:VCARD", f"{line}\r\nEND:VCARD").encode()
    href = href_of(database, viewer_id, owner_id)
    database.write(lambda session: entries.write(session, book_in(session, viewer_id), href, data, anyway))


def problems(database: Database) -> list[str]:
    with database.reading() as session:
        return [str(finding) for finding in verification.findings(session)]


def test_a_block_ends_the_connection_and_everything_between_the_two(database: Database) -> None:
    anna, bert = connected(database, "anna", "bert")
    for owner_id, friend_id in ((anna, bert), (bert, anna)):
        database.write(lambda session, pair=(owner_id, friend_id): introductions.publish(session, *pair))  # type: ignore[misc]
    block(database, anna, bert)
    block(database, anna, bert)
    assert not are_connected(database, anna, bert)
    assert (cards(database, anna), cards(database, bert)) == ([], [])
    assert found(database, bert, "anna") == found(database, anna, "bert") == set()
    with database.reading() as session:
        assert meeting.blocked(session, anna) == [(bert, "bert")]
        assert meeting.blocked(session, bert) == []
        assert list(introductions.published(session, anna)) == list(introductions.published(session, bert)) == []
    assert problems(database) == []


def test_a_block_takes_back_what_was_asked(database: Database) -> None:
    anna, bert = people(database, "anna", "bert")
    ask(database, anna, bert)
    block(database, anna, bert)
    assert states(database, anna) == states(database, bert) == []
    with pytest.raises(NotFound):
        confirm(database, bert, anna)
    with pytest.raises(Refused):
        ask(database, anna, bert)
    with pytest.raises(InvalidInput):
        block(database, anna, anna)
    with pytest.raises(NotFound):
        block(database, anna, 1)


def test_who_is_blocked_goes_on_waiting(database: Database) -> None:
    anna, bert = people(database, "anna", "bert")
    ask(database, bert, anna)
    before = requests(database, bert)
    block(database, anna, bert)
    assert requests(database, bert) == before
    assert requests(database, anna) == []
    with pytest.raises(NotFound):
        confirm(database, anna, bert)
    with pytest.raises(AlreadyExists):
        ask(database, bert, anna)


def test_to_unblock_connects_nobody_and_lets_them_ask_again(database: Database) -> None:
    anna, bert = connected(database, "anna", "bert")
    block(database, anna, bert)
    ask(database, bert, anna)
    unblock(database, anna, bert)
    with pytest.raises(NotFound):
        unblock(database, anna, bert)
    assert not are_connected(database, anna, bert)
    assert requests(database, anna) == []
    assert found(database, bert, "anna") == {"anna"}
    database.write(lambda session: meeting.withdraw(session, bert, anna))
    ask(database, bert, anna)
    assert confirm(database, anna, bert)


def test_a_refusal_outlives_a_block(database: Database) -> None:
    anna, bert = people(database, "anna", "bert")
    ask(database, bert, anna)
    refuse(database, anna, bert)
    block(database, anna, bert)
    unblock(database, anna, bert)
    with database.reading() as session:
        assert meeting.refused(session, anna) == [(bert, "bert")]


def test_to_be_blocked_looks_like_to_be_disconnected(database: Database) -> None:
    anna, bert, carl = connected(database, "anna", "bert", "carl")
    block(database, anna, bert)
    disconnect(database, anna, carl)

    def told(viewer_id: int) -> list[Any]:
        ask(database, viewer_id, anna)
        (sent,) = requests(database, viewer_id)
        return [replace(sent, asked_at=0), cards(database, viewer_id), len(contents(database, viewer_id))]

    assert told(bert) == told(carl)


def test_parting_takes_the_cards_and_the_groups(database: Database) -> None:
    anna, bert = connected(database, "anna", "bert")
    phone = field(database, anna)
    group(database, anna, "family", [bert], [phone])
    disconnect(database, anna, bert)
    assert (cards(database, anna), cards(database, bert)) == ([], [])
    with pytest.raises(NotFound):
        disconnect(database, anna, bert)
    ask(database, bert, anna)
    confirm(database, anna, bert)
    assert seen(database, bert, anna) == set()


def test_who_parts_may_keep_the_card_with_what_they_added(database: Database) -> None:
    anna, bert = connected(database, "anna", "bert")
    phone, secret = field(database, anna), field(database, anna, "bank-account", "6222 0000")
    group(database, anna, "family", [bert], [phone])
    add(database, bert, anna, "NOTE:Met in Beijing")
    (before,) = cards(database, bert)
    disconnect(database, bert, anna, keep=True)
    (kept,) = cards(database, bert)
    assert "TEL;TYPE=CELL" in kept
    assert "NOTE:Met in Beijing" in kept
    assert "6222 0000" not in kept
    assert kept.count("UID:") == 1
    assert kept.split("UID:")[1].split("\r\n")[0] not in before
    # It is nobody's but the person's own now.
    set_field(database, anna, phone, "+1 555 0101")
    set_field(database, anna, secret, "6222 1111", "bank-account")
    assert cards(database, bert) == [kept]
    assert problems(database) == []


def test_a_card_that_was_hidden_can_be_kept_too(database: Database) -> None:
    anna, bert = connected(database, "anna", "bert")
    database.write(lambda session: connections.hide(session, bert, anna))
    assert cards(database, bert) == []
    disconnect(database, bert, anna, keep=True)
    (kept,) = cards(database, bert)
    assert "FN:anna" in kept
