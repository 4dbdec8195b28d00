"""A database as the version before wrote it: every card and every earlier field with its picture in it."""

from __future__ import annotations

from sqlalchemy import delete, insert, select, update

from sync.database.engine import Database, Session
from sync.models import Card, FieldState, Picture, ServerSecret
from sync.pictures.cutting import whole_card, whole_field
from sync.pictures.keeping import APART_FROM


def make_whole(database: Database, apart_from: int) -> None:
    """Put all pictures in again, and note from when on they may be taken out."""

    def change(session: Session) -> None:
        pictures = {(row.owner_id, row.digest): row.data for row in session.scalars(select(Picture))}
        for card in session.scalars(select(Card).where(Card.picture.is_not(None))).all():
            data = pictures[card.owner_id, card.picture or ""]
            card.body_3 = whole_card(card.body_3, card.at_3 or 0, data)
            card.body_4 = whole_card(card.body_4, card.at_4 or 0, data)
            card.picture = card.at_3 = card.at_4 = None
        for field in session.scalars(select(FieldState).where(FieldState.picture.is_not(None))).all():
            field.stored = whole_field(field.stored, field.at or 0, pictures[field.owner_id, field.picture or ""])
            field.picture = field.at = None
        session.flush()
        session.execute(delete(Picture))
        session.execute(delete(ServerSecret).where(ServerSecret.name == APART_FROM))
        session.execute(insert(ServerSecret).values(name=APART_FROM, value=str(apart_from).encode()))

    database.write(change)


def put_off(database: Database, apart_from: int) -> None:
    """Say that pictures may be taken out at another time."""
    said = update(ServerSecret).where(ServerSecret.name == APART_FROM).values(value=str(apart_from).encode())
    database.write(lambda session: session.execute(said))


def kept(database: Database, owner_id: int) -> list[str]:
    """Return the names of the pictures that are kept for an owner."""
    with database.reading() as session:
        return list(
            session.scalars(select(Picture.digest).where(Picture.owner_id == owner_id).order_by(Picture.digest))
        )


def named(database: Database, owner_id: int) -> list[str | None]:
    """Return which picture each card and each earlier field of an owner's names, None for one that is whole."""
    with database.reading() as session:
        cards = session.scalars(select(Card.picture).where(Card.owner_id == owner_id)).all()
        return [*cards, *session.scalars(select(FieldState.picture).where(FieldState.owner_id == owner_id))]
