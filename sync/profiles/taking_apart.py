"""
What an upgrade owes to cards and histories of the version before: to keep their pictures once.

A worker does it person by person as soon as no process of that version runs any more (`sync.pictures.keeping`). Nobody
is told: what is served stays the same to the octet. What was interrupted goes on from there.
"""

from __future__ import annotations

from functools import partial

from sqlalchemy import delete, func, or_, select
from sqlalchemy.orm import Session

from sync.database.engine import Database
from sync.database.pacing import Pieces
from sync.database.prepared import execute_all
from sync.models import Card, FieldState, Profile, ServerSecret, now
from sync.pictures import keeping
from sync.pictures.cutting import LEAST
from sync.sharing.changes import hold

#: People that one look finds.
_PAGE = 100


def work(database: Database) -> None:
    """Take the pictures out of all that was written whole, once it is time."""
    with database.reading() as session:
        since = keeping.since_when(session)
    if since is None or now() < since:
        return
    pieces, after = Pieces(database), 0
    while owners := _owners(database, after):
        for owner_id in owners:
            pieces.write(partial(take_apart, owner_id=owner_id))
        after = owners[-1]
    database.write(_note_done)


def take_apart(session: Session, owner_id: int) -> None:
    """Take the pictures out of an owner's cards and the past of their fields, who may have left."""
    hold(session, owner_id)
    keeper = keeping.Keeper(session, owner_id)
    columns = (Card.id, Card.changed_at, Card.digest, Card.body_3, Card.body_4)
    cards = [
        {"owner": owner_id, "card": card_id, "at": at, "new_digest": digest, **keeper.card(body_3, body_4)}
        for card_id, at, digest, body_3, body_4 in session.execute(
            select(*columns).where(Card.owner_id == owner_id, _IS_WHOLE_CARD)
        )
    ]
    past = select(FieldState.field_id, FieldState.since, FieldState.stored)
    fields = [
        {"owner": owner_id, "field": field_id, "first": since, **keeper.field(content)}
        for field_id, since, content in session.execute(past.where(FieldState.owner_id == owner_id, _IS_WHOLE_FIELD))
    ]
    execute_all(session, keeping.KEEP, keeper.pictures)
    for statement, rows in ((keeping.REWRITE, cards), (keeping.TAKE_OUT, fields)):
        execute_all(session, statement, [row for row in rows if row["new_picture"] is not None])


def _owners(database: Database, after: int) -> list[int]:
    """Return of whom behind *after* something long is kept whole."""
    cards = select(Card.id).where(Card.owner_id == Profile.owner_id, _IS_WHOLE_CARD).exists()
    fields = select(FieldState.since).where(FieldState.owner_id == Profile.owner_id, _IS_WHOLE_FIELD).exists()
    chosen = select(Profile.owner_id).where(Profile.owner_id > after, or_(cards, fields))
    with database.reading() as session:
        return list(session.scalars(chosen.order_by(Profile.owner_id).limit(_PAGE)))


def _note_done(session: Session) -> None:
    session.execute(delete(ServerSecret).where(ServerSecret.name == keeping.APART_FROM))


_IS_WHOLE_CARD = Card.picture.is_(None) & (func.length(Card.body_3) >= LEAST)
_IS_WHOLE_FIELD = FieldState.picture.is_(None) & (func.length(FieldState.stored) >= LEAST)
