"""The picture that strangers may see: only that, and of nobody who should not be seen."""

from __future__ import annotations

from sync import fields
from sync.accounts import registration
from sync.database.engine import Database, Session
from sync.discovery.public_photos import public_photo
from sync.profiles import profiles
from sync.sharing import grants, groups
from sync.sharing.visibility import STRANGERS
from tests.support.factories import connect, group, people, person
from tests.support.meeting import block
from tests.support.pictures import picture


def with_photo(database: Database, owner_id: int, *, shown: bool) -> int:
    def add(session: Session) -> int:
        field_id = profiles.add_field(session, owner_id, fields.field_from_photo(picture(1)))
        if shown:
            grants.grant(session, owner_id, groups.find(session, owner_id, STRANGERS).id, [field_id])
        return field_id

    return database.write(add)


def seen(database: Database, viewer_id: int | None, owner_id: int) -> bytes | None:
    with database.reading() as session:
        return public_photo(session, viewer_id, owner_id)


def test_a_picture_that_strangers_may_see_is_seen_by_anybody(database: Database) -> None:
    anna, bo = people(database, "anna", "bo")
    with_photo(database, bo, shown=True)
    assert (seen(database, anna, bo) or b"").startswith(b"\xff\xd8")
    assert seen(database, None, bo) == seen(database, anna, bo)


def test_a_picture_for_others_is_seen_by_no_stranger_and_no_friend_by_this_door(database: Database) -> None:
    anna, bo = people(database, "anna", "bo")
    connect(database, anna, bo)
    group(database, bo, "Friends", [anna], [with_photo(database, bo, shown=False)])
    assert seen(database, anna, bo) is None


def test_nobody_has_a_picture_where_there_is_none_to_see(database: Database) -> None:
    anna, bo, carl = people(database, "anna", "bo", "carl")
    assert seen(database, anna, bo) is None
    assert seen(database, anna, 12345) is None
    with_photo(database, bo, shown=True)
    with_photo(database, carl, shown=True)
    block(database, bo, anna)
    block(database, anna, carl)
    assert (seen(database, anna, bo), seen(database, anna, carl)) == (None, None)
    assert seen(database, person(database), bo) is not None
    database.write(lambda session: registration.set_disabled(session, bo, disabled=True))
    assert seen(database, person(database), bo) is None
