"""
Faults: what the worker could not do the last time that it tried, for whoever looks after the server.

What a committed change owes is never given up, because a change would be lost with it. So it is tried again for ever,
later each time, and until it is done it can be listed: what it is, whom it is about, how often and since when it
failed, and what it met. That is the name of the error and the place in the program, never what the error says, since
errors may name what people wrote. A job that was begun again and again without an error is listed as well: whoever did
it was stopped.
"""

from __future__ import annotations

import logging
import re
import traceback
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, case, delete, func, insert, or_, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from sync.database.distribution import buckets_of
from sync.database.engine import Database
from sync.database.hints import leaves_work
from sync.database.lists import among
from sync.errors import DatabaseUnavailable
from sync.models import ROSTER, SHARED_BOOK, Account, Fault, Job, Organisation, SharedBook, now

logger = logging.getLogger("evercard.worker")

#: What else the worker does for each person, beside jobs.
ENDS, ASKING, RENEWING = "ends", "asking", "renewing"
#: And what it does for all, whose id is none's.
ALL = 0
ERRANDS, SENDING, PUSH, DIGESTS = "errands", "sending", "push", "digests"
PROVIDER, DIRECTORY, MEMBERS, BOOKS, TIDYING = "provider", "directory", "members", "books", "tidying"
OTHERS = (ENDS, ASKING, RENEWING, ERRANDS, SENDING, PUSH, DIGESTS, PROVIDER, DIRECTORY, MEMBERS, BOOKS, TIDYING)
#: What could not be done, in words, by its kind.
WORDS = {
    "fan_out": "carry a changed card to address books",
    "roster": "tell the members of an organisation of a change",
    "shared_book": "tell of a change in a shared address book",
    "household": "let those follow who carry a field",
    "disclosure": "thin out what was disclosed",
    "leaving": "finish deleting an account",
    ENDS: "take back what is over",
    ASKING: "ask whether something shall end",
    RENEWING: "write cards anew after an upgrade",
    ERRANDS: "do what requests left",
    SENDING: "send messages",
    PUSH: "tell devices of changes",
    DIGESTS: "put together what is sent once a day",
    PROVIDER: "ask an organisation who is still there",
    DIRECTORY: "look through an organisation's directory",
    MEMBERS: "empty organisations that were deleted",
    BOOKS: "delete shared address books of deleted organisations",
    TIDYING: "drop what expired",
}
#: Seconds after which one that did not come back is forgotten: it was done, or nobody asks for it any more.
KEPT = 24 * 3600
#: So often a job is begun without getting on before it is listed although no error is known.
BEGUN = 3
#: Each pause is twice the one before, so often: from half a minute to a quarter of an hour.
_DOUBLED = 5
_REASON = 200
_OF_MANY = (ROSTER, SHARED_BOOK)
_OURS = re.compile(r"(?:^|[\\/])((?:sync|radicale_plugin)[\\/].+)\.py$")


@dataclass(frozen=True, slots=True)
class Failing:
    """
    Something that could not be done yet.

    *login* says whose it is and *organisation* which organisation's; both are empty where it is about all, or about
    nobody known. *id* is that of a job. *failing_since*, *failed_at* and *reason* are absent where whoever did it was
    stopped; *next_at* is absent where it is tried all the time.
    """

    id: int | None
    kind: str
    login: str
    organisation: str
    times: int
    failing_since: int | None
    failed_at: int | None
    reason: str
    next_at: int | None


def pause_of(times: int, lease: int) -> int:
    """Return for how many seconds what failed so often is left alone."""
    return lease << min(max(times - 1, 0), _DOUBLED)


def longest(at: ColumnElement[int], until: ColumnElement[int]) -> ColumnElement[int]:
    """Return until when a job may be left alone at the most by its attempts, where a lease goes from *at* *until*."""
    doubled = {times: pause_of(times, 1) - 1 for times in range(_DOUBLED + 1)}
    return until + (until - at) * case(doubled, value=Job.attempts, else_=(1 << _DOUBLED) - 1)


def note_job(database: Database, kind: str, bucket: int, job_id: int, error: Exception) -> None:
    """Note that a job failed, and leave it alone for a while that is longer each time that it did not get on."""
    key, lease = {"bucket": bucket, "kind": kind}, database.settings.lease
    _note(database, partial(_put_off, key=key, chosen=Job.id == job_id, lease=lease, error=error), error)


def note_job_of(database: Database, kind: str, owner_id: int, error: Exception, lease: int | None = None) -> None:
    """Note that the job of a kind failed of which an owner has one, which is claimed for a *lease* of its own."""

    def put_off(session: Session) -> None:
        key = {"bucket": buckets_of(session).of(owner_id), "kind": kind}
        _put_off(session, key, Job.owner_id == owner_id, lease or database.settings.lease, error)

    _note(database, put_off, error)


def note(database: Database, kind: str, about_id: int, error: Exception) -> None:
    """Note that something failed for somebody, or for `ALL`, which is tried again and again."""

    def put(session: Session) -> None:
        key = {"bucket": buckets_of(session).of(about_id), "kind": kind, "about_id": about_id}
        found = select(Fault.failing_since, Fault.times).where(*_is(key)).with_for_update()
        since, times = session.execute(found).first() or (now(), 0)
        _write(session, key, since, times + 1, error)

    _note(database, put, error)


def mended(database: Database, kind: str, about: Collection[int]) -> None:
    """Forget the faults of these, for whom it was done now."""
    with database.reading() as session:
        here = (Fault.bucket.in_({buckets_of(session).of(each) for each in about}), Fault.kind == kind)
        known = session.scalars(select(Fault.about_id).where(*here)).all()
    for about_id in set(known) & set(about):
        database.write(partial(forget, about_id=about_id, kinds=(kind,)))


def forget(session: Session, about_id: int, kinds: Collection[str] = (ENDS, ASKING, RENEWING)) -> None:
    """Forget the faults of these kinds that are about somebody."""
    mine = (Fault.bucket == buckets_of(session).of(about_id), Fault.kind.in_(kinds), Fault.about_id == about_id)
    session.execute(delete(Fault).where(*mine))


def purge(session: Session) -> int:
    """Forget the faults that did not come back, and return how many those were."""
    # Those in buckets of before the tables were spread as well.
    old = delete(Fault).where(Fault.failed_at <= now() - KEPT)
    return len(session.scalars(old.returning(Fault.about_id)).all())


def count(session: Session) -> int:
    """Return how much could not be done yet."""
    parts = (_jobs(session), _others(session))
    return sum(session.scalars(select(func.count()).select_from(each.subquery())).one() for each in parts)


def listed(session: Session, most: int) -> list[Failing]:
    """Return what could not be done yet, *most* of it, what failed last first."""
    failed_last = (func.coalesce(Fault.failed_at, Job.due_at).desc(), Job.id)
    jobs = session.execute(_jobs(session).order_by(*failed_last).limit(most)).all()
    others = session.execute(_others(session).order_by(Fault.failed_at.desc(), Fault.about_id).limit(most)).all()
    logins = _logins(session, {row.owner_id for row in jobs} | {row.about_id for row in others})
    names = _organisations(session, jobs)
    found = [_job(row, logins, names) for row in jobs]
    for row in others:
        noted = (row.times, row.failing_since, row.failed_at, row.reason)
        found.append(Failing(None, row.kind, logins.get(row.about_id, ""), "", *noted, None))
    return sorted(found, key=lambda each: -(each.failed_at or each.next_at or 0))[:most]


def try_now(session: Session, ids: Collection[int] | None = None) -> int:
    """Let these jobs be tried at once, for None all that are listed, and return how many those are."""
    chosen = session.scalars(_jobs(session).with_only_columns(Job.id)).all()
    if ids is not None:
        chosen = [each for each in chosen if each in set(ids)]
    mine = (Job.bucket.in_(buckets_of(session).numbers), among(session, Job.id, chosen))
    session.execute(update(Job).where(*mine).values(due_at=now()).execution_options(synchronize_session=False))
    leaves_work(session)
    return len(chosen)


def reason_of(error: BaseException) -> str:
    """Return what was met and where in the program, without a word of what the error says."""
    inner = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    places = [
        (found[1].replace("\\", "/").replace("/", "."), frame.lineno)
        for frame in traceback.extract_tb(error.__traceback__)
        if (found := _OURS.search(frame.filename)) is not None
    ]
    place = f" ({places[-1][0]}, line {places[-1][1]})" if places else ""
    return f"{type(inner).__name__}{place}"[:_REASON]


def _note(database: Database, put: Callable[[Session], None], error: Exception) -> None:
    """Write a fault down where that can be; that the database is out of reach is not the work's."""
    if isinstance(error, DatabaseUnavailable):
        return
    try:
        database.write(put)
    except Exception:
        # What failed is still owed, and tried again whether that was written down or not.
        logger.exception("It could not be noted that something failed")


def _put_off(
    session: Session, key: Mapping[str, Any], chosen: ColumnElement[bool], lease: int, error: Exception
) -> None:
    """Note that jobs failed, which whoever did them claimed for a *lease*, and leave them alone for a while."""
    mine = (Job.bucket == key["bucket"], Job.kind == key["kind"], chosen)
    for job_id, attempts in session.execute(select(Job.id, Job.attempts).where(*mine).with_for_update()).all():
        fault = {**key, "about_id": job_id}
        known = session.scalars(select(Fault.failing_since).where(*_is(fault))).first()
        # One that got on since has begun anew.
        times = max(attempts, 1)
        _write(session, fault, known if known is not None and times > 1 else now(), times, error)
        put_off = update(Job).where(Job.bucket == key["bucket"], Job.id == job_id)
        session.execute(put_off.values(due_at=now() + pause_of(times, lease), attempts=times))


def _write(session: Session, key: Mapping[str, Any], since: int, times: int, error: Exception) -> None:
    row = {**key, "failing_since": since, "failed_at": now(), "times": times, "reason": reason_of(error)}
    session.execute(delete(Fault).where(*_is(key)))
    session.execute(insert(Fault).values(row))


def _is(key: Mapping[str, Any]) -> tuple[ColumnElement[bool], ...]:
    return Fault.bucket == key["bucket"], Fault.kind == key["kind"], Fault.about_id == key["about_id"]


def _jobs(session: Session) -> Select[*tuple[Any, ...]]:
    its = and_(Fault.bucket == Job.bucket, Fault.kind == Job.kind, Fault.about_id == Job.id)
    # One that got on since it failed has fewer attempts.
    fails = or_(Fault.times <= Job.attempts, Job.attempts >= BEGUN)
    columns = (Job.bucket, Job.id, Job.kind, Job.owner_id, Job.card_id, Job.due_at, Job.attempts)
    noted = (Fault.failing_since, Fault.failed_at, Fault.reason)
    everywhere = Job.bucket.in_(buckets_of(session).numbers)
    return select(*columns, *noted).select_from(Job).outerjoin(Fault, its).where(everywhere, fails)


def _others(session: Session) -> Select[*tuple[Any, ...]]:
    columns = (Fault.kind, Fault.about_id, Fault.times, Fault.failing_since, Fault.failed_at, Fault.reason)
    everywhere = Fault.bucket.in_(buckets_of(session).numbers)
    return select(*columns).where(everywhere, Fault.kind.in_(OTHERS))


def _job(row: Row[Any], logins: Mapping[int, str], organisations: Mapping[int, str]) -> Failing:
    login = "" if row.kind in _OF_MANY else logins.get(row.owner_id, "")
    about = organisations.get(row.card_id, "") if row.kind in _OF_MANY else ""
    noted = (row.failing_since, row.failed_at, row.reason or "")
    return Failing(row.id, row.kind, login, about, row.attempts, *noted, row.due_at)


def _logins(session: Session, account_ids: Collection[int]) -> dict[int, str]:
    chosen = select(Account.id, Account.login).where(among(session, Account.id, account_ids))
    return dict(session.execute(chosen).all())


def _organisations(session: Session, jobs: Iterable[Row[Any]]) -> dict[int, str]:
    """Return the names of the organisations that jobs are about, by these or by their shared books."""
    about = {kind: {row.card_id for row in jobs if row.kind == kind} for kind in _OF_MANY}
    shared = select(SharedBook.id, SharedBook.organisation_id).where(among(session, SharedBook.id, about[SHARED_BOOK]))
    books = dict(session.execute(shared).all())
    wanted = {*about[ROSTER], *books.values()}
    named = select(Organisation.id, Organisation.name).where(among(session, Organisation.id, wanted))
    names = dict(session.execute(named).all())
    return names | {book_id: names.get(organisation_id, "") for book_id, organisation_id in books.items()}
