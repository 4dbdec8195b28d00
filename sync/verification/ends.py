"""What must be true of what a person gave until a certain time."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from sync.models import BUCKETS, Ending, NextEnd


def ends_of(session: Session, owner_id: int) -> Iterator[str]:
    """Yield what is wrong with a person's ends: that something would be shown for longer than they said."""
    soonest: int | None = session.scalars(select(func.min(Ending.ends_at)).where(Ending.owner_id == owner_id)).one()
    mine = (NextEnd.bucket == owner_id % BUCKETS, NextEnd.owner_id == owner_id)
    due_at = session.scalars(select(NextEnd.due_at).where(*mine)).first()
    if soonest is not None and (due_at is None or due_at > soonest):
        yield "Something of this person's ends, and nobody would look for it in time."
