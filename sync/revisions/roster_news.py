"""
Telling the devices of all members that something changed in their organisation, through the outbox.

A change of a member's costs one row (`sync.revisions.rosters`); that devices which asked for it are told at once is
what grows with the number of members. So the transaction of the change leaves one job, however much changes before a
worker takes it, and the worker notes the news for some members at a time, each piece with its cursor. So it does for
the browsers of those who chose that, by the revision that the roster had before: what is said follows from it later.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import TypeAlias

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

from sync import faults, jobs
from sync.database.distribution import buckets_of
from sync.database.engine import Database, settings_of
from sync.database.hints import leaves_work
from sync.database.lists import among, among_parameter, ids
from sync.database.pacing import Pieces
from sync.database.prepared import execute
from sync.jobs import is_due, moment
from sync.models import CONTACTS, ROSTER, Base, Job, Membership, RosterEntry, new_id, now
from sync.push import news
from sync.reach import Round
from sync.revisions import roster_changes, rosters

#: Members whose devices are noted in one piece.
_SOME = 500
#: Says of what a job is about which organisation's members are told, None for none, and of which address book.
Place: TypeAlias = Callable[[Session, int], tuple[int | None, int]]
#: Says who of some members may be told of what a job is about.
Told: TypeAlias = Callable[[Session, int, Sequence[int]], Collection[int]]


def reach(
    session: Session,
    owners: Mapping[int, Collection[int]],
    restated: Mapping[int, Collection[int]],
    at: int,
    versions: Mapping[int, int],
) -> None:
    """
    Let organisations show these *owners* otherwise from now on, and leave it to the worker to tell their members.

    Both are by organisation. *restated* are those who only changed what it sees, *versions* those of the owners'
    profiles with the change.
    """
    revisions = rosters.stamp(session, owners, at, versions)
    roster_changes.note(session, restated, versions, at, revisions)
    for organisation_id, owner_ids in sorted(owners.items()):
        # Unless another's change is to be told already.
        leave(session, ROSTER, organisation_id, min(owner_ids), at, revisions[organisation_id] - 1)


def shown(session: Session, owner_id: int, audience_ids: Collection[int]) -> Sequence[int]:
    """Return the organisations whose members see these audiences of somebody's."""
    dialect = session.get_bind().dialect.name
    rows = execute(session, _shown(dialect), {"owner": owner_id, "audiences": ids(dialect, audience_ids)})
    return [organisation_id for (organisation_id,) in rows]


def work(database: Database, *, buckets: Sequence[int] | None = None) -> int:
    """Tell what is to be told, and return of how many members' devices it was looked."""

    def place(_: Session, organisation_id: int) -> tuple[int | None, int]:
        return organisation_id, CONTACTS

    return tell(database, ROSTER, place, lambda *given: given[-1], buckets)


def leave(session: Session, kind: str, about: int, owner_id: int, at: int, before: int | None = None) -> None:
    """
    Leave a job of a *kind* to the worker, unless one that is *about* the same waits; *owner_id* is not told.

    *before* is the revision of the roster before the change, where it is of one.
    """
    values = {"new_id": new_id(), "new_kind": kind, "owner": owner_id, "about": about, "at": at, "before": before}
    execute(session, _ASK, {"bucket": buckets_of(session).of(about), **values})
    leaves_work(session)


def tell(database: Database, kind: str, place: Place, told_of: Told, buckets: Sequence[int] | None) -> int:
    """
    Do the jobs of a *kind* that are due in *buckets*, or in all for None.

    Returns of how many members' devices it was looked.
    *told_of* is asked when it is told, so that nobody is who may not see it by then.
    """
    at, told, pieces = now(), list[int](), Pieces(database)
    round_ = Round(database, lambda job, error: faults.note_job(database, kind, job[0], job[1], error))
    due = is_due(moment(at), moment(at + database.settings.lease))
    found = [(each.bucket, each.id) for each in jobs.due(database, kind, buckets, at)]

    def tell_one(job: tuple[int, int]) -> None:
        if not database.write(partial(_claim, job=job, due=due)):
            return
        while some := pieces.write(partial(_tell, job=job, place=place, told_of=told_of)):
            told.append(len(some))

    round_.each(found, tell_one)
    round_.end()
    return sum(told)


def _claim(session: Session, job: tuple[int, int], due: ColumnElement[bool]) -> bool:
    """Keep a job to oneself for a while, unless somebody else has it."""
    mine = update(Job).where(Job.bucket == job[0], Job.id == job[1], due)
    claimed = mine.values(due_at=now() + settings_of(session).lease, attempts=Job.attempts + 1)
    return session.scalars(claimed.returning(Job.id)).first() is not None


def _tell(session: Session, job: tuple[int, int], place: Place, told_of: Told) -> Sequence[int]:
    """Note the news for the next members; where there are none any more, the job is done."""
    mine = (Job.bucket == job[0], Job.id == job[1])
    claimed = update(Job).where(*mine).values(due_at=now() + settings_of(session).lease, attempts=1)
    columns = (Job.card_id, Job.after_viewer, Job.owner_id, Job.changed_at, Job.version)
    row = session.execute(claimed.returning(*columns)).first()
    if row is None:
        return ()
    about, after, owner_id, at, before = row
    organisation_id, book_id = place(session, about)
    theirs = (RosterEntry.organisation_id == organisation_id, RosterEntry.state == "present")
    chosen = select(RosterEntry.owner_id).where(*theirs, RosterEntry.owner_id > after)
    members = session.scalars(chosen.order_by(RosterEntry.owner_id).limit(_SOME)).all()
    if not members:
        session.execute(delete(Job).where(*mine))
        return ()
    told = set(told_of(session, about, members))
    if owner_id in told and not _is_others_too(session, organisation_id, owner_id, before):
        told.discard(owner_id)
    chose = _chose_browsers(session, about, members) & told if before is not None else set[int]()
    news.note_content(session, told - chose, book_id, at)
    if chose:
        browsers = news.note_content(session, chose, book_id, at, with_browsers=True)
        news.note_card(session, browsers, chose, about, (before or 0) + 1)
    session.execute(update(Job).where(*mine).values(after_viewer=members[-1]))
    return members


def _is_others_too(session: Session, organisation_id: int | None, owner_id: int, before: int | None) -> bool:
    """Whether more came to the job since, so that whoever made its first change has to be told as well."""
    if before is None:
        return False
    theirs = (RosterEntry.organisation_id == organisation_id, RosterEntry.owner_id != owner_id)
    found = select(RosterEntry.owner_id).where(*theirs, RosterEntry.revision > before).limit(1)
    return session.scalars(found).first() is not None


def _chose_browsers(session: Session, organisation_id: int, members: Collection[int]) -> set[int]:
    """Return those of some members whose browsers are told of what the others change."""
    theirs = (among(session, Membership.owner_id, members), Membership.organisation_id == organisation_id)
    return set(session.scalars(select(Membership.owner_id).where(*theirs, Membership.browsers_from.is_not(None))))


_JOBS, _MEMBERSHIPS = Base.metadata.tables["job"], Base.metadata.tables["membership"]
_NUMBERS = ("bucket", "new_id", "owner", "about", "at", "before")
_BUCKET, _ID, _OWNER, _ABOUT, _AT, _BEFORE = (bindparam(name, type_=BigInteger) for name in _NUMBERS)
_KIND, _NONE = bindparam("new_kind", type_=String), literal(0, BigInteger)
# One that has begun has passed some members already.
_WAITS = exists().where(
    _JOBS.c.bucket == _BUCKET, _JOBS.c.kind == _KIND, _JOBS.c.card_id == _ABOUT, _JOBS.c.attempts == 0
)
_ASK = insert(_JOBS).from_select(
    ["bucket", "id", "kind", "owner_id", "card_id", "after_viewer", "changed_at", "due_at", "attempts", "version"],
    select(_BUCKET, _ID, _KIND, _OWNER, _ABOUT, _NONE, _AT, _AT, _NONE, _BEFORE).where(~_WAITS),
)


@functools.cache
def _shown(dialect: str) -> Select[int]:
    theirs = among_parameter(dialect, _MEMBERSHIPS.c.audience_id, "audiences")
    return select(_MEMBERSHIPS.c.organisation_id).where(_MEMBERSHIPS.c.owner_id == bindparam("owner"), theirs)
