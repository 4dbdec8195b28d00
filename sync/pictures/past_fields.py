"""Reading fields as they were, with their pictures."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from sync.models import FieldState, Picture
from sync.pictures.cutting import whole_field

_Selected: TypeAlias = Select[*tuple[Any, ...]]
_OF_FIELD = (Picture.owner_id == FieldState.owner_id) & (Picture.digest == FieldState.picture)
#: What is read of a field that was, for `content_of`.
CONTENT: tuple[InstrumentedAttribute[Any], ...] = (FieldState.stored, FieldState.at, Picture.data)
#: Characters of its content, for a statement with pictures.
SIZE: ColumnElement[int] = func.length(FieldState.stored) + func.coalesce(func.length(Picture.data), 0)


class PastField(NamedTuple):
    """What `FieldState` has of a field, with its content as the field had it."""

    field_id: int
    since: int
    until: int | None
    position: int
    kind: str
    content: str


def with_pictures(statement: _Selected) -> _Selected:
    """Let a *statement* that reads fields that were read their pictures as well."""
    return statement.outerjoin(Picture, _OF_FIELD)


def content_of(stored: str, at: int | None, data: str | None) -> str:
    """Return the content of a field that was, of what `CONTENT` reads."""
    return stored if at is None or data is None else whole_field(stored, at, data)


def past_fields(session: Session, owner_id: int, *conditions: ColumnElement[bool]) -> list[PastField]:
    """Return those fields of an owner's that were, of which these *conditions* are true, in the order of a profile."""
    columns = (FieldState.field_id, FieldState.since, FieldState.until, FieldState.position, FieldState.kind)
    chosen = with_pictures(select(*columns, *CONTENT)).where(FieldState.owner_id == owner_id, *conditions)
    rows = session.execute(chosen.order_by(FieldState.position, FieldState.field_id))
    return [
        PastField(field_id, since, until, position, kind, content_of(*content))
        for field_id, since, until, position, kind, *content in rows
    ]
