"""Jobs of the outbox of which an owner has one at most, however often it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    String,
    bindparam,
    delete,
    exists,
    insert,
    literal,
    select,
    update,
)
from sqlalchemy.orm import Session

from sync.database.distribution import buckets_of
from sync.database.engine import Database, settings_of
from sync.database.lists import among_parameter, ids
from sync.database.prepared import ANEW
from sync.faults import longest
from sync.models import Base, Job, new_id, now


class Due(NamedTuple):
    """A job whose time has come."""

    bucket: int
    id: int
    owner_id: int


def ask(session: Session, kind: str, owner_id: int, at: int) -> None:
    """Let there be a job of this *kind* for an owner: one that failed is due at once, as a new one is."""
    bucket = buckets_of(session).of(owner_id)
    values = {"bucket": bucket, "new_id": new_id(), "kind": kind, "owner": owner_id, "at": at}
    if session.execute(_ASK, values).first() is None:
        put_off = (Job.kind == kind, Job.due_at > at + settings_of(session).lease)
        session.execute(update(Job).where(*of_owner(session, owner_id), *put_off).values(due_at=at))


def take(database: Database, kind: str, buckets: Sequence[int] | None) -> list[int]:
    """
    Claim what is due of this *kind* in these *buckets*, or in all for None, and return whose it is.

    No other worker has it while the lease runs.
    """
    at = now()
    conditions = (Job.kind == kind, is_due(moment(at), moment(at + database.settings.lease)))
    asked = [each.owner_id for each in due(database, kind, buckets, at)]
    return [each for each in asked if database.write(partial(_claim, owner_id=each, conditions=conditions))]


def due(database: Database, kind: str, buckets: Sequence[int] | None, at: int) -> list[Due]:
    """Return what is due of this *kind* in these *buckets*, or in all for None: workers ask this all the time."""
    return [Due(*row) for row in _look(database, _due, kind, database.buckets.some(buckets), at)]


def due_buckets(database: Database, kind: str, buckets: Sequence[int], at: int) -> list[int]:
    """Return in which of these *buckets* something of this *kind* is due, however much that is."""
    return [bucket for (bucket,) in _look(database, _due_buckets, kind, buckets, at)]


def renew(session: Session, kind: str, owner_id: int) -> None:
    """Keep a job to oneself for another lease, with what got it on."""
    mine = update(Job).where(*of_owner(session, owner_id), Job.kind == kind)
    session.execute(mine.values(due_at=now() + settings_of(session).lease, attempts=1))


def done(session: Session, kind: str, owner_id: int) -> None:
    """Take a job out of the outbox."""
    session.execute(delete(Job).where(*of_owner(session, owner_id), Job.kind == kind))


def is_due(at: ColumnElement[int], lease: ColumnElement[int]) -> ColumnElement[bool]:
    """
    Whether a job's time has come, where a lease that begins *at* a time ends at *lease*.

    One that is left alone for longer than it ever has to be was written before the clock was put back.
    """
    return (Job.due_at <= at) | ((Job.due_at > lease) & (Job.due_at > longest(at, lease)))


def moment(at: int) -> ColumnElement[int]:
    """Return a time as what is compared and reckoned with."""
    return literal(at, BigInteger)


def of_owner(session: Session, owner_id: int) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Return what chooses the jobs that are about an owner."""
    return Job.bucket == buckets_of(session).of(owner_id), Job.owner_id == owner_id


def _claim(session: Session, owner_id: int, conditions: Sequence[ColumnElement[bool]]) -> bool:
    values = {"due_at": now() + settings_of(session).lease, "attempts": Job.attempts + 1}
    claimed = update(Job).where(*of_owner(session, owner_id), *conditions).values(values)
    return session.scalars(claimed.returning(Job.id)).first() is not None


def _look(
    database: Database,
    chosen: Callable[[str], Select[*tuple[Any, ...]]],
    kind: str,
    buckets: Sequence[int],
    at: int,
) -> list[tuple[Any, ...]]:
    # A look at an empty outbox is one reading statement; a claim needs the right to write, bucket by bucket.
    dialect = database.engine.dialect.name
    values = {"buckets": ids(dialect, buckets), "kind": kind, "at": at, "lease": at + database.settings.lease}
    return database.quick_rows(chosen(dialect), values)


@cache
def _due(dialect: str) -> Select[*tuple[Any, ...]]:
    return _among_due(dialect, select(Job.bucket, Job.id, Job.owner_id))


@cache
def _due_buckets(dialect: str) -> Select[*tuple[Any, ...]]:
    return _among_due(dialect, select(Job.bucket).distinct())


def _among_due(dialect: str, chosen: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    here = among_parameter(dialect, Job.bucket, "buckets")
    at, lease = (bindparam(name, type_=BigInteger) for name in ("at", "lease"))
    # Nobody knows how many there will be: there may be none for days.
    return chosen.where(here, Job.kind == bindparam("kind"), is_due(at, lease)).execution_options(**{ANEW: True})


_JOBS = Base.metadata.tables["job"]
_BUCKET, _ID, _OWNER, _AT = (bindparam(name, type_=BigInteger) for name in ("bucket", "new_id", "owner", "at"))
_KIND, _NONE = bindparam("kind", type_=String(16)), literal(0, BigInteger)
_IS_ASKED = exists().where(_JOBS.c.bucket == _BUCKET, _JOBS.c.owner_id == _OWNER, _JOBS.c.kind == _KIND)
_ASK = (
    insert(_JOBS)
    .from_select(
        ["bucket", "id", "kind", "owner_id", "card_id", "after_viewer", "changed_at", "due_at", "attempts"],
        select(_BUCKET, _ID, _KIND, _OWNER, _NONE, _NONE, _AT, _AT, _NONE).where(~_IS_ASKED),
    )
    .returning(_JOBS.c.id)
)
