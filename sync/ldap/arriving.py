"""Signing in to the portal with the password of the organisation's directory; devices keep passwords of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sync.database.engine import Database, Session, settings_of
from sync.errors import NotFound, Refused, WrongPassword
from sync.sign_in import identities, sessions, signing_in
from sync.sign_in.told import Told, of_directory

if TYPE_CHECKING:
    from sync.ldap.client import Client


def sign_in(
    database: Database, client: Client, login: str, password: str, *, source: str, browser: str, language: str
) -> str:
    """
    Begin a session for who knows the password of *login*, here or in the directory, and return its token.

    Whoever comes from the directory first gets an account, or is linked with theirs, as the settings say.

    Raises:
        LdapUnavailable: It is no password of this server's, and the directory does not answer.
        Refused: It is right there, and opens no account here.
        TooManyTries: There were as many already as are allowed.
        WrongPassword: It is wrong here and there, or the account is closed.
    """

    def elsewhere() -> str | None:
        told = client.check(login.strip(), password)
        return None if told is None else database.write(lambda session: _enter(session, told, browser, language))

    return signing_in.sign_in(database, login, password, source=source, browser=browser, elsewhere=elsewhere)


def link(database: Database, client: Client, account_id: int, login: str, password: str) -> None:
    """
    Link who has this login and password in the directory, and nobody else there, with the account of who is signed in.

    Raises:
        AlreadyExists: They are linked with an account already.
        LdapUnavailable: The directory does not answer.
        TooManyTries: There were as many tries already as are allowed.
        WrongPassword: They are wrong.
    """
    signing_in.take_own_try(database, account_id)
    told = client.check(login.strip(), password)
    if told is None:
        raise WrongPassword
    database.write(lambda session: _link(session, account_id, told))


def _link(session: Session, account_id: int, told: Told) -> None:
    source = of_directory(settings_of(session).ldap)
    with session.begin_nested():
        if identities.account_of(session, source, told) is None:
            identities.forget(session, account_id, source.kind)
        identities.link(session, account_id, source, told)
        identities.renew(session, account_id, source, told)


def _enter(session: Session, told: Told, browser: str, language: str) -> str:
    source = of_directory(settings_of(session).ldap)
    account_id = identities.settle(session, source, told, language)
    if account_id is None:
        raise Refused("Your organisation knows you, but no account here is linked with that.")
    identities.renew(session, account_id, source, told)
    try:
        return sessions.start(session, account_id, browser)
    except NotFound as error:
        raise WrongPassword from error
