"""The rows of a profile's fields, as they are changed inside of `sync.sharing.changes.change`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import bindparam, delete, insert, update

from sync.database.prepared import execute
from sync.fields import FieldContent
from sync.models import Base, Field, new_id
from sync.sharing import cards
from sync.sharing.changes import Change


def insert_field(
    under_way: Change,
    owner_id: int,
    content: FieldContent,
    position: int,
    field_id: int = 0,
    *,
    claim: str | None = None,
) -> int:
    """Add a field at a position and return its id: *field_id*, or a new one. *claim* is what fills it, if one does."""
    field_id = field_id or new_id()
    under_way.rewritten.add(owner_id)
    key = {"owner_id": owner_id, "id": field_id, "position": position, "claim": claim}
    said = {"kind": content.kind, "content": content.dump(), "changed_at": under_way.at}
    execute(under_way.session, _INSERT, {**key, **said})
    return field_id


def update_field(under_way: Change, owner_id: int, field_id: int, content: FieldContent) -> None:
    """Give a field another value, unless the person's organisation fills it."""
    under_way.rewritten.add(owner_id)
    said = {"new_kind": content.kind, "new_content": content.dump(), "at": under_way.at}
    execute(under_way.session, _UPDATE, {"owner": owner_id, "field": field_id, **said})


def fill_field(under_way: Change, owner_id: int, field_id: int, content: FieldContent, claim: str | None) -> None:
    """Give a field the value that the person's organisation says; with a *claim* nobody else can change it from now."""
    under_way.rewritten.add(owner_id)
    key = (Field.owner_id == owner_id, Field.id == field_id)
    said = {"kind": content.kind, "content": content.dump(), "changed_at": under_way.at, "claim": claim}
    under_way.session.execute(update(Field).where(*key).values(**said))


def place_fields(under_way: Change, owner_id: int, positions: Mapping[int, int]) -> None:
    """Give fields other positions."""
    under_way.rewritten.add(owner_id)
    if positions:
        rows = [{"owner": owner_id, "field": field_id, "place": place} for field_id, place in positions.items()]
        under_way.session.execute(_PLACE, rows)


def delete_field(under_way: Change, owner_id: int, field_ids: Iterable[int]) -> None:
    """Delete fields, with all that was granted of them, but none that the person's organisation fills."""
    wanted = frozenset(field_ids)
    if not wanted:
        return
    under_way.rewritten.add(owner_id)
    chosen = (Field.owner_id == owner_id, Field.id.in_(wanted), Field.claim.is_(None))
    gone = frozenset(under_way.session.scalars(delete(Field).where(*chosen).returning(Field.id)))
    cards.forget(under_way.session, owner_id, fields=gone)


# Put together once: for each field, that would take longer than they run.
_FIELDS = Base.metadata.tables["field"]
_KEY = (_FIELDS.c.owner_id == bindparam("owner"), _FIELDS.c.id == bindparam("field"))
_INSERT = insert(_FIELDS).values({column.name: bindparam(column.name) for column in _FIELDS.columns})
_PLACE = update(_FIELDS).where(*_KEY).values(position=bindparam("place"))
_UPDATE = (
    update(_FIELDS)
    .where(*_KEY, _FIELDS.c.claim.is_(None))
    .values(kind=bindparam("new_kind"), content=bindparam("new_content"), changed_at=bindparam("at"))
)
