"""Who looks after organisations: lists, renaming and ending, of however many members, by statements on sets."""

from __future__ import annotations

import pytest

from sync.accounts import acts
from sync.database.engine import Database
from sync.errors import NotFound
from sync.sharing import groups
from sync.sign_in import administrators, organisation_administrators
from tests.support import clubs, factories
from tests.support.statements import sent


def root(database: Database) -> int:
    """Return an administrator of the server."""
    account_id = factories.person(database, "root")
    database.write(lambda session: administrators.appoint(session, account_id))
    return account_id


def test_an_organisation_is_renamed_and_ended_for_all_by_as_many_statements_as_for_one(database: Database) -> None:
    me, counts = root(database), []
    for number in range(1, 3):
        club = clubs.found(database, f"Club {number}")
        joined = factories.people(database, *(f"kim{number}{each}" for each in range(2 * number)))
        for each in joined:
            club.join(each)
        with sent(database.engine) as statements:
            database.write(
                lambda session, club=club: organisation_administrators.change(session, me, club.id, "Renamed", [])  # type: ignore[misc]
            )
            with database.reading() as session:
                listed = organisation_administrators.page_of(session, club.id, "kim")
            # Their groups are looked at while there are any.
            with database.reading() as session:
                named = [each.name for each in groups.groups_of(session, joined[0])]
            database.write(lambda session, club=club: organisation_administrators.end(session, me, club.id))  # type: ignore[misc]
        counts.append(len(statements))
        assert [each.account_id for each in listed.people] == joined
        assert "Renamed" in named
        with database.reading() as session:
            told = [acts.about(session, each).acts[0] for each in joined]
        assert {(each.what, each.organisation, each.actor) for each in told} == {(acts.END, "Renamed", "root")}
    assert counts[0] == counts[1]


def test_only_an_administrator_of_the_server_makes_changes_and_ends_organisations(database: Database) -> None:
    anna = factories.person(database, "anna")
    club = clubs.found(database)
    club.join(anna)
    for change in (
        lambda session: organisation_administrators.create(session, anna, "Mine"),
        lambda session: organisation_administrators.change(session, anna, club.id, "Mine", []),
        lambda session: organisation_administrators.end(session, anna, club.id),
        lambda session: organisation_administrators.invite(session, anna, club.id, "anna"),
        lambda session: organisation_administrators.set_administrator(session, anna, club.id, anna, is_one=True),
    ):
        with pytest.raises(NotFound):
            database.write(change)
