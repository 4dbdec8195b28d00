"""Whoever chose it is told by the digest what fellow members change of what their organisation sees, and once only."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import count

import pytest
from sqlalchemy import select

from sync.accounts import registration
from sync.database.engine import Session
from sync.digests import choices, rounds
from sync.errors import NotFound
from sync.meeting import blocks
from sync.models import DigestSeen
from sync.organisations import members, organisations, pair_entries
from sync.profiles import profiles
from sync.queries import told_members
from sync.sharing import connections, grants
from tests.engine.digests.test_digests import NUMBER, OTHER, Mail, look, mail, subscribe, waiting
from tests.support import clubs, factories
from tests.support.factories import connect, field, people, person, set_field
from tests.support.statements import sent

__all__ = ["mail"]

NUMBERS = count(1_000)


class Club:
    """Anna and Bo are in the club, which sees Bo's number and not the bank account; Anna gets the digest."""

    def __init__(self, mail: Mail) -> None:
        """Let Anna choose that she is told of members."""
        self.mail, self.database = mail, mail.database
        self.anna, self.bo = people(self.database, "anna", "bo")
        self.mobile, self.bank = field(self.database, self.bo), field(self.database, self.bo, "bank-account", "62 0138")
        self.club = clubs.found(self.database)
        self.club.join(self.anna)
        self.club.join(self.bo, [self.mobile])
        subscribe(self.database, self.anna, "anna@example.org")
        self.choose()

    def choose(self, *, by_digest: bool = True) -> None:
        """Let Anna be told of members by the digest, or not."""
        self.database.write(lambda s: told_members.choose(s, self.anna, self.club.id, by_digest=by_digest))

    def change(self) -> None:
        """Change Bo's number."""
        set_field(self.database, self.bo, self.mobile, f"+86 138 0013 {next(NUMBERS)}")


@pytest.fixture
def club(mail: Mail) -> Club:
    """Anna and Bo."""
    return Club(mail)


def test_it_is_off_until_a_member_chooses_it(club: Club) -> None:
    club.choose(by_digest=False)
    club.change()
    assert club.mail.round() == []
    club.choose()
    assert club.mail.round() == [], "what was before is no news"
    club.change()
    (said,) = club.mail.round()
    assert "bo: mobile phone\n" in said
    assert "138 0013" not in said.replace("https://", "")
    assert club.mail.round() == []
    assert waiting(club.database) == 0


def test_only_members_choose_and_a_choice_ends_with_the_membership(club: Club) -> None:
    carl = person(club.database, "carl")
    club.club.invite(carl)
    with pytest.raises(NotFound):
        club.database.write(lambda s: told_members.choose(s, carl, club.club.id, by_digest=True))
    club.club.leave(club.anna)
    club.club.join(club.anna)
    club.change()
    assert club.mail.round() == []
    with club.database.reading() as session:
        assert told_members.choice_of(session, club.anna, club.club.id) == told_members.Telling()


def test_choosing_again_loses_nothing(club: Club) -> None:
    club.change()
    club.choose()
    assert len(club.mail.round()) == 1


def test_whoever_sees_nothing_of_a_change_is_told_nothing(club: Club) -> None:
    set_field(club.database, club.bo, club.bank, "62 0139", "bank-account")
    field(club.database, club.bo, "qq", "10001")
    club.club.join(person(club.database, "carl"))
    club.mail.change(lambda s: organisations.change(s, club.club.id, "Go Club", []))
    assert club.mail.round() == []
    assert waiting(club.database) == 0


def test_nobody_is_told_what_they_changed_themselves(club: Club) -> None:
    mine = field(club.database, club.anna)
    club.club.grant(club.anna, mine)
    set_field(club.database, club.anna, mine, OTHER)
    assert club.mail.round() == []


@pytest.mark.parametrize(
    "how",
    [
        "changed back",
        "taken back",
        "hidden",
        "blocked",
        "left",
        "gone",
        "deleted",
        "closed",
        "looked",
        "stopped",
        "off",
    ],
)
def test_what_a_digest_says_of_members_is_decided_when_it_is_sent(club: Club, how: str) -> None:
    set_field(club.database, club.bo, club.mobile, OTHER)
    club.mail.due()
    assert rounds.work(club.database) == 1
    anna, bo, organisation_id = club.anna, club.bo, club.club.id
    happens: dict[str, Callable[[Session], object]] = {
        "changed back": lambda s: profiles.set_field(s, bo, club.mobile, factories.content(text=NUMBER)),
        "taken back": lambda s: grants.take_back(s, bo, club.club.group_of(bo), [club.mobile]),
        "hidden": lambda s: pair_entries.hide(s, anna, bo),
        "blocked": lambda s: blocks.block(s, bo, anna),
        "left": lambda s: members.leave(s, organisation_id, bo),
        "gone": lambda s: members.leave(s, organisation_id, anna),
        "deleted": lambda s: organisations.remove(s, organisation_id),
        "closed": lambda s: registration.set_disabled(s, bo, disabled=True),
        "looked": lambda _: None,
        "stopped": lambda s: choices.stop(s, anna),
        "off": lambda s: told_members.choose(s, anna, organisation_id, by_digest=False),
    }
    if how == "looked":
        look(club.database, anna)
    club.mail.change(happens[how])
    assert club.mail.work() == 0
    assert club.mail.letters == []
    assert waiting(club.database) == 0


def test_whoever_is_connected_to_a_member_is_told_by_the_connection_alone(club: Club) -> None:
    connect(club.database, club.anna, club.bo)
    club.change()
    assert club.mail.round() == [], "the connection does not see the number"
    everybody = factories.everybody_connected(club.database, club.bo)
    club.mail.change(lambda s: grants.grant(s, club.bo, everybody, [club.mobile]))
    club.mail.round()
    club.change()
    (said,) = club.mail.round()
    assert said.count("bo: mobile phone\n") == 1
    club.mail.change(lambda s: connections.disconnect(s, club.anna, club.bo))
    assert club.mail.round() == [], "what was told by the connection is not told once more"
    club.change()
    (said,) = club.mail.round()
    assert "bo: mobile phone\n" in said


def test_connections_and_members_are_told_in_one(club: Club) -> None:
    carl = person(club.database, "carl")
    connect(club.database, club.anna, carl)
    qq = field(club.database, carl, "qq", "10001")
    factories.group(club.database, carl, "Friends", [club.anna], [qq])
    club.mail.round()
    set_field(club.database, carl, qq, "10002", "qq")
    club.change()
    (said,) = club.mail.round()
    assert "carl: QQ\n" in said
    assert "bo: mobile phone\n" in said


def test_of_what_a_member_is_told_follows_from_the_organisation_that_shows_it(club: Club) -> None:
    """Who shares two with somebody is told of what the first shows, though only the other was chosen."""
    other = clubs.found(club.database, "Go Club")
    other.join(club.anna)
    other.join(club.bo, [club.bank])
    club.choose(by_digest=False)
    club.mail.change(lambda s: told_members.choose(s, club.anna, other.id, by_digest=True))
    set_field(club.database, club.bo, club.bank, "62 0139", "bank-account")
    club.change()
    assert club.mail.round() == []


def test_nothing_is_kept_of_an_organisation_that_is_not_told_of(club: Club) -> None:
    club.change()
    club.mail.round()
    club.choose(by_digest=False)
    connect(club.database, club.anna, carl := person(club.database, "carl"))
    set_field(club.database, carl, field(club.database, carl), OTHER)
    look(club.database, club.anna)
    with club.database.reading() as session:
        kept = select(DigestSeen.owner_id).where(DigestSeen.owner_id == club.club.id)
        assert session.scalars(kept).all() == []


def test_a_round_takes_the_same_statements_however_many_members_are_told(club: Club) -> None:
    def told() -> int:
        club.change()
        club.mail.due()
        with sent(club.database.engine) as statements:
            rounds.work(club.database)
        outgoing = len(club.mail.letters)
        club.mail.work()
        assert len(club.mail.letters) > outgoing
        return len(statements)

    told()  # what a server makes once
    few = told()
    for number in range(4):
        another = person(club.database, f"member{number}")
        club.club.join(another)
        subscribe(club.database, another, f"member{number}@example.org")
        chosen = partial(told_members.choose, viewer_id=another, organisation_id=club.club.id, by_digest=True)
        club.database.write(chosen)
    assert told() == few
