"""Grants: which group may see which field; and exceptions for single people."""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping

from sqlalchemy import Select, bindparam, delete, insert, select
from sqlalchemy.orm import Session

from sync.database.lists import among, among_parameter
from sync.database.prepared import read
from sync.errors import NotFound
from sync.models import Field, FieldException, Grant, Group
from sync.sharing import connections
from sync.sharing.changes import Change, change
from sync.sharing.visibility import Adjustment


def grant(session: Session, owner_id: int, group_id: int, field_ids: Collection[int]) -> None:
    """
    Let the members of a group see these fields, from now on. Granting twice is the same as once.

    Raises:
        NotFound: There is no such group or field.
    """
    with change(session, owner_id) as under_way:
        give(under_way, owner_id, group_id, field_ids)


def take_back(session: Session, owner_id: int, group_id: int, field_ids: Collection[int]) -> None:
    """
    No longer let the members of a group see these fields. It works at once, for everyone who asks.

    Raises:
        NotFound: There is no such group or field.
    """
    with change(session, owner_id) as under_way:
        _take_back(under_way, owner_id, group_id, field_ids)


def adjust(session: Session, owner_id: int, adjustment: Adjustment) -> None:
    """
    Grant and take back in one change. What is not named stays as it is, whatever it is by now.

    Raises:
        NotFound: There is no such group or field; nothing was changed.
    """
    with change(session, owner_id) as under_way:
        for group_id in sorted({group_id for group_id, _ in adjustment.granted | adjustment.taken_back}):
            given = {field_id for group, field_id in adjustment.granted if group == group_id}
            taken = {field_id for group, field_id in adjustment.taken_back if group == group_id}
            _take_back(under_way, owner_id, group_id, taken)
            give(under_way, owner_id, group_id, given)


def granted(session: Session, owner_id: int, group_id: int) -> frozenset[int]:
    """Return the ids of the fields that a group was granted."""
    return frozenset(
        session.scalars(select(Grant.field_id).where(Grant.owner_id == owner_id, Grant.group_id == group_id))
    )


def except_person(
    session: Session, owner_id: int, viewer_id: int, field_ids: Collection[int], *, allowed: bool | None
) -> None:
    """
    Make an exception for one person, whatever their groups say.

    These fields are shown (*allowed* is true), withheld (false), or follow the groups again (None).

    Raises:
        NotFound: There is no such field, or the two are not connected.
    """
    except_fields(session, owner_id, viewer_id, dict.fromkeys(field_ids, allowed))


def except_fields(session: Session, owner_id: int, viewer_id: int, allowed: Mapping[int, bool | None]) -> None:
    """
    Make exceptions for one person in one change: by field id, as `except_person` does.

    Raises:
        NotFound: There is no such field, or the two are not connected; nothing was changed.
    """
    with change(session, owner_id) as under_way:
        _require(session, owner_id, None, allowed.keys())
        connections.require(session, owner_id, viewer_id)
        before = exceptions_of(session, owner_id, [viewer_id]).get(viewer_id, {})
        # What stays as it is keeps its row, and with it the time until which it was given.
        changed = {field_id: shown for field_id, shown in allowed.items() if before.get(field_id) != shown}
        session.execute(
            delete(FieldException).where(
                FieldException.owner_id == owner_id,
                FieldException.viewer_id == viewer_id,
                FieldException.field_id.in_(sorted(changed)),
            )
        )
        rows = [
            {"owner_id": owner_id, "viewer_id": viewer_id, "field_id": field_id, "allowed": shown}
            for field_id, shown in sorted(changed.items())
            if shown is not None
        ]
        if rows:
            session.execute(insert(FieldException), rows)
        connections.regroup(under_way, owner_id, [viewer_id])


def end_exceptions(session: Session, owner_id: int, people: Mapping[int, Collection[int]]) -> None:
    """Let people follow their groups again as to fields, by field id, whatever exceptions were made for them."""
    with change(session, owner_id) as under_way:
        for field_id, viewers in sorted(people.items()):
            theirs = (FieldException.field_id == field_id, among(session, FieldException.viewer_id, viewers))
            session.execute(delete(FieldException).where(FieldException.owner_id == owner_id, *theirs))
        connections.regroup(under_way, owner_id, set().union(*people.values()))


def exceptions_of(session: Session, owner_id: int, only: Collection[int] | None = None) -> dict[int, dict[int, bool]]:
    """
    Return an owner's exceptions for single people: by viewer id, which field ids are shown or withheld.

    With *only*, those for these people.
    """
    if only is None:
        rows = read(session, _exceptions, {"owner": owner_id})
    else:
        rows = read(session, _exceptions_for, {"owner": owner_id}, viewers=only)
    found: dict[int, dict[int, bool]] = {}
    for viewer_id, field_id, allowed in rows:
        found.setdefault(viewer_id, {})[field_id] = bool(allowed)
    return found


@functools.cache
def _exceptions(_dialect: str) -> Select[int, int, bool]:
    columns = (FieldException.viewer_id, FieldException.field_id, FieldException.allowed)
    return select(*columns).where(FieldException.owner_id == bindparam("owner"))


@functools.cache
def _exceptions_for(dialect: str) -> Select[int, int, bool]:
    return _exceptions(dialect).where(among_parameter(dialect, FieldException.viewer_id, "viewers"))


def give(under_way: Change, owner_id: int, group_id: int, field_ids: Collection[int]) -> None:
    """
    Grant as `grant` does, in a change that does more.

    Raises:
        NotFound: There is no such group or field.
    """
    session = under_way.session
    _require(session, owner_id, group_id, field_ids)
    missing = sorted(set(field_ids) - granted(session, owner_id, group_id))
    if missing:
        rows = [{"owner_id": owner_id, "group_id": group_id, "field_id": field_id} for field_id in missing]
        session.execute(insert(Grant), rows)
        under_way.regranted[owner_id].update(missing)


def _take_back(under_way: Change, owner_id: int, group_id: int, field_ids: Collection[int]) -> None:
    session = under_way.session
    _require(session, owner_id, group_id, field_ids)
    taken = (Grant.owner_id == owner_id, Grant.group_id == group_id, Grant.field_id.in_(list(field_ids)))
    under_way.regranted[owner_id].update(session.scalars(delete(Grant).where(*taken).returning(Grant.field_id)))


def _require(session: Session, owner_id: int, group_id: int | None, field_ids: Collection[int]) -> None:
    if group_id is not None:
        group = select(Group.id).where(Group.owner_id == owner_id, Group.id == group_id)
        if session.scalars(group).first() is None:
            raise NotFound("There is no such group.")
    own = session.scalars(select(Field.id).where(Field.owner_id == owner_id, Field.id.in_(list(field_ids)))).all()
    if set(field_ids) - set(own):
        raise NotFound("There is no such field.")
