"""
Doubts: whoever holds a card, and finds that something on it is not right any more, tells its owner.

The owner is told once of a field by each holder, and decides what to make of it; nothing else changes. A doubt is about
what a field says, so it is settled when the field says something else, and only about what its holder may see.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from sync.accounts.rate_limits import DAY, Limit, take
from sync.database.engine import all_or_nothing
from sync.errors import NotFound
from sync.models import FieldDoubt, now
from sync.sharing import changes
from sync.sharing.visibility import STRANGER, StoredField, composition_of, fields_of, visible_fields

#: How often somebody may say so on a day: of anybody, and of one person.
SAID = Limit("doubts", 20, DAY)
SAID_OF_ONE = Limit("doubts of one person", 5, DAY)


@dataclass(frozen=True, slots=True)
class Doubt:
    """A holder's doubt about a field of the owner's, said at a time in seconds since 1970."""

    field_id: int
    viewer_id: int
    said_at: int


def key_of(field: StoredField) -> str:
    """Return by what a field is known that says just this; whoever sees the field learns nothing by it."""
    return hashlib.sha256(f"{field.kind}\n{field.content}".encode()).hexdigest()


def doubt(session: Session, viewer_id: int, owner_id: int, field_id: int) -> None:
    """
    Tell an owner that a field on their card is not right any more. Saying it twice is the same as once.

    Raises:
        NotFound: The two are not connected, or there is no such field that the viewer may see.
        TooManyTries: The viewer said so of too much already.
    """
    with all_or_nothing(session):
        changes.hold(session, owner_id)
        field = next((each for each in held_fields(session, viewer_id, owner_id) if each.id == field_id), None)
        if field is None:
            raise NotFound("There is nothing of the kind on this card.")
        said_of = key_of(field)
        mine = (FieldDoubt.owner_id == owner_id, FieldDoubt.field_id == field_id, FieldDoubt.viewer_id == viewer_id)
        if session.scalars(select(FieldDoubt.said_of).where(*mine)).first() == said_of:
            return
        take(session, SAID, str(viewer_id))
        take(session, SAID_OF_ONE, f"{viewer_id}/{owner_id}")
        session.execute(delete(FieldDoubt).where(*mine))
        values = {"owner_id": owner_id, "field_id": field_id, "viewer_id": viewer_id}
        session.execute(insert(FieldDoubt).values(**values, said_of=said_of, said_at=now()))


def dismiss(session: Session, owner_id: int, field_id: int) -> None:
    """
    Note that a field of one's own is right as it is, whoever doubts it.

    Raises:
        NotFound: Nobody does.
    """
    with all_or_nothing(session):
        changes.hold(session, owner_id)
        open_ones = [each.viewer_id for each in doubts_of(session, owner_id) if each.field_id == field_id]
        if not open_ones:
            raise NotFound("Nobody doubts this.")
        about = (FieldDoubt.owner_id == owner_id, FieldDoubt.field_id == field_id)
        session.execute(update(FieldDoubt).where(*about).values(dismissed_at=now()))


def doubts_of(session: Session, owner_id: int) -> list[Doubt]:
    """Return what others doubt of what a person's fields say now, the newest first; not what was dismissed."""
    said = {field.id: key_of(field) for field in fields_of(session, owner_id)}
    chosen = select(FieldDoubt).where(FieldDoubt.owner_id == owner_id, FieldDoubt.dismissed_at.is_(None))
    rows = session.scalars(chosen.order_by(FieldDoubt.said_at.desc(), FieldDoubt.viewer_id)).all()
    return [Doubt(row.field_id, row.viewer_id, row.said_at) for row in rows if said.get(row.field_id) == row.said_of]


def is_doubted(session: Session, owner_id: int) -> bool:
    """Whether `doubts_of` has something, which is hardly ever so and quickly known."""
    there = select(FieldDoubt.owner_id).where(FieldDoubt.owner_id == owner_id, FieldDoubt.dismissed_at.is_(None))
    return session.scalars(there.limit(1)).first() is not None and bool(doubts_of(session, owner_id))


def said_by(session: Session, viewer_id: int, owner_id: int) -> set[str]:
    """Return the keys of what the viewer doubted on the owner's card, whatever the owner made of it."""
    mine = (FieldDoubt.owner_id == owner_id, FieldDoubt.viewer_id == viewer_id)
    return set(session.scalars(select(FieldDoubt.said_of).where(*mine)))


def held_fields(session: Session, viewer_id: int, owner_id: int) -> Sequence[StoredField]:
    """
    Return the fields of an owner that somebody who holds their card may see.

    Raises:
        NotFound: The two are not connected.
    """
    composition = composition_of(session, owner_id, viewer_id)
    if composition == STRANGER:
        raise NotFound("These two are not connected.")
    return visible_fields(session, owner_id, composition)
