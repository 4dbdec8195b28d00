"""What verification finds where something of an organisation was changed behind the engine's back."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import delete, update

from sync import verification
from sync.database.engine import Database
from sync.meeting import blocks
from sync.models import AddressBook, Entry, Membership, Organisation, RosterEntry
from tests.support import clubs, factories

BROKEN: dict[str, Any] = {
    "members gone": delete(Membership),
    "roster gone": delete(RosterEntry),
    "a roster that is behind": update(Organisation).values(revision=0),
    "another card": update(RosterEntry).values(card_id=1),
    "an invitation that shows": update(RosterEntry).where(RosterEntry.state == "invited").values(state="present"),
    "nobody invited": update(RosterEntry).where(RosterEntry.state == "invited").values(state="removed"),
    "a book that names none": update(AddressBook).values(rosters=None),
    "a group of another kind": update(Membership).where(Membership.joined_at.is_not(None)).values(group_id=None),
    "a block that shows": update(Entry).where(Entry.state == "blocked").values(state="removed"),
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_it_finds(database: Database, broken: Any) -> None:
    anna, bert, carl = factories.people(database, "anna", "bert", "carl")
    club = clubs.found(database)
    for each in (anna, bert):
        club.join(each, [factories.field(database, each)])
    club.invite(carl)
    database.write(lambda session: blocks.block(session, anna, bert))
    with database.reading() as session:
        assert [str(each) for each in verification.findings(session)] == []
    database.write(lambda session: session.execute(broken))
    with database.reading() as session:
        assert [str(each) for each in verification.findings(session)] != []
