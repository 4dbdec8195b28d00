"""
Looking, before anybody is answered, whether something that they are shown is over.

See the package's docstring for why. One `Watch` is enough for a process; it may be used by many threads.

Where the tables are spread over machines, one of them may be out of reach: that when something ends is noted on, or its
owner's. Then that is left out here, and whoever asks is answered all the same: nobody is shown a card without its
owner's machine having said that nothing of it is over (`sync.database.entry_cards`, `sync.sharing.due`). So what cannot
be taken back is withheld, and nothing else is.
"""

from __future__ import annotations

import contextlib
import functools
import math
import time
from collections.abc import Callable, Collection, Sequence
from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from sync.database.engine import Database
from sync.database.lists import among
from sync.ends import carrying, next_ends
from sync.errors import DatabaseUnavailable, EndsDue
from sync.models import Entry, RosterEntry, now
from sync.reach import Reach
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
        self._reach = Reach(database)
        self._look = _NOTHING
        # Of whom nothing could be taken back, and until when it is not tried again, so that nobody waits for it.
        self._withheld: dict[int, float] = {}

    def is_due(self) -> bool:
        """Whether anything of anybody's is over that was not carried out, as far as this process can know."""
        # Every request asks this: it is two looks at clocks, and three numbers to compare.
        at, ticks = time.time(), time.monotonic()
        fresh_until, apart, soonest = self._look
        if ticks >= fresh_until or not -_DRIFT < at - ticks - apart < _DRIFT:
            found = [each for each in self._reach.ask(next_ends.soonest) if each is not None]
            soonest = min(found, default=_NEVER)
            self._look = (ticks + FRESH, at - ticks, soonest)
        return soonest <= at

    def settle(self, account_id: int | None) -> bool:
        """
        Carry out whatever is over and concerns somebody: of theirs, and of everybody whose card they hold.

        Members of an organisation hold each other's. Returns whether anything did. Of everybody else, one is carried
        out where that keeps nobody waiting. Where the tables are spread, what could not be is withheld from everybody
        until it is.

        Raises:
            DatabaseUnavailable: It could not be; they must be shown nothing.
        """
        if not self.is_due():
            return False
        found = False
        for _ in range(_ROUNDS):
            owners = self._concerning(account_id, now()) if account_id is not None else ()
            if not owners:
                break
            found = True
            self._carry_out_within_reach(owners)
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

    def _concerning(self, account_id: int, at: int) -> Collection[int]:
        if not self._database.is_distributed:
            with self._database.reading() as session:
                return _held(session, account_id, next_ends.all_due(session, at))
        found = self._reach.ask(lambda session, buckets: next_ends.all_due(session, at, buckets))
        ticks = time.monotonic()
        due = [owner for owners in found for owner in owners if self._withheld.get(owner, 0) <= ticks]
        with self._database.reading() as session:
            return _held(session, account_id, due)

    def _carry_out_within_reach(self, owner_ids: Collection[int]) -> None:
        for owner_id in owner_ids:
            try:
                self.carry_out([owner_id])
            except DatabaseUnavailable:
                if not self._database.is_distributed:
                    raise
                ticks = time.monotonic()
                kept = {each: until for each, until in self._withheld.items() if until > ticks}
                self._withheld = {**kept, owner_id: ticks + FRESH}

    def _help(self) -> None:
        """Carry out what is over of one owner more, so that what concerns nobody who asks is done, too."""
        if self._database.is_distributed:
            # Each look is one at many machines; nobody is shown it meanwhile.
            return
        at = now()
        with self._database.reading() as session:
            owners = next_ends.due(session, at, 1)
        for owner_id in owners:
            with contextlib.suppress(EndsDue):
                self._database.write_if_free(functools.partial(carrying.all_over, owner_id=owner_id, at=at))


def _held(session: Session, account_id: int, due: Sequence[int]) -> Collection[int]:
    """Return whose card somebody holds of those of whom something is over."""
    held = (Entry.viewer_id == account_id, Entry.kind != _PRIVATE, Entry.state != REMOVED)
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
