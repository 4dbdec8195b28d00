"""The history of a profile: the states that it had, kept field by field, within a budget."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import bindparam, func, insert, select, update
from sqlalchemy.orm import Session

from sync.database.prepared import execute
from sync.errors import NotFound
from sync.models import Base, Field, FieldState, ProfileState
from sync.sharing import thinning

#: Once in so many versions it is looked how much is kept; the same one when a transaction is run again.
_SELDOM = 16


def record(session: Session, owner_id: int, fields: Sequence[Field], version: int, at: int) -> set[int]:
    """
    Keep the state that a profile has now, and return the ids of the fields that are not what they were before.

    *fields* are its fields, *version* its version and *at* the time of the change. The caller holds the owner's lock.
    """
    known = {field_id: tuple(what) for field_id, *what in session.execute(_OPEN, {"owner": owner_id})}
    now = {field.id: (field.position, field.kind, field.content) for field in fields}
    changed = {field_id for field_id in known.keys() | now.keys() if known.get(field_id) != now.get(field_id)}
    if not changed:
        return changed
    before: int = session.scalars(_LATEST, {"owner": owner_id}).one() or 0
    session.execute(_STATE, {"owner_id": owner_id, "version": version, "changed_at": at})
    ended = changed & known.keys()
    if ended:
        session.execute(_END, {"owner": owner_id, "ended": list(ended), "version": version})
    begun = [
        {"owner_id": owner_id, "field_id": field.id, "since": version}
        | {"position": field.position, "kind": field.kind, "content": field.content}
        for field in fields
        if field.id in changed
    ]
    if begun:
        session.execute(_BEGIN, begun)
    if version // _SELDOM != before // _SELDOM:
        thinning.thin_out(session, owner_id)
    return changed


def date(session: Session, owner_id: int, version: int) -> None:
    """Note with which revision of the owner's own entry their devices are told of a state, once that is known."""
    execute(session, _DATE, {"owner": owner_id, "state": version})


def states(session: Session, owner_id: int) -> Sequence[ProfileState]:
    """Return when a profile changed, newest first; the empty profile of the beginning is not among them."""
    newest_first = ProfileState.version.desc()
    return session.scalars(select(ProfileState).where(ProfileState.owner_id == owner_id).order_by(newest_first)).all()


def changed_at(session: Session, owner_id: int, version: int) -> int:
    """
    Return when a profile came into one of its states.

    Raises:
        NotFound: The profile never had this version, or it is not kept any more.
    """
    return _state(session, owner_id, version).changed_at


def fields_at(session: Session, owner_id: int, version: int) -> Sequence[FieldState]:
    """
    Return the fields of one state of a profile, in their order.

    Raises:
        NotFound: The profile never had this version, or it is not kept any more.
    """
    _state(session, owner_id, version)
    return session.scalars(
        select(FieldState)
        .where(
            FieldState.owner_id == owner_id,
            FieldState.since <= version,
            FieldState.until.is_(None) | (FieldState.until > version),
        )
        .order_by(FieldState.position, FieldState.field_id)
    ).all()


def _state(session: Session, owner_id: int, version: int) -> ProfileState:
    state = session.get(ProfileState, (owner_id, version))
    if state is None:
        raise NotFound(f"The profile has no earlier state {version}.")
    return state


# Put together once: for each change, that would take longer than they run.
_STATE = insert(Base.metadata.tables["profile_state"])
_STATES = Base.metadata.tables["field_state"]
_BEGIN = insert(_STATES)
_END = (
    update(_STATES)
    .where(
        _STATES.c.owner_id == bindparam("owner"),
        _STATES.c.until.is_(None),
        _STATES.c.field_id.in_(bindparam("ended", expanding=True)),
    )
    .values(until=bindparam("version"))
)
_ENTRIES, _PROFILE_STATES = Base.metadata.tables["entry"], Base.metadata.tables["profile_state"]
_OWN_REVISION = select(_ENTRIES.c.revision).where(
    _ENTRIES.c.viewer_id == _PROFILE_STATES.c.owner_id, _ENTRIES.c.id == _PROFILE_STATES.c.owner_id
)
_LATEST = select(func.max(_PROFILE_STATES.c.version)).where(_PROFILE_STATES.c.owner_id == bindparam("owner"))
_DATE = (
    update(_PROFILE_STATES)
    .where(_PROFILE_STATES.c.owner_id == bindparam("owner"), _PROFILE_STATES.c.version == bindparam("state"))
    .values(revision=_OWN_REVISION.scalar_subquery())
)
_OPEN = select(_STATES.c.field_id, _STATES.c.position, _STATES.c.kind, _STATES.c.content).where(
    _STATES.c.owner_id == bindparam("owner"), _STATES.c.until.is_(None)
)
