"""Each member reads what the others changed of what their organisation sees, from when they saw it by that on."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import func, select

from sync.accounts import registration
from sync.database.engine import Database, Session
from sync.meeting import blocks
from sync.models import Membership, Organisation, RosterChange
from sync.organisations import members, organisations, pair_entries
from sync.profiles import profiles
from sync.queries import activity
from sync.revisions import roster_changes
from sync.sharing import connections, grants
from tests.support import clubs
from tests.support.factories import connect, field, people, person, set_field, strangers
from tests.support.statements import sent

NUMBER, OTHER = "+86 138 0013 8000", "+86 138 0013 8001"


def said(database: Database, viewer_id: int) -> list[tuple[str, list[tuple[str, str, str]]]]:
    """Return by login what somebody is told of fellow members."""
    with database.reading() as session:
        found = [each for each in activity.latest(session, viewer_id) if each.by_organisation]
    return [
        (each.login, [(item.what, item.kind, item.content.text() if item.content else "") for item in each.changes])
        for each in found
    ]


class Two:
    """Anna and Bo are in the club, which sees Bo's number, and not the bank account."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.anna, self.bo = people(database, "anna", "bo")
        self.mobile, self.bank = field(database, self.bo), field(database, self.bo, "bank-account", "6222 0138")
        self.club = clubs.found(database)
        self.club.join(self.anna)
        self.club.join(self.bo, [self.mobile])

    def said(self) -> list[tuple[str, str, str]]:
        """Return what Anna is told of Bo."""
        return [each for _, changes in said(self.database, self.anna) for each in changes]

    def write(self, change: Callable[[Session], object]) -> None:
        """Change something."""
        self.database.write(change)


@pytest.fixture
def two(database: Database) -> Two:
    """Anna and Bo."""
    return Two(database)


def test_whoever_joins_has_changed_nothing(two: Two) -> None:
    assert two.said() == []


def test_a_new_number_is_told_to_members_and_what_they_do_not_see_is_not(two: Two) -> None:
    set_field(two.database, two.bo, two.mobile, OTHER)
    assert two.said() == [("changed", "mobile", OTHER)]
    set_field(two.database, two.bo, two.bank, "6222 0139", "bank-account")
    assert two.said() == [("changed", "mobile", OTHER)]
    two.club.grant(two.bo, two.bank)
    assert two.said() == [("new", "bank-account", "6222 0139")]
    assert said(two.database, two.bo) == []


def test_what_was_taken_back_is_named_by_its_kind(two: Two) -> None:
    set_field(two.database, two.bo, two.mobile, OTHER)
    two.club.take_back(two.bo, two.mobile)
    assert two.said() == [("gone", "mobile", "")]


def test_the_newest_come_first_among_those_of_connections(two: Two) -> None:
    (carl,) = people(two.database, "carl")
    connect(two.database, two.anna, carl)
    set_field(two.database, two.bo, two.mobile, OTHER)
    with two.database.reading() as session:
        everything = activity.latest(session, two.anna)
        assert {each.login for each in everything} == {"bo", "carl"}
        paged = [activity.latest(session, two.anna, count=1, offset=at) for at in range(3)]
    assert [each for page in paged for each in page] == everything


def test_an_order_that_changed_is_no_news(two: Two) -> None:
    two.club.grant(two.bo, two.bank)
    before = two.said()
    two.write(lambda s: profiles.move_field(s, two.bo, two.bank, -1))
    assert two.said() == before


def _reads_nothing(two: Two, change: Callable[[Session], object]) -> None:
    set_field(two.database, two.bo, two.mobile, OTHER)
    assert two.said() == [("changed", "mobile", OTHER)]
    two.write(change)
    assert two.said() == []


def test_whom_one_does_not_have_as_a_member_one_is_not_told_of(two: Two) -> None:
    _reads_nothing(two, lambda s: pair_entries.hide(s, two.anna, two.bo))
    two.write(lambda s: pair_entries.show(s, two.anna, two.bo))
    assert two.said() == [("changed", "mobile", OTHER)]
    two.write(lambda s: blocks.block(s, two.bo, two.anna))
    assert two.said() == []
    two.write(lambda s: blocks.unblock(s, two.bo, two.anna))
    assert two.said() == [("changed", "mobile", OTHER)]
    two.write(lambda s: registration.set_disabled(s, two.bo, disabled=True))
    assert two.said() == []
    two.write(lambda s: registration.set_disabled(s, two.bo, disabled=False))
    assert two.said() == []


@pytest.mark.parametrize("who", ["anna", "bo"])
def test_whoever_left_is_told_of_nobody_and_nobody_of_them(two: Two, who: str) -> None:
    owner_id = two.anna if who == "anna" else two.bo
    _reads_nothing(two, lambda s: members.leave(s, two.club.id, owner_id))
    # What was before is no news to whoever comes back, nor of them.
    two.club.join(owner_id, [two.mobile] if who == "bo" else [])
    assert two.said() == []
    set_field(two.database, two.bo, two.mobile, NUMBER)
    assert two.said() == [("changed", "mobile", NUMBER)]


def test_the_end_of_an_organisation_is_the_end_of_its_news(two: Two) -> None:
    _reads_nothing(two, lambda s: organisations.remove(s, two.club.id))
    members.tidy(two.database)
    assert two.said() == []
    with two.database.reading() as session:
        assert session.scalars(select(RosterChange.owner_id)).all() == []


def test_what_was_before_somebody_joined_is_no_news_to_them(two: Two) -> None:
    (carl,) = people(two.database, "carl")
    mail = field(two.database, two.bo, "email", "bo@example.org")
    two.club.grant(two.bo, mail)
    two.club.take_back(two.bo, mail)
    two.club.join(carl)
    assert said(two.database, carl) == []
    two.club.take_back(two.bo, two.mobile)
    assert said(two.database, carl) == [("bo", [("gone", "mobile", "")])]


def test_the_pair_counts_before_the_organisation(two: Two) -> None:
    set_field(two.database, two.bo, two.mobile, OTHER)
    connect(two.database, two.anna, two.bo)
    assert two.said() == []
    # What the club saw while the two were connected, Anna was not shown.
    two.club.take_back(two.bo, two.mobile)
    two.write(lambda s: connections.disconnect(s, two.anna, two.bo))
    assert two.said() == []
    two.club.grant(two.bo, two.mobile)
    assert two.said() == [("new", "mobile", OTHER)]


@pytest.mark.parametrize("how", ["anna leaves", "bo leaves", "it is deleted"])
def test_the_organisation_that_was_joined_first_counts(two: Two, how: str) -> None:
    other = clubs.found(two.database, "Rowing Club")
    other.join(two.anna)
    other.join(two.bo, [two.bank])
    mail = field(two.database, two.bo, "email", "bo@example.org")
    other.grant(two.bo, mail)
    other.take_back(two.bo, mail)
    assert two.said() == []
    if how == "it is deleted":
        two.write(lambda s: organisations.remove(s, two.club.id))
        set_field(two.database, two.bo, two.bank, "6222 0139", "bank-account")
        assert two.said() == []
        members.tidy(two.database)
    else:
        two.club.leave(two.anna if how == "anna leaves" else two.bo)
    assert two.said() == []
    set_field(two.database, two.bo, two.bank, "6222 0140", "bank-account")
    assert two.said() == [("changed", "bank-account", "6222 0140")]


def test_what_went_while_one_was_blocked_is_not_told_afterwards(two: Two) -> None:
    mail = field(two.database, two.bo, "email", "bo@example.org")
    two.write(lambda s: blocks.block(s, two.bo, two.anna))
    two.club.grant(two.bo, mail)
    two.club.take_back(two.bo, mail)
    two.write(lambda s: blocks.unblock(s, two.bo, two.anna))
    assert two.said() == []


def test_what_strangers_see_is_news_to_members_as_well(two: Two) -> None:
    two.write(lambda s: grants.grant(s, two.bo, strangers(two.database, two.bo), [two.bank]))
    assert two.said() == [("new", "bank-account", "6222 0138")]


def test_the_last_changes_are_kept_and_no_more(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        set_field(two.database, two.bo, two.mobile, f"+86 138 0013 900{number}")
    with two.database.reading() as session:
        revision = session.scalars(select(Organisation.revision)).one()
        assert len(roster_changes.after(session, two.club.id, revision - 3, two.anna)) == 3
        assert roster_changes.after(session, two.club.id, 0, two.bo) == []
    monkeypatch.setattr(roster_changes, "KEPT", 2)
    set_field(two.database, two.bo, two.mobile, OTHER)
    with two.database.reading() as session:
        assert session.scalars(select(func.count()).select_from(RosterChange)).one() == 2
    assert two.said() == [("changed", "mobile", OTHER)]


def test_who_is_a_member_for_long_is_told_as_well(two: Two) -> None:
    """A release before this one noted nothing of when somebody joined but the time."""

    def forget(session: Session) -> None:
        for each in session.scalars(select(Membership)).all():
            each.told_from, each.joined_at = None, (each.joined_at or 0) - 10

    two.write(forget)
    set_field(two.database, two.bo, two.mobile, OTHER)
    assert two.said() == [("changed", "mobile", OTHER)]


def test_news_of_many_take_as_many_statements_as_those_of_one(database: Database) -> None:
    anna, club, counts = person(database, "anna"), clubs.found(database), set()
    club.join(anna)
    for number in range(3):
        owner = person(database, f"kim{number}")
        mobile = field(database, owner)
        club.join(owner, [mobile])
        set_field(database, owner, mobile, OTHER)
        with sent(database.engine) as statements:
            assert len(said(database, anna)) == number + 1
        counts.add(len(statements))
    assert len(counts) == 1
