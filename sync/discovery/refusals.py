"""Who wants nothing to do with whom: blocks, and requests that were refused for ever."""

from __future__ import annotations

import functools
from collections.abc import Collection

from sqlalchemy import Select, bindparam, select
from sqlalchemy.orm import Session

from sync.database.lists import among, among_parameter
from sync.database.prepared import read
from sync.models import IN, REFUSED, Block, Request


def has_blocked(session: Session, owner_id: int, other_id: int) -> bool:
    """Whether the owner wants nothing to do with the other."""
    found = select(Block.other_id).where(Block.owner_id == owner_id, Block.other_id == other_id)
    return session.scalars(found).first() is not None


def barred(session: Session, person_id: int, others: Collection[int]) -> set[int]:
    """Return those of *others* whom the person has blocked, or who have blocked the person."""
    values = {"person": person_id}
    return {other for make in (_own, _theirs) for (other,) in read(session, make, values, others=others)}


@functools.cache
def _own(dialect: str) -> Select[int]:
    mine = Block.owner_id == bindparam("person")
    return select(Block.other_id).where(mine, among_parameter(dialect, Block.other_id, "others"))


@functools.cache
def _theirs(dialect: str) -> Select[int]:
    about = Block.other_id == bindparam("person")
    return select(Block.owner_id).where(about, among_parameter(dialect, Block.owner_id, "others"))


def refusing(session: Session, asker_id: int, others: Collection[int]) -> set[int]:
    """Return those of *others* who declined for ever whatever *asker_id* asks."""
    refused = select(Request.owner_id).where(
        among(session, Request.owner_id, others),
        Request.direction == IN,
        Request.other_id == asker_id,
        Request.state == REFUSED,
    )
    return set(session.scalars(refused))
