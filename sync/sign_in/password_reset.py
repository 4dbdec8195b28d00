"""
A new password for who forgot theirs, by a link to an e-mail address that they proved to be theirs.

Whoever asks is told the same whatever there is: no login, no such account, no address, or a message on its way. So who
it is about is looked up by the worker (see `sync.notify.errands`), and the request does the same for everybody.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from sync.accounts import addresses, identifiers, one_time_tokens, rate_limits
from sync.accounts.addresses import EMAIL
from sync.accounts.identifiers import Identifier
from sync.accounts.rate_limits import DAY, HOUR, Limit
from sync.database.engine import Database, settings_of
from sync.errors import InvalidOneTimeToken, NotFound, TooManyTries
from sync.models import Account
from sync.notify import errands, outbox
from sync.sharing.preferences import preferences_of
from sync.sign_in import credentials, sessions

#: The purpose of the one-time token, and of the page that it is for.
RESET = "reset"
LIFETIME = one_time_tokens.HOUR
#: For one name from one source, however it is spelled; for one source; and for this server.
NAME = Limit("reset", 3, DAY)
SOURCE = Limit("reset-source", 20, DAY)
ALL = Limit("reset-all", 1000, HOUR)
#: What one person gets because of one source, by whichever of their names, and because of all. Tries from elsewhere
#: lock nobody out: one comes back in the lifetime of a link, so whoever gets none now has one in their mail that works.
PERSON_OF_SOURCE = Limit("reset-person-source", 3, DAY)
PERSON = Limit("reset-person", 12, 12 * LIFETIME)


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

    def leave(session: Session) -> None:
        meant = identifiers.read(settings_of(session), name)
        rate_limits.take(session, NAME, *meant.key, source)
        rate_limits.take(session, SOURCE, source)
        rate_limits.take(session, ALL)
        errands.post(session, RESET, name=meant.typed, source=source, language=language)

    database.write(leave)


def send(session: Session, asked: Mapping[str, Any]) -> None:
    """Do what `ask` left: send the links, where anybody has the name."""
    meant = identifiers.read(settings_of(session), asked["name"])
    for account_id, recipients in _recipients(session, meant):
        login = _login_of_open(session, account_id)
        if login is not None and recipients and _take_of_person(session, account_id, asked["source"]):
            _post(session, account_id, login, recipients, asked["language"])


def send_links(session: Session, account_id: int, language: str) -> int:
    """
    Send the links to all proved addresses of a person because an administrator wants it, and return how many those are.

    Raises:
        TooManyTries: The person was sent so many already.
    """
    login, recipients = _login_of_open(session, account_id), _proved(session, account_id)
    if login is None or not recipients:
        return 0
    rate_limits.take(session, PERSON, str(account_id))
    _post(session, account_id, login, recipients, language)
    return len(recipients)


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
        opened = one_time_tokens.use(session, RESET, token)
        account_id = opened.account_id
        try:
            if account_id is None:
                raise InvalidOneTimeToken
            credentials.set_password_hash(session, account_id, hashed)
            if "email" in opened.values:
                # A first letter went to an address that nobody had proved yet; who has its link reads it.
                addresses.add(session, account_id, EMAIL, opened.values["email"])
            sessions.end_all(session, account_id)
            return sessions.start(session, account_id, browser)
        except NotFound as error:
            raise InvalidOneTimeToken from error

    return database.write(change)


def _recipients(session: Session, meant: Identifier) -> Iterator[tuple[int, list[str]]]:
    """Yield the accounts that are meant, and where links go for each: to the address that was named, or to all."""
    holders = identifiers.holders(session, meant)
    for account_id in holders.by_email:
        yield account_id, [meant.email or ""]
    if holders.by_login is not None and not holders.by_email:
        yield holders.by_login, _proved(session, holders.by_login)


def _proved(session: Session, account_id: int) -> list[str]:
    return [value for channel, value in addresses.addresses_of(session, account_id) if channel == EMAIL]


def _login_of_open(session: Session, account_id: int) -> str | None:
    here = (Account.id == account_id, Account.disabled_at.is_(None))
    return session.scalars(select(Account.login).where(*here)).first()


def _post(session: Session, account_id: int, login: str, recipients: Sequence[str], language: str) -> None:
    chosen = preferences_of(session, account_id).language or language
    for recipient in recipients:
        token = one_time_tokens.issue(session, RESET, account_id, {}, lifetime=LIFETIME)
        link = outbox.link(session, RESET, token)
        outbox.post(session, EMAIL, recipient, "reset", chosen, login=login, link=link)


def _take_of_person(session: Session, account_id: int, source: str) -> bool:
    try:
        with session.begin_nested():
            rate_limits.take(session, PERSON_OF_SOURCE, str(account_id), source)
            rate_limits.take(session, PERSON, str(account_id))
    except TooManyTries:
        return False
    return True
