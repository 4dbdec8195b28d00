"""
What administrators do with people's accounts, written down in the transaction that does it.

The person concerned can see every row about them, and administrators see all. A row is kept for `KEPT`; when the
account is deleted, what is about it goes `KEPT_AFTER_DELETION` later, so that it can still be asked who deleted it.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import Select, case, delete, func, insert, select, update
from sqlalchemy.orm import Session

from sync.accounts.rate_limits import DAY
from sync.database import accounts
from sync.models import Account, AdministratorAct, now

#: Who did something, where it was no person: the server's command line.
COMMAND_LINE = ""
#: And where it was the person's organisation: its provider, or its directory. No login has this sign.
ORGANISATION = "@"
KEPT = 365 * DAY
KEPT_AFTER_DELETION = 30 * DAY
#: How many acts are on one page.
PAGE = 50

APPOINT, DISMISS = "appoint", "dismiss"
DELETE, DISABLE, ENABLE, FILL, INVITE, LINK = "delete", "disable", "enable", "fill", "invite", "link"
PASSWORD, REGISTER, RESET, UPDATE = "password", "register", "reset", "update"
#: What is done with somebody's membership of an organisation.
CALL_IN, LET_MANAGE, NOT_MANAGE, PUT_OUT, END = "call in", "let manage", "not manage", "put out", "end organisation"


@dataclass(frozen=True, slots=True)
class Acts:
    """Some acts, newest first: page *number*, counted from 1, of *pages*; *total* are all."""

    acts: Sequence[AdministratorAct]
    number: int
    pages: int
    total: int


def note(session: Session, actor: str, account_id: int, what: str, organisation: str | None = None) -> None:
    """
    Write down that *actor*, an administrator's login or `COMMAND_LINE`, did something with a person's account.

    Where it is about a membership, it says of which *organisation*.

    An account that does not exist is nobody's, and nothing is written down about it.
    """
    login = session.scalars(select(Account.login).where(Account.id == account_id)).first()
    if login is None:
        return
    at = now()
    values = {"login": login, "actor": actor, "what": what[:64], "done_at": at, "expires_at": at + KEPT}
    session.execute(
        insert(AdministratorAct).values(owner_id=account_id, id=_next_id(), organisation=organisation, **values)
    )


def note_all(session: Session, actor: str, account_ids: Collection[int], what: str, organisation: str) -> None:
    """Write down about each of these people that *actor* did something with the organisation that they are in."""
    at = now()
    values = {"actor": actor, "what": what, "organisation": organisation, "done_at": at, "expires_at": at + KEPT}
    # An id says of one person's acts in which order they were.
    key, logins = _next_id(), accounts.logins(session, account_ids)
    rows = [{"owner_id": each, "id": key, "login": login, **values} for each, login in sorted(logins.items())]
    if rows:
        session.execute(insert(AdministratorAct), rows)


def about(session: Session, account_id: int, number: int = 1) -> Acts:
    """Return what was done with one person's account, by pages."""
    return _page(session, select(AdministratorAct).where(AdministratorAct.owner_id == account_id), number)


def all_about(session: Session, account_id: int) -> Sequence[AdministratorAct]:
    """Return all that was done with one person's account, in its order."""
    mine = select(AdministratorAct).where(AdministratorAct.owner_id == account_id)
    return session.scalars(mine.order_by(AdministratorAct.done_at, AdministratorAct.id)).all()


def everything(session: Session, number: int = 1) -> Acts:
    """Return everything that was done, by pages."""
    return _page(session, select(AdministratorAct), number)


def let_go(session: Session, account_id: int) -> None:
    """Keep what is about an account that is deleted for no longer than it can still be asked about."""
    until = now() + KEPT_AFTER_DELETION
    earlier = case((AdministratorAct.expires_at < until, AdministratorAct.expires_at), else_=until)
    mine = update(AdministratorAct).where(AdministratorAct.owner_id == account_id)
    session.execute(mine.values(expires_at=earlier))


def purge(session: Session) -> int:
    """Drop what was kept for long enough, and return how many rows those were."""
    over = delete(AdministratorAct).where(AdministratorAct.expires_at <= now()).returning(AdministratorAct.id)
    return len(session.scalars(over).all())


def _next_id() -> int:
    """Return an id that is larger than those of before, so that what was done in one second has its order."""
    return (time.time_ns() >> 10 << 10) | secrets.randbelow(1 << 10)


def _page(session: Session, wanted: Select[AdministratorAct], number: int) -> Acts:
    total = session.scalars(select(func.count()).select_from(wanted.subquery())).one()
    pages = max(1, -(-total // PAGE))
    number = min(max(1, number), pages)
    newest_first = (AdministratorAct.done_at.desc(), AdministratorAct.id.desc(), AdministratorAct.owner_id)
    found = session.scalars(wanted.order_by(*newest_first).limit(PAGE).offset((number - 1) * PAGE)).all()
    return Acts(found, number, pages, total)
