"""
The audiences of links by which people without an account are shown a card.

Whoever has the address is nobody's connection: they see what one group sees and what strangers do, and no exception is
made for them. Links of one group share one audience, and its card is rendered like every other.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.orm import Session

from sync.models import CardLink
from sync.sharing import cards
from sync.sharing.changes import Change, change
from sync.sharing.visibility import Composition


def audience_for(under_way: Change, owner_id: int, group_id: int) -> int:
    """Return the id of the audience of a group alone, made if there is none."""
    alone = Composition(frozenset({group_id}), connected=False)
    return cards.audience_for(under_way, owner_id, alone, cards.LINK)


def of_group(session: Session, owner_id: int, group_id: int) -> Sequence[int]:
    """Return the ids of the audiences that links to the card of this group have."""
    mine = (CardLink.owner_id == owner_id, CardLink.group_id == group_id)
    return session.scalars(select(CardLink.audience_id).where(*mine)).all()


def end(session: Session, owner_id: int, *which: ColumnElement[bool]) -> int:
    """End those links of an owner's that meet these conditions, for good, and return how many those were."""
    mine = (CardLink.owner_id == owner_id, *which)
    if session.scalars(select(CardLink.id).where(*mine).limit(1)).first() is None:
        return 0
    with change(session, owner_id) as under_way:
        left = session.scalars(delete(CardLink).where(*mine).returning(CardLink.audience_id)).all()
        under_way.left[owner_id].update(left)
    return len(left)
