"""Looking through a directory: who is gone is shut out, and nobody is who only could not be seen."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest
from sqlalchemy import update

from sync.accounts import acts
from sync.database import accounts
from sync.database.engine import Database
from sync.errors import LdapUnavailable, WrongPassword
from sync.ldap import arriving, looking
from sync.ldap.client import Client
from sync.models import OrganisationIdentity, OrganisationLook
from sync.settings import Ldap, Settings
from sync.sharing.cards import content_of
from sync.sharing.visibility import fields_of
from sync.sign_in import administrators, credentials, deletion, people_list
from tests.support.databases import opened
from tests.support.slapd import PASSWORD, PEOPLE, SERVICE, SERVICE_PASSWORD, Slapd

FIELDS = (("office-phone", "telephonenumber"), ("name", "displayname"))


@pytest.fixture
def database(database_url: str, directory: Slapd) -> Iterator[Database]:
    """Yield a database whose people sign in by the directory."""
    ours = Ldap(f"ldap://127.0.0.1:{directory.port}", ca_file=directory.ca_file, base=PEOPLE)
    ours = dataclasses.replace(ours, bind_dn=SERVICE, bind_password=SERVICE_PASSWORD, filter="(!(employeeType=left))")
    ours = dataclasses.replace(ours, sign_up=True, fields=FIELDS, close_at_most=2)
    with opened(database_url, Settings(ldap=ours)) as made:
        yield made


def asked(database: Database) -> Client:
    """Return a client that has not been kept waiting yet."""
    return Client(database.settings.ldap)


def come(database: Database, login: str = "anna") -> int:
    """Sign in, and return whose account that is."""
    here = {"source": "192.0.2.1", "browser": "Firefox", "language": "en"}
    arriving.sign_in(database, asked(database), login, PASSWORD, **here)
    with database.reading() as session:
        return accounts.find(session, login)


def look(database: Database, **how: bool) -> looking.Found:
    return looking.look(database, asked(database), **how)


def is_closed(database: Database, account_id: int) -> bool:
    with database.reading() as session:
        return people_list.one(session, account_id).is_disabled


def said(database: Database, account_id: int) -> dict[str, str | None]:
    """Return what each field says, and the claim that fills it."""
    with database.reading() as session:
        return {content_of(each).text(): each.claim for each in fields_of(session, account_id)}


def done(database: Database, account_id: int) -> list[str]:
    """Return what was done with somebody's account, in its order, which all was the organisation's doing."""
    with database.reading() as session:
        found = acts.about(session, account_id).acts
    assert {act.actor for act in found} == {acts.ORGANISATION}
    return [act.what for act in found][::-1]


def test_who_is_gone_is_shut_out_with_their_devices_and_let_in_again_when_they_are_back(
    database: Database, directory: Slapd
) -> None:
    directory.add("bo")
    anna, bo = come(database), come(database, "bo")
    password = database.write(lambda session: credentials.add_device(session, anna, "Phone"))[1]
    gate = credentials.Gate(database)
    assert look(database) == looking.Found(0, ())
    directory.modify(f"dn: uid=anna,{PEOPLE}\nchangetype: modrdn\nnewrdn: uid=gone\ndeleteoldrdn: 1")
    assert look(database).closed == 0, "whoever is called something else is the same person"
    directory.modify(f"dn: uid=gone,{PEOPLE}\nchangetype: modrdn\nnewrdn: uid=anna\ndeleteoldrdn: 1")
    directory.set("anna", "employeeType", "left")
    assert look(database) == looking.Found(1, ("anna",))
    assert (is_closed(database, anna), is_closed(database, bo)) == (True, False)
    assert gate.admit("anna", password) is None
    assert look(database) == looking.Found(0, ())
    directory.set("anna", "employeeType", None)
    assert look(database) == looking.Found(0, ())
    assert not is_closed(database, anna)
    assert gate.admit("anna", password) is not None
    assert done(database, anna) == [acts.REGISTER, acts.FILL, acts.DISABLE, acts.ENABLE]


def test_who_is_gone_for_good_signs_in_no_more(database: Database, directory: Slapd) -> None:
    directory.add("bo")
    anna = come(database)
    directory.remove("anna")
    with pytest.raises(WrongPassword):
        come(database)
    assert look(database).closed == 1
    assert is_closed(database, anna)


def test_what_the_directory_says_now_is_what_the_card_says(database: Database, directory: Slapd) -> None:
    anna = come(database)
    assert said(database, anna) == {"+49 30 5555 0101": "ldap:telephonenumber"}
    directory.set("anna", "telephoneNumber", "+49 30 5555 0202")
    directory.set("anna", "displayName", "Anna Chen")
    look(database)
    assert said(database, anna) == {"+49 30 5555 0202": "ldap:telephonenumber", "Anna Chen": "ldap:displayname"}
    directory.set("anna", "telephoneNumber", None)
    look(database)
    assert said(database, anna) == {"+49 30 5555 0202": None, "Anna Chen": "ldap:displayname"}
    assert done(database, anna) == [acts.REGISTER, acts.FILL, acts.FILL, acts.FILL]
    look(database)
    assert len(done(database, anna)) == 4, "where nothing changed, nothing is done"


def _down(directory: Slapd) -> None:
    directory.stop()


def _unauthorised(directory: Slapd) -> None:
    directory.restart(right="none")


def _cut_short(directory: Slapd) -> None:
    directory.restart(more="sizelimit 1")


def _another(directory: Slapd) -> None:
    directory.restart(certified="127.0.0.2")


@pytest.mark.parametrize("trouble", [_down, _unauthorised, _cut_short, _another])
def test_whoever_cannot_be_seen_stays(database: Database, directory: Slapd, trouble: object) -> None:
    assert callable(trouble)
    directory.add("bo")
    people = [come(database), come(database, "bo")]
    directory.remove("bo")
    directory.add("chiara")
    trouble(directory)
    with pytest.raises(LdapUnavailable):
        look(database)
    with pytest.raises(LdapUnavailable):
        look(database, even_many=True)
    assert looking.work(database, asked(database)) == 0
    assert [is_closed(database, each) for each in people] == [False, False]


def test_where_many_are_missing_an_administrator_says_so_first(
    database: Database, directory: Slapd, caplog: pytest.LogCaptureFixture
) -> None:
    directory.add("zoe")
    people = [come(database)]
    for login in ("bo", "chiara"):
        directory.add(login)
        people.append(come(database, login))
    for login in ("anna", "bo", "chiara"):
        directory.remove(login)
    missing = ("anna", "bo", "chiara")
    assert look(database) == looking.Found(0, missing)
    assert "3 people are missing" in caplog.text
    with database.reading() as session:
        assert looking.held_back(session) == 3
    assert look(database, dry_run=True, even_many=True) == looking.Found(0, missing)
    assert not any(is_closed(database, each) for each in people)
    assert look(database, even_many=True) == looking.Found(3, missing)
    assert all(is_closed(database, each) for each in people)
    with database.reading() as session:
        assert looking.held_back(session) == 0


def test_whoever_an_administrator_shut_out_stays_so(database: Database, directory: Slapd) -> None:
    directory.add("bo")
    anna = come(database)
    database.write(lambda session: administrators.disable(session, anna))
    look(database)
    with pytest.raises(WrongPassword):
        come(database)
    directory.set("anna", "employeeType", "left")
    assert look(database).closed == 0
    directory.set("anna", "employeeType", None)
    look(database)
    assert is_closed(database, anna)


def test_whoever_came_while_it_was_looked_is_not_shut_out(database: Database, directory: Slapd) -> None:
    directory.add("bo")
    anna = come(database)
    later = {"looked_at": OrganisationIdentity.looked_at + 60}
    database.write(lambda session: session.execute(update(OrganisationIdentity).values(**later)))
    directory.set("anna", "employeeType", "left")
    assert look(database).closed == 0
    assert not is_closed(database, anna)


def test_it_is_looked_each_hour_by_one_of_those_who_work(database: Database, directory: Slapd) -> None:
    directory.add("bo")
    come(database)
    assert looking.work(database, asked(database)) == 0
    directory.remove("anna")
    assert looking.work(database, asked(database)) == 0, "it was looked a moment ago"
    earlier = {"looked_at": OrganisationLook.looked_at - looking.LOOK}
    database.write(lambda session: session.execute(update(OrganisationLook).values(**earlier)))
    directory.hold(held=True)
    directory.stop()
    assert looking.work(database, asked(database)) == 0
    directory.start()
    waited = {"looked_at": OrganisationLook.looked_at - looking.AGAIN}
    database.write(lambda session: session.execute(update(OrganisationLook).values(**waited)))
    assert looking.work(database, asked(database)) == 1


def test_who_deleted_their_account_is_looked_for_no_more(database: Database, directory: Slapd) -> None:
    directory.add("bo")
    anna = come(database)
    deletion.leave(database, anna)
    directory.remove("anna")
    assert look(database) == looking.Found(0, ())
