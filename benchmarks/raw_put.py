"""The least that a database has to do for a card that is stored: each table's statement, in one transaction."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from sync.database.engine import Database
from sync.models import Audience, Card, Device, Entry, Field, PrivateCard

#: A statement with ``?`` for its values; ``{number}`` among these is that of the card which is stored.
Statement = tuple[str, tuple[Any, ...]]
NUMBER = "{number}"

_RAISE = "UPDATE address_book SET revision = revision + 1, changed_at = ? WHERE id = 1 AND viewer_id = ?"
_STAMP = """
UPDATE entry SET changed_at = ?, digest = ?, revision = (
    SELECT revision FROM address_book WHERE address_book.viewer_id = entry.viewer_id AND address_book.id = 1
) WHERE viewer_id = ? AND id = ?
"""
_HAS = """
UPDATE device_copy SET revision = (SELECT revision FROM address_book WHERE viewer_id = ? AND id = 1)
WHERE viewer_id = ? AND device_id = ? AND entry_id = ?
"""
_KEEP = """
INSERT INTO entry_version (viewer_id, entry_id, revision, replaced_at, content)
SELECT viewer_id, id, revision, ?, ? FROM entry WHERE viewer_id = ? AND id = ?
"""
_LOCK = "UPDATE profile SET version = version + 1, changed_at = ? WHERE owner_id = ?"
_FIELD = "UPDATE field SET content = ? WHERE owner_id = ? AND id = ?"
_CARD = """
UPDATE card SET body_3 = ?, body_4 = ?, digest = ?, changed_at = ?
WHERE owner_id = ? AND id IN (SELECT id FROM audience WHERE owner_id = ? AND kind = ?)
"""
_STATE = """
INSERT INTO profile_state (owner_id, version, changed_at) SELECT owner_id, version, ? FROM profile WHERE owner_id = ?
"""
_END = """
UPDATE field_state SET until = (SELECT version FROM profile WHERE profile.owner_id = field_state.owner_id)
WHERE owner_id = ? AND field_id = ? AND until IS NULL
"""
_BEGIN = """
INSERT INTO field_state (owner_id, field_id, since, position, kind, content)
SELECT owner_id, ?, version, 0, 'mobile', ? FROM profile WHERE owner_id = ?
"""
_RAISE_ALL = "UPDATE address_book SET revision = revision + 1, changed_at = ? WHERE id = 1 AND viewer_id IN ({marks})"
_STAMP_ALL = """
UPDATE entry SET changed_at = ?, revision = (
    SELECT revision FROM address_book WHERE address_book.viewer_id = entry.viewer_id AND address_book.id = 1
) WHERE id = ? AND viewer_id IN ({marks})
"""


def run(database: Database, statements: Sequence[Statement], number: int) -> None:
    """Do *statements* in one transaction, for the card of this number."""
    said = f"{time.time_ns()}{number}"
    with database.engine.raw_connection() as connection:
        cursor = connection.cursor()
        if database.is_sqlite:
            cursor.execute("BEGIN IMMEDIATE")
        for statement, values in statements:
            given = tuple(said if value == NUMBER else value for value in values)
            cursor.execute(database.placeholders(statement), given)
        if database.is_sqlite:
            cursor.execute("COMMIT")
        connection.commit()


def private(database: Database, viewer_id: int) -> list[Statement]:
    """Return what storing the person's private card changes."""
    with database.reading() as session:
        entry, data = session.execute(
            select(Entry.id, PrivateCard.data)
            .join(PrivateCard, (PrivateCard.viewer_id == Entry.viewer_id) & (PrivateCard.entry_id == Entry.id))
            .where(Entry.viewer_id == viewer_id)
        ).one()
        device = session.scalars(select(Device.id).where(Device.viewer_id == viewer_id)).one()
    at = int(time.time())
    return [
        (_KEEP, (at, data, viewer_id, entry)),
        ("UPDATE private_card SET data = ? WHERE viewer_id = ? AND entry_id = ?", (data, viewer_id, entry)),
        (_RAISE, (at, viewer_id)),
        (_STAMP, (at, NUMBER, viewer_id, entry)),
        (_HAS, (viewer_id, viewer_id, device, entry)),
    ]


def own(database: Database, owner_id: int) -> list[Statement]:
    """Return what storing the person's own card changes where one field is another, which everybody sees."""
    with database.reading() as session:
        field = session.scalars(select(Field).where(Field.owner_id == owner_id, Field.kind == "mobile")).one()
        audiences = select(Audience.kind, Card.body_3, Card.body_4).join(
            Card, (Card.owner_id == Audience.owner_id) & (Card.id == Audience.id)
        )
        bodies = session.execute(audiences.where(Audience.owner_id == owner_id)).all()
        viewers = session.scalars(select(Entry.viewer_id).where(Entry.id == owner_id).order_by(Entry.viewer_id)).all()
        device = session.scalars(select(Device.id).where(Device.viewer_id == owner_id)).one()
    at, marks = int(time.time()), ", ".join("?" * len(viewers))
    cards = [(_CARD, (body_3, body_4, NUMBER, at, owner_id, owner_id, kind)) for kind, body_3, body_4 in bodies]
    return [
        (_LOCK, (at, owner_id)),
        (_FIELD, (field.content, owner_id, field.id)),
        *cards,
        (_STATE, (at, owner_id)),
        (_END, (owner_id, field.id)),
        (_BEGIN, (field.id, field.content, owner_id)),
        (_RAISE_ALL.format(marks=marks), (at, *viewers)),
        (_STAMP_ALL.format(marks=marks), (at, owner_id, *viewers)),
        (_HAS, (owner_id, owner_id, device, owner_id)),
    ]
