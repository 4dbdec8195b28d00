"""What its owner made of a profile from one state to the next, read from the history that is kept of it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from sync.database.prepared import read
from sync.fields import FieldContent
from sync.models import FieldState, ProfileState
from sync.pictures.past_fields import PastField, past_fields

ADDED, CHANGED, MOVED, REMOVED = "added", "changed", "moved", "removed"


@dataclass(frozen=True, slots=True)
class FieldEdit:
    """
    What became of one field: it was ``added``, ``changed``, ``moved`` among the others or ``removed``.

    *before* is absent of one that was added, *after* of one that was removed.
    """

    what: str
    before: FieldContent | None
    after: FieldContent | None


@dataclass(frozen=True, slots=True)
class Edit:
    """
    How a profile became what it was from *version* on. *at* is when.

    *earlier* is the version of the state before, absent of the first one.
    """

    version: int
    earlier: int | None
    at: int
    fields: list[FieldEdit]


def latest(session: Session, owner_id: int) -> int:
    """Return the version of the state that a profile is in; 0 while it never had a field."""
    found = select(func.max(ProfileState.version)).where(ProfileState.owner_id == owner_id)
    return session.scalars(found).one() or 0


def edits_of(session: Session, owner_id: int, *, count: int = 20, offset: int = 0) -> list[Edit]:
    """Return what was made of a profile, newest first, *count* edits after *offset*."""
    # One more, which says what the last one of these came from.
    states = read(session, _NEWEST, {"owner": owner_id, "count": count + 1, "offset": offset})
    earlier: list[int | None] = [version for version, _ in states[1:]]
    steps = list(zip(states[:count], [*earlier, None], strict=False))
    touched = _touched(session, owner_id, {version: before or 0 for (version, _), before in steps})
    return [Edit(version, before, at, _edits(*touched[version])) for (version, at), before in steps]


_NEWEST = (
    select(ProfileState.version, ProfileState.changed_at)
    .where(ProfileState.owner_id == bindparam("owner"))
    .order_by(ProfileState.version.desc())
    .limit(bindparam("count"))
    .offset(bindparam("offset"))
)


def between(before: Sequence[PastField], after: Sequence[PastField]) -> list[FieldEdit]:
    """Return what has to become of the fields of one state of a profile to make another of it, each in its order."""
    old, new = ({state.field_id: state for state in states} for states in (before, after))
    # Only who stands in another order among those that stay was moved; another number says nothing.
    stay = [field_id for field_id in old if field_id in new]
    order = [field_id for field_id in new if field_id in old]
    moved = {field_id for one, field_id in zip(stay, order, strict=True) if one != field_id}
    found = [_edit(old.get(field_id), state, moved=field_id in moved) for field_id, state in new.items()]
    found += [_edit(state, None, moved=False) for field_id, state in old.items() if field_id not in new]
    return [edit for edit in found if edit is not None]


_ByField: TypeAlias = dict[int, PastField]


def _touched(session: Session, owner_id: int, steps: Mapping[int, int]) -> dict[int, tuple[_ByField, _ByField]]:
    """
    Return by version what fields said that ended, and that began, since the state before, which *steps* names.

    What began and ended between two states is not kept, and in none of both.
    """
    found: dict[int, tuple[_ByField, _ByField]] = {version: ({}, {}) for version in steps}
    if not steps:
        return found
    versions, oldest = sorted(steps), min(steps.values())
    concerned = FieldState.since.between(oldest + 1, versions[-1]) | FieldState.until.between(oldest + 1, versions[-1])
    for state in past_fields(session, owner_id, concerned):
        begun, ended = (_first(versions, at) for at in (state.since, state.until))
        if begun is not None and begun != ended and state.since > steps[begun]:
            found[begun][1][state.field_id] = state
        if ended is not None and state.since <= steps[ended]:
            found[ended][0][state.field_id] = state
    return found


def _first(versions: Sequence[int], at: int | None) -> int | None:
    """Return the first of *versions* that is not before *at*."""
    place = bisect_left(versions, at) if at is not None else len(versions)
    return versions[place] if place < len(versions) else None


def _edits(ended: _ByField, begun: _ByField) -> list[FieldEdit]:
    pairs = [(ended.get(field_id), begun.get(field_id)) for field_id in {**begun, **ended}]
    found = [_edit(before, after, moved=True) for before, after in pairs]
    return [edit for edit in found if edit is not None]


def _edit(before: PastField | None, after: PastField | None, *, moved: bool) -> FieldEdit | None:
    old = FieldContent.load(before.kind, before.content) if before is not None else None
    new = FieldContent.load(after.kind, after.content) if after is not None else None
    if old is None:
        return FieldEdit(ADDED, None, new)
    if new is None:
        return FieldEdit(REMOVED, old, None)
    if old != new:
        return FieldEdit(CHANGED, old, new)
    return FieldEdit(MOVED, old, new) if moved else None
