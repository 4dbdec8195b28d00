"""Bringing the two sides of a shared field together: carriers follow its owner, owners learn who left."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from sync import faults, jobs
from sync.database.engine import Database, all_or_nothing
from sync.errors import LimitExceeded
from sync.household import pairs
from sync.household.pairs import Share, Source
from sync.household.sharable import is_sharable
from sync.models import CARRIED, LEFT, OFFERED, TAKEN_BACK, CarriedField, SharedField
from sync.profiles.field_rows import update_field
from sync.reach import Round
from sync.revisions.shared_fields import HOUSEHOLD, says_the_same
from sync.sharing import changes
from sync.sharing.changes import change


def work(database: Database, *, buckets: Sequence[int] | None = None) -> int:
    """Do what changes of fields left to do, and return of how many people. Any number of workers may do so at once."""
    round_ = Round(database, partial(faults.note_job_of, database, HOUSEHOLD))
    done = round_.each(jobs.take(database, HOUSEHOLD, buckets), partial(settle, database))
    round_.end()
    return done


def settle(database: Database, person_id: int) -> None:
    """Bring together what somebody's changes left apart: each pair in a transaction of its own."""
    is_done = False
    while not is_done:
        with database.reading() as session:
            shares = owed(session, person_id)
        for share in shares:
            database.write(partial(follow, share=share))
        is_done = database.write(partial(_finish, person_id=person_id))


def owed(session: Session, person_id: int) -> list[Share]:
    """Return what somebody's changes left apart."""
    shared = select(SharedField.owner_id, SharedField.field_id, SharedField.carrier_id)
    carried = select(CarriedField.source_id, CarriedField.source_field_id, CarriedField.owner_id)
    rows = [
        *session.execute(shared.where(SharedField.owner_id == person_id, SharedField.is_owed)),
        *session.execute(carried.where(CarriedField.owner_id == person_id, CarriedField.is_owed)),
    ]
    return [Share(*row) for row in rows]


def follow(session: Session, share: Share) -> None:
    """Let a carrier's field say what its owner's does, or both sides know that it is not carried any more."""
    with pairs.both(session, share):
        shared, carried = pairs.shared_state(session, share), pairs.carried_state(session, share)
        if carried is None or carried[0] not in (OFFERED, CARRIED):
            if shared in (OFFERED, CARRIED):
                note_left(session, share)
            session.execute(update(CarriedField).where(*share.of_carrier).values(is_owed=False))
            return
        source = pairs.source_of(session, share)
        if source is None or not is_sharable(source):
            let_go(session, share)
            return
        if carried[0] == CARRIED and not _say(session, share, carried[1] or 0, source):
            pairs.put_shared(session, share, LEFT)
            pairs.put_carried(session, share, LEFT, carried[1])
            return
        session.execute(update(SharedField).where(*share.of_owner).values(is_owed=False))


def let_go(session: Session, share: Share) -> None:
    """Let something be the owner's alone again: the carrier keeps what they have, and an offer is gone."""
    carried = pairs.carried_state(session, share)
    pairs.forget_shared(session, share)
    if carried is not None and carried[0] == CARRIED:
        pairs.put_carried(session, share, TAKEN_BACK, carried[1])
    elif carried is not None and carried[0] == OFFERED:
        pairs.forget_carried(session, share)
    elif carried is not None:
        pairs.put_carried(session, share, *carried)


def note_left(session: Session, share: Share) -> None:
    """Let an owner see that somebody does not carry a field any more, unless the field is gone itself."""
    if pairs.source_of(session, share) is None:
        pairs.forget_shared(session, share)
    else:
        pairs.put_shared(session, share, LEFT)


def _say(session: Session, share: Share, field_id: int, source: Source) -> bool:
    """Let the carrier's field say what the source does; returns whether it does."""
    held = pairs.field(session, share.carrier_id, field_id)
    if held is None or held.claim is not None:
        return False
    if says_the_same(held[:2], source[:2]):
        return True
    try:
        with change(session, share.carrier_id) as under_way:
            under_way.following[share.carrier_id].add(field_id)
            update_field(under_way, share.carrier_id, field_id, source.said)
    except LimitExceeded:
        # Their card has no room for it, and they keep what they have.
        return False
    return True


def _finish(session: Session, person_id: int) -> bool:
    """Take the job out of the outbox, unless something is to be done again."""
    with all_or_nothing(session):
        # What anybody's change leaves is written under this lock, so that none comes in between.
        changes.hold(session, person_id)
        if owed(session, person_id):
            jobs.renew(session, HOUSEHOLD, person_id)
            return False
        jobs.done(session, HOUSEHOLD, person_id)
        return True
