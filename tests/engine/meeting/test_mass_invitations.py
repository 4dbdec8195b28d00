"""Inviting many at once: one message each, the limit of a day kept, and the others carried on by the worker."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import select, update

from sync.database.engine import Database
from sync.errors import InvalidInput, LimitExceeded, NotFound
from sync.meeting import invitations, mass_invitations
from sync.meeting.mass_invitations import Invited
from sync.models import Errand, Invitation, RateLimit
from sync.settings import Limits
from sync.sharing import groups
from tests.engine.meeting.test_invitations import accept, token_of
from tests.support.factories import group, person
from tests.support.meeting import SENDING, do_errands, messages, show_strangers


@pytest.fixture
def site(database_url: str) -> Iterator[Database]:
    """A server that sends messages, and lets each person invite three a day."""
    database = Database(database_url, replace(SENDING, limits=Limits(requests_a_day=3)))
    yield database
    database.dispose()


@pytest.fixture
def anna(site: Database) -> int:
    """Anna, who invites."""
    anna = person(site, "anna")
    show_strangers(site, anna, "name", "Anna Berg")
    return anna


def invite(site: Database, inviter_id: int, *texts: str, group_id: int | None = None) -> Invited:
    found = mass_invitations.invite_many(site, inviter_id, texts, "Join us", source="192.0.2.1", group_id=group_id)
    do_errands(site)
    return found


def tomorrow(site: Database) -> None:
    """Let the limits be whole again, and the errands due."""
    site.write(lambda session: session.execute(update(RateLimit).values(full_at=0)))
    site.write(lambda session: session.execute(update(Errand).values(due_at=0)))
    do_errands(site)
    site.write(lambda session: session.execute(update(Errand).values(due_at=0)))
    do_errands(site)


def test_what_is_pasted_is_taken_apart_and_each_is_there_once() -> None:
    text = "Eve Li <eve@example.org>, bob@example.org;\r\n +86 138 0013 8000\n\neve@example.org\t"
    assert mass_invitations.split(text) == ["eve@example.org", "bob@example.org", "+86 138 0013 8000"]


def test_what_is_pasted_may_have_chinese_marks_or_nothing_but_spaces_between() -> None:
    for text in (
        "a@x.org；b@x.org，+86 138 0013 8000",
        "a@x.org b@x.org\n+86 138 0013 8000",
        "李娜＜a@x.org＞、b@x.org；\n+86 138 0013 8000",
    ):
        assert mass_invitations.split(text) == ["a@x.org", "b@x.org", "+86 138 0013 8000"]
    assert mass_invitations.split("a@x.org <a@x.org>") == ["a@x.org"]


def test_those_beyond_the_limit_wait_and_are_sent_the_next_days_once(site: Database, anna: int) -> None:
    everybody = [f"p{number}@example.org" for number in range(8)]
    found = invite(site, anna, *everybody)
    assert (found.sent, found.waiting, found.left_out) == (3, 5, [])
    assert len(messages(site)) == 3
    tomorrow(site)
    assert len(messages(site)) == 6
    tomorrow(site)
    assert sorted(value for _channel, value, _template in messages(site)) == everybody
    tomorrow(site)
    assert len(messages(site)) == 8
    with site.reading() as session:
        assert session.scalars(select(Errand.id)).all() == []


def test_what_cannot_be_invited_is_named_and_the_others_are_invited(site: Database, anna: int) -> None:
    invite(site, anna, "eve@example.org")
    found = invite(site, anna, "eve@example.org", "nonsense", "bob@example.org")
    assert found.sent == 1
    assert [text for text, _error in found.left_out] == ["eve@example.org", "nonsense"]
    with pytest.raises(InvalidInput):
        invite(site, anna)
    with pytest.raises(LimitExceeded):
        invite(site, anna, *(f"p{number}@example.org" for number in range(mass_invitations.MOST + 1)))


def test_who_accepts_lands_in_the_group_unless_that_is_gone(site: Database, anna: int) -> None:
    club = group(site, anna, "club")
    invite(site, anna, "eve@example.org", group_id=club)
    eve = person(site, "eve")
    accept(site, token_of(site), eve, signed_up=True)
    with site.reading() as session:
        assert groups.members(session, anna, club) == [eve]
    with pytest.raises(NotFound):
        invite(site, anna, "bob@example.org", group_id=club + 1)


def test_a_group_that_is_deleted_meanwhile_is_in_nobody_s_way(site: Database, anna: int) -> None:
    club = group(site, anna, "club")
    invite(site, anna, "eve@example.org", group_id=club)
    site.write(lambda session: groups.remove(session, anna, club))
    assert accept(site, token_of(site), person(site, "eve")).at_once
    with site.reading() as session:
        (row,) = invitations.invitations_of(session, anna)
        assert isinstance(row, Invitation)
