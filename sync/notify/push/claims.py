"""
Which registrations a worker sends to now, and what became of it, in the database.

A claim is a lease: whatever happens to the worker, the news are still there, and the next one takes them when it has
run out. News that came while others were being sent are sent as well, after a pause: so those of a short time are one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, and_, bindparam, delete, func, or_, select, update
from sqlalchemy.orm import Session

from sync.database.lists import among
from sync.models import Base, PushSubscription, now

#: Seconds for which a claim holds, and between two messages to one device about one collection.
LEASE, PAUSE = 60, 10
#: Seconds until the next attempt after a first failed one, and at most.
FIRST_RETRY, LONGEST_RETRY = 30, 3600
#: Seconds that a push service may ask for between two attempts, and after which one that always fails is given up.
LONGEST_WAIT, PATIENCE = 24 * 3600, 3 * 24 * 3600

#: A registration, by its viewer and its id.
Key = tuple[int, int]


@dataclass(slots=True)
class Results:
    """
    What became of claimed registrations.

    *told* has the number of the news that were sent, *failed* and *postponed* in how many seconds it may be tried
    again, 0 for the usual; *ended* are no more.
    """

    told: dict[Key, int] = field(default_factory=dict)
    failed: dict[Key, int] = field(default_factory=dict)
    postponed: dict[Key, int] = field(default_factory=dict)
    ended: list[Key] = field(default_factory=list)


def hosts(session: Session) -> Mapping[str, int]:
    """Return the hosts that something is to be sent to now, with how many messages."""
    found = (
        select(PushSubscription.host, func.count().label("waiting"))
        .where(_is_due(now()))
        .group_by(PushSubscription.host)
    )
    return {each.host: each.waiting for each in session.execute(found)}


def claim(session: Session, host: str, most: int) -> Sequence[Key]:
    """Claim some registrations at a host that have news, and return them."""
    at = now()
    found = (
        select(PushSubscription.viewer_id, PushSubscription.id)
        .where(PushSubscription.host == host, _is_due(at))
        .limit(most)
    )
    keys = session.execute(found).all()
    if not keys:
        return []
    mine = (
        among(session, PushSubscription.viewer_id, sorted({viewer_id for viewer_id, _ in keys})),
        among(session, PushSubscription.id, sorted(subscription_id for _, subscription_id in keys)),
    )
    taken = (
        update(PushSubscription)
        .where(*mine, _is_due(at))
        .values(not_before=at + LEASE)
        .returning(PushSubscription.viewer_id, PushSubscription.id)
        .execution_options(synchronize_session=False)
    )
    return [(viewer_id, subscription_id) for viewer_id, subscription_id in session.execute(taken)]


def settle(session: Session, results: Results) -> None:
    """Write down what became of claimed registrations."""
    at = now()
    connection = session.connection()
    if results.told:
        rows = [_named(key) | {"seen": seen, "at": at, "next": at + PAUSE} for key, seen in results.told.items()]
        connection.execute(_TOLD, rows)
        connection.execute(_NOTHING_NEW, rows)
    if results.failed:
        rows = [_named(key) | {"at": at, "next": at + pause} for key, pause in results.failed.items()]
        connection.execute(_FAILED, rows)
        connection.execute(_GIVEN_UP, [_named(key) | {"old": at - PATIENCE} for key in results.failed])
    if results.postponed:
        rows = [_named(key) | {"next": at + pause} for key, pause in results.postponed.items()]
        connection.execute(_POSTPONED, rows)
    if results.ended:
        connection.execute(_ENDED, [_named(key) for key in results.ended])


def retry(attempts: int, wanted: int | None) -> int:
    """Return in how many seconds to try again after so many failed attempts, where the other side wants a pause."""
    own = min(FIRST_RETRY << min(attempts, 16), LONGEST_RETRY)
    return max(own, min(wanted or 0, LONGEST_WAIT))


def _is_due(at: int) -> ColumnElement[bool]:
    return and_(
        PushSubscription.waiting_since.is_not(None),
        PushSubscription.expires_at > at,
        # What waits for longer than it ever has to was written before the clock was put back.
        or_(PushSubscription.not_before <= at, PushSubscription.not_before > at + LONGEST_WAIT),
    )


def _named(key: Key) -> dict[str, int]:
    return {"viewer": key[0], "subscription": key[1]}


_SUBSCRIPTIONS = Base.metadata.tables["push_subscription"]
_MINE = (_SUBSCRIPTIONS.c.viewer_id == bindparam("viewer"), _SUBSCRIPTIONS.c.id == bindparam("subscription"))
_TOLD = (
    update(_SUBSCRIPTIONS)
    .where(*_MINE)
    .values(told_at=bindparam("at"), not_before=bindparam("next"), attempts=0, failing_since=None)
)
_NOTHING_NEW = (
    update(_SUBSCRIPTIONS)
    .where(*_MINE, _SUBSCRIPTIONS.c.news == bindparam("seen"))
    .values(waiting_since=None, has_content=False, has_properties=False, has_key=False)
)
_FAILED = (
    update(_SUBSCRIPTIONS)
    .where(*_MINE)
    .values(
        not_before=bindparam("next"),
        attempts=_SUBSCRIPTIONS.c.attempts + 1,
        failing_since=func.coalesce(_SUBSCRIPTIONS.c.failing_since, bindparam("at")),
    )
)
_GIVEN_UP = delete(_SUBSCRIPTIONS).where(*_MINE, _SUBSCRIPTIONS.c.failing_since <= bindparam("old"))
_POSTPONED = update(_SUBSCRIPTIONS).where(*_MINE).values(not_before=bindparam("next"))
_ENDED = delete(_SUBSCRIPTIONS).where(*_MINE)
