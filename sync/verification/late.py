"""
Entries and rows of rosters that wait for a change of their owner's which never comes, where tables are spread.

Machines commit one after the other, and whoever reads what was raised for a change that the owner's machine has not is
told to come again (`sync.database.entry_cards`). Where that machine lost the change for good, as when it was put back
to an older state by itself, they would be told so for ever. That is found here, and let go.
"""

from __future__ import annotations

from itertools import islice
from typing import Any, NamedTuple

from sqlalchemy import Select, literal, select, update
from sqlalchemy.orm import Session

from sync.database.engine import all_or_nothing
from sync.database.lists import among
from sync.models import Entry, Profile, RosterEntry, now
from sync.revisions import address_books, fan_out, rosters

#: Seconds after which a change that one machine has is on all of them, whichever of them crashed in between.
LONG = 300
#: Owners whose versions are read at a time.
_SOME = 1_000


class Late(NamedTuple):
    """What was raised for the version *raised_for* of an owner's, and of whom it is: a person or an organisation."""

    holder_id: int
    owner_id: int
    raised_for: int
    href: str = ""


def entries(session: Session, first: int, last: int) -> list[Late]:
    """Return such entries of people with ids from *first* to *last*."""
    waiting = (Entry.raised_for.is_not(None), Entry.card_id.is_not(None), Entry.changed_at < now() - LONG)
    found = select(Entry.viewer_id, Entry.id, Entry.raised_for, Entry.href)
    return _late(session, found.where(Entry.viewer_id.between(first, last), *waiting))


def members(session: Session) -> list[Late]:
    """Return such rows of all rosters."""
    waiting = (RosterEntry.raised_for.is_not(None), RosterEntry.card_id.is_not(None))
    found = select(RosterEntry.organisation_id, RosterEntry.owner_id, RosterEntry.raised_for, literal(""))
    return _late(session, found.where(RosterEntry.changed_at < now() - LONG, *waiting))


def let_go_of_entry(session: Session, late: Late) -> bool:
    """Let an entry wait no longer, so that its devices get what the card says; whether it waited still."""
    with all_or_nothing(session):
        version = _version_short_of(session, late)
        if version is None:
            return False
        at, mine = now(), (Entry.viewer_id == late.holder_id, Entry.id == late.owner_id)
        address_books.raise_revisions(session, [late.holder_id], at)
        session.execute(update(Entry).where(*mine).values(raised_for=version))
        address_books.stamp(session, [late.holder_id], late.owner_id, at, version)
    return True


def let_go_of_member(session: Session, late: Late) -> bool:
    """Let the row of a member wait no longer; whether it waited still."""
    with all_or_nothing(session):
        version = _version_short_of(session, late)
        if version is None:
            return False
        row = (RosterEntry.organisation_id == late.holder_id, RosterEntry.owner_id == late.owner_id)
        session.execute(update(RosterEntry).where(*row).values(raised_for=version))
        rosters.stamp(session, {late.holder_id: [late.owner_id]}, now(), {late.owner_id: version})
    return True


def _version_short_of(session: Session, late: Late) -> int | None:
    """Return the version of an owner's profile, None where it is one that nobody has to wait for."""
    # Who has the lock sees what the owner's machine has committed.
    fan_out.hold(session, late.owner_id)
    found = select(Profile.version).where(Profile.owner_id == late.owner_id, Profile.version < late.raised_for)
    return session.scalars(found).first()


def _late(session: Session, waiting: Select[*tuple[Any, ...]]) -> list[Late]:
    rows = map(Late._make, session.execute(waiting).all())
    late: list[Late] = []
    while some := list(islice(rows, _SOME)):
        versions = select(Profile.owner_id, Profile.version)
        owners = among(session, Profile.owner_id, {each.owner_id for each in some})
        found: dict[int, int] = dict(session.execute(versions.where(owners)).all())
        late += [each for each in some if each.raised_for > found.get(each.owner_id, each.raised_for)]
    return late
