"""Signing up: somebody makes an account for themselves."""

from __future__ import annotations

from collections.abc import Callable

from sync.accounts import rate_limits, registration
from sync.accounts.rate_limits import DAY, HOUR, Limit
from sync.database.engine import Database, Session, settings_of
from sync.errors import Refused
from sync.sign_in import credentials, sessions

#: For one source, which may be a whole company, and for this server.
SOURCE = Limit("sign-up-source", 30, DAY)
ALL = Limit("sign-up-all", 1000, HOUR)


def is_open(session: Session, *, invited: bool = False) -> bool:
    """Whether somebody can sign up here by themselves, or because somebody *invited* them."""
    mode = settings_of(session).sign_up
    return mode == "open" or (mode == "invited" and invited)


def sign_up(
    database: Database,
    login: str,
    password: str,
    *,
    source: str,
    browser: str,
    invited: bool = False,
    then: Callable[[Session, int], object] | None = None,
) -> tuple[int, str]:
    """
    Make an account, begin a session for it, and return the account's id and the session's token.

    *source* is where this comes from (see `sync.accounts.rate_limits.source`), *browser* what the browser says of
    itself. *then* is done with the new account's id in the transaction that makes it; where it raises, there is no
    account.

    Raises:
        AlreadyExists: Somebody has this login.
        InvalidInput: The login or the password cannot be one.
        Refused: Nobody can sign up here, or only who was invited.
        TooManyTries: There were as many tries already as are allowed.
    """

    def count(session: Session) -> None:
        if not is_open(session, invited=invited):
            raise Refused("Nobody can sign up here by themselves; ask whoever runs this server.")
        rate_limits.take(session, SOURCE, source)
        rate_limits.take(session, ALL)

    database.write(count)
    hashed = credentials.hash_password(password)

    def make(session: Session) -> tuple[int, str]:
        account_id = registration.create(session, login)
        credentials.set_password_hash(session, account_id, hashed)
        if then is not None:
            then(session, account_id)
        return account_id, sessions.start(session, account_id, browser)

    return database.write(make)
