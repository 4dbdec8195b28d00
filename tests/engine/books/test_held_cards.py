"""What one has of somebody: the card that one's devices show, and of nobody whom one is not connected to."""

from __future__ import annotations

import pytest

from sync import fields, meeting
from sync.books import held_cards
from sync.books.held_cards import HeldCard
from sync.database.engine import Database
from sync.errors import NotFound
from sync.profiles import profiles
from sync.sharing import connections
from tests.support.factories import connect, connected, field, group, href_of, person, put, served, values_in
from tests.support.pictures import encoded, picture


def holding(database: Database, viewer_id: int, owner_id: int) -> HeldCard:
    with database.reading() as session:
        return held_cards.of(session, viewer_id, owner_id)


def photo(database: Database, viewer_id: int, owner_id: int) -> bytes | None:
    with database.reading() as session:
        return held_cards.photo(session, viewer_id, owner_id)


def with_photo(database: Database, viewer_id: int, *owner_ids: int) -> set[int]:
    with database.reading() as session:
        found = held_cards.listed(session, viewer_id, owner_ids)
    return {owner_id for owner_id, listed in found.items() if listed.has_photo}


def add_photo(database: Database, owner_id: int, number: int) -> int:
    return database.write(
        lambda session: profiles.add_field(session, owner_id, fields.field_from_photo(picture(number)))
    )


def add_line(database: Database, viewer_id: int, owner_id: int, line: str) -> None:
    """Let a device of the viewer's add a line to the card that it has."""
    entry = served(database, viewer_id, owner_id)
    assert entry is not None
    put(database, viewer_id, entry.href, entry.text.replace("END:VCARD", f"{line}\r\nEND:VCARD").encode())


def test_it_is_the_very_card_with_what_the_viewer_added(database: Database) -> None:
    anna, bo = connected(database, "anna", "bo")
    group(database, bo, "Friends", [anna], [field(database, bo)])
    field(database, bo, "qq", "100010001")
    add_line(database, anna, bo, "NOTE:Owes me a book")
    entry = served(database, anna, bo)
    found = holding(database, anna, bo)
    assert entry is not None
    assert found.text == entry.text
    assert [content.text() for content in found.added] == ["Owes me a book"]
    assert not found.hidden
    assert holding(database, bo, anna).added == []
    assert "100010001" not in found.text


def test_it_is_there_while_it_is_hidden_and_until_the_two_part(database: Database) -> None:
    anna, bo = connected(database, "anna", "bo")
    group(database, bo, "Friends", [anna], [field(database, bo)])
    before = holding(database, anna, bo)
    database.write(lambda session: connections.hide(session, anna, bo))
    hidden = holding(database, anna, bo)
    assert hidden.hidden
    assert values_in(hidden.text, "TEL") == values_in(before.text, "TEL") != []
    with database.reading() as session:
        assert held_cards.listed(session, anna, [bo, anna]).keys() == {bo}
        assert held_cards.listed(session, anna, [bo])[bo].hidden
        assert held_cards.listed(session, anna, []) == {}
        assert not held_cards.listed(session, bo, [anna])[anna].hidden
    database.write(lambda session: meeting.disconnect(session, bo, anna))
    for other in (bo, anna, person(database), 1):
        with pytest.raises(NotFound):
            holding(database, anna, other)


def test_a_picture_is_seen_by_who_was_granted_it(database: Database) -> None:
    anna, bo, carl = connected(database, "anna", "bo", "carl")
    connect(database, bo, carl)
    group(database, bo, "Friends", [anna], [add_photo(database, bo, 1)])
    assert photo(database, anna, bo) == picture(1)
    assert with_photo(database, anna, bo, carl) == {bo}
    for viewer in (carl, person(database)):
        assert photo(database, viewer, bo) is None
        assert with_photo(database, viewer, bo) == set()
    assert photo(database, bo, bo) is photo(database, anna, 1) is None


def test_a_picture_that_one_added_is_ones_own(database: Database) -> None:
    anna, bo = connected(database, "anna", "bo")
    add_line(database, anna, bo, f"PHOTO;ENCODING=b;TYPE=JPEG:{encoded(2)}")
    assert photo(database, anna, bo) is not None
    assert with_photo(database, anna, bo) == {bo}
    assert photo(database, bo, anna) is None


@pytest.mark.parametrize("line", ["PHOTO;VALUE=uri:https://example.org/x.jpg", "NOTE:PHOTO\\;ENCODING=b\\;TYPE=JPEG:x"])
def test_what_is_no_picture_is_none(database: Database, line: str) -> None:
    anna, bo = connected(database, "anna", "bo")
    add_line(database, anna, bo, line)
    assert photo(database, anna, bo) is None


def test_a_card_of_its_own_has_an_uid_of_its_own(database: Database) -> None:
    anna, bo = connected(database, "anna", "bo")
    with database.reading() as session:
        text = held_cards.of(session, anna, bo, uid="mine").text
    assert values_in(text, "UID") == ["mine"]
    assert href_of(database, anna, bo) not in text
