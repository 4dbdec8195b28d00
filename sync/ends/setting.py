"""Setting ends and taking them back, by the owner, and which there are. Nothing of what is shown changes by it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.orm import Session

from sync.database.engine import all_or_nothing
from sync.database.prepared import read
from sync.ends import LEAD, next_ends
from sync.ends.targets import CONNECTION, EXCEPTION, GRANT, GROUP, End, Target
from sync.errors import InvalidInput, NotFound, Refused
from sync.models import Connection, Ending, FieldException, Grant, Group, new_id, now
from sync.sharing import changes, visibility

#: Seconds from now in which everything ends that ends at all.
LONGEST = 10 * 366 * 24 * 3600
#: Minutes that a clock can be apart from UTC.
_OFFSET = 14 * 60
_ENDS = (
    select(Ending.id, Ending.ends_at, Ending.utc_offset, Ending.answered_at)
    .add_columns(Ending.group_id, Ending.viewer_id, Ending.field_id)
    .where(Ending.owner_id == bindparam("owner"))
    .order_by(Ending.ends_at, Ending.id)
)
_ENDS_BY = _ENDS.where(Ending.ends_at <= bindparam("until"))


def minute_of(at: int, utc_offset: int) -> int:
    """
    Return the minute at which something ends that is to end *at* a time, by a clock so many minutes ahead of UTC.

    Raises:
        InvalidInput: The time is past, less than a minute or more than ten years ahead, or no clock is so far ahead.
    """
    at -= at % 60
    if not now() + LEAD <= at <= now() + LONGEST or abs(utc_offset) > _OFFSET:
        raise InvalidInput("An end is at least a minute and at most ten years ahead.")
    return at


def set_end(session: Session, owner_id: int, target: Target, at: int, utc_offset: int = 0) -> None:
    """
    Let something end at a time, on the minute, instead of any end that it had.

    Raises:
        InvalidInput: The time is past, less than a minute or more than ten years ahead.
        NotFound: The owner gave no such thing.
        Refused: It is a built-in group as a whole.
    """
    at = minute_of(at, utc_offset)
    with all_or_nothing(session):
        changes.hold(session, owner_id)
        _require(session, owner_id, target)
        session.execute(delete(Ending).where(Ending.owner_id == owner_id, *target.condition()))
        values = {name: getattr(target, name) for name in target.__slots__}
        session.execute(
            insert(Ending).values(
                owner_id=owner_id, id=new_id(), ends_at=at, utc_offset=utc_offset, set_at=now(), **values
            )
        )
        next_ends.renew(session, owner_id)


def keep(session: Session, owner_id: int, target: Target) -> None:
    """
    Let something go on for good, whose end was set.

    Raises:
        NotFound: It has no end, or is over.
    """
    with all_or_nothing(session):
        changes.hold(session, owner_id)
        mine = (Ending.owner_id == owner_id, *target.condition(), Ending.ends_at > now())
        if session.scalars(delete(Ending).where(*mine).returning(Ending.id)).first() is None:
            raise NotFound("This has no end.")
        next_ends.renew(session, owner_id)


def let_end(session: Session, owner_id: int, target: Target) -> None:
    """
    Note that the owner was asked, and wants it to end.

    Raises:
        NotFound: It has no end.
    """
    said = update(Ending).where(Ending.owner_id == owner_id, *target.condition()).values(answered_at=now())
    if session.scalars(said.returning(Ending.id)).first() is None:
        raise NotFound("This has no end.")


def end_of(session: Session, owner_id: int, target: Target) -> End | None:
    """Return the end of one thing, None where it has none."""
    return next((end for end in ends_of(session, owner_id) if end.target == target), None)


def ends_of(session: Session, owner_id: int, *, until: int | None = None) -> list[End]:
    """Return what of an owner's ends, the soonest first; with *until*, what ends by then."""
    chosen, values = (_ENDS, {}) if until is None else (_ENDS_BY, {"until": until})
    return [
        End(end_id, Target(*target), ends_at, utc_offset, answered_at is not None)
        for end_id, ends_at, utc_offset, answered_at, *target in read(session, chosen, {"owner": owner_id, **values})
    ]


def _require(session: Session, owner_id: int, target: Target) -> None:
    model, *conditions = _THERE[target.kind](target)
    if session.scalars(select(model.owner_id).where(model.owner_id == owner_id, *conditions)).first() is None:
        raise NotFound("There is nothing of yours here that could end.")
    if target.kind == GROUP:
        kind = select(Group.kind).where(Group.owner_id == owner_id, Group.id == target.group_id)
        if session.scalars(kind).one() != visibility.GROUP:
            raise Refused("A built-in group does not end; what it may see can.")


#: By kind, the table and what finds in it that of an owner's which is to end.
_THERE: dict[str, Callable[[Target], tuple[Any, ...]]] = {
    GROUP: lambda target: (Group, Group.id == target.group_id),
    GRANT: lambda target: (Grant, Grant.group_id == target.group_id, Grant.field_id == target.field_id),
    # What is withheld stays so: no clock ever shows anybody more.
    EXCEPTION: lambda target: (
        FieldException,
        FieldException.viewer_id == target.viewer_id,
        FieldException.field_id == target.field_id,
        FieldException.allowed.is_(True),
    ),
    CONNECTION: lambda target: (Connection, Connection.viewer_id == target.viewer_id),
}
