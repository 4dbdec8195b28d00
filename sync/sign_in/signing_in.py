"""
Signing in to the portal: a login and a password, limited by who tries for whom and from where.

A try is counted before the password is looked at, and whatever is wrong is answered alike. Somebody's wrong tries
from one place never make the same person wait at another.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import select

from sync.accounts import identifiers, rate_limits
from sync.accounts.identifiers import Identifier
from sync.accounts.rate_limits import HOUR, MINUTE, Limit
from sync.database.engine import Database, Session, settings_of
from sync.errors import NotFound, TooManyTries, WrongPassword
from sync.models import Account
from sync.sign_in import credentials, sessions

#: For one name from one source; for one person from one source, by all of their names; for one source, which may be a
#: whole company; and for this server, which has to hash.
PAIR = Limit("sign-in", 10, 15 * MINUTE)
PERSON = Limit("sign-in-person", 20, 15 * MINUTE)
SOURCE = Limit("sign-in-source", 200, HOUR)
ALL = Limit("sign-in-all", 600, MINUTE)
#: Checks of a password by somebody who is signed in, before they change something that matters.
OWN = Limit("own-password", 10, 15 * MINUTE)


def sign_in(
    database: Database,
    login: str,
    password: str,
    *,
    source: str,
    browser: str,
    elsewhere: Callable[[], str | None] = lambda: None,
) -> str:
    """
    Begin a session for who knows the password of *login*, and return its token.

    *login* may also be an e-mail address that the person proved to be theirs, if nobody else did, or the login with
    the name of this server behind an ``@``.

    *source* is where the try comes from (see `sync.accounts.rate_limits.source`), *browser* what the browser says of
    itself. Where the password is not one of this server's, *elsewhere* may know it, and returns a token then.

    Raises:
        TooManyTries: There were as many already as are allowed.
        WrongPassword: The password is wrong, nobody has this login, or the account is closed.
    """

    def count(session: Session) -> tuple[int | None, bool]:
        meant = identifiers.read(settings_of(session), login)
        account_id = identifiers.holders(session, meant).only
        rate_limits.take(session, PAIR, *meant.key, source)
        left = _take_of_person(session, account_id, meant, source)
        rate_limits.take(session, SOURCE, source)
        rate_limits.take(session, ALL)
        return account_id if left else None, left

    named, may_try = database.write(count)
    with database.reading() as session:
        account_id = credentials.check_password_of(session, named, password)
    if account_id is not None:
        return _start(database, account_id, browser)
    token = elsewhere() if may_try else None
    if token is None:
        raise WrongPassword
    return token


def require_password(database: Database, account_id: int, login: str, password: str) -> None:
    """
    Make sure that it is the person who is signed in who is about to change something that matters.

    Raises:
        TooManyTries: There were as many tries already as are allowed.
        WrongPassword: It is not the person's password.
    """
    take_own_try(database, account_id)
    with database.reading() as session:
        if credentials.check_password(session, login, password) != account_id:
            raise WrongPassword("This is not your password.")


def take_own_try(database: Database, account_id: int) -> None:
    """
    Count that somebody who is signed in tries a password.

    Raises:
        TooManyTries: There were as many tries already as are allowed.
    """
    database.write(lambda session: rate_limits.take(session, OWN, str(account_id)))


def has_password(session: Session, account_id: int) -> bool:
    """Whether a person has a password for the portal; who signs in by an organisation need not."""
    set_here = select(Account.id).where(Account.id == account_id, Account.password_hash.is_not(None))
    return session.scalars(set_here).first() is not None


def change_password(database: Database, account_id: int, login: str, *, old: str, new: str, browser: str) -> str:
    """
    Give a person another password for the portal, end all their sessions, and return the token of a new one.

    Devices keep the passwords of their own.

    Raises:
        InvalidInput: The new password cannot be one.
        TooManyTries: There were as many tries already as are allowed.
        WrongPassword: *old* is not the person's password.
    """
    require_password(database, account_id, login, old)
    hashed = credentials.hash_password(new)

    def change(session: Session) -> str:
        credentials.set_password_hash(session, account_id, hashed)
        sessions.end_all(session, account_id)
        return sessions.start(session, account_id, browser)

    return database.write(change)


def _take_of_person(session: Session, account_id: int | None, meant: Identifier, source: str) -> bool:
    # Silently: who was told would learn which names are one person's. What is nobody's is counted all the same.
    try:
        rate_limits.take(session, PERSON, *(meant.key if account_id is None else (str(account_id),)), source)
    except TooManyTries:
        return False
    return True


def _start(database: Database, account_id: int, browser: str) -> str:
    try:
        return database.write(lambda session: sessions.start(session, account_id, browser))
    except NotFound as error:
        raise WrongPassword from error
