"""Whether something of an owner's is over by the clock and was not taken back yet (see `sync.ends`)."""

from __future__ import annotations

import functools
from collections.abc import Collection

from sqlalchemy import Select, bindparam, select
from sqlalchemy.orm import Session

from sync.database.distribution import buckets_of, is_distributed
from sync.database.lists import among_parameter
from sync.database.prepared import read
from sync.errors import EndsDue
from sync.models import Ending, NextEnd, now


def require_none_due(session: Session, owner_ids: Collection[int]) -> None:
    """
    Make sure that nothing of these owners is over which they show still.

    Raises:
        EndsDue: Something is; it names them.
    """
    if not owner_ids:
        return
    if is_distributed(session):
        # Their own machines say it, whichever else are out of reach.
        due = read(session, _over, {"at": now()}, owners=owner_ids)
    else:
        buckets = sorted(set(map(buckets_of(session).of, owner_ids)))
        due = read(session, _due, {"at": now()}, buckets=buckets, owners=owner_ids)
    if due:
        raise EndsDue([owner_id for (owner_id,) in due])


@functools.cache
def _due(dialect: str) -> Select[int]:
    return select(NextEnd.owner_id).where(
        among_parameter(dialect, NextEnd.bucket, "buckets"),
        NextEnd.due_at <= bindparam("at"),
        among_parameter(dialect, NextEnd.owner_id, "owners"),
    )


@functools.cache
def _over(dialect: str) -> Select[int]:
    mine = among_parameter(dialect, Ending.owner_id, "owners")
    return select(Ending.owner_id).where(mine, Ending.ends_at <= bindparam("at")).distinct()
