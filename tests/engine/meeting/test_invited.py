"""Signing up because somebody invites: also where nobody else may, once for each invitation, and connected at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from sync.accounts import addresses
from sync.database import accounts
from sync.database.engine import Database, Session
from sync.errors import AlreadyExists, InvalidOneTimeToken, Refused
from sync.meeting import invitation_links, invitations
from sync.sign_in import sessions, signing_up
from tests.support.databases import opened
from tests.support.factories import person
from tests.support.meeting import SENDING, are_connected, show_strangers
from tests.support.one_time_tokens import newest_token

HERE = "192.0.2.1"
PASSWORD = "correct horse battery"
EVE = "eve@example.org"


@pytest.fixture(params=["open", "invited"])
def site(database_url: str, request: pytest.FixtureRequest) -> Iterator[Database]:
    """A server that sends messages, where anybody may sign up, or only who was invited."""
    with opened(database_url, replace(SENDING, sign_up=request.param)) as database:
        yield database


@pytest.fixture
def anna(site: Database) -> int:
    """Anna, who invites."""
    anna = person(site, "anna")
    show_strangers(site, anna, "name", "Anna Berg")
    return anna


def invited(site: Database, anna: int) -> str:
    invitations.invite(site, anna, EVE, "Join me", source=HERE)
    return newest_token(site, "invitation")


def link(site: Database, anna: int) -> str:
    def make(session: Session) -> str:
        return invitation_links.token_for(session, anna, invitation_links.create(session, anna, at_once=True, uses=1))

    return site.write(make)


def logins(site: Database) -> list[str]:
    with site.reading() as session:
        return [account.login for account in accounts.everybody(session)]


def whose(site: Database, visit: str) -> int:
    with site.reading() as session:
        found = sessions.find(session, visit)
    assert found is not None
    return found.account_id


def test_who_signs_up_from_an_invitation_is_in_and_connected(site: Database, anna: int) -> None:
    token = invited(site, anna)
    who, visit = invitations.sign_up(site, token, "eve", PASSWORD, source=HERE, browser="Firefox")
    eve = whose(site, visit)
    assert who.login == "anna"
    assert are_connected(site, anna, eve)
    with site.reading() as session:
        assert addresses.addresses_of(session, eve) == [("email", EVE)]


def test_an_invitation_makes_one_account(site: Database, anna: int) -> None:
    token = invited(site, anna)
    invitations.sign_up(site, token, "eve", PASSWORD, source=HERE, browser="Firefox")
    for made_up in (token, "nonsense", ""):
        with pytest.raises(InvalidOneTimeToken):
            invitations.sign_up(site, made_up, "mallory", PASSWORD, source=HERE, browser="Firefox")
    assert logins(site) == ["anna", "eve"]


def test_a_login_that_is_taken_leaves_the_invitation_as_it_is(site: Database, anna: int) -> None:
    token = invited(site, anna)
    with pytest.raises(AlreadyExists):
        invitations.sign_up(site, token, "anna", PASSWORD, source=HERE, browser="Firefox")
    invitations.sign_up(site, token, "eve", PASSWORD, source=HERE, browser="Firefox")
    assert logins(site) == ["anna", "eve"]


def test_who_was_handed_a_link_signs_up_and_has_followed_it(site: Database, anna: int) -> None:
    token = link(site, anna)
    connected, visit = invitation_links.sign_up(site, token, "eve", PASSWORD, source=HERE, browser="Firefox")
    assert connected
    assert are_connected(site, anna, whose(site, visit))
    for used_up in (token, "nonsense", ""):
        with pytest.raises(InvalidOneTimeToken):
            invitation_links.sign_up(site, used_up, "mallory", PASSWORD, source=HERE, browser="Firefox")
    assert logins(site) == ["anna", "eve"]


def test_where_nobody_may_an_invitation_does_not_help(database_url: str) -> None:
    database = Database(database_url, replace(SENDING, sign_up="closed"))
    anna = person(database, "anna")
    with pytest.raises(Refused):
        invitation_links.sign_up(database, link(database, anna), "eve", PASSWORD, source=HERE, browser="Firefox")
    with pytest.raises(Refused):
        invitations.sign_up(database, invited(database, anna), "eve", PASSWORD, source=HERE, browser="Firefox")
    assert logins(database) == ["anna"]
    database.dispose()


def test_what_is_to_follow_and_fails_leaves_no_account(site: Database) -> None:
    def fail(_session: Session, _account_id: int) -> None:
        raise InvalidOneTimeToken

    with pytest.raises(InvalidOneTimeToken):
        signing_up.sign_up(site, "eve", PASSWORD, source=HERE, browser="Firefox", invited=True, then=fail)
    assert logins(site) == []
