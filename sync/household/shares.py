"""What somebody shares with others, was offered by them, and carries of theirs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from sync.database.lists import among
from sync.fields import FieldContent
from sync.household.pairs import Share
from sync.household.sharable import KINDS, OF_HOME
from sync.models import CARRIED, DECLINED, OFFERED, CarriedField, Field, SharedField
from sync.sharing.visibility import StoredField, fields_of

__all__ = [
    "CARRIED",
    "DECLINED",
    "OFFERED",
    "Carried",
    "Shared",
    "carried_by",
    "count_news",
    "followed_by",
    "free_fields",
    "shared_by",
]


@dataclass(frozen=True, slots=True)
class Shared:
    """A field of one's own that somebody carries, or was offered; or said no to, or left: then it is a note."""

    share: Share
    state: str
    changed_at: int


@dataclass(frozen=True, slots=True)
class Carried:
    """
    A field of somebody else's that one was offered, carries, or carried: then it is a note.

    *field_id* is one's own, absent of an offer. *said* is what is offered, absent of everything else.
    """

    share: Share
    state: str
    changed_at: int
    field_id: int | None
    said: FieldContent | None


def shared_by(session: Session, owner_id: int) -> list[Shared]:
    """Return what somebody shares, the latest first."""
    columns = (SharedField.field_id, SharedField.carrier_id, SharedField.state, SharedField.changed_at)
    chosen = select(*columns).where(SharedField.owner_id == owner_id)
    latest = (SharedField.changed_at.desc(), SharedField.field_id, SharedField.carrier_id)
    rows = session.execute(chosen.order_by(*latest)).all()
    return [Shared(Share(owner_id, field_id, carrier_id), state, at) for field_id, carrier_id, state, at in rows]


def carried_by(session: Session, carrier_id: int) -> list[Carried]:
    """Return what somebody was offered, carries, or carried until they were told otherwise, the latest first."""
    columns = (CarriedField.source_id, CarriedField.source_field_id, CarriedField.field_id)
    chosen = select(*columns, CarriedField.state, CarriedField.changed_at).where(CarriedField.owner_id == carrier_id)
    latest = (CarriedField.changed_at.desc(), CarriedField.source_id, CarriedField.source_field_id)
    rows = session.execute(chosen.order_by(*latest)).all()
    said = _offered(session, carrier_id, sorted({row[0] for row in rows if row[3] == OFFERED}))
    found = []
    for source_id, source_field_id, field_id, state, at in rows:
        share = Share(source_id, source_field_id, carrier_id)
        # What was taken back since the rows were read is not there any more.
        if state != OFFERED or share in said:
            found.append(Carried(share, state, at, field_id, said.get(share) if state == OFFERED else None))
    return found


def followed_by(session: Session, carrier_id: int) -> dict[int, int]:
    """Return whom somebody's fields follow, by the fields that do."""
    mine = (CarriedField.owner_id == carrier_id, CarriedField.state == CARRIED, CarriedField.field_id.is_not(None))
    rows = session.execute(select(CarriedField.field_id, CarriedField.source_id).where(*mine))
    return {own or 0: source_id for own, source_id in rows}


def count_news(session: Session, person_id: int) -> int:
    """Count what somebody has to look at: offers, and notes of what ended."""
    offered = select(func.count()).where(CarriedField.owner_id == person_id, CarriedField.state != CARRIED)
    ended = (SharedField.owner_id == person_id, SharedField.state.not_in((OFFERED, CARRIED)))
    return session.scalars(offered).one() + session.scalars(select(func.count()).where(*ended)).one()


def _offered(session: Session, carrier_id: int, owner_ids: Sequence[int]) -> dict[Share, FieldContent]:
    """Return what these people's offers say, of those that they did not take back: one statement sees both."""
    if not owner_ids:
        return {}
    mine = (Field.owner_id == SharedField.owner_id) & (Field.id == SharedField.field_id)
    chosen = select(SharedField.owner_id, SharedField.field_id, Field.kind, Field.content).join(Field, mine)
    offered = (SharedField.carrier_id == carrier_id, SharedField.state == OFFERED)
    rows = session.execute(chosen.where(among(session, SharedField.owner_id, owner_ids), *offered)).all()
    return {Share(row[0], row[1], carrier_id): FieldContent.load(row[2], row[3]) for row in rows}


def free_fields(session: Session, owner_id: int) -> list[StoredField]:
    """
    Return the fields that somebody may share with others, or may have follow instead of what they say: their own.

    What a home has comes first: nobody offers their mobile number because it was the first in a list.
    """
    carried = followed_by(session, owner_id)
    found = [
        each
        for each in fields_of(session, owner_id)
        if each.kind in KINDS and each.claim is None and each.id not in carried
    ]
    return sorted(found, key=lambda each: each.kind not in OF_HOME)
