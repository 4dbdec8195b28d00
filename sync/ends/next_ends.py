"""When something of an owner's ends next, for whoever looks for what is due."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, delete, func, insert, select
from sqlalchemy.orm import Session

from sync.database.distribution import buckets_of
from sync.models import CardLink, Ending, NextEnd

#: Seconds before an end at which its owner is asked.
DAY = 24 * 3600


def renew(session: Session, owner_id: int) -> None:
    """
    Note when something of an owner's ends next, and when they are to be asked.

    The caller holds the owner's lock.
    """
    bucket = buckets_of(session).of(owner_id)
    mine = (NextEnd.bucket == bucket, NextEnd.owner_id == owner_id)
    firsts = [
        session.scalars(select(func.min(model.ends_at)).where(model.owner_id == owner_id)).one()
        for model in (Ending, CardLink)
    ]
    due_at = min((first for first in firsts if first is not None), default=None)
    # Whoever has just said that it ends within a day is not asked.
    unasked = (Ending.owner_id == owner_id, Ending.asked_at.is_(None), Ending.set_at + DAY < Ending.ends_at)
    asked_for: int | None = session.scalars(select(func.min(Ending.ends_at)).where(*unasked)).one()
    session.execute(delete(NextEnd).where(*mine))
    if due_at is not None:
        ask_at = None if asked_for is None else asked_for - DAY
        session.execute(insert(NextEnd).values(bucket=bucket, owner_id=owner_id, due_at=due_at, ask_at=ask_at))


def soonest(session: Session, buckets: Sequence[int] | None = None) -> int | None:
    """Return when anything ends next of anybody in *buckets*, by default in all; None where nothing does."""
    return session.scalars(select(func.min(NextEnd.due_at)).where(_in(session, buckets))).one()


def all_due(session: Session, at: int, buckets: Sequence[int] | None = None) -> Sequence[int]:
    """Return everybody in *buckets* of whom something is over at a time."""
    return session.scalars(select(NextEnd.owner_id).where(_in(session, buckets), NextEnd.due_at <= at)).all()


def due(session: Session, at: int, limit: int, buckets: Sequence[int] | None = None) -> Sequence[int]:
    """Return owners in *buckets* of whom something is over at a time, those first whose is so for longest."""
    chosen = select(NextEnd.owner_id).where(_in(session, buckets), NextEnd.due_at <= at)
    return session.scalars(chosen.order_by(NextEnd.due_at, NextEnd.owner_id).limit(limit)).all()


def to_ask(session: Session, at: int, limit: int, buckets: Sequence[int] | None = None) -> Sequence[int]:
    """Return owners in *buckets* who are to be asked by now."""
    chosen = select(NextEnd.owner_id).where(_in(session, buckets), NextEnd.ask_at <= at)
    return session.scalars(chosen.order_by(NextEnd.owner_id).limit(limit)).all()


def _in(session: Session, buckets: Sequence[int] | None) -> ColumnElement[bool]:
    return NextEnd.bucket.in_(buckets_of(session).some(buckets))
