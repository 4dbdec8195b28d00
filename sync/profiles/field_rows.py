"""The rows of a profile's fields, as they are changed inside of `sync.sharing.changes.change`."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import delete, insert, update

from sync.database.models import Field, new_id
from sync.fields import FieldContent
from sync.sharing import cards
from sync.sharing.changes import Change


def insert_field(under_way: Change, owner_id: int, content: FieldContent, position: int, field_id: int = 0) -> int:
    """Add a field at a position and return its id: *field_id*, or a new one."""
    field_id = field_id or new_id()
    under_way.rewritten.add(owner_id)
    under_way.session.execute(
        insert(Field).values(
            owner_id=owner_id,
            id=field_id,
            position=position,
            kind=content.kind,
            content=content.dump(),
            changed_at=under_way.at,
        )
    )
    return field_id


def update_field(under_way: Change, owner_id: int, field_id: int, content: FieldContent) -> None:
    """Give a field another value."""
    under_way.rewritten.add(owner_id)
    under_way.session.execute(
        update(Field)
        .where(Field.owner_id == owner_id, Field.id == field_id)
        .values(kind=content.kind, content=content.dump(), changed_at=under_way.at)
    )


def place_field(under_way: Change, owner_id: int, field_id: int, position: int) -> None:
    """Give a field another position."""
    under_way.rewritten.add(owner_id)
    under_way.session.execute(
        update(Field)
        .where(Field.owner_id == owner_id, Field.id == field_id, Field.position != position)
        .values(position=position)
    )


def delete_field(under_way: Change, owner_id: int, field_ids: Iterable[int]) -> None:
    """Delete fields, with all that was granted of them."""
    gone = frozenset(field_ids)
    if not gone:
        return
    under_way.rewritten.add(owner_id)
    under_way.session.execute(delete(Field).where(Field.owner_id == owner_id, Field.id.in_(gone)))
    cards.forget(under_way.session, owner_id, fields=gone)
