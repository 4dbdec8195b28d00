"""
A new password for who forgot theirs, by a link to an e-mail address that they proved to be theirs.

Whoever asks is told the same whatever there is: no login, no such account, no address, or a message on its way.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from sync.accounts import addresses, credentials, one_time_tokens, rate_limits, sessions
from sync.accounts.addresses import EMAIL
from sync.accounts.rate_limits import DAY, HOUR, Limit
from sync.database import accounts
from sync.database.engine import Database, settings_of
from sync.database.models import Account
from sync.errors import InvalidInput, InvalidOneTimeToken, NotFound
from sync.notify import outbox
from sync.sharing import search_keys
from sync.sharing.preferences import preferences_of

#: The purpose of the one-time token, and of the page that it is for.
RESET = "reset"
#: For one name that is typed, for one source, and for this server.
NAME = Limit("reset", 3, DAY)
SOURCE = Limit("reset-source", 20, DAY)
ALL = Limit("reset-all", 1000, HOUR)


def is_possible(session: Session) -> bool:
    """Whether this server sends e-mail, and so can help who forgot their password."""
    settings = settings_of(session)
    return bool(settings.base_url) and settings.sending.can_send(EMAIL)


def ask(database: Database, name: str, *, source: str, language: str) -> None:
    """
    Send a link to who has *name*, a login or an e-mail address, in their language or else *language*.

    *source* is where this comes from (see `sync.accounts.rate_limits.source`).

    Raises:
        TooManyTries: So much was asked for already, whoever has the name.
    """
    name = name.strip().lower()[:300]

    def count(session: Session) -> None:
        rate_limits.take(session, NAME, name)
        rate_limits.take(session, SOURCE, source)
        rate_limits.take(session, ALL)

    def send(session: Session) -> None:
        for account_id, recipient in _recipients(session, name):
            login = session.scalars(
                select(Account.login).where(Account.id == account_id, Account.disabled_at.is_(None))
            ).first()
            if login is None:
                continue
            token = one_time_tokens.issue(session, RESET, account_id, {}, lifetime=one_time_tokens.HOUR)
            chosen = preferences_of(session, account_id).language or language
            link = outbox.link(session, RESET, token)
            outbox.post(session, EMAIL, recipient, "reset", chosen, login=login, link=link)

    database.write(count)
    database.write(send)


def require_open(session: Session, token: str) -> None:
    """
    Make sure that a link still allows to choose a password. Needs the right to write.

    Raises:
        InvalidTicket: It was used, it expired, or it was made up.
    """
    one_time_tokens.peek(session, RESET, token)


def reset(database: Database, token: str, password: str, *, browser: str) -> str:
    """
    Give who has the link another password, end all their sessions, and return the token of a new one.

    Raises:
        InvalidInput: The password cannot be one; the link stays good.
        InvalidTicket: The link was used, it expired, or it was made up.
    """
    database.write(lambda session: require_open(session, token))
    hashed = credentials.hash_password(password)

    def change(session: Session) -> str:
        account_id = one_time_tokens.use(session, RESET, token).account_id
        try:
            if account_id is None:
                raise InvalidOneTimeToken
            credentials.set_password_hash(session, account_id, hashed)
            sessions.end_all(session, account_id)
            return sessions.start(session, account_id, browser)
        except NotFound as error:
            raise InvalidOneTimeToken from error

    return database.write(change)


def _recipients(session: Session, name: str) -> Iterator[tuple[int, str]]:
    """Yield the accounts that have a name, and where a link goes for each."""
    try:
        account_id = accounts.find(session, name)
    except NotFound:
        with contextlib.suppress(InvalidInput):
            value = addresses.normalize(session, EMAIL, name)
            yield from ((owner_id, value) for owner_id in search_keys.owners_of_email(session, value))
        return
    for channel, value in addresses.addresses_of(session, account_id):
        if channel == EMAIL:
            yield account_id, value
