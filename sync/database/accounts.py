"""Accounts as rows: finding them by login, and locking them."""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Sequence

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from sync.database.lists import among_parameter
from sync.database.prepared import read
from sync.errors import NotFound
from sync.models import NOBODY, Account, LoginName

#: No ``@`` and no ``%``: some phones encode them in one place and not in another (client fact I-23).
_LOGIN = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?", re.ASCII)


def find(session: Session, login: str) -> int:
    """
    Return the id of the account with this login, in whatever case.

    Raises:
        NotFound: There is none.
    """
    name = login.strip().lower()
    account_id = None
    if is_possible(name):
        account_id = session.scalars(select(LoginName.account_id).where(LoginName.name == name)).first()
    # The login of somebody who left stays taken.
    if account_id in (None, NOBODY):
        raise NotFound(f"There is nobody with the login {login[:64]!r}.")
    return account_id


def is_possible(login: str) -> bool:
    """Whether somebody could have this login, written as it is stored. No other text is ever sent to the database."""
    return _LOGIN.fullmatch(login) is not None


def lock(session: Session, *account_ids: int) -> None:
    """
    Let nobody else decide anything about these people until the transaction ends.

    Whoever connects people, or says who may, takes this lock before any other, so that two of them never pass each
    other by.

    Raises:
        NotFound: One of them does not exist.
    """
    for account_id in sorted(set(account_ids)):
        found = select(Account.id).where(Account.id == account_id)
        if session.scalars(found.with_for_update(key_share=True)).first() is None:
            raise NotFound("There is no such person.")


def logins(session: Session, account_ids: Collection[int]) -> dict[int, str]:
    """Return the logins of these accounts by id; ids of nobody are left out."""
    return dict(read(session, _logins, {}, ids=account_ids))


def everybody(session: Session) -> Sequence[Account]:
    """Return all accounts by login."""
    return session.scalars(select(Account).order_by(Account.login)).all()


@functools.cache
def _logins(dialect: str) -> Select[int, str]:
    return select(Account.id, Account.login).where(among_parameter(dialect, Account.id, "ids"))
