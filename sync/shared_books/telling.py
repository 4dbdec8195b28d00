"""
Telling the devices of an organisation's members that something changed in a shared book, through the outbox.

As with a roster (`sync.revisions.roster_news`), a change costs one row however many members there are, and a worker
notes the news for some of them at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from sqlalchemy import BigInteger, bindparam, delete, exists, insert, literal, select, update
from sqlalchemy.orm import Session

from sync.database.engine import Database, settings_of
from sync.database.hints import leaves_work
from sync.database.pacing import Pieces
from sync.database.prepared import execute
from sync.models import BUCKETS, NOBODY, Base, Job, RosterEntry, SharedBook, new_id, now
from sync.push import news
from sync.revisions.fan_out import is_due

SHARED_BOOK = "shared_book"
#: Members whose devices are noted in one piece.
_SOME = 500


def ask(session: Session, book_id: int, at: int) -> None:
    """Leave it to the worker to tell of a change, unless it is to tell of another already."""
    values = {"bucket": book_id % BUCKETS, "new_id": new_id(), "owner": NOBODY}
    execute(session, _ASK, {**values, "book": book_id, "at": at})
    leaves_work(session)


def work(database: Database) -> int:
    """Tell what is to be told, and return of how many members' devices it was looked."""
    at, told, pieces = now(), 0, Pieces(database)
    with database.reading() as session:
        due = is_due(literal(at, BigInteger), literal(at + database.settings.lease, BigInteger))
        chosen = select(Job.bucket, Job.id).where(Job.bucket.in_(range(BUCKETS)), Job.kind == SHARED_BOOK, due)
        jobs = session.execute(chosen).all()
    for bucket, job_id in jobs:
        while some := pieces.write(partial(_tell, bucket=bucket, job_id=job_id)):
            told += len(some)
    return told


def _tell(session: Session, bucket: int, job_id: int) -> Sequence[int]:
    """Note the news for the next members; where there are none any more, the job is done."""
    mine = (Job.bucket == bucket, Job.id == job_id)
    claimed = update(Job).where(*mine).values(due_at=now() + settings_of(session).lease, attempts=Job.attempts + 1)
    row = session.execute(claimed.returning(Job.card_id, Job.after_viewer, Job.changed_at)).first()
    if row is None:
        return ()
    book_id, after, at = row
    shared = select(SharedBook.organisation_id).where(SharedBook.id == book_id)
    organisation_id = session.scalars(shared).first()
    theirs = (RosterEntry.organisation_id == organisation_id, RosterEntry.state == "present")
    chosen = select(RosterEntry.owner_id).where(*theirs, RosterEntry.owner_id > after)
    members = session.scalars(chosen.order_by(RosterEntry.owner_id).limit(_SOME)).all()
    if not members:
        session.execute(delete(Job).where(*mine))
        return ()
    news.note_content(session, members, book_id, at)
    session.execute(update(Job).where(*mine).values(after_viewer=members[-1]))
    return members


_JOBS = Base.metadata.tables["job"]
_NUMBERS = ("bucket", "new_id", "owner", "book", "at")
_BUCKET, _ID, _OWNER, _BOOK, _AT = (bindparam(name, type_=BigInteger) for name in _NUMBERS)
_NONE = literal(0, BigInteger)
# One that has begun has passed some members already.
_WAITS = exists().where(
    _JOBS.c.bucket == _BUCKET, _JOBS.c.kind == SHARED_BOOK, _JOBS.c.card_id == _BOOK, _JOBS.c.attempts == 0
)
_ASK = insert(_JOBS).from_select(
    ["bucket", "id", "kind", "owner_id", "card_id", "after_viewer", "changed_at", "due_at", "attempts"],
    select(_BUCKET, _ID, literal(SHARED_BOOK), _OWNER, _BOOK, _NONE, _AT, _AT, _NONE).where(~_WAITS),
)
