"""What its owner made of a profile from one state to the next, read from the history that is kept of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from sync.database.models import FieldState, ProfileState
from sync.fields import FieldContent

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
    states = session.execute(
        select(ProfileState.version, ProfileState.changed_at)
        .where(ProfileState.owner_id == owner_id)
        .order_by(ProfileState.version.desc())
        .limit(count + 1)
        .offset(offset)
    ).all()
    versions = [version for version, _ in states[:count]]
    touched = _touched(session, owner_id, versions)
    earlier: list[int | None] = [version for version, _ in states[1:]]
    return [
        Edit(version, before, at, _edits(touched, version))
        for (version, at), before in zip(states[:count], [*earlier, None], strict=False)
    ]


def between(before: Sequence[FieldState], after: Sequence[FieldState]) -> list[FieldEdit]:
    """Return what has to become of the fields of one state of a profile to make another of it, each in its order."""
    old, new = ({state.field_id: state for state in states} for states in (before, after))
    # Only who stands in another order among those that stay was moved; another number says nothing.
    stay = [field_id for field_id in old if field_id in new]
    order = [field_id for field_id in new if field_id in old]
    moved = {field_id for one, field_id in zip(stay, order, strict=True) if one != field_id}
    found = [_edit(old.get(field_id), state, moved=field_id in moved) for field_id, state in new.items()]
    found += [_edit(state, None, moved=False) for field_id, state in old.items() if field_id not in new]
    return [edit for edit in found if edit is not None]


def _touched(session: Session, owner_id: int, versions: Collection[int]) -> dict[int | None, list[FieldState]]:
    """Return by version the states of fields that began or ended with it."""
    found: dict[int | None, list[FieldState]] = {version: [] for version in versions}
    if not versions:
        return found
    concerned = FieldState.since.in_(versions) | FieldState.until.in_(versions)
    chosen = select(FieldState).where(FieldState.owner_id == owner_id, concerned)
    for state in session.scalars(chosen.order_by(FieldState.position, FieldState.field_id)):
        for version in (state.since, state.until):
            if version in found:
                found[version].append(state)
    return found


def _edits(touched: Mapping[int | None, Sequence[FieldState]], version: int) -> list[FieldEdit]:
    ended = {state.field_id: state for state in touched[version] if state.until == version}
    begun = {state.field_id: state for state in touched[version] if state.since == version}
    pairs = [(ended.get(field_id), begun.get(field_id)) for field_id in {**begun, **ended}]
    found = [_edit(before, after, moved=True) for before, after in pairs]
    return [edit for edit in found if edit is not None]


def _edit(before: FieldState | None, after: FieldState | None, *, moved: bool) -> FieldEdit | None:
    old = FieldContent.load(before.kind, before.content) if before is not None else None
    new = FieldContent.load(after.kind, after.content) if after is not None else None
    if old is None:
        return FieldEdit(ADDED, None, new)
    if new is None:
        return FieldEdit(REMOVED, old, None)
    if old != new:
        return FieldEdit(CHANGED, old, new)
    return FieldEdit(MOVED, old, new) if moved else None
