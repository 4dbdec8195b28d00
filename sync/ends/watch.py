"""
Looking, before anybody is answered, whether something that they are shown is over.

See the package's docstring for why. One `Watch` is enough for a process; it may be used by many threads.
"""

from __future__ import annotations

import contextlib
import functools
import math
import time
from collections.abc import Callable, Collection
from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from sync.database.engine import Database
from sync.database.lists import among
from sync.ends import carrying, next_ends
from sync.errors import EndsDue
from sync.models import BUCKETS, Entry, NextEnd, RosterEntry, now
from sync.revisions import rosters
from sync.revisions.address_books import PRESENT, REMOVED

#: Seconds for which a process remembers when the next end comes; fewer than `sync.ends.LEAD`.
FRESH = 20
#: Seconds by which a clock may drift meanwhile; one that is further off was put forward or back.
_DRIFT = 2
#: How often what concerns somebody is carried out before they are answered; the clock goes on meanwhile.
_ROUNDS = 3
_PRIVATE = "private"
T = TypeVar("T")


#: What was looked up: until when by a clock that is never put back it holds, by how much the other clock was ahead of
#: that, and when the next end comes.
_Look = tuple[float, float, float]
_NEVER = math.inf
_NOTHING: _Look = (-math.inf, 0.0, _NEVER)


def keeping_ends(database: Database, change: Callable[[Session], T]) -> T:
    """Do *change* in a transaction, after what it finds to be over was taken back."""
    try:
        return database.write(change)
    except EndsDue as error:
        Watch(database).carry_out(error.owner_ids)
        return database.write(change)


class Watch:
    """What a process knows of the ends that come."""

    def __init__(self, database: Database) -> None:
        """Watch *database*; nothing is read yet."""
        self._database = database
        self._look = _NOTHING

    def is_due(self) -> bool:
        """Whether anything of anybody's is over that was not carried out, as far as this process can know."""
        # Every request asks this: it is two looks at clocks, and three numbers to compare.
        at, ticks = time.time(), time.monotonic()
        fresh_until, apart, soonest = self._look
        if ticks >= fresh_until or not -_DRIFT < at - ticks - apart < _DRIFT:
            with self._database.reading() as session:
                found = next_ends.soonest(session)
            soonest = _NEVER if found is None else found
            self._look = (ticks + FRESH, at - ticks, soonest)
        return soonest <= at

    def settle(self, account_id: int | None) -> bool:
        """
        Carry out whatever is over and concerns somebody: of theirs, and of everybody whose card they hold.

        Members of an organisation hold each other's. Returns whether anything did. Of everybody else, one is carried
        out where that keeps nobody waiting.

        Raises:
            DatabaseUnavailable: It could not be; they must be shown nothing.
        """
        if not self.is_due():
            return False
        found = False
        for _ in range(_ROUNDS):
            with self._database.reading() as session:
                owners = _concerning(session, account_id, now()) if account_id is not None else ()
            if not owners:
                break
            found = True
            self.carry_out(owners)
        self._help()
        self._look = _NOTHING
        return found

    def carry_out(self, owner_ids: Collection[int]) -> None:
        """
        Carry out what is over of these owners.

        Raises:
            DatabaseUnavailable: It could not be.
        """
        for owner_id in owner_ids:
            for left in reversed(range(_ROUNDS)):
                try:
                    carrying.carry_out(self._database, owner_id)
                    break
                except EndsDue:
                    # The clock went on to the next minute.
                    if not left:
                        raise

    def _help(self) -> None:
        """Carry out what is over of one owner more, so that what concerns nobody who asks is done, too."""
        at = now()
        with self._database.reading() as session:
            owners = next_ends.due(session, at, 1)
        for owner_id in owners:
            with contextlib.suppress(EndsDue):
                self._database.write_if_free(functools.partial(carrying.all_over, owner_id=owner_id, at=at))


def _concerning(session: Session, account_id: int, at: int) -> Collection[int]:
    held = (Entry.viewer_id == account_id, Entry.kind != _PRIVATE, Entry.state != REMOVED)
    due = session.scalars(
        select(NextEnd.owner_id).where(NextEnd.bucket.in_(range(BUCKETS)), NextEnd.due_at <= at)
    ).all()
    if not due:
        return ()
    found = set(session.scalars(select(Entry.id).where(*held, among(session, Entry.id, due))))
    organisation_ids = [organisation_id for _, organisation_id in rosters.named_by(session, account_id)]
    if organisation_ids:
        theirs = (RosterEntry.organisation_id.in_(organisation_ids), RosterEntry.state == PRESENT)
        found.update(
            session.scalars(select(RosterEntry.owner_id).where(*theirs, among(session, RosterEntry.owner_id, due)))
        )
    return sorted(found)
