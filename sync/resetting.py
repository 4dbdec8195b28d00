"""
A new password for who forgot theirs, by a link to an e-mail address that they proved to be theirs.

Whoever asks is told the same whatever there is: no login, no such account, no address, or a message on its way.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from sync import accounts, addresses, allowances, credentials, listings, tickets, visits
from sync.addresses import EMAIL
from sync.allowances import DAY, HOUR, Limit
from sync.database import Database, settings_of
from sync.decisions import preferences_of
from sync.errors import InvalidInput, InvalidTicket, NotFound
from sync.models import Account
from sync.notify import outbox

#: The purpose of the ticket, and of the page that it is for.
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

    *source* is where this comes from (see `sync.allowances.source`).

    Raises:
        TooManyTries: So much was asked for already, whoever has the name.
    """
    name = name.strip().lower()[:300]

    def count(session: Session) -> None:
        allowances.take(session, NAME, name)
        allowances.take(session, SOURCE, source)
        allowances.take(session, ALL)

    def send(session: Session) -> None:
        for account_id, recipient in _recipients(session, name):
            login = session.scalars(
                select(Account.login).where(Account.id == account_id, Account.disabled_at.is_(None))
            ).first()
            if login is None:
                continue
            token = tickets.issue(session, RESET, account_id, {}, lifetime=tickets.HOUR)
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
    tickets.peek(session, RESET, token)


def reset(database: Database, token: str, password: str, *, browser: str) -> str:
    """
    Give who has the link another password, end all their visits, and return the token of a new one.

    Raises:
        InvalidInput: The password cannot be one; the link stays good.
        InvalidTicket: The link was used, it expired, or it was made up.
    """
    database.write(lambda session: require_open(session, token))
    hashed = credentials.hash_password(password)

    def change(session: Session) -> str:
        account_id = tickets.use(session, RESET, token).account_id
        try:
            if account_id is None:
                raise InvalidTicket
            credentials.set_password_hash(session, account_id, hashed)
            visits.end_all(session, account_id)
            return visits.start(session, account_id, browser)
        except NotFound as error:
            raise InvalidTicket from error

    return database.write(change)


def _recipients(session: Session, name: str) -> Iterator[tuple[int, str]]:
    """Yield the accounts that have a name, and where a link goes for each."""
    try:
        account_id = accounts.find(session, name)
    except NotFound:
        with contextlib.suppress(InvalidInput):
            value = addresses.normalize(session, EMAIL, name)
            yield from ((owner_id, value) for owner_id in listings.owners_of_email(session, value))
        return
    for channel, value in addresses.addresses_of(session, account_id):
        if channel == EMAIL:
            yield account_id, value
