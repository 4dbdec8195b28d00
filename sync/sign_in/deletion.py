"""
Leaving: a person deletes their account.

From the first moment on nothing of it can be opened, and the outbox has a job that says what is still to be done. Then
every holder loses the card, a chunk of them at a time, and in the end everything that is the person's goes. Whatever
stops it on the way, a worker takes the job over within seconds. Only the claim on the login stays, so that nobody can
ever come back under it and be taken for this person.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from functools import partial

from sqlalchemy import ColumnElement, delete, exists, insert, select, update
from sqlalchemy.orm import Session

from sync import faults
from sync.accounts import acts, one_time_tokens
from sync.database import pacing
from sync.database.distribution import buckets_of
from sync.database.engine import Database, among
from sync.disclosure.disclosure_thinning import THINNING
from sync.errors import NotFound
from sync.jobs import is_due, moment, of_owner
from sync.models import (
    NOBODY,
    Account,
    AddressBook,
    Connection,
    Device,
    Job,
    LoginName,
    PublicFriend,
    Request,
    new_id,
    now,
)
from sync.organisations import members
from sync.reach import Reach, Round
from sync.revisions.shared_fields import HOUSEHOLD
from sync.sharing import connections, search_keys
from sync.sign_in import identities, sessions

LEAVING = "leaving"
#: How many holders lose the card in one transaction at most.
CHUNK = 100
#: Seconds for which whoever works on a leaving may be silent before another takes it over.
LEASE = 5


def leave(
    database: Database,
    account_id: int,
    progress: Callable[[int], object] = lambda _: None,
    *,
    first: Callable[[Session], object] = lambda _: None,
) -> None:
    """
    Delete an account, with everything that is the person's, and take their card from everybody who holds it.

    *progress* is called after each chunk with the number of holders who lost the card in it. *first* is done in the
    transaction with which it begins; where it raises, nothing does.

    Raises:
        NotFound: There is no such person.
    """

    def begin(session: Session) -> None:
        first(session)
        _begin(session, account_id)

    database.write(begin)
    _finish(database, account_id, progress)


def work(database: Database) -> int:
    """
    Finish what was stopped on its way and nobody works on, and return how many accounts that were.

    Raises:
        DatabaseUnavailable: A machine is out of reach; whatever needs nothing of it was finished.
    """
    at = now()
    due = (Job.kind == LEAVING, is_due(moment(at), moment(at + LEASE)))
    reach, round_, taken = Reach(database), _round(database), list[int]()
    found = reach.ask(lambda session, buckets: _stopped(session, buckets, *due))

    def take(account_id: int) -> None:
        if database.write(lambda session: _claim(session, account_id, *due)):
            taken.append(account_id)

    round_.each((account_id for stopped in found for account_id in stopped), take)
    round_.each(taken, partial(_finish, database))
    round_.end(reach)
    return len(taken)


def _stopped(session: Session, buckets: Sequence[int], *conditions: ColumnElement[bool]) -> Sequence[int]:
    return session.scalars(select(Job.owner_id).where(Job.bucket.in_(buckets), *conditions)).all()


def unfinished(session: Session) -> Sequence[str]:
    """Return the logins of those who are leaving and have not left."""
    return session.scalars(
        select(Account.login).where(Account.deletion_began_at.is_not(None)).order_by(Account.login)
    ).all()


def finish_all(database: Database) -> int:
    """Finish everything that was begun, with a job or without, and return how many accounts that were."""
    with database.reading() as session:
        leaving = session.scalars(select(Account.id).where(Account.deletion_began_at.is_not(None))).all()
    round_ = _round(database)
    done = round_.each(leaving, partial(_finish, database))
    round_.end()
    return done


def _round(database: Database) -> Round:
    return Round(database, partial(faults.note_job_of, database, LEAVING, lease=LEASE))


def _begin(session: Session, account_id: int) -> None:
    at = now()
    closing = update(Account).where(Account.id == account_id)
    if session.scalars(closing.values(disabled_at=at, deletion_began_at=at).returning(Account.id)).first() is None:
        raise NotFound("There is no such person.")
    _promise(session, account_id, at)
    members.leave_all(session, account_id)
    session.execute(
        update(Device).where(Device.viewer_id == account_id, Device.revoked_at.is_(None)).values(revoked_at=at)
    )
    sessions.end_all(session, account_id)
    one_time_tokens.forget(session, account_id)
    search_keys.forget(session, account_id)


def _promise(session: Session, account_id: int, at: int) -> None:
    mine = exists().where(*_job(session, account_id))
    if session.scalars(select(mine)).one():
        return
    values = {"owner_id": account_id, "card_id": 0, "after_viewer": 0, "changed_at": at, "due_at": at + LEASE}
    job = insert(Job).values(bucket=buckets_of(session).of(account_id), id=new_id(), kind=LEAVING, attempts=0, **values)
    session.execute(job)


def _claim(session: Session, account_id: int, *due: ColumnElement[bool]) -> bool:
    """Keep a leaving to oneself for a while; returns whether it is still to be done and nobody else does it."""
    claimed = update(Job).where(*_job(session, account_id), *due)
    claimed = claimed.values(due_at=now() + LEASE, attempts=Job.attempts + 1)
    return session.scalars(claimed.returning(Job.id)).first() is not None


def _renew(session: Session, account_id: int) -> None:
    """Keep a leaving to oneself for another while, with what got it on."""
    mine = update(Job).where(*_job(session, account_id))
    session.execute(mine.values(due_at=now() + LEASE, attempts=1))


def _job(session: Session, account_id: int) -> tuple[ColumnElement[bool], ...]:
    return *of_owner(session, account_id), Job.kind == LEAVING


def _finish(database: Database, account_id: int, progress: Callable[[int], object] = lambda _: None) -> None:
    pieces = pacing.Pieces(database)
    while parted := pieces.write(lambda session: _part(session, account_id)):
        progress(parted)
    database.write(lambda session: _forget(session, account_id))


def _part(session: Session, account_id: int) -> int:
    until, parted = time.monotonic() + pacing.HOLD, 0
    chosen = select(Connection.viewer_id).where(Connection.owner_id == account_id).order_by(Connection.viewer_id)
    holders = session.scalars(chosen.limit(CHUNK)).all()
    if holders:
        _renew(session, account_id)
    for other_id in holders:
        # Another worker may be at it as well.
        with contextlib.suppress(NotFound):
            connections.disconnect(session, account_id, other_id)
        session.execute(
            delete(PublicFriend).where(PublicFriend.owner_id == other_id, PublicFriend.friend_id == account_id)
        )
        parted += 1
        if time.monotonic() > until:
            break
    return parted


def _forget(session: Session, account_id: int) -> None:
    # A change of the profile that began before all this may have listed the person once more.
    session.execute(select(Account.id).where(Account.id == account_id).with_for_update())
    search_keys.forget(session, account_id)
    asked = session.scalars(select(Request.other_id).where(Request.owner_id == account_id)).all()
    session.execute(delete(Request).where(among(session, Request.owner_id, set(asked)), Request.other_id == account_id))
    # Another worker may have been here before.
    if (login := _login(session, account_id)) is not None:
        session.execute(update(LoginName).where(LoginName.name == login).values(account_id=NOBODY))
    acts.let_go(session, account_id)
    identities.forget(session, account_id)
    # Everything else that is the person's own belongs to an address book or the account's row, and goes with it.
    session.execute(delete(AddressBook).where(AddressBook.viewer_id == account_id))
    session.execute(delete(Account).where(Account.id == account_id))
    mine = of_owner(session, account_id)
    session.execute(delete(Job).where(*mine, Job.kind.in_((LEAVING, THINNING, HOUSEHOLD))))
    faults.forget(session, account_id)


def _login(session: Session, account_id: int) -> str | None:
    return session.scalars(select(Account.login).where(Account.id == account_id)).first()
