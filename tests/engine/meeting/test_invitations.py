"""Invitations: one message, once, and who invites learns nothing of who has the address."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sync import meeting
from sync.accounts import addresses
from sync.accounts.preference_changes import ANYONE
from sync.database.engine import Database
from sync.errors import AlreadyExists, InvalidInput, InvalidOneTimeToken, Refused, TooManyTries
from sync.meeting import invitations
from sync.models import Message
from sync.settings import Settings
from tests.support.databases import opened
from tests.support.factories import person
from tests.support.meeting import SENDING, are_connected, block, do_errands, messages, prefer, show_strangers, states

EVE = "eve@example.org"


@pytest.fixture
def site(database_url: str) -> Iterator[Database]:
    """A server that sends e-mail and text messages."""
    with opened(database_url, SENDING) as database:
        yield database


@pytest.fixture
def anna(site: Database) -> int:
    """Anna, who invites."""
    anna = person(site, "anna")
    show_strangers(site, anna, "name", "Anna Berg")
    return anna


def invite(
    site: Database, inviter_id: int, address: str = EVE, message: str = "Join me", *, source: str = "192.0.2.1"
) -> None:
    invitations.invite(site, inviter_id, address, message, source=source)
    do_errands(site)


def token_of(site: Database) -> str:
    import json

    with site.reading() as session:
        (message,) = session.query(Message).filter_by(template="invitation")
        return str(json.loads(message.values)["link"]).partition("?token=")[2]


def accept(site: Database, token: str, account_id: int, *, signed_up: bool = False) -> invitations.Invited:
    return site.write(lambda session: invitations.accept(session, token, account_id, signed_up=signed_up))


def test_somebody_without_an_account_gets_one_message(site: Database, anna: int) -> None:
    invite(site, anna)
    assert messages(site) == [("email", EVE, "invitation")]
    with pytest.raises(AlreadyExists):
        invite(site, anna, "EVE@Example.org ")
    assert messages(site) == [("email", EVE, "invitation")]


def test_a_phone_number_gets_a_text_message(site: Database, anna: int) -> None:
    invite(site, anna, "138 0013 8000")
    assert messages(site) == [("sms", "+8613800138000", "invitation")]


def test_who_signs_up_from_it_is_connected_and_owns_the_address(site: Database, anna: int) -> None:
    invite(site, anna)
    token = token_of(site)
    opened = site.write(lambda session: invitations.open_invitation(session, token))
    assert (opened.name, opened.login) == ("Anna Berg", "anna")
    eve = person(site, "eve")
    accept(site, token, eve, signed_up=True)
    assert are_connected(site, anna, eve)
    with site.reading() as session:
        assert addresses.addresses_of(session, eve) == [("email", EVE)]
    with pytest.raises(InvalidOneTimeToken):
        accept(site, token, person(site, "mallory"))


def test_who_has_an_account_accepts_without_giving_away_an_address(site: Database, anna: int) -> None:
    invite(site, anna)
    carl = person(site, "carl")
    accept(site, token_of(site), carl)
    assert are_connected(site, anna, carl)
    with site.reading() as session:
        assert addresses.addresses_of(session, carl) == []


def test_who_wants_to_be_found_by_the_address_is_asked(site: Database, anna: int) -> None:
    eve = person(site, "eve")
    site.write(lambda session: addresses.add(session, eve, "email", EVE))
    invite(site, anna)
    assert states(site, eve) == [("in", "anna", "waiting")]
    assert [template for _, _, template in messages(site)] == ["request"]


def test_who_lets_anyone_is_connected(site: Database, anna: int) -> None:
    eve = person(site, "eve")
    site.write(lambda session: addresses.add(session, eve, "email", EVE))
    prefer(site, eve, connecting=ANYONE)
    invite(site, anna)
    assert are_connected(site, anna, eve)


def test_who_does_not_want_to_be_found_is_invited_like_anybody(site: Database, anna: int) -> None:
    eve = person(site, "eve")
    site.write(lambda session: addresses.add(session, eve, "email", EVE))
    prefer(site, eve, found_by_email=False)
    invite(site, anna)
    assert states(site, eve) == []
    assert messages(site) == [("email", EVE, "invitation")]


@pytest.mark.parametrize("hindrance", ["blocked", "asked", "connected", "refused"])
def test_whatever_is_between_two_people_the_answer_is_the_same(site: Database, anna: int, hindrance: str) -> None:
    eve = person(site, "eve")
    site.write(lambda session: addresses.add(session, eve, "email", EVE))
    if hindrance == "blocked":
        block(site, eve, anna)
    else:
        site.write(lambda session: meeting.ask(session, anna, eve))
        if hindrance == "connected":
            site.write(lambda session: meeting.confirm(session, eve, anna))
        elif hindrance == "refused":
            site.write(lambda session: meeting.refuse(session, eve, anna))
    invite(site, anna)


def test_a_blocked_inviters_invitation_opens_nothing(site: Database, anna: int) -> None:
    invite(site, anna)
    eve = person(site, "eve")
    block(site, eve, anna)
    with pytest.raises(Refused):
        accept(site, token_of(site), eve)
    assert not are_connected(site, anna, eve)


def test_what_an_invitation_does_is_decided_when_it_is_opened(site: Database, anna: int) -> None:
    """Who was blocked since is told that they ask, does ask, and has used it; nobody is told why."""
    invite(site, anna)
    token, eve = token_of(site), person(site, "eve")
    opened = site.write(lambda session: invitations.open_invitation(session, token, eve))
    assert opened.at_once
    block(site, anna, eve)
    opened = site.write(lambda session: invitations.open_invitation(session, token, eve))
    assert not opened.at_once
    assert accept(site, token, eve) == opened
    assert not are_connected(site, anna, eve)
    assert (states(site, eve), states(site, anna)) == ([("out", "anna", "waiting")], [])
    for account_id in (eve, person(site, "carl")):
        with pytest.raises(InvalidOneTimeToken):
            accept(site, token, account_id)


def test_who_blocked_an_inviter_gets_no_message_of_theirs(site: Database, anna: int) -> None:
    eve = person(site, "eve")
    site.write(lambda session: addresses.add(session, eve, "email", EVE))
    block(site, eve, anna)
    invite(site, anna)
    assert messages(site) == []


def test_nobody_accepts_their_own(site: Database, anna: int) -> None:
    invite(site, anna)
    with pytest.raises(InvalidInput):
        accept(site, token_of(site), anna)


def test_one_address_gets_few_whoever_invites_from_wherever(site: Database) -> None:
    for number in range(12):
        invite(site, person(site, f"p{number}"), source=f"192.0.2.{number}")
    assert len(messages(site)) == invitations.INVITATIONS_TO_ADDRESS.tries


def test_who_invites_an_address_often_takes_no_friend_s_place(site: Database, anna: int) -> None:
    """However the address is written, one place has its share of what it gets."""
    for number in range(12):
        invite(site, person(site, f"p{number}"), f"eve+{number}@example.org")
    assert len(messages(site)) == invitations.INVITATIONS_TO_ADDRESS_OF_SOURCE.tries
    invite(site, anna, source="198.51.100.1")
    assert ("email", EVE, "invitation") in messages(site)


def test_one_person_invites_so_many_a_day(site: Database, anna: int) -> None:
    limit = site.settings.limits.requests_a_day
    for number in range(limit):
        invite(site, anna, f"p{number}@example.org")
    with pytest.raises(TooManyTries):
        invite(site, anna, "late@example.org")
    with site.reading() as session:
        assert len(invitations.invitations_of(session, anna)) == limit


@pytest.mark.parametrize("address", ["", "eve", "@", "12", "eve@", "a b@example.org", "\ud800", "x" * 10_000])
def test_what_is_no_address_is_refused(site: Database, anna: int, address: str) -> None:
    with pytest.raises(InvalidInput):
        invite(site, anna, address)


def test_a_server_that_sends_nothing_says_so(database_url: str) -> None:
    site = Database(database_url, Settings())
    with pytest.raises(Refused):
        invite(site, person(site, "anna"))
    site.dispose()
