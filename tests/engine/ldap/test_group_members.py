"""Groups of a directory invite into organisations, and take out whom they invited and nobody else."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterator

import pytest

from sync.accounts import acts
from sync.database.engine import Database
from sync.errors import LdapUnavailable
from sync.ldap.client import Client
from sync.ldap.group_members import Carried
from sync.organisations import members
from sync.settings import Ldap, Settings
from tests.engine.ldap.test_looking import come, look
from tests.support import clubs, factories
from tests.support.clubs import Club
from tests.support.databases import opened
from tests.support.slapd import BASE, PEOPLE, SERVICE, SERVICE_PASSWORD, Slapd

CHESS = f"(memberOf=cn=chess,{BASE})"


@pytest.fixture
def database(database_url: str, directory: Slapd) -> Iterator[Database]:
    """Yield a database whose people come by the directory, in which anna, bo and zoe are, and who plays chess."""
    for login in ("bo", "zoe"):
        directory.add(login)
    ours = Ldap(f"ldap://127.0.0.1:{directory.port}", ca_file=directory.ca_file, base=PEOPLE)
    ours = dataclasses.replace(ours, bind_dn=SERVICE, bind_password=SERVICE_PASSWORD, sign_up=True, close_at_most=1)
    ours = dataclasses.replace(ours, organisations=(("Chess Club", CHESS), ("Nobody's", CHESS)))
    with opened(database_url, Settings(ldap=ours)) as made:
        yield made


@pytest.fixture
def club(database: Database) -> Club:
    """The organisation."""
    return clubs.found(database)


def state(database: Database, account_id: int) -> str:
    """Return what somebody is to their organisation."""
    with database.reading() as session:
        found = members.belongings(session, account_id)
    return "none" if not found else "member" if found[0].joined_at else "invited"


def join(club: Club, account_id: int) -> None:
    club.database.write(lambda session: members.join(session, club.id, account_id))


def done(database: Database, account_id: int) -> list[tuple[str, str | None]]:
    """Return what the directory did with somebody's memberships, which they can see."""
    with database.reading() as session:
        found = acts.about(session, account_id).acts
    told = [(act.what, act.organisation) for act in found if act.what in (acts.CALL_IN, acts.PUT_OUT)]
    assert {act.actor for act in found if act.what in (acts.CALL_IN, acts.PUT_OUT)} <= {acts.ORGANISATION}
    return told[::-1]


def test_who_is_in_the_group_is_invited_and_is_out_when_they_are_in_it_no_more(
    database: Database, directory: Slapd, club: Club
) -> None:
    anna, bo = come(database, "anna"), come(database, "bo")
    directory.group("chess", "anna", "zoe")
    assert look(database).groups == Carried(invited=1)
    assert (state(database, anna), state(database, bo)) == ("invited", "none")
    join(club, anna)
    mobile = factories.field(database, anna)
    club.grant(anna, mobile)
    zoe = come(database, "zoe")
    assert look(database).groups == Carried(invited=1)
    assert (state(database, anna), state(database, zoe)) == ("member", "invited")
    directory.group("chess", "zoe")
    assert look(database).groups == Carried(ended=1)
    assert (state(database, anna), state(database, zoe)) == ("none", "invited")
    assert done(database, anna) == [(acts.CALL_IN, "Chess Club"), (acts.PUT_OUT, "Chess Club")]
    directory.group("chess", "anna", "zoe")
    assert look(database).groups == Carried(invited=1)
    assert state(database, anna) == "invited"


def test_who_was_invited_by_somebody_is_not_put_out(database: Database, directory: Slapd, club: Club) -> None:
    anna, bo = come(database, "anna"), come(database, "bo")
    club.join(anna)
    directory.group("chess", "anna", "bo")
    assert look(database).groups == Carried(invited=1)
    club.leave(bo)
    club.join(bo)
    directory.group("chess", "zoe")
    for _ in range(2):
        assert look(database, even_many=True).groups == Carried()
    assert (state(database, anna), state(database, bo)) == ("member", "member")


def test_who_declined_or_left_is_not_asked_again(database: Database, directory: Slapd, club: Club) -> None:
    anna, bo = come(database, "anna"), come(database, "bo")
    directory.group("chess", "anna", "bo")
    look(database)
    club.leave(anna)
    join(club, bo)
    club.leave(bo)
    assert look(database).groups == Carried()
    assert (state(database, anna), state(database, bo)) == ("none", "none")


def test_where_so_many_would_leave_an_administrator_says_so_first(
    database: Database, directory: Slapd, club: Club
) -> None:
    anna, bo = come(database, "anna"), come(database, "bo")
    directory.group("chess", "anna", "bo")
    look(database)
    directory.group("chess", "zoe")
    assert look(database).groups == Carried(held={"Chess Club": 2})
    assert (state(database, anna), state(database, bo)) == ("invited", "invited")
    assert look(database, dry_run=True).groups == Carried()
    assert look(database, even_many=True).groups == Carried(ended=2)


def test_who_is_missing_in_the_directory_keeps_what_they_showed(
    database: Database, directory: Slapd, club: Club
) -> None:
    """Their account is closed; when they are back, so is everything."""
    anna, bo = come(database, "anna"), come(database, "bo")
    directory.group("chess", "anna", "bo")
    look(database)
    for each in (anna, bo):
        join(club, each)
    directory.remove("anna")
    directory.group("chess", "bo")
    found = look(database)
    assert (found.closed, found.groups) == (1, Carried())
    assert state(database, anna) == "member"


def test_nobody_is_out_because_the_directory_cannot_be_read(
    database: Database, directory: Slapd, club: Club, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna = come(database, "anna")
    directory.group("chess", "anna")
    look(database)
    fitting = Client.fitting

    def broken(client: Client, wanted: str) -> set[str]:
        """Let the directory be down when it is asked for groups."""
        directory.stop()
        return fitting(client, wanted)

    monkeypatch.setattr(Client, "fitting", broken)
    with pytest.raises(LdapUnavailable):
        look(database)
    assert state(database, anna) == "invited"


def test_an_organisation_that_is_not_there_is_said(
    database: Database, directory: Slapd, club: Club, caplog: pytest.LogCaptureFixture
) -> None:
    come(database, "anna")
    with caplog.at_level(logging.ERROR, "evercard"):
        look(database)
    assert "ldap_organisations names an organisation that there is not" in caplog.text
