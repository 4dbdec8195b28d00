"""
Fan-out: carrying a change of a card to every address book that holds it.

Decide first, act second. `plan` says how a changed card reaches its holders: in this transaction when they are few,
through the outbox when they are many. `carry` does one chunk of the outbox's work: a few statements for each step,
however many viewers it has, and steps until its time is over, so that whoever changes something of theirs meanwhile
waits for a moment only. The card's text is changed already when the outbox comes into play; what is still carried is
the news that it did.
"""

from __future__ import annotations

import functools
import math
import sys
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import ColumnElement, Select, bindparam, delete, func, insert, select, update
from sqlalchemy.orm import Session

from sync import faults
from sync.database.distribution import buckets_of, is_distributed
from sync.database.engine import Database, settings_of
from sync.database.hints import leaves_work
from sync.database.lists import among_parameter, ids
from sync.database.pacing import Pace, Pieces
from sync.database.prepared import execute, finish
from sync.errors import DatabaseUnavailable
from sync.jobs import due_buckets, is_due, moment, of_owner
from sync.models import Base, Connection, Job, new_id, now
from sync.push import news
from sync.revisions import address_books, roster_news

FAN_OUT = "fan_out"
#: How often it is looked who holds the cards of one change, each time without one that too many hold.
_LOOKS = 4
#: Viewers that a chunk begins with; it goes on with more of them as long as it keeps nobody waiting.
_FIRST_STEP = 500
#: Jobs that a worker carries in turns, and seconds between two looks for another.
_AT_ONCE, _LOOK_EVERY = 8, 0.5
#: By how much fewer viewers are tried next where one of some is out of reach.
_FEWER = 8


@dataclass(frozen=True, slots=True)
class Plan:
    """Who is reached now, viewers and *organisations* by their ids, and which cards go through the outbox."""

    viewers: Sequence[int]
    organisations: Sequence[int]
    deferred: Sequence[int]


@dataclass(frozen=True, slots=True)
class Claim:
    """
    A job that this worker has for as long as the lease runs.

    Where one of several machines is out of reach, the next chunk has *most* viewers, and *is_left* says that a job was
    written for those who were passed by.
    """

    bucket: int
    id: int
    owner_id: int
    card_id: int
    after_viewer: int
    changed_at: int
    version: int | None
    most: int = sys.maxsize
    is_left: bool = False


def plan(session: Session, owner_id: int, changed: Collection[int], rostered: Collection[int] = ()) -> Plan:
    """
    Decide for the *changed* cards of an owner, by how many people hold them, and for those that organisations show.

    Where whoever is to be told is on other machines, which may be out of reach, nobody is reached now.
    """
    if is_distributed(session):
        return Plan((), (), sorted({*changed, *rostered}))
    dialect = session.get_bind().dialect.name
    organisations = roster_news.shown(session, owner_id, rostered) if rostered else ()
    waiting, viewers, deferred = sorted(changed), list[int](), list[int]()
    for _ in range(_LOOKS):
        room = settings_of(session).inline_viewers - len(viewers)
        values = {"owner": owner_id, "cards": ids(dialect, waiting), "limit": room + 1}
        found = execute(session, _all_holders(dialect), values) if waiting else []
        # Of the card at which the list breaks off nobody knows how many more there are.
        broken = found[-1][0] if len(found) > room else None
        viewers += [viewer_id for card_id, viewer_id in found if card_id != broken]
        if broken is None:
            return Plan(viewers, organisations, deferred)
        deferred.append(broken)
        waiting = [card_id for card_id in waiting if card_id > broken]
    return Plan(viewers, organisations, [*deferred, *waiting])


def defer(session: Session, owner_id: int, card_ids: Iterable[int], at: int, version: int | None = None) -> None:
    """Write a job for each card, in the transaction of the change with which the profile came to be at *version*."""
    job: dict[str, object] = {"bucket": buckets_of(session).of(owner_id), "kind": FAN_OUT, "owner_id": owner_id}
    job |= {"changed_at": at, "due_at": at, "version": version}
    jobs = [{"id": new_id(), "card_id": card_id, "after_viewer": 0, "attempts": 0, **job} for card_id in card_ids]
    if jobs:
        session.execute(insert(Job), jobs)
        leaves_work(session)


def hold(session: Session, owner_id: int) -> None:
    """Let nobody else change what an owner shows until the transaction ends."""
    execute(session, _HOLD, {"owner": owner_id})


def owed_of(session: Session, owner_id: int) -> dict[int, int]:
    """
    Return by card the id of a viewer whom the outbox has told of every change of it; those with higher ids it has not.

    A card of which everybody was told is left out. The caller holds the owner's lock.
    """
    mine = of_owner(session, owner_id)
    jobs = select(Job.card_id, func.min(Job.after_viewer)).where(*mine).group_by(Job.card_id)
    return dict(session.execute(jobs).all())


def reach(session: Session, owner_id: int, viewers: Sequence[int], at: int, version: int | None = None) -> None:
    """
    Let *viewers* know that their entry of this owner's changed: raise their books, stamp the entries.

    *version* is the profile's with the change; browsers are told where it is known.
    """
    browsers = address_books.raise_revisions(session, viewers, at)
    address_books.stamp(session, viewers, owner_id, at, version)
    if version is not None:
        news.note_card(session, browsers, viewers, owner_id, version)


def work(
    database: Database, *, buckets: Sequence[int] | None = None, progress: Callable[[int], object] = lambda _: None
) -> int:
    """
    Do everything that is due in *buckets*, by default in the whole outbox, and return how many viewers were reached.

    *progress* is called after each chunk with the number of viewers that were reached in it.

    Any number of workers may do this at once. Each chunk is one transaction with its cursor: whatever dies, the next
    worker goes on behind the last chunk that was committed, as soon as the lease has run out.

    Raises:
        Exception: Somebody could not be reached. All others were, unless the database is out of reach.
    """
    reached, pieces = 0, Pieces(database)
    failed: Exception | None = None
    claims, look_at = deque[Claim](), -math.inf
    while True:
        if time.monotonic() >= look_at and len(claims) < _AT_ONCE:
            claims.extendleft(_claim_one(database, database.buckets.some(buckets)))
            look_at = time.monotonic() + _LOOK_EVERY
        if not claims and failed is not None:
            raise failed
        if not claims:
            return reached
        # Each has its turn: what few see does not wait until all have heard of what very many do.
        claim = claims.popleft()
        try:
            count, left = pieces.write(functools.partial(carry, claim=claim))
        except Exception as error:
            if isinstance(error, DatabaseUnavailable) and not database.is_distributed:
                raise
            # Whatever is the matter with one, the others are carried; it is tried again after a while.
            failed, count = error, 0
            faults.note_job(database, FAN_OUT, claim.bucket, claim.id, error)
            left = _go_around(pieces, claim) if isinstance(error, DatabaseUnavailable) else None
        reached += count
        progress(count)
        if left is not None:
            claims.append(left)
        else:
            look_at = -math.inf


def _claim_one(database: Database, buckets: Sequence[int]) -> list[Claim]:
    """Claim a job that is due, if there is one. The others are left for whoever else works."""
    at = now()
    for bucket in due_buckets(database, FAN_OUT, buckets, at):
        claim = database.write(functools.partial(_claim, bucket=bucket, at=at))
        if claim is not None:
            return [claim]
    return []


def owed(session: Session) -> int:
    """Count the viewers who are still to be reached, each once for every change that is on its way to them."""
    jobs = session.execute(select(Job.owner_id, Job.card_id, Job.after_viewer).where(Job.kind == FAN_OUT)).all()
    return sum(
        session.scalars(select(func.count()).where(*_held(owner_id, card_id, after))).one()
        for owner_id, card_id, after in jobs
    )


def carry(session: Session, claim: Claim) -> tuple[int, Claim | None]:
    """
    Reach the next chunk of viewers, as many as can be in a moment, and keep the job's cursor with them.

    Returns how many were reached, and the claim to go on with: None when the job is done, or when another worker has
    taken it over.
    """
    settings = settings_of(session)
    if is_distributed(session):
        # Machines commit one after the other; whoever has the lock knows that the owner's has committed the change.
        hold(session, claim.owner_id)
    mine = _as_claimed(claim)
    renewed = update(Job).where(*mine).values(due_at=now() + settings.lease, attempts=0).returning(Job.id)
    if session.execute(renewed).first() is None:
        return 0, None
    if is_distributed(session) and not claim.after_viewer:
        _reach_rosters(session, claim)
    pace = Pace(_FIRST_STEP, min(settings.chunk_viewers, claim.most), functools.partial(finish, session))
    reached, after = 0, claim.after_viewer
    while asked := pace.step:
        viewers = _holders(session, claim.owner_id, claim.card_id, after, asked)
        untold = _untold(session, claim, viewers)
        reach(session, claim.owner_id, untold, claim.changed_at, claim.version)
        reached += len(untold)
        if len(viewers) < asked:
            session.execute(delete(Job).where(*mine))
            return reached, None
        after = viewers[-1]
        pace.done(asked)
    session.execute(update(Job).where(*mine).values(after_viewer=after))
    return reached, replace(claim, after_viewer=after, most=claim.most * _FEWER)


def _go_around(pieces: Pieces, claim: Claim) -> Claim | None:
    """Return how to go on where one of the next viewers is out of reach, None where the owner is, or the job."""
    if claim.most > 1:
        return replace(claim, most=max(1, min(claim.most, _FIRST_STEP) // _FEWER))
    try:
        return pieces.write(functools.partial(_pass_by, claim=claim))
    except DatabaseUnavailable:
        return None


def _pass_by(session: Session, claim: Claim) -> Claim | None:
    """Go on behind the next viewer, unless it is an organisation, and leave those not told yet to a job due later."""
    hold(session, claim.owner_id)
    viewers = _holders(session, claim.owner_id, claim.card_id, claim.after_viewer, 1)
    mine = _as_claimed(claim)
    due_at = now() + settings_of(session).lease
    moved = update(Job).where(*mine).values(after_viewer=viewers[0] if viewers else claim.after_viewer, due_at=due_at)
    if session.execute(moved.returning(Job.id)).first() is None or not viewers:
        return None
    if not claim.is_left:
        names = ("bucket", "owner_id", "card_id", "after_viewer", "changed_at", "version")
        job = {name: getattr(claim, name) for name in names}
        session.execute(insert(Job).values(id=new_id(), kind=FAN_OUT, due_at=due_at, attempts=0, **job))
    return replace(claim, after_viewer=viewers[0], is_left=True)


def _as_claimed(claim: Claim) -> tuple[ColumnElement[bool], ...]:
    """Return what chooses the job, unless another worker took it over."""
    return Job.bucket == claim.bucket, Job.id == claim.id, Job.after_viewer == claim.after_viewer


def _untold(session: Session, claim: Claim, viewers: Sequence[int]) -> Sequence[int]:
    """Return who of some viewers was not told of a change yet; all, where nobody can have been passed by."""
    if not is_distributed(session) or claim.version is None:
        return viewers
    return address_books.raised_before(session, viewers, claim.owner_id, claim.version)


def _reach_rosters(session: Session, claim: Claim) -> None:
    """Let the organisations know whose members see the card; that is none for a card that somebody is shown."""
    organisations = roster_news.shown(session, claim.owner_id, [claim.card_id])
    # Of such a card, no release wrote a job that did not note the version.
    if organisations and claim.version is not None:
        changed = {each: [claim.owner_id] for each in organisations}
        roster_news.reach(session, changed, changed, claim.changed_at, {claim.owner_id: claim.version})


def _holders(session: Session, owner_id: int, card_id: int, after: int, limit: int) -> list[int]:
    # The owner's own entry is no connection; it is the one holder of the owner's own card and is added by
    # `sync.sharing.changes`.
    return list(
        session.scalars(
            select(Connection.viewer_id)
            .where(*_held(owner_id, card_id, after))
            .order_by(Connection.viewer_id)
            .limit(limit)
        )
    )


def _held(owner_id: int, card_id: int, after: int) -> tuple[ColumnElement[bool], ...]:
    return (
        Connection.owner_id == owner_id,
        Connection.audience_id == card_id,
        Connection.hidden.is_(False),
        Connection.viewer_id > after,
    )


_PROFILES = Base.metadata.tables["profile"]
_HOLD = select(_PROFILES.c.version).where(_PROFILES.c.owner_id == bindparam("owner")).with_for_update()


@functools.cache
def _all_holders(dialect: str) -> Select[int, int]:
    return (
        select(Connection.audience_id, Connection.viewer_id)
        .where(
            Connection.owner_id == bindparam("owner"),
            among_parameter(dialect, Connection.audience_id, "cards"),
            Connection.hidden.is_(False),
        )
        .order_by(Connection.audience_id, Connection.viewer_id)
        .limit(bindparam("limit"))
    )


def _claim(session: Session, bucket: int, at: int) -> Claim | None:
    lease = at + settings_of(session).lease
    due = (
        select(Job.id)
        .where(Job.bucket == bucket, Job.kind == FAN_OUT, is_due(moment(at), moment(lease)))
        .order_by(Job.due_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    row = session.execute(
        update(Job)
        .where(Job.bucket == bucket, Job.id == due.scalar_subquery())
        .values(due_at=lease, attempts=Job.attempts + 1)
        .returning(Job.bucket, Job.id, Job.owner_id, Job.card_id, Job.after_viewer, Job.changed_at, Job.version)
        .execution_options(synchronize_session=False)
    ).first()
    return Claim(*row) if row else None
