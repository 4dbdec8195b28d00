"""Who wants nothing to do with whom: blocks, and requests that were refused for ever."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from sync.database.engine import among
from sync.models import IN, REFUSED, Block, Request


def has_blocked(session: Session, owner_id: int, other_id: int) -> bool:
    """Whether the owner wants nothing to do with the other."""
    found = select(Block.other_id).where(Block.owner_id == owner_id, Block.other_id == other_id)
    return session.scalars(found).first() is not None


def barred(session: Session, person_id: int, others: Collection[int]) -> set[int]:
    """Return those of *others* whom the person has blocked, or who have blocked the person."""
    own = select(Block.other_id).where(Block.owner_id == person_id, among(session, Block.other_id, others))
    theirs = select(Block.owner_id).where(among(session, Block.owner_id, others), Block.other_id == person_id)
    return set(session.scalars(own)) | set(session.scalars(theirs))


def refusing(session: Session, asker_id: int, others: Collection[int]) -> set[int]:
    """Return those of *others* who declined for ever whatever *asker_id* asks."""
    refused = select(Request.owner_id).where(
        among(session, Request.owner_id, others),
        Request.direction == IN,
        Request.other_id == asker_id,
        Request.state == REFUSED,
    )
    return set(session.scalars(refused))
