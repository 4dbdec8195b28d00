"""
Errands: what a request leaves to the worker, so that its answer tells nothing, not even by the time that it takes.

Whoever asks for a new password, or invites an address, is answered alike whoever there is. So the request writes down
what was asked, which is the same for everybody, and whatever depends on a person is done afterwards. An errand is done
and dropped in one transaction: once, whatever crashes. What could not be done for a day is given up, and kept for an
administrator.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, delete, insert, or_, select, update
from sqlalchemy.orm import Session

from sync.database.engine import Database
from sync.database.hints import leaves_work
from sync.models import BUCKETS, Errand, new_id, now
from sync.notify import given_up

logger = logging.getLogger("evercard.errands")

#: Seconds between two attempts, and after which an errand is given up.
PAUSE = 60
PATIENCE = 24 * 3600

#: Does one kind of errand, in a transaction of its own, with the values that were left.
Doer = Callable[[Session, Mapping[str, Any]], object]


def post(session: Session, kind: str, *, pause: int = 0, **values: str | int) -> None:
    """Leave something to the worker, in the transaction of what asks for it, to be done in about *pause* seconds."""
    errand_id, at = new_id(), now()
    session.execute(
        insert(Errand).values(
            bucket=errand_id % BUCKETS,
            id=errand_id,
            kind=kind,
            values=json.dumps(values),
            created_at=at,
            due_at=at + pause,
            attempts=0,
        )
    )
    leaves_work(session)


def work(database: Database, doers: Mapping[str, Doer], *, buckets: Sequence[int] = range(BUCKETS)) -> int:
    """Do everything that is due, and return how many errands that were. Any number of workers may do this at once."""
    with database.reading() as session:
        waiting = select(Errand.bucket, Errand.id).where(Errand.bucket.in_(buckets), _is_due())
        found = session.execute(waiting.order_by(Errand.created_at)).all()
    return sum(_attempt(database, doers, bucket, errand_id) for bucket, errand_id in found)


def _attempt(database: Database, doers: Mapping[str, Doer], bucket: int, errand_id: int) -> bool:
    try:
        return database.write(lambda session: _do(session, doers, bucket, errand_id))
    except Exception as error:
        # Whatever it was, the others are not kept waiting for it.
        logger.exception("An errand could not be done")
        reason = f"it cannot be done ({type(error).__name__})"
        database.write(lambda session: _put_off(session, bucket, errand_id, reason))
        return False


def _do(session: Session, doers: Mapping[str, Doer], bucket: int, errand_id: int) -> bool:
    mine = select(Errand).where(*_key(bucket, errand_id), _is_due()).with_for_update(skip_locked=True)
    errand = session.scalars(mine).first()
    if errand is None:
        return False
    doers[errand.kind](session, json.loads(errand.values))
    session.execute(delete(Errand).where(*_key(bucket, errand_id)))
    return True


def _put_off(session: Session, bucket: int, errand_id: int, reason: str) -> None:
    at = now()
    old = select(Errand).where(*_key(bucket, errand_id), Errand.created_at <= at - PATIENCE).with_for_update()
    if (errand := session.scalars(old).first()) is not None:
        logger.warning("An errand is given up after a day")
        given_up.bury(session, given_up.ERRAND, errand, reason)
        session.execute(delete(Errand).where(*_key(bucket, errand_id)))
        return
    later = update(Errand).where(*_key(bucket, errand_id)).values(due_at=at + PAUSE, attempts=Errand.attempts + 1)
    session.execute(later.execution_options(synchronize_session=False))


def _key(bucket: int, errand_id: int) -> tuple[ColumnElement[bool], ...]:
    return Errand.bucket == bucket, Errand.id == errand_id


def _is_due() -> ColumnElement[bool]:
    # Nothing is put off for longer than the pause: what claims to be was written by a clock that was wrong.
    at = now()
    return or_(Errand.due_at <= at, Errand.due_at > at + PAUSE)
