"""Groups: their names, their members, and what deleting one does."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sync.database.engine import Database
from sync.errors import AlreadyExists, InvalidInput, LimitExceeded, NotFound, Refused
from sync.settings import Limits, Settings
from sync.sharing import groups
from sync.sharing.visibility import GROUP
from tests.support.databases import opened
from tests.support.factories import (
    MOBILE,
    connected,
    crowd,
    field,
    group,
    people,
    person,
    revisions,
    seen,
    served,
    strangers,
)


def rename(database: Database, owner_id: int, group_id: int, name: str) -> None:
    database.write(lambda session: groups.rename(session, owner_id, group_id, name))


def remove(database: Database, owner_id: int, group_id: int) -> None:
    database.write(lambda session: groups.remove(session, owner_id, group_id))


def add(database: Database, owner_id: int, group_id: int, viewer_id: int) -> None:
    database.write(lambda session: groups.add_member(session, owner_id, group_id, viewer_id))


def take_out(database: Database, owner_id: int, group_id: int, viewer_id: int) -> None:
    database.write(lambda session: groups.remove_member(session, owner_id, group_id, viewer_id))


def names(database: Database, owner_id: int) -> list[str]:
    with database.reading() as session:
        return [summary.name for summary in groups.groups_of(session, owner_id)]


def test_groups_are_listed_by_name_behind_the_built_in_ones(database: Database) -> None:
    anna, bert, carl = connected(database, "anna", "bert", "carl")
    group(database, anna, "zoo")
    group(database, anna, "Family", [bert, carl])
    with database.reading() as session:
        listed = [(summary.name, summary.members) for summary in groups.groups_of(session, anna)]
        assert groups.find(session, anna, "FAMILY").name == "Family"
    assert listed == [("strangers", 0), ("connections", 2), ("Family", 2), ("zoo", 0)]


@pytest.mark.parametrize("again", ["Family", "FAMILY", " family ", "Ｆamily", "strangers", "Strangers", "connections"])
def test_a_name_is_given_once(database: Database, again: str) -> None:
    anna = person(database)
    family, other = group(database, anna, "Family"), group(database, anna, "Other")
    with pytest.raises(AlreadyExists):
        group(database, anna, again)
    with pytest.raises(AlreadyExists):
        rename(database, anna, other, again)
    assert names(database, anna) == ["strangers", "connections", "Family", "Other"]
    rename(database, anna, family, "FAMILY")
    assert names(database, anna) == ["strangers", "connections", "FAMILY", "Other"]


@pytest.mark.parametrize("name", ["", " \n", "\0", "x" * 101])
def test_a_name_has_1_to_100_characters(database: Database, name: str) -> None:
    anna = person(database)
    family = group(database, anna, "家族" * 50)
    with pytest.raises(InvalidInput):
        group(database, anna, name)
    with pytest.raises(InvalidInput):
        rename(database, anna, family, name)


def test_a_name_that_grows_when_it_is_compared_can_be_stored(database: Database) -> None:
    anna = person(database)
    group(database, anna, "ﷺ" * 100)
    assert names(database, anna)[-1] == "ﷺ" * 100


def test_two_people_may_have_a_group_of_the_same_name(database: Database) -> None:
    anna, bert = people(database, "anna", "bert")
    group(database, anna, "family")
    group(database, bert, "family")
    with database.reading() as session, pytest.raises(NotFound):
        groups.find(session, bert, "colleagues")


def test_there_are_at_most_so_many_groups_besides_strangers(database_url: str) -> None:
    database = Database(database_url, Settings(limits=Limits(groups=2)))
    try:
        anna = person(database)
        one, _ = group(database, anna, "one"), group(database, anna, "two")
        with pytest.raises(LimitExceeded):
            group(database, anna, "three")
        remove(database, anna, one)
        group(database, anna, "three")
    finally:
        database.dispose()


def test_strangers_can_be_neither_changed_nor_filled(database: Database) -> None:
    anna, bert = connected(database, "anna", "bert")
    built_in = strangers(database, anna)
    attempts: list[Callable[[], None]] = [
        lambda: rename(database, anna, built_in, "foes"),
        lambda: remove(database, anna, built_in),
        lambda: add(database, anna, built_in, bert),
        lambda: take_out(database, anna, built_in, bert),
    ]
    for attempt in attempts:
        with pytest.raises(Refused):
            attempt()


def test_another_persons_group_is_not_there(database: Database) -> None:
    anna, bert = connected(database, "anna", "bert")
    family = group(database, anna, "family", [bert])
    attempts: list[Callable[[], None]] = [
        lambda: rename(database, bert, family, "foes"),
        lambda: remove(database, bert, family),
        lambda: add(database, bert, family, anna),
        lambda: take_out(database, bert, family, bert),
    ]
    for attempt in attempts:
        with pytest.raises(NotFound):
            attempt()
    with database.reading() as session:
        assert groups.members(session, bert, family) == []
        assert groups.members(session, anna, family) == [bert]


def test_only_who_is_connected_can_be_put_into_a_group(database: Database) -> None:
    anna, bert = people(database, "anna", "bert")
    family = group(database, anna, "family")
    for somebody in (bert, anna, 1):
        with pytest.raises(NotFound):
            add(database, anna, family, somebody)


def test_a_member_sees_what_the_group_sees_from_then_until_taken_out(database: Database) -> None:
    anna, bert = connected(database, "anna", "bert")
    family = group(database, anna, "family", granted=[field(database, anna)])
    first = revisions(database, [bert])[bert]
    add(database, anna, family, bert)
    assert seen(database, bert, anna) == {MOBILE}
    add(database, anna, family, bert)
    assert revisions(database, [bert]) == {bert: first + 1}
    take_out(database, anna, family, bert)
    assert seen(database, bert, anna) == set()
    assert revisions(database, [bert]) == {bert: first + 2}
    with pytest.raises(NotFound):
        take_out(database, anna, family, bert)


def test_moving_between_groups_that_see_the_same_is_no_change_for_the_viewer(database: Database) -> None:
    anna, bert = connected(database, "anna", "bert")
    phone = field(database, anna)
    family = group(database, anna, "family", [bert], [phone])
    colleagues = group(database, anna, "colleagues", granted=[phone])
    before = revisions(database, [bert]), served(database, bert, anna)
    add(database, anna, colleagues, bert)
    take_out(database, anna, family, bert)
    assert (revisions(database, [bert]), served(database, bert, anna)) == before


def test_a_deleted_group_takes_its_grants_and_leaves_the_connection(database: Database) -> None:
    anna, bert, carl = connected(database, "anna", "bert", "carl")
    phone, mail = field(database, anna), field(database, anna, "email", "a@example.org")
    family = group(database, anna, "family", [bert, carl], [phone])
    group(database, anna, "chess", [carl], [phone, mail])
    before = revisions(database, [bert, carl])
    remove(database, anna, family)
    assert seen(database, bert, anna) == set()
    assert seen(database, carl, anna) >= {MOBILE, "a@example.org"}
    assert revisions(database, [bert, carl]) == {bert: before[bert] + 1, carl: before[carl]}
    with pytest.raises(NotFound):
        remove(database, anna, family)


def test_the_name_of_a_group_is_nobodys_business(database: Database) -> None:
    anna, bert = connected(database, "anna", "bert")
    family = group(database, anna, "family", [bert], [field(database, anna)])
    before = revisions(database, [anna, bert]), served(database, bert, anna)
    rename(database, anna, family, "people whom I avoid")
    assert (revisions(database, [anna, bert]), served(database, bert, anna)) == before


def sort(database: Database, owner_id: int, viewer_id: int, into: list[int], out_of: list[int]) -> None:
    database.write(lambda session: groups.sort(session, owner_id, viewer_id, into=into, out_of=out_of))


def groups_with(database: Database, owner_id: int, viewer_id: int) -> list[str]:
    with database.reading() as session:
        found = groups.groups_of(session, owner_id)
        return [each.name for each in found if viewer_id in groups.members(session, owner_id, each.id)]


def test_somebody_is_sorted_into_several_groups_in_one_change(database: Database) -> None:
    anna, bert = connected(database, "anna", "bert")
    phone, mail = field(database, anna), field(database, anna, "email", "a@example.org")
    family, work = group(database, anna, "family", [bert], [phone]), group(database, anna, "work", [], [phone, mail])
    other = group(database, anna, "other", [bert])
    before = revisions(database, [bert])[bert]
    sort(database, anna, bert, [work], [family])
    assert groups_with(database, anna, bert) == ["other", "work"]
    assert seen(database, bert, anna) >= {MOBILE, "a@example.org"}
    assert revisions(database, [bert])[bert] == before + 1
    sort(database, anna, bert, [work], [family])
    sort(database, anna, bert, [], [])
    assert revisions(database, [bert])[bert] == before + 1
    sort(database, anna, bert, [family], [work, other])
    assert groups_with(database, anna, bert) == ["family"]


def test_nobody_is_sorted_into_what_is_no_group_of_ones_own(database: Database) -> None:
    anna, bert, carl = connected(database, "anna", "bert", "carl")
    family, foreign = group(database, anna, "family"), group(database, carl, "family")
    for into, out_of in (([family, foreign], []), ([family], [foreign]), ([family, 1], [])):
        with pytest.raises(NotFound):
            sort(database, anna, bert, into, out_of)
    with pytest.raises(Refused):
        sort(database, anna, bert, [family, strangers(database, anna)], [])
    with pytest.raises(NotFound):
        sort(database, anna, person(database), [family], [])
    assert groups_with(database, anna, bert) == []


def test_several_are_put_into_a_group_or_nobody(database: Database) -> None:
    anna, bert, carl, dora = connected(database, "anna", "bert", "carl", "dora")
    family = group(database, anna, "family", [dora], [field(database, anna)])

    def put(*viewer_ids: int) -> None:
        database.write(lambda session: groups.add_members(session, anna, family, viewer_ids))

    for wrong in (person(database), anna, 1):
        with pytest.raises(NotFound):
            put(bert, wrong)
    assert groups_with(database, anna, bert) == []
    before = revisions(database, [bert, carl, dora])
    put(bert, carl, dora, bert)
    assert {viewer: MOBILE in seen(database, viewer, anna) for viewer in (bert, carl, dora)} == dict.fromkeys(
        (bert, carl, dora), True
    )
    after = revisions(database, [bert, carl, dora])
    assert {viewer: after[viewer] - before[viewer] for viewer in before} == {bert: 1, carl: 1, dora: 0}
    put()


def test_so_many_people_that_others_would_wait_are_not_put_into_a_group_at_once(database: Database) -> None:
    anna = person(database)
    family = group(database, anna, "family")
    everybody = crowd(database, anna, groups.AT_ONCE + 1)
    with pytest.raises(LimitExceeded, match=str(groups.AT_ONCE)):
        database.write(lambda session: groups.add_members(session, anna, family, everybody))
    database.write(lambda session: groups.add_members(session, anna, family, everybody[1:]))
    with database.reading() as session:
        assert groups.members(session, anna, family) == everybody[1:]


def test_missing_groups_are_made_in_one_change_and_the_usual_ones_where_there_is_room(database_url: str) -> None:
    with opened(database_url, Settings(limits=Limits(groups=3))) as database:
        anna = person(database, "anna")
        database.write(lambda session: groups.create(session, anna, "Family"))
        usual = ("family", "Friends", "Colleagues")
        database.write(lambda session: groups.create_missing(session, anna, ["FAMILY", "Choir", "choir"], usual))
        with database.reading() as session:
            names = {each.name for each in groups.groups_of(session, anna) if each.kind == GROUP}
        assert names == {"Family", "Choir", "Friends"}
        with pytest.raises(LimitExceeded):
            database.write(lambda session: groups.create_missing(session, anna, ["One more"]))
        database.write(lambda session: groups.create_missing(session, anna, ["choir"], usual))
