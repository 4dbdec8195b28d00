"""
Administrators: people who look after the server, and what they do with the accounts of others.

Who is one is decided at the server's command line alone. An administrator sees that there are accounts, and closes,
opens, invites and deletes; no card is read or changed here. Whatever is done is written down for the person concerned
(`sync.accounts.acts`), by the same transaction. *by* is the administrator's account, absent for the command line.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from sync.accounts import acts, registration, starter_groups
from sync.accounts.acts import COMMAND_LINE
from sync.accounts.addresses import EMAIL
from sync.accounts.preference_changes import set_language
from sync.database.engine import Database, settings_of
from sync.errors import InvalidInput, NotFound, Refused
from sync.models import Account, now
from sync.sign_in import credentials, deletion, password_reset, provisioning
from sync.sign_in.provisioning import Listed


def appoint(session: Session, account_id: int) -> None:
    """
    Make somebody an administrator.

    Raises:
        NotFound: There is no such person.
    """
    _set(session, account_id, now(), Account.administrator_since.is_(None), acts.APPOINT)


def dismiss(session: Session, account_id: int) -> None:
    """
    Let somebody be an administrator no longer, from their next request on.

    Raises:
        NotFound: There is no such person.
    """
    _set(session, account_id, None, Account.administrator_since.is_not(None), acts.DISMISS)


def register(session: Session, login: str) -> int:
    """
    Register a person from the command line, and return the account's id.

    Raises:
        AlreadyExists, InvalidInput: As in `sync.accounts.registration.create`.
    """
    account_id = registration.create(session, login)
    acts.note(session, COMMAND_LINE, account_id, acts.REGISTER)
    return account_id


def invite(session: Session, by: int, login: str, email: str, language: str) -> int:
    """
    Make an account for somebody, with a letter by which they choose a password, and return its id.

    Raises:
        AlreadyExists: Somebody has this login.
        InvalidInput: The login or the address cannot be one.
        NotFound: Who does it is no administrator.
        Refused: No letter can be sent, so there is no account.
    """
    by_whom = actor(session, by)
    with session.begin_nested():
        account_id = registration.create(session, login)
        starter_groups.create(session, account_id, language)
        set_language(session, account_id, language)
        name = session.scalars(select(Account.login).where(Account.id == account_id)).one()
        if not provisioning.invite(session, account_id, Listed(name, {}, (), email, language)):
            raise Refused("No letter can be sent to this address from this server, so nobody was invited.")
        acts.note(session, by_whom, account_id, acts.INVITE)
    return account_id


def disable(session: Session, account_id: int, by: int | None = None) -> None:
    """
    Close somebody's account to every device, browser and password, at once; what others hold of them stays.

    Raises:
        NotFound: There is no such person, or who does it is no administrator.
        Refused: It is an administrator's, and another one does it.
    """
    _close_or_open(session, account_id, by, disabled=True)


def enable(session: Session, account_id: int, by: int | None = None) -> None:
    """
    Open somebody's account again: whatever opened it before does so again.

    Raises:
        NotFound: There is no such person, or who does it is no administrator.
        Refused: It is an administrator's, and another one does it.
    """
    _close_or_open(session, account_id, by, disabled=False)


def send_reset(session: Session, account_id: int, by: int, language: str) -> None:
    """
    Send somebody a link by which they choose a password anew, in their language or else *language*.

    Raises:
        NotFound: There is no such person, or who does it is no administrator.
        Refused: The server sends no e-mail, or the person has no address that is proved.
        TooManyTries: The person was sent so many already.
    """
    by_whom = actor(session, by)
    if not settings_of(session).sending.can_send(EMAIL) or not settings_of(session).base_url:
        raise Refused("This server sends no e-mail.")
    with session.begin_nested():
        if not password_reset.send_links(session, account_id, language):
            raise Refused("This account is closed, or it has no e-mail address that is confirmed.")
        acts.note(session, by_whom, account_id, acts.RESET)


def set_password(session: Session, account_id: int, password: str) -> None:
    """
    Set somebody's password for the portal from the command line.

    Raises:
        InvalidInput: It cannot be one.
        NotFound: There is no such person.
    """
    credentials.set_password(session, account_id, password)
    acts.note(session, COMMAND_LINE, account_id, acts.PASSWORD)


def delete(
    database: Database,
    account_id: int,
    *,
    typed: str | None = None,
    by: int | None = None,
    progress: Callable[[int], object] = lambda _: None,
) -> None:
    """
    Delete somebody's account as `sync.sign_in.deletion.leave` does. An administrator *typed* its login before.

    Raises:
        InvalidInput: Something else was typed.
        NotFound: There is no such person, or who does it is no administrator.
        Refused: It is an administrator's, and another one does it.
    """

    def allowed(session: Session) -> None:
        by_whom = actor(session, by)
        account = _ordinary(session, account_id, by)
        if by is not None and (typed or "").strip().lower() != account.login:
            raise InvalidInput("This is not the login of the account that is to be deleted.")
        acts.note(session, by_whom, account_id, acts.DELETE)

    deletion.leave(database, account_id, progress, first=allowed)


def _close_or_open(session: Session, account_id: int, by: int | None, *, disabled: bool) -> None:
    by_whom = actor(session, by)
    account = _ordinary(session, account_id, by)
    if (account.disabled_at is not None) == disabled:
        return
    with session.begin_nested():
        registration.set_disabled(session, account_id, disabled=disabled)
        acts.note(session, by_whom, account_id, acts.DISABLE if disabled else acts.ENABLE)


def _set(session: Session, account_id: int, since: int | None, state: ColumnElement[bool], what: str) -> None:
    _ordinary(session, account_id, None)
    changed = update(Account).where(Account.id == account_id, state).values(administrator_since=since)
    with session.begin_nested():
        if session.execute(changed.returning(Account.id)).first() is not None:
            acts.note(session, COMMAND_LINE, account_id, what)


def actor(session: Session, by: int | None) -> str:
    """
    Return what acts call whoever does something: in the same transaction, so that who was dismissed does nothing.

    Raises:
        NotFound: Who does it is no administrator.
    """
    if by is None:
        return COMMAND_LINE
    here = (Account.id == by, Account.administrator_since.is_not(None), Account.disabled_at.is_(None))
    login = session.scalars(select(Account.login).where(*here).with_for_update(key_share=True)).first()
    if login is None:
        raise NotFound("There is no such page.")
    return login


def _ordinary(session: Session, account_id: int, by: int | None) -> Account:
    """Return an account, which somebody else than the command line may change only where it is no administrator's."""
    there = select(Account).where(Account.id == account_id, Account.deletion_began_at.is_(None))
    account = session.scalars(there.with_for_update(), execution_options={"populate_existing": True}).first()
    if account is None:
        raise NotFound("There is no such person.")
    if by is not None and account.administrator_since is not None:
        raise Refused("The account of an administrator is changed at the server's command line only.")
    return account
