"""What its owner made of a profile, step by step."""

from __future__ import annotations

import pytest

from sync.database.engine import Database
from sync.profiles import edits, profiles
from sync.profiles.edits import ADDED, CHANGED, MOVED, REMOVED, Edit, FieldEdit
from sync.sharing import history
from tests.support.factories import field, people, person, set_field

A, B = "a@example.org", "b@example.org"
Told = list[list[tuple[str, str | None, str | None]]]


def said(edit: FieldEdit) -> tuple[str, str | None, str | None]:
    before, after = (content.text() if content else None for content in (edit.before, edit.after))
    return edit.what, before, after


def told(found: list[Edit]) -> Told:
    return [[said(field_edit) for field_edit in edit.fields] for edit in found]


@pytest.fixture
def anna(database: Database) -> int:
    """Return a person who added two addresses, changed one, moved it, and removed the other."""
    anna = person(database)
    first, second = (field(database, anna, "email", text) for text in (A, B))
    set_field(database, anna, second, "c@example.org", "email")
    database.write(lambda session: profiles.move_field(session, anna, second, -1))
    database.write(lambda session: profiles.remove_field(session, anna, first))
    return anna


EXPECTED: Told = [
    [(REMOVED, A, None)],
    [(MOVED, "c@example.org", "c@example.org"), (MOVED, A, A)],
    [(CHANGED, B, "c@example.org")],
    [(ADDED, None, B)],
    [(ADDED, None, A)],
]


def test_every_edit_is_told_newest_first(database: Database, anna: int) -> None:
    with database.reading() as session:
        found = edits.edits_of(session, anna)
        versions = [state.version for state in history.states(session, anna)]
    assert told(found) == EXPECTED
    assert [edit.version for edit in found] == versions
    assert [edit.earlier for edit in found] == [*versions[1:], None]


def test_edits_are_told_page_by_page(database: Database, anna: int) -> None:
    with database.reading() as session:
        pages = [edits.edits_of(session, anna, count=2, offset=offset) for offset in (0, 2, 4, 6)]
        everything = edits.edits_of(session, anna)
    assert [edit for found in pages for edit in found] == everything
    assert [len(found) for found in pages] == [2, 2, 1, 0]


def test_two_states_are_compared(database: Database, anna: int) -> None:
    with database.reading() as session:
        versions = [state.version for state in history.states(session, anna)]
        newest, oldest = (history.fields_at(session, anna, version) for version in (versions[0], versions[-1]))
        full, moved = (history.fields_at(session, anna, version) for version in (versions[2], versions[1]))
    assert [said(edit) for edit in edits.between(oldest, newest)] == [
        (ADDED, None, "c@example.org"),
        (REMOVED, A, None),
    ]
    assert [edit.what for edit in edits.between(full, moved)] == [MOVED, MOVED]
    assert edits.between(full, full) == []


def test_what_one_person_made_is_not_told_another(database: Database) -> None:
    anna, bert = people(database, "anna", "bert")
    field(database, anna)
    with database.reading() as session:
        assert edits.edits_of(session, bert) == []
        assert edits.latest(session, bert) == 0
        assert edits.latest(session, anna) > 0
