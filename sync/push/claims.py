"""
Which registrations a worker sends to now, and what became of it, in the database.

A claim is a lease: whatever happens to the worker, the news are still there, and the next one takes them when it has
run out. News that came while others were being sent are sent as well, after a pause: so those of a short time are one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import BigInteger, ColumnElement, Connection, and_, bindparam, delete, exists, func, or_, select, update
from sqlalchemy.orm import Session

from sync.database.engine import Database
from sync.database.lists import among
from sync.database.prepared import ANEW
from sync.models import Base, PushSubscription, now

#: Seconds for which a claim holds, between two messages to one device about one collection, and to one browser.
LEASE, PAUSE, PAUSE_OF_BROWSER = 60, 10, 300
#: Seconds until the next attempt after a first failed one, and at most.
FIRST_RETRY, LONGEST_RETRY = 30, 3600
#: Seconds that a push service may ask for between two attempts, and after which one that always fails is given up.
LONGEST_WAIT, PATIENCE = 24 * 3600, 3 * 24 * 3600
#: So many registrations at one host are few, and one is new for so many seconds.
FEW, NEW = 5, 60

#: A registration, by its viewer and its id.
Key = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Told:
    """
    What was said: all of the *news* up to this number, after which nothing more is for *pause* seconds.

    *versions* are those of profiles that a browser knows now, by owner. *is_sent* is not true where there was nothing
    to say after all.
    """

    news: int
    pause: int = PAUSE
    versions: Mapping[int, int] = field(default_factory=dict)
    is_sent: bool = True


@dataclass(slots=True)
class Results:
    """
    What became of claimed registrations.

    *told* has those that know everything by now, *failed* and *postponed* in how many seconds it may be tried
    again, 0 for the usual; *ended* are no more.
    """

    told: dict[Key, Told] = field(default_factory=dict)
    failed: dict[Key, int] = field(default_factory=dict)
    postponed: dict[Key, int] = field(default_factory=dict)
    ended: list[Key] = field(default_factory=list)


def hosts(database: Database) -> Mapping[str, int]:
    """Return the hosts that something is to be sent to now, with how many messages; workers ask all the time."""
    return dict(database.quick_rows(_WAITING, {"at": now()}))


def crowded(session: Session, host: str, viewers: Collection[int]) -> Collection[int]:
    """
    Return those of *viewers* who may be told more than half a message a second at a host, and so are counted.

    Nobody else can: one registration is told once in `PAUSE` seconds, and they have few of them, none of which is new.
    Where they were made and removed all the time, the pauses would not count.
    """
    mine = (PushSubscription.host == host, among(session, PushSubscription.viewer_id, sorted(viewers)))
    many = or_(func.count() > FEW, func.max(PushSubscription.created_at) > now() - NEW)
    found = select(PushSubscription.viewer_id).where(*mine).group_by(PushSubscription.viewer_id).having(many)
    return set(session.scalars(found))


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
        _settle_told(connection, results.told, at)
    if results.failed:
        rows = [_named(key) | {"at": at, "next": at + pause} for key, pause in results.failed.items()]
        connection.execute(_FAILED, rows)
        connection.execute(_GIVEN_UP, [_named(key) | {"old": at - PATIENCE} for key in results.failed])
    if results.postponed:
        rows = [_named(key) | {"next": at + pause} for key, pause in results.postponed.items()]
        connection.execute(_POSTPONED, rows)
    if results.ended:
        connection.execute(_ENDED, [_named(key) for key in results.ended])


def _settle_told(connection: Connection, told: Mapping[Key, Told], at: int) -> None:
    sent = [_named(key) | {"at": at, "next": at + each.pause} for key, each in told.items() if each.is_sent]
    unsaid = [_named(key) | {"next": at} for key, each in told.items() if not each.is_sent]
    known = [
        _named(key) | {"owner": owner_id, "known": version}
        for key, each in told.items()
        for owner_id, version in each.versions.items()
    ]
    for statement, rows in ((_TOLD, sent), (_POSTPONED, unsaid), (_KNOWN, known)):
        if rows:
            connection.execute(statement, rows)
    seen = [_named(key) | {"seen": each.news} for key, each in told.items()]
    connection.execute(_NOTHING_NEW, seen)
    of_browsers = [_named(key) | {"seen": each.news} for key, each in told.items() if each.versions]
    if of_browsers:
        connection.execute(_NO_CARDS, of_browsers)


def retry(attempts: int, wanted: int | None) -> int:
    """Return in how many seconds to try again after so many failed attempts, where the other side wants a pause."""
    own = min(FIRST_RETRY << min(attempts, 16), LONGEST_RETRY)
    return max(own, min(wanted or 0, LONGEST_WAIT))


def _is_due(at: int | ColumnElement[int]) -> ColumnElement[bool]:
    return and_(
        PushSubscription.waiting_since.is_not(None),
        PushSubscription.expires_at > at,
        # What waits for longer than it ever has to was written before the clock was put back.
        or_(PushSubscription.not_before <= at, PushSubscription.not_before > at + LONGEST_WAIT),
    )


def _named(key: Key) -> dict[str, int]:
    return {"viewer": key[0], "subscription": key[1]}


_WAITING = (
    select(PushSubscription.host, func.count())
    .where(_is_due(bindparam("at", type_=BigInteger)))
    .group_by(PushSubscription.host)
    .execution_options(**{ANEW: True})
)
_SUBSCRIPTIONS, _CARDS = Base.metadata.tables["push_subscription"], Base.metadata.tables["card_news"]
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
_OF_CARDS = (_CARDS.c.viewer_id == bindparam("viewer"), _CARDS.c.subscription_id == bindparam("subscription"))
_KNOWN = update(_CARDS).where(*_OF_CARDS, _CARDS.c.owner_id == bindparam("owner")).values(version=bindparam("known"))
_MEMBERSHIPS = Base.metadata.tables["membership"]
# Of an organisation's changes a worker may note one after it was told with others: how far it was told stays known.
_IS_MEMBERS = exists().where(
    _MEMBERSHIPS.c.owner_id == bindparam("viewer"), _MEMBERSHIPS.c.organisation_id == _CARDS.c.owner_id
)
_NO_CARDS = delete(_CARDS).where(*_OF_CARDS, _CARDS.c.news <= bindparam("seen"), ~_IS_MEMBERS)
