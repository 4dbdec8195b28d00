"""
Leaving: a person deletes their account.

From the first moment on nothing of it can be opened. Then every holder loses the card, a chunk of them at a time, and
in the end everything that is the person's goes. Whatever stops it on the way, `finish_all` goes on from there. Only the
claim on the login stays, so that nobody can ever come back under it and be taken for this person.
"""

from __future__ import annotations

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from sync.accounts import one_time_tokens, sessions
from sync.database.engine import Database
from sync.database.models import NOBODY, Account, Device, LoginName, PublicFriend, Request, now
from sync.errors import NotFound
from sync.sharing import connections, search_keys
from sync.sharing.connections import connected_to

#: How many holders lose the card in one transaction.
CHUNK = 100


def leave(database: Database, account_id: int) -> None:
    """
    Delete an account, with everything that is the person's, and take their card from everybody who holds it.

    Raises:
        NotFound: There is no such person.
    """
    database.write(lambda session: _begin(session, account_id))
    _finish(database, account_id)


def finish_all(database: Database) -> int:
    """Finish what was stopped on its way, and return how many accounts that were."""
    with database.reading() as session:
        leaving = session.scalars(select(Account.id).where(Account.deletion_began_at.is_not(None))).all()
    for account_id in leaving:
        _finish(database, account_id)
    return len(leaving)


def _begin(session: Session, account_id: int) -> None:
    at = now()
    closing = update(Account).where(Account.id == account_id)
    if session.scalars(closing.values(disabled_at=at, deletion_began_at=at).returning(Account.id)).first() is None:
        raise NotFound("There is no such person.")
    session.execute(
        update(Device).where(Device.viewer_id == account_id, Device.revoked_at.is_(None)).values(revoked_at=at)
    )
    sessions.end_all(session, account_id)
    one_time_tokens.forget(session, account_id)
    search_keys.forget(session, account_id)


def _finish(database: Database, account_id: int) -> None:
    while database.write(lambda session: _part(session, account_id)):
        pass
    database.write(lambda session: _forget(session, account_id))


def _part(session: Session, account_id: int) -> bool:
    others = connected_to(session, account_id)[:CHUNK]
    for other_id in others:
        connections.disconnect(session, account_id, other_id)
        session.execute(
            delete(PublicFriend).where(PublicFriend.owner_id == other_id, PublicFriend.friend_id == account_id)
        )
    return bool(others)


def _forget(session: Session, account_id: int) -> None:
    # A change of the profile that began before all this may have listed the person once more.
    session.execute(select(Account.id).where(Account.id == account_id).with_for_update())
    search_keys.forget(session, account_id)
    asked = session.scalars(select(Request.other_id).where(Request.owner_id == account_id)).all()
    for other_id in sorted(set(asked)):
        session.execute(delete(Request).where(Request.owner_id == other_id, Request.other_id == account_id))
    session.execute(update(LoginName).where(LoginName.name == _login(session, account_id)).values(account_id=NOBODY))
    # Everything else that is the person's own belongs to the account's row, and goes with it.
    session.execute(delete(Account).where(Account.id == account_id))


def _login(session: Session, account_id: int) -> str | None:
    return session.scalars(select(Account.login).where(Account.id == account_id)).first()
