"""The history of a profile: the states that it had, kept field by field, within a budget."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import bindparam, func, insert, select, update
from sqlalchemy.orm import Session

from sync.database.prepared import ask, execute_all
from sync.disclosure import profile_thinning
from sync.errors import NotFound
from sync.models import Base, FieldState, ProfileState
from sync.pictures import keeping
from sync.pictures.past_fields import PastField, past_fields
from sync.pipeline.answers import Answer
from sync.sharing.visibility import StoredField

#: Once in so many versions it is looked how much is kept; the same one when a transaction is run again.
_SELDOM = 16


def record(
    session: Session, owner_id: int, fields: Sequence[StoredField], changed: Collection[int], version: int
) -> None:
    """
    Keep what of a profile's *fields* is another from this *version* on; *changed* are the ids also of those that went.

    The caller holds the owner's lock, and closes the change with `close`.
    """
    ended = [{"owner": owner_id, "ended": field_id, "version": version} for field_id in sorted(changed)]
    execute_all(session, _END, ended)
    keeper = keeping.Keeper(session, owner_id)
    begun = [
        {"owner_id": owner_id, "field_id": field.id, "since": version, "until": None}
        | {"position": field.position, "kind": field.kind, **keeper.field(field.content)}
        for field in fields
        if field.id in changed
    ]
    execute_all(session, keeping.KEEP, keeper.pictures)
    execute_all(session, keeping.BEGIN, begun)


def close(session: Session, owner_id: int, version: int, at: int) -> Answer:
    """Keep that a profile is in another state since *version*; `closed` tells with which revision devices are told."""
    return ask(session, _STATE, {"owner": owner_id, "state": version, "at": at})


def closed(session: Session, owner_id: int, version: int, asked: Answer) -> int | None:
    """
    Let go of earlier states, once in a while, after what `close` *asked*.

    Returns the revision of the owner's own entry, None where there is no entry.
    """
    revision: int | None
    earlier: int | None
    revision, earlier = asked.rows[0]
    if version // _SELDOM != (earlier or 0) // _SELDOM:
        profile_thinning.thin_out(session, owner_id)
    return revision


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


def fields_at(session: Session, owner_id: int, version: int) -> Sequence[PastField]:
    """
    Return the fields of one state of a profile, in their order.

    Raises:
        NotFound: The profile never had this version, or it is not kept any more.
    """
    _state(session, owner_id, version)
    lasts = FieldState.until.is_(None) | (FieldState.until > version)
    return past_fields(session, owner_id, FieldState.since <= version, lasts)


def pictured(session: Session, owner_id: int, digest: str) -> list[PastField]:
    """Return the photos of a profile, of now and before, of which one may be the picture of this *digest* (SHA-256)."""
    # Some are kept whole, with no name for their picture.
    named = FieldState.picture.is_(None) | FieldState.picture.in_(("", digest))
    return past_fields(session, owner_id, FieldState.kind == "photo", named)


def _state(session: Session, owner_id: int, version: int) -> ProfileState:
    state = session.get(ProfileState, (owner_id, version))
    if state is None:
        raise NotFound(f"The profile has no earlier state {version}.")
    return state


# Put together once: for each change, that would take longer than they run.
_STATES = Base.metadata.tables["field_state"]
_END = (
    update(_STATES)
    .where(
        _STATES.c.owner_id == bindparam("owner"),
        _STATES.c.field_id == bindparam("ended"),
        _STATES.c.until.is_(None),
    )
    .values(until=bindparam("version"))
)
_ENTRIES, _PROFILE_STATES = Base.metadata.tables["entry"], Base.metadata.tables["profile_state"]
_OWN_REVISION = select(_ENTRIES.c.revision).where(
    _ENTRIES.c.viewer_id == bindparam("owner"), _ENTRIES.c.id == bindparam("owner")
)
_EARLIER = _PROFILE_STATES.alias()
_LATEST = select(func.max(_EARLIER.c.version)).where(
    _EARLIER.c.owner_id == bindparam("owner"), _EARLIER.c.version < bindparam("state")
)
_STATE = (
    insert(_PROFILE_STATES)
    .values(
        owner_id=bindparam("owner"),
        version=bindparam("state"),
        changed_at=bindparam("at"),
        revision=_OWN_REVISION.scalar_subquery(),
    )
    .returning(_PROFILE_STATES.c.revision, _LATEST.scalar_subquery())
)
