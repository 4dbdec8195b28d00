"""Asking people, a day before something of theirs ends, whether it shall: once, and only those who want messages."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from sync import faults
from sync.accounts import addresses
from sync.database.engine import Database, all_or_nothing, settings_of
from sync.ends import next_ends
from sync.ends.local_time import said
from sync.ends.next_ends import DAY
from sync.models import Ending, now
from sync.notify import outbox
from sync.reach import Reach, Round
from sync.sharing import changes
from sync.sharing.preferences import preferences_of

#: How many people are looked up at a time.
_PAGE = 100


def work(database: Database) -> int:
    """
    Ask everybody of whom something ends within a day, and return how many people that are.

    Raises:
        DatabaseUnavailable: A machine is out of reach; whoever is not on it was asked.
    """
    round_, reach = Round.of_people(database, faults.ASKING), Reach(database)

    def find(count: int) -> Sequence[int]:
        found = reach.ask(lambda session, buckets: next_ends.to_ask(session, now(), count, buckets))
        return [owner_id for owners in found for owner_id in owners]

    asked = round_.pages(find, functools.partial(_ask, database), _PAGE)
    round_.end(reach)
    return asked


def _ask(database: Database, owner_id: int) -> None:
    if database.is_distributed:
        # Whoever cannot be reached is not tried again and again, as one who only has to wait is.
        with database.reading() as session:
            session.scalars(select(Ending.id).where(Ending.owner_id == owner_id).limit(1)).all()
    database.write(lambda session: ask(session, owner_id))


def ask(session: Session, owner_id: int) -> None:
    """Tell a person how much of theirs ends within a day, unless they were told, and where they can keep it."""
    at = now()
    with all_or_nothing(session):
        changes.hold(session, owner_id)
        mine = (Ending.owner_id == owner_id, Ending.asked_at.is_(None), Ending.ends_at <= at + DAY)
        unasked = (*mine, Ending.ends_at > at, Ending.set_at + DAY < Ending.ends_at)
        rows = session.execute(select(Ending.ends_at, Ending.utc_offset).where(*unasked)).all()
        session.execute(update(Ending).where(*mine).values(asked_at=at))
        next_ends.renew(session, owner_id)
        if rows:
            first = min(rows, key=lambda row: row.ends_at)
            _tell(session, owner_id, len(rows), said(first.ends_at, first.utc_offset))


def _tell(session: Session, owner_id: int, count: int, first: str) -> None:
    preferences, settings = preferences_of(session, owner_id), settings_of(session)
    if not preferences.told_of_requests:
        return
    for channel, value in addresses.addresses_of(session, owner_id):
        if settings.sending.can_send(channel):
            link = f"{settings.base_url}/.web/ends/"
            language = preferences.language or "en"
            outbox.post(session, channel, value, "ending", language, count=str(count), first=first, link=link)
            return
