"""Activity: each person reads of others' changes what they were shown, and of what was taken back only that it was."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from sync.database.engine import Database
from sync.models import Entry, ProfileState
from sync.queries import activity
from sync.queries.activity import CardChange
from sync.sharing import connections, grants, groups
from tests.support.factories import connected, field, group, set_field, strangers
from tests.support.statements import sent


@pytest.fixture
def pair(database: Database) -> tuple[int, int]:
    """Anna and Bo, who are connected."""
    anna, bo = connected(database, "anna", "bo")
    return anna, bo


def latest(database: Database, viewer_id: int) -> list[CardChange]:
    with database.reading() as session:
        return activity.latest(session, viewer_id)


def said(database: Database, viewer_id: int) -> list[tuple[str, str, str]]:
    (change,) = latest(database, viewer_id)
    return [(item.what, item.kind, item.content.text() if item.content else "") for item in change.changes]


def test_a_new_connection_has_changed_nothing_yet(database: Database, pair: tuple[int, int]) -> None:
    _, bo = pair
    (change,) = latest(database, bo)
    assert (change.login, change.changes) == ("anna", [])


def test_a_new_value_is_told_to_who_sees_it(database: Database, pair: tuple[int, int]) -> None:
    anna, bo = pair
    mobile, secret = field(database, anna), field(database, anna, "qq", "10001")
    group(database, anna, "Friends", [bo], [mobile])
    assert said(database, bo) == [("new", "mobile", "+86 138 0013 8000")]
    set_field(database, anna, secret, "10002", "qq")
    set_field(database, anna, mobile, "+86 138 0013 8001")
    assert said(database, bo) == [("changed", "mobile", "+86 138 0013 8001")]
    set_field(database, anna, secret, "10003", "qq")
    assert said(database, bo) == [("changed", "mobile", "+86 138 0013 8001")]


def test_what_was_taken_back_is_named_by_its_kind(database: Database, pair: tuple[int, int]) -> None:
    anna, bo = pair
    mobile = field(database, anna)
    friends = group(database, anna, "Friends", [bo], [mobile])
    database.write(lambda session: grants.take_back(session, anna, friends, [mobile]))
    assert said(database, bo) == [("gone", "mobile", "")]


def test_moving_between_groups_that_show_the_same_is_no_change(database: Database, pair: tuple[int, int]) -> None:
    anna, bo = pair
    mobile = field(database, anna)
    group(database, anna, "Friends", [bo], [mobile])
    other = group(database, anna, "Others", [], [mobile])
    before = latest(database, bo)
    database.write(lambda session: groups.add_member(session, anna, other, bo))
    assert latest(database, bo) == before


def test_leaving_a_group_is_told_by_what_is_gone(database: Database, pair: tuple[int, int]) -> None:
    anna, bo = pair
    mobile = field(database, anna)
    friends = group(database, anna, "Friends", [bo], [mobile])
    database.write(lambda session: groups.remove_member(session, anna, friends, bo))
    assert said(database, bo) == [("gone", "mobile", "")]


def test_a_page_is_read_in_as_many_statements_however_many_are_on_it(database: Database) -> None:
    anna, *others = connected(database, "anna", "bo", "carl", "dora", "eve")
    for other in others:
        group(database, other, "Friends", [anna], [field(database, other)])
    counts = []
    for count in (1, 4):
        with sent(database.engine) as statements, database.reading() as session:
            assert len(activity.latest(session, anna, count=count)) == count
        counts.append(len(statements))
    assert counts[0] == counts[1]
    with database.reading() as session:
        everything = activity.latest(session, anna)
        assert [activity.latest(session, anna, count=1, offset=at)[0] for at in range(4)] == everything
        assert {change.login for change in everything} == {"bo", "carl", "dora", "eve"}


def test_a_change_has_the_time_at_which_it_was_made(database: Database, pair: tuple[int, int]) -> None:
    anna, bo = pair
    mobile = field(database, anna)
    everybody = strangers(database, anna)
    database.write(lambda session: grants.grant(session, anna, everybody, [mobile]))
    set_field(database, anna, mobile, "+86 138 0013 8001")
    made = update(ProfileState).where(ProfileState.owner_id == anna).values(changed_at=1000)
    database.write(lambda session: session.execute(made))
    # What the viewer adds to the card stamps the entry, and is no change of the owner's.
    stamped = update(Entry).where(Entry.viewer_id == bo, Entry.id == anna).values(changed_at=2000)
    database.write(lambda session: session.execute(stamped))
    assert latest(database, bo)[0].at == 1000


def test_who_was_connected_before_starts_anew(database: Database, pair: tuple[int, int]) -> None:
    anna, bo = pair
    mobile = field(database, anna)
    group(database, anna, "Friends", [bo], [mobile])
    database.write(lambda session: connections.disconnect(session, anna, bo))
    assert latest(database, bo) == []
    database.write(lambda session: connections.connect(session, anna, bo))
    assert latest(database, bo)[0].changes == []


def test_hidden_people_are_left_out(database: Database, pair: tuple[int, int]) -> None:
    anna, bo = pair
    database.write(lambda session: connections.hide(session, bo, anna))
    assert latest(database, bo) == []


def test_the_newest_come_first_and_in_pages(database: Database) -> None:
    bo, *owners = connected(database, "bo", "anna", "carl", "dora")
    for number, owner_id in enumerate(owners):
        stamped = update(Entry).where(Entry.viewer_id == bo, Entry.id == owner_id).values(changed_at=1000 + number)
        database.write(lambda session, stamped=stamped: session.execute(stamped))  # type: ignore[misc]
    with database.reading() as session:
        names = [change.login for change in activity.latest(session, bo)]
        paged = [activity.latest(session, bo, count=1, offset=offset)[0].login for offset in range(3)]
    assert names == paged == ["dora", "carl", "anna"]
