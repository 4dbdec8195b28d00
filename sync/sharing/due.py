"""Whether something of an owner's is over by the clock and was not taken back yet (see `sync.ends`)."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from sync.database.lists import among
from sync.errors import EndsDue
from sync.models import BUCKETS, NextEnd, now


def require_none_due(session: Session, owner_ids: Collection[int]) -> None:
    """
    Make sure that nothing of these owners is over which they show still.

    Raises:
        EndsDue: Something is; it names them.
    """
    if not owner_ids:
        return
    mine = (NextEnd.bucket.in_(sorted({owner_id % BUCKETS for owner_id in owner_ids})), NextEnd.due_at <= now())
    due = session.scalars(select(NextEnd.owner_id).where(*mine, among(session, NextEnd.owner_id, owner_ids))).all()
    if due:
        raise EndsDue(due)
