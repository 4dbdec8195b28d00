"""The list of an organisation's members has whom the person has by this organisation, by no more than that shows."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sync.database.engine import Database
from sync.errors import NotFound
from sync.meeting import blocks
from sync.organisations import pair_entries
from sync.queries import member_list
from tests.support import clubs
from tests.support.clubs import Club
from tests.support.distribution import WAYS, read_in
from tests.support.factories import connect, field, people, person
from tests.support.statements import sent


@pytest.fixture(params=WAYS)
def database(database: Database, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """The database, whose cards are read in either way."""
    with read_in(request.param, database, monkeypatch):
        yield database


def listed(database: Database, viewer: int, club: Club, text: str = "", *, hidden: bool = False) -> list[str]:
    """Return the names that are listed."""
    with database.reading() as session:
        return [each.name for each in member_list.page_of(session, viewer, club.id, text, hidden=hidden).people]


def test_members_are_listed_by_name_as_the_organisation_sees_them(database: Database) -> None:
    anna, bert, carl, dora, emma, otto = people(database, "anna", "bert", "carl", "dora", "emma", "otto")
    club, other = clubs.found(database), clubs.found(database, "Rowing Club")
    names = {each: field(database, each, "name", f"Secret {login}") for each, login in ((bert, "Zwei"), (carl, "Drei"))}
    for each in (anna, bert, carl, dora, emma):
        club.join(each, [names[each]] if each == bert else [])
    assert listed(database, anna, club) == ["carl", "dora", "emma", "Secret Zwei"]
    assert listed(database, anna, club, "secret") == ["Secret Zwei"]
    connect(database, anna, carl)
    database.write(lambda session: pair_entries.hide(session, anna, dora))
    database.write(lambda session: blocks.block(session, emma, anna))
    assert listed(database, anna, club) == ["Secret Zwei"]
    assert listed(database, anna, club, hidden=True) == ["dora"]
    # Whoever is in two organisations is shown by the one that was joined first.
    for each in (bert, anna, otto):
        other.join(each)
    assert listed(database, anna, other) == ["otto"]
    club.leave(anna)
    assert listed(database, anna, other) == ["bert", "otto"]
    for stranger, which in ((anna, club), (otto, club)):
        with pytest.raises(NotFound):
            listed(database, stranger, which)


def test_a_list_of_many_takes_as_many_statements_as_one_of_few(database: Database) -> None:
    anna, club, counts = person(database, "anna"), clubs.found(database), set()
    club.join(anna)
    for number in range(3):
        club.join(person(database, f"kim{number}"))
        with sent(database.engine) as statements:
            assert len(listed(database, anna, club)) == number + 1
        counts.add(len(statements))
    assert len(counts) == 1
