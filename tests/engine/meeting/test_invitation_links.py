"""Invitation links: they do what their owner said, as often and as long, and what somebody made up does nothing."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import update

from sync.accounts.preference_changes import NOBODY
from sync.database.engine import Database, Session
from sync.errors import AlreadyExists, EvercardError, InvalidInput, InvalidOneTimeToken, LimitExceeded, NotFound
from sync.meeting import invitation_links
from sync.models import InvitationLink
from sync.settings import Limits, Settings
from sync.sharing import groups
from tests.support.databases import opened
from tests.support.factories import group, people, person, strangers
from tests.support.meeting import are_connected, block, prefer, states


@pytest.fixture
def site(database_url: str) -> Iterator[Database]:
    """A server that knows its address, and lets each person have few links."""
    with opened(database_url, Settings(base_url="https://cards.example.org", limits=Limits(links=3))) as database:
        yield database


@pytest.fixture
def anna(site: Database) -> int:
    """Anna, who hands out links."""
    return person(site, "anna")


def made(site: Database, owner_id: int, **how: Any) -> str:
    def make(session: Session) -> str:
        link_id = invitation_links.create(session, owner_id, **how)
        return invitation_links.address_of(session, owner_id, link_id).partition("?token=")[2]

    return site.write(make)


def follow(site: Database, token: str, account_id: int) -> bool:
    return site.write(lambda session: invitation_links.follow(session, token, account_id))


def test_who_follows_a_link_asks(site: Database, anna: int) -> None:
    token = made(site, anna)
    bo = person(site, "bo")
    assert site.write(lambda session: invitation_links.open_link(session, token)).login == "anna"
    assert not follow(site, token, bo)
    assert states(site, anna) == [("in", "bo", "waiting")]
    with pytest.raises(AlreadyExists):
        follow(site, token, bo)


def test_who_follows_a_link_that_connects_is_connected(site: Database, anna: int) -> None:
    friends = group(site, anna, "Friends")
    token = made(site, anna, at_once=True, group_id=friends)
    bo = person(site, "bo")
    assert follow(site, token, bo)
    assert are_connected(site, anna, bo)
    with site.reading() as session:
        assert groups.members(session, anna, friends) == [bo]
    with pytest.raises(AlreadyExists):
        follow(site, token, bo)


def test_a_link_reaches_who_lets_nobody_else(site: Database, anna: int) -> None:
    prefer(site, anna, connecting=NOBODY)
    bo = person(site, "bo")
    assert not follow(site, made(site, anna), bo)
    assert states(site, anna) == [("in", "bo", "waiting")]


def test_a_group_that_was_deleted_is_no_hindrance(site: Database, anna: int) -> None:
    friends = group(site, anna, "Friends")
    token = made(site, anna, at_once=True, group_id=friends)
    site.write(lambda session: groups.remove(session, anna, friends))
    assert follow(site, token, person(site, "bo"))


def test_who_is_blocked_sees_the_same_and_reaches_nobody(site: Database, anna: int) -> None:
    token = made(site, anna, at_once=True)
    bo = person(site, "bo")
    block(site, anna, bo)
    assert not follow(site, token, bo)
    assert states(site, anna) == []
    assert states(site, bo) == [("out", "anna", "waiting")]


def test_what_a_link_does_is_decided_when_it_is_opened(site: Database, anna: int) -> None:
    """It promises nothing to who is nobody yet; and to who is blocked, what it does for them."""
    token = made(site, anna, at_once=True)
    bo, carl = people(site, "bo", "carl")
    block(site, anna, bo)

    def promised(account_id: int | None) -> bool:
        return site.write(lambda session: invitation_links.open_link(session, token, account_id)).at_once

    assert [promised(each) for each in (None, bo, carl)] == [False, False, True]
    assert [follow(site, token, each) for each in (bo, carl)] == [False, True]


def test_nobody_follows_their_own_link(site: Database, anna: int) -> None:
    token = made(site, anna, at_once=True, uses=1)
    with pytest.raises(InvalidInput):
        follow(site, token, anna)
    assert follow(site, token, person(site, "bo"))


def test_a_link_is_used_up(site: Database, anna: int) -> None:
    token = made(site, anna, at_once=True, uses=2)
    for login in ("bo", "carl"):
        assert follow(site, token, person(site, login))
    with pytest.raises(InvalidOneTimeToken):
        follow(site, token, person(site, "dora"))
    with pytest.raises(InvalidOneTimeToken):
        site.write(lambda session: invitation_links.open_link(session, token))


def test_of_many_who_use_the_last_use_at_once_one_gets_it(site: Database, anna: int) -> None:
    token = made(site, anna, at_once=True, uses=1)
    others = people(site, *(f"p{number}" for number in range(5)))

    def attempt(account_id: int) -> bool:
        try:
            return follow(site, token, account_id)
        except InvalidOneTimeToken:
            return False

    with ThreadPoolExecutor(5) as pool:
        assert sorted(pool.map(attempt, others)) == [False] * 4 + [True]


def test_a_link_expires(site: Database, anna: int) -> None:
    token = made(site, anna)
    site.write(
        lambda session: session.execute(
            update(InvitationLink).where(InvitationLink.owner_id == anna).values(expires_at=1)
        )
    )
    with pytest.raises(InvalidOneTimeToken):
        follow(site, token, person(site, "bo"))


def test_a_link_can_be_taken_back(site: Database, anna: int) -> None:
    token = made(site, anna)
    with site.reading() as session:
        (link,) = invitation_links.links_of(session, anna)
        assert invitation_links.works(link)
    site.write(lambda session: invitation_links.revoke(session, anna, link.id))
    with pytest.raises(InvalidOneTimeToken):
        follow(site, token, person(site, "bo"))
    with pytest.raises(NotFound):
        site.write(lambda session: invitation_links.revoke(session, anna, link.id))
    bo = person(site, "carl")
    with pytest.raises(NotFound):
        site.write(lambda session: invitation_links.revoke(session, bo, link.id))


def test_a_link_that_was_made_up_or_changed_opens_nothing(site: Database, anna: int) -> None:
    token = made(site, anna, at_once=True)
    bo = person(site, "bo")
    another = ("B" if token[0] == "A" else "A") + token[1:]
    for made_up in ("", ".", "x.y", token[:-1], token + "A", another, "\ud800.é", token.partition(".")[0]):
        with pytest.raises(InvalidOneTimeToken):
            follow(site, made_up, bo)
    assert not are_connected(site, anna, bo)


@pytest.mark.parametrize(
    "how",
    [{"days": 0}, {"days": 10_000}, {"uses": 0}, {"uses": 10**9}, {"label": "x" * 101}, {"group_id": 7}],
    ids=str,
)
def test_a_link_that_could_not_be_meant_is_refused(site: Database, anna: int, how: dict[str, Any]) -> None:
    with pytest.raises(EvercardError):
        made(site, anna, **how)


def test_strangers_are_no_group_to_land_in(site: Database, anna: int) -> None:
    with pytest.raises(NotFound):
        made(site, anna, group_id=strangers(site, anna))


def test_a_person_has_so_many_links(site: Database, anna: int) -> None:
    for _ in range(3):
        made(site, anna)
    with pytest.raises(LimitExceeded):
        made(site, anna)


def test_a_server_without_an_address_makes_none(database: Database) -> None:
    with pytest.raises(InvalidInput):
        made(database, person(database, "anna"))
