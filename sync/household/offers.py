"""Offering a field to somebody, and what they say to it: nobody's card changes before they agree."""

from __future__ import annotations

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from sync.accounts.rate_limits import DAY, Limit, take
from sync.errors import AlreadyExists, Conflict, InvalidInput, LimitExceeded, NotFound, Refused
from sync.household import following, pairs
from sync.household.pairs import Share, Source
from sync.household.sharable import KINDS
from sync.models import CARRIED, DECLINED, OFFERED, CarriedField, SharedField
from sync.profiles.field_rows import insert_field, update_field
from sync.revisions.shared_fields import says_the_same
from sync.sharing import connections
from sync.sharing.changes import Change, change

#: How many people may carry one field, or have been offered it.
MOST_CARRIERS = 12
#: How many fields of others somebody may have: offered, carried, or noted as ended.
MOST_CARRIED = 60
#: How often somebody may offer something on a day: to anybody, and to one person.
OFFERS = Limit("field offers", 50, DAY)
OFFERS_TO_ONE = Limit("field offers to one person", 10, DAY)


def offer(session: Session, owner_id: int, field_id: int, carrier_id: int) -> None:
    """
    Offer a field to somebody, who sees by that what it says and may have it on their card.

    Raises:
        NotFound: The two are not connected, or there is no such field.
        InvalidInput: It is of a kind that nobody shares.
        Refused: It is somebody else's, or comes from the owner's organisation.
        AlreadyExists: They carry it, or were offered it.
        LimitExceeded: Too many carry it, or they have too much of other people's.
        TooManyTries: The owner offered so much already.
    """
    share = Share(owner_id, field_id, carrier_id)
    with pairs.both(session, share):
        connections.require(session, owner_id, carrier_id)
        _require_sharable(pairs.field(session, owner_id, field_id))
        if _is_carried(session, owner_id, field_id):
            raise Refused("This is somebody else's, and only they can share it.")
        following.follow(session, share)
        if pairs.shared_state(session, share) in (OFFERED, CARRIED):
            raise AlreadyExists("They carry this already, or were offered it.")
        _require_room(session, share)
        take(session, OFFERS, str(owner_id))
        take(session, OFFERS_TO_ONE, f"{owner_id}/{carrier_id}")
        pairs.begin(session, share, OFFERED)


def accept(session: Session, share: Share, *, instead_of: int | None = None, seen: str | None = None) -> int:
    """
    Carry what was offered, and return by which field: a new one that nobody is granted, or the one it is *instead_of*.

    Who sees that one sees what is shared from now on. *seen* is the digest of what the offer said when it was seen.

    Raises:
        NotFound: There is no such offer, or no such field to have it instead of.
        Conflict: It says something else than what was seen.
        InvalidInput: The field that it is to be instead of is of another kind.
        Refused: That field is shared or carried itself, or comes from an organisation.
        LimitExceeded: The carrier's profile is full.
    """
    with pairs.both(session, share):
        source = _offered(session, share)
        if seen is not None and seen != source.said.digest:
            raise Conflict("This field was changed meanwhile; look at what it says now.")
        with change(session, share.carrier_id) as under_way:
            field_id = _take_up(under_way, share, source, instead_of)
        pairs.put_shared(session, share, CARRIED)
        pairs.put_carried(session, share, CARRIED, field_id)
        return field_id


def decline(session: Session, share: Share) -> None:
    """
    Say no to what was offered; the owner sees that.

    Raises:
        NotFound: There is no such offer.
    """
    with pairs.both(session, share):
        _offered(session, share)
        pairs.put_shared(session, share, DECLINED)
        pairs.forget_carried(session, share)


def _offered(session: Session, share: Share) -> Source:
    carried, source = pairs.carried_state(session, share), pairs.source_of(session, share)
    if carried is None or carried[0] != OFFERED or source is None:
        raise NotFound("There is no such offer any more.")
    return source


def _take_up(under_way: Change, share: Share, source: Source, instead_of: int | None) -> int:
    fields = under_way.fields_of(share.carrier_id)
    if instead_of is None:
        position = fields[-1].position + 1 if fields else 0
        return insert_field(under_way, share.carrier_id, source.said, position)
    held = under_way.field(share.carrier_id, instead_of)
    if held is None:
        raise NotFound("There is no such field.")
    if held.kind != source.kind:
        raise InvalidInput("These are not of the same kind.")
    _require_own(under_way.session, share.carrier_id, instead_of, held.claim)
    under_way.following[share.carrier_id].add(instead_of)
    if not says_the_same(held.said, source[:2]):
        update_field(under_way, share.carrier_id, instead_of, source.said)
    return instead_of


def _require_own(session: Session, owner_id: int, field_id: int, claim: str | None) -> None:
    if claim is not None:
        raise Refused("This comes from your organisation, and can be changed there only.")
    shared = select(SharedField.field_id).where(SharedField.owner_id == owner_id, SharedField.field_id == field_id)
    is_shared = session.scalars(shared.where(SharedField.state.in_((OFFERED, CARRIED))).limit(1)).first() is not None
    if is_shared or _is_carried(session, owner_id, field_id):
        raise Refused("That field is shared already; choose another one.")


def _require_sharable(source: Source | None) -> None:
    if source is None:
        raise NotFound("There is no such field.")
    if source.kind not in KINDS:
        raise InvalidInput("Only phone numbers, e-mail and postal addresses, web pages and anniversaries are shared.")
    if source.claim is not None:
        raise Refused("This comes from your organisation, and can be changed there only.")


def _is_carried(session: Session, owner_id: int, field_id: int) -> bool:
    mine = (CarriedField.owner_id == owner_id, CarriedField.field_id == field_id, CarriedField.state == CARRIED)
    return session.scalars(select(CarriedField.field_id).where(*mine)).first() is not None


def _require_room(session: Session, share: Share) -> None:
    of_field = (SharedField.owner_id == share.owner_id, SharedField.field_id == share.field_id)
    open_ones = select(func.count()).where(*of_field, SharedField.state.in_((OFFERED, CARRIED)))
    if session.scalars(open_ones).one() >= MOST_CARRIERS:
        raise LimitExceeded(f"At most {MOST_CARRIERS} people carry the same field.")
    held = select(func.count()).where(CarriedField.owner_id == share.carrier_id)
    if session.scalars(held).one() < MOST_CARRIED:
        return
    ended = (CarriedField.state.not_in((OFFERED, CARRIED)), CarriedField.is_owed.is_(False))
    session.execute(delete(CarriedField).where(CarriedField.owner_id == share.carrier_id, *ended))
    if session.scalars(held).one() >= MOST_CARRIED:
        raise LimitExceeded("They have too many fields of other people's already.")
