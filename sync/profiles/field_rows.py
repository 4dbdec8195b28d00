"""The rows of a profile's fields, as they are changed inside of `sync.sharing.changes.change`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import bindparam, delete, insert, update

from sync.database.prepared import execute_all, later
from sync.fields import FieldContent
from sync.models import Base, Field, new_id
from sync.sharing import cards
from sync.sharing.changes import Change
from sync.sharing.visibility import StoredField


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
    made = StoredField(field_id or new_id(), position, content.kind, content.dump(), under_way.at, claim)
    under_way.put(owner_id, made)
    later(under_way.session, _INSERT, {"owner_id": owner_id, **made._asdict()})
    return made.id


def update_field(under_way: Change, owner_id: int, field_id: int, content: FieldContent) -> None:
    """Give a field another value, unless the person's organisation fills it."""
    before = under_way.field(owner_id, field_id)
    if before is None or before.claim is not None:
        return
    after = before._replace(kind=content.kind, content=content.dump(), changed_at=under_way.at)
    under_way.put(owner_id, after)
    new = {"new_kind": after.kind, "new_content": after.content, "new_changed_at": after.changed_at}
    later(under_way.session, _UPDATE, {"owner": owner_id, "field": field_id, **new})


def fill_field(under_way: Change, owner_id: int, field_id: int, content: FieldContent, claim: str | None) -> None:
    """Give a field the value that the person's organisation says; with a *claim* nobody else can change it from now."""
    before = under_way.field(owner_id, field_id)
    if before is None:
        return
    after = before._replace(kind=content.kind, content=content.dump(), changed_at=under_way.at, claim=claim)
    under_way.put(owner_id, after)
    key = (Field.owner_id == owner_id, Field.id == field_id)
    said = {"kind": after.kind, "content": after.content, "changed_at": after.changed_at, "claim": claim}
    under_way.session.execute(update(Field).where(*key).values(said))


def place_fields(under_way: Change, owner_id: int, positions: Mapping[int, int]) -> None:
    """Give fields other positions."""
    if not positions:
        return
    moved = [each._replace(position=positions.get(each.id, each.position)) for each in under_way.fields_of(owner_id)]
    under_way.put(owner_id, *moved)
    rows = [{"owner": owner_id, "field": field_id, "place": place} for field_id, place in positions.items()]
    execute_all(under_way.session, _PLACE, rows)


def delete_field(under_way: Change, owner_id: int, field_ids: Iterable[int]) -> None:
    """Delete fields, with all that was granted of them, but none that the person's organisation fills."""
    wanted = [under_way.field(owner_id, field_id) for field_id in set(field_ids)]
    gone = frozenset(each.id for each in wanted if each is not None and each.claim is None)
    if not gone:
        return
    under_way.take(owner_id, gone)
    chosen = (Field.owner_id == owner_id, Field.id.in_(gone), Field.claim.is_(None))
    under_way.session.execute(delete(Field).where(*chosen))
    cards.forget(under_way.session, owner_id, fields=gone)


# Put together once: for each field, that would take longer than they run.
_FIELDS = Base.metadata.tables["field"]
_KEY = (_FIELDS.c.owner_id == bindparam("owner"), _FIELDS.c.id == bindparam("field"))
_INSERT = insert(_FIELDS).values({column.name: bindparam(column.name) for column in _FIELDS.columns})
_PLACE = update(_FIELDS).where(*_KEY).values(position=bindparam("place"))
_UPDATE = (
    update(_FIELDS)
    .where(*_KEY, _FIELDS.c.claim.is_(None))
    .values({name: bindparam(f"new_{name}") for name in ("kind", "content", "changed_at")})
)
