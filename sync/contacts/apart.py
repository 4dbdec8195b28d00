"""What a person said is not one: two contacts of their own, or a contact and somebody's card. They are asked once."""

from __future__ import annotations

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from sync.errors import NotFound
from sync.models import Entry, KeptApart, now

#: So many pairs are kept apart, the last that the person said it of.
MOST = 10_000


def keep(session: Session, viewer_id: int, one_id: int, other_id: int) -> None:
    """
    Remember that two entries of a person are about two people. Twice is the same as once.

    Raises:
        NotFound: One of them is no entry of theirs, or both are the same.
    """
    with session.begin_nested():
        pair = pair_of(one_id, other_id)
        mine = select(Entry.id).where(Entry.viewer_id == viewer_id, Entry.id.in_(pair))
        if set(session.scalars(mine)) != set(pair) or one_id == other_id:
            raise NotFound("There is no such contact.")
        key = {"viewer_id": viewer_id, "entry_id": pair[0], "other_id": pair[1]}
        session.execute(delete(KeptApart).filter_by(**key))
        session.execute(insert(KeptApart).values(**key, said_at=now()))
        _forget_oldest(session, viewer_id)


def forget(session: Session, viewer_id: int) -> int:
    """Propose everything again, and return how often the person had said no."""
    gone = delete(KeptApart).where(KeptApart.viewer_id == viewer_id).returning(KeptApart.entry_id)
    return len(session.scalars(gone).all())


def _forget_oldest(session: Session, viewer_id: int) -> None:
    mine, newest_first = KeptApart.viewer_id == viewer_id, (KeptApart.said_at.desc(), KeptApart.entry_id)
    pair = select(KeptApart.entry_id, KeptApart.other_id).where(mine).order_by(*newest_first, KeptApart.other_id)
    for one, other in session.execute(pair.offset(MOST)).all():
        session.execute(delete(KeptApart).where(mine, KeptApart.entry_id == one, KeptApart.other_id == other))


def pairs(session: Session, viewer_id: int) -> set[tuple[int, int]]:
    """Return the pairs of entries that a person keeps apart, each as `pair_of` has it."""
    rows = session.execute(select(KeptApart.entry_id, KeptApart.other_id).where(KeptApart.viewer_id == viewer_id))
    return {(one, other) for one, other in rows}


def pair_of(one_id: int, other_id: int) -> tuple[int, int]:
    """Return two entries in the order in which a pair is kept."""
    return min(one_id, other_id), max(one_id, other_id)
