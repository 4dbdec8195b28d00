"""Doubts: about what may be seen, once by each holder, until the field says something else; nothing else changes."""

from __future__ import annotations

import pytest

from sync import meeting, verification
from sync.books import doubts
from sync.database.engine import Database
from sync.errors import NotFound, TooManyTries
from sync.profiles import profiles
from sync.sharing import grants
from tests.support.factories import connected, content, everybody_connected, field, person, revisions, set_field


class World:
    """Anna, of whom Bert and Carl see the phone and not the address."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.anna, self.bert, self.carl = connected(database, "anna", "bert", "carl")
        self.phone = field(database, self.anna)
        self.mail = field(database, self.anna, "email", "a@example.org")
        everybody = everybody_connected(database, self.anna)
        database.write(lambda session: grants.grant(session, self.anna, everybody, [self.phone]))

    def doubt(self, viewer: int, field_id: int) -> None:
        """Let somebody say that a field of Anna's is not right any more."""
        self.database.write(lambda session: doubts.doubt(session, viewer, self.anna, field_id))

    def open(self) -> set[tuple[int, int]]:
        """Return what is doubted, and by whom."""
        with self.database.reading() as session:
            found = {(each.field_id, each.viewer_id) for each in doubts.doubts_of(session, self.anna)}
            assert doubts.is_doubted(session, self.anna) == bool(found)
            return found


@pytest.fixture
def world(database: Database) -> World:
    """Make everybody."""
    return World(database)


def test_the_owner_is_told_once_of_a_field_by_each_holder_and_nothing_else_changes(world: World) -> None:
    before = revisions(world.database, [world.anna, world.bert, world.carl])
    for viewer in (world.bert, world.bert, world.carl):
        world.doubt(viewer, world.phone)
    assert world.open() == {(world.phone, world.bert), (world.phone, world.carl)}
    assert revisions(world.database, [world.anna, world.bert, world.carl]) == before
    with world.database.reading() as session:
        assert list(verification.findings(session)) == []


def test_nobody_doubts_what_they_do_not_see_and_cannot_tell_whether_it_is_there(world: World) -> None:
    stranger = person(world.database)
    said = set()
    for viewer, field_id in ((world.bert, world.mail), (world.bert, 1)):
        with pytest.raises(NotFound) as refused:
            world.doubt(viewer, field_id)
        said.add(str(refused.value))
    assert len(said) == 1
    with pytest.raises(NotFound):
        world.doubt(stranger, world.phone)
    assert world.open() == set()


def test_whoever_is_blocked_says_nothing_more_and_what_they_said_is_gone(world: World) -> None:
    world.doubt(world.bert, world.phone)
    world.database.write(lambda session: meeting.block(session, world.anna, world.bert))
    assert world.open() == set()
    with pytest.raises(NotFound):
        world.doubt(world.bert, world.phone)


def test_another_value_settles_it_and_may_be_doubted_again(world: World) -> None:
    world.doubt(world.bert, world.phone)
    set_field(world.database, world.anna, world.phone, "+1 555 0101")
    assert world.open() == set()
    world.doubt(world.bert, world.phone)
    assert world.open() == {(world.phone, world.bert)}


def test_what_was_dismissed_is_not_told_again(world: World) -> None:
    world.doubt(world.bert, world.phone)
    world.database.write(lambda session: doubts.dismiss(session, world.anna, world.phone))
    world.doubt(world.bert, world.phone)
    assert world.open() == set()
    with pytest.raises(NotFound):
        world.database.write(lambda session: doubts.dismiss(session, world.anna, world.phone))
    with world.database.reading() as session:
        assert len(doubts.said_by(session, world.bert, world.anna)) == 1


def test_a_field_that_goes_takes_its_doubts_along(world: World) -> None:
    world.doubt(world.bert, world.phone)
    world.database.write(lambda session: profiles.remove_field(session, world.anna, world.phone))
    assert world.open() == set()


def test_nobody_doubts_everything(world: World) -> None:
    everybody = everybody_connected(world.database, world.anna)
    limit = doubts.SAID_OF_ONE.tries
    more = world.database.write(
        lambda session: profiles.add_fields(session, world.anna, [content("note", str(n)) for n in range(limit + 1)])
    )
    world.database.write(lambda session: grants.grant(session, world.anna, everybody, more))
    for field_id in more[:limit]:
        world.doubt(world.bert, field_id)
    with pytest.raises(TooManyTries):
        world.doubt(world.bert, more[limit])
    assert len(world.open()) == limit
