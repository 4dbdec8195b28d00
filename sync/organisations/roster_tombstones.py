"""
What tells the devices of members who left, and how it is let go of where it has become too much.

Of whoever left there is a row of the roster, so that a token can ask what changed since. When there are too many, all
go at once, and a device that has not been told of each of them lists its address book once more.
"""

from __future__ import annotations

from functools import partial

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from sync.database.engine import Database
from sync.database.lists import among
from sync.models import Membership, Organisation, RosterEntry
from sync.revisions import rosters
from sync.revisions.address_books import REMOVED

#: Of so many people who left one organisation it is remembered.
MOST = 1_000


def let_go(database: Database) -> int:
    """Forget who left organisations in which those have become too many, and return how many those were."""
    counted = select(RosterEntry.organisation_id).where(RosterEntry.state == REMOVED)
    with database.reading() as session:
        many = counted.group_by(RosterEntry.organisation_id).having(func.count() > MOST)
        found = session.scalars(many).all()
    return sum(database.write(partial(_let_go, organisation_id=each)) for each in found)


def _let_go(session: Session, organisation_id: int) -> int:
    session.execute(select(Organisation.id).where(Organisation.id == organisation_id).with_for_update())
    gone = (RosterEntry.organisation_id == organisation_id, RosterEntry.state == REMOVED)
    owner_ids = session.scalars(select(RosterEntry.owner_id).where(*gone)).all()
    # Whose account is closed is a member, and comes back when it is open again.
    here = (Membership.organisation_id == organisation_id, among(session, Membership.owner_id, owner_ids))
    away = session.scalars(select(Membership.owner_id).where(*here)).all()
    return rosters.let_go(session, organisation_id, away) if len(away) < len(owner_ids) else 0
