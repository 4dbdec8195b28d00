"""The list of one's connections: by the names that one sees, searched, page by page, and by no other names."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sync.database.engine import Database
from sync.queries import connected_people
from sync.queries.connected_people import ConnectedPerson, Page, Wanted
from sync.sharing import connections
from tests.support.distribution import WAYS, read_in
from tests.support.factories import connect, connected, field, group, people, person
from tests.support.meeting import show_strangers
from tests.support.statements import sent


@pytest.fixture(params=WAYS)
def database(database: Database, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """The database, whose cards are read in either way."""
    with read_in(request.param, database, monkeypatch):
        yield database


def listed(database: Database, person_id: int, text: str = "", number: int = 1) -> Page:
    with database.reading() as session:
        return connected_people.page_of(session, person_id, text, number)


def names(database: Database, person_id: int, text: str = "") -> list[str]:
    return [each.name for each in listed(database, person_id, text).people]


def test_people_are_called_what_one_may_see(database: Database) -> None:
    anna, bo, carl, dora = connected(database, "anna", "bo", "carl", "dora")
    group(database, bo, "Friends", [anna], [field(database, bo, "name", "陈博 Chen Bo")])
    field(database, carl, "name", "Secret Carl")
    show_strangers(database, dora, "nickname", "Ärmel")
    person(database, "nobody")
    assert names(database, anna) == ["Ärmel", "carl", "陈博 Chen Bo"]
    assert [each.login for each in listed(database, anna).people] == ["dora", "carl", "bo"]
    assert names(database, bo) == ["anna"]


@pytest.mark.parametrize("text", ["chen", " CHEN bo ", "博", "陈博", "bo", "chenbo"])
def test_somebody_is_found_by_a_part_of_the_name_or_login(database: Database, text: str) -> None:
    anna, bo, _carl = connected(database, "anna", "bo", "carl")
    show_strangers(database, bo, "name", "陈博 Chen Bo")
    assert names(database, anna, text) == ["陈博 Chen Bo"]


def test_a_chinese_name_is_found_by_pinyin(database: Database) -> None:
    anna, bo = connected(database, "anna", "b1")
    show_strangers(database, bo, "name", "王小明")
    assert names(database, anna, "wang xiaoming") == ["王小明"]
    assert names(database, anna, "zhang") == []


def test_a_name_that_is_not_granted_finds_nobody(database: Database) -> None:
    anna, bo = connected(database, "anna", "bo")
    field(database, bo, "name", "Geheim")
    assert names(database, anna, "geheim") == []


def test_a_long_name_stands_before_a_picture_and_is_read_unfolded(database: Database) -> None:
    anna, bo = connected(database, "anna", "bo")
    show_strangers(database, bo, "note", "x" * 5_000)
    show_strangers(database, bo, "name", "Bo, the one: " + "long" * 40)
    assert names(database, anna) == ["Bo, the one: " + "long" * 40]


def test_whoever_was_hidden_on_the_devices_is_still_listed(database: Database) -> None:
    anna, bo, carl = connected(database, "anna", "bo", "carl")
    database.write(lambda session: connections.hide(session, anna, bo))
    database.write(lambda session: connections.disconnect(session, anna, carl))
    assert names(database, anna) == ["bo"]


def test_many_are_paged_with_few_statements(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connected_people, "PAGE", 2)
    anna, *_others = connected(database, "anna", "bo", "carl", "dora", "eve", "finn")
    with sent(database.engine) as statements, database.reading() as session:
        page = connected_people.page_of(session, anna, "", 3)
    assert (page.number, page.pages, page.total) == (3, 3, 5)
    assert [each.login for each in page.people] == ["finn"]
    assert len(statements) == (5 if database.is_distributed else 4)
    assert listed(database, anna, "", 99).number == 3
    assert listed(database, anna, "", -1).number == 1
    nobody = listed(database, anna, "nobody is called so")
    assert (nobody.number, nobody.pages, nobody.total) == (1, 1, 0)


def test_one_is_found_among_the_connections_only(database: Database) -> None:
    anna, bo = connected(database, "anna", "bo")
    stranger = person(database)
    with database.reading() as session:
        assert connected_people.find(session, anna, bo) == ConnectedPerson(bo, "bo", "bo")
        assert connected_people.find(session, anna, stranger) is None
        assert connected_people.find(session, anna, anna) is None


def test_a_list_is_narrowed_to_some_or_to_the_others(database: Database) -> None:
    anna, bo, carl, dora = connected(database, "anna", "bo", "carl", "dora")
    stranger = person(database)
    both, empty = group(database, anna, "Both", [bo, dora], []), group(database, anna, "Empty", [], [])
    others = group(database, bo, "Others", [anna], [])
    with database.reading() as session:

        def logins(wanted: Wanted) -> list[str]:
            return [each.login for each in connected_people.page_of(session, anna, wanted).people]

        assert logins(Wanted(inside=both)) == ["bo", "dora"]
        assert logins(Wanted(outside=both)) == ["carl"]
        assert logins(Wanted("d", inside=both)) == ["dora"]
        assert logins(Wanted(inside=empty)) == logins(Wanted(inside=others)) == []
        assert connected_people.some(session, anna, [carl, stranger]) == {carl: ConnectedPerson(carl, "carl", "carl")}


def test_everybody_sees_their_own(database: Database) -> None:
    anna, bo = people(database, "anna", "bo")
    connect(database, anna, bo)
    assert names(database, person(database)) == []


def test_all_who_are_found_are_those_of_all_pages(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are read once, however many pages there are."""
    monkeypatch.setattr(connected_people, "PAGE", 2)
    anna, bo, *_others = connected(database, "anna", "bo", "carl", "dora", "eve", "finn")
    with database.reading() as session:
        paged = [each.account_id for number in (1, 2, 3) for each in listed(database, anna, "", number).people]
        with sent(database.engine) as statements:
            assert connected_people.found_among(session, anna) == paged
        assert len(statements) == (2 if database.is_distributed else 1)
        assert list(connected_people.found_among(session, anna, "bo")) == [bo]
