"""How sharing a field ends by somebody's will: the owner takes it back, or the carrier leaves; the carrier keeps it."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from sync.errors import NotFound
from sync.household import following, pairs
from sync.household.pairs import Share
from sync.models import CARRIED, OFFERED, CarriedField
from sync.profiles.field_rows import delete_field
from sync.sharing.changes import change


def take_back(session: Session, share: Share) -> None:
    """
    Share a field with somebody no more. Who carries it keeps it as it is, and sees that it follows no more.

    Raises:
        NotFound: They do not carry it and were not offered it.
    """
    with pairs.both(session, share):
        if pairs.shared_state(session, share) not in (OFFERED, CARRIED):
            raise NotFound("They do not carry this.")
        following.let_go(session, share)


def leave(session: Session, carrier_id: int, field_id: int, *, keep: bool = True) -> None:
    """
    Carry a field no more: it is one's own and stays as it is, or is deleted unless one is to *keep* it.

    Raises:
        NotFound: It is not carried.
    """
    share = carried_as(session, carrier_id, field_id)
    with pairs.both(session, share):
        if pairs.carried_state(session, share) != (CARRIED, field_id):
            raise NotFound("You do not carry this for anybody.")
        following.note_left(session, share)
        pairs.forget_carried(session, share)
        if not keep:
            with change(session, carrier_id) as under_way:
                delete_field(under_way, carrier_id, [field_id])


def carried_as(session: Session, carrier_id: int, field_id: int) -> Share:
    """
    Return what somebody carries by this field of theirs.

    Raises:
        NotFound: It is not carried.
    """
    mine = (CarriedField.owner_id == carrier_id, CarriedField.field_id == field_id, CarriedField.state == CARRIED)
    row = session.execute(select(CarriedField.source_id, CarriedField.source_field_id).where(*mine)).first()
    if row is None:
        raise NotFound("You do not carry this for anybody.")
    return Share(row[0], row[1], carrier_id)


def dismiss(session: Session, person_id: int, share: Share) -> None:
    """
    Take a note off that somebody said no, that they carry something no more, or that something is not carried any more.

    Raises:
        NotFound: There is no such note of this person's.
    """
    with pairs.both(session, share):
        following.follow(session, share)
        carried = pairs.carried_state(session, share)
        if person_id == share.carrier_id and carried is not None and carried[0] not in (OFFERED, CARRIED):
            pairs.forget_carried(session, share)
        elif person_id == share.owner_id and pairs.shared_state(session, share) not in (None, OFFERED, CARRIED):
            pairs.forget_shared(session, share)
        else:
            raise NotFound("There is nothing to be taken off.")
