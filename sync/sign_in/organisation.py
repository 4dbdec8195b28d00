"""
Signing in by the provider of an organisation: whose account it is, what it fills, and who is there no more.

An identity at the provider is linked with an account once, by a proof: whoever has the account is signed in and
confirms it, or, where the settings allow it, the same e-mail address is proved here and there, or there was no account
before. Devices keep passwords of their own.
"""

from __future__ import annotations

import base64
import hashlib
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography.fernet import Fernet, InvalidToken
from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from sync import fields
from sync.accounts import acts, one_time_tokens, registration
from sync.database.accounts import is_possible
from sync.database.engine import Database, settings_of
from sync.database.server_keys import key_for
from sync.errors import (
    AlreadyExists,
    EvercardError,
    InvalidInput,
    LimitExceeded,
    NotFound,
    OrganisationUnavailable,
    Refused,
    SignInRefused,
)
from sync.fields import FieldContent
from sync.models import Account, OrganisationIdentity, now
from sync.profiles import organisation_fields
from sync.sharing import search_keys, starter_groups
from sync.sign_in import sessions
from sync.sign_in.told import Gone, Told

if TYPE_CHECKING:
    from sync.sign_in.openid import Provider

logger = logging.getLogger("evercard")

#: The purpose of the one-time token of who confirms that an identity is theirs.
LINK = "organisation"
#: Seconds between two looks whether somebody is still there, and how many are looked for at once.
LOOK, TOGETHER = 3600, 50
_TRIES = 100
#: What no login has in it.
_IMPOSSIBLE = re.compile(r"[^a-z0-9._-]+", re.ASCII)


def arrive(database: Database, told: Told, *, browser: str, language: str) -> str | None:
    """
    Begin a session for who came from the provider, and return its token; None where nobody here is linked with them.

    Raises:
        Refused: Their account is closed.
    """

    def enter(session: Session) -> str | None:
        account_id = _account(session, told) or _by_email(session, told) or _new(session, told, language)
        if account_id is None:
            return None
        _renew(session, account_id, told)
        try:
            return sessions.start(session, account_id, browser)
        except NotFound as error:
            raise Refused("This account is closed; ask whoever looks after this server.") from error

    return database.write(enter)


def offer(session: Session, account_id: int, told: Told) -> str:
    """
    Return a one-time token by which somebody who is signed in confirms that an identity is theirs.

    Raises:
        AlreadyExists: It is linked with an account already.
    """
    if _account(session, told) is not None:
        raise AlreadyExists("This sign-in is linked with an account already.")
    values = {"subject": told.subject, "claims": _needed(session, told), "refresh": _sealed(session, told)}
    return one_time_tokens.issue(session, LINK, account_id, values, lifetime=10 * 60)


def confirm(session: Session, account_id: int, token: str) -> None:
    """
    Link an identity with the account of who was offered it.

    Raises:
        AlreadyExists: It was linked with an account meanwhile.
        InvalidOneTimeToken: It was offered to somebody else, too long ago, or is linked already.
    """
    with session.begin_nested():
        opened = one_time_tokens.use(session, LINK, token)
        if opened.account_id != account_id:
            raise SignInRefused
        told = Told(opened.values["subject"], opened.values["claims"], _unsealed(session, opened.values["refresh"]))
        _link(session, account_id, told)
        _renew(session, account_id, told)


def is_linked(session: Session, account_id: int) -> bool:
    """Whether somebody signs in by the organisation."""
    mine = select(OrganisationIdentity.digest).where(OrganisationIdentity.account_id == account_id)
    return session.scalars(mine).first() is not None


def forget(session: Session, account_id: int) -> None:
    """Let go of the links of an account that is deleted."""
    session.execute(delete(OrganisationIdentity).where(OrganisationIdentity.account_id == account_id))


def look(database: Database, provider: Provider) -> int:
    """
    Ask the provider about those who were not asked about for a while; returns how many are there no more, and closed.

    While it does not answer, everything stays as it is.
    """
    closed, answers = 0, True
    for due in database.write(_due):
        told: Told | None = None
        try:
            told = provider.look(due.token) if answers else None
        except Gone:
            closed += database.write(lambda session, due=due: _close(session, due))  # type: ignore[misc]
            continue
        except (OrganisationUnavailable, SignInRefused):
            answers = False
        database.write(lambda session, due=due, told=told: _found(session, due, told))  # type: ignore[misc]
    return closed


@dataclass(frozen=True, slots=True)
class _Due:
    digest: str
    account_id: int
    token: str


def _due(session: Session) -> list[_Due]:
    """
    Return whom to ask about. What is asked with is taken away until there is an answer.

    It may work once only: whoever asked with it again, after a crash, would be told that the person is not there.
    """
    waiting = (
        OrganisationIdentity.looked_at <= now() - LOOK,
        OrganisationIdentity.refresh_token.is_not(None),
        OrganisationIdentity.missing_since.is_(None),
    )
    told = (OrganisationIdentity.digest, OrganisationIdentity.account_id, OrganisationIdentity.refresh_token)
    some = select(*told).where(*waiting).order_by(OrganisationIdentity.looked_at).limit(TOGETHER)
    found = session.execute(some.with_for_update(skip_locked=True)).all()
    for digest, _, _ in found:
        mine = update(OrganisationIdentity).where(OrganisationIdentity.digest == digest)
        session.execute(mine.values(looked_at=now(), refresh_token=None))
    tokens = [
        (digest, account_id, _unsealed(session, (sealed or b"").decode())) for digest, account_id, sealed in found
    ]
    return [_Due(digest, account_id, token) for digest, account_id, token in tokens if token is not None]


def _close(session: Session, due: _Due) -> int:
    open_now = select(Account.id).where(Account.id == due.account_id, Account.disabled_at.is_(None))
    if session.scalars(open_now.with_for_update()).first() is None:
        return 0
    mine = update(OrganisationIdentity).where(OrganisationIdentity.digest == due.digest)
    session.execute(mine.values(missing_since=now()))
    registration.set_disabled(session, due.account_id, disabled=True)
    acts.note(session, acts.ORGANISATION, due.account_id, acts.DISABLE)
    return 1


def _found(session: Session, due: _Due, told: Told | None) -> None:
    """Keep what is asked with the next time, and what the provider says of the person."""
    known = told if told is not None and told.refresh_token is not None else Told("", {}, due.token)
    mine = update(OrganisationIdentity).where(OrganisationIdentity.digest == due.digest)
    session.execute(mine.values(refresh_token=_sealed(session, known).encode()))
    if told is not None and told.subject and _digest(session, told.subject) == due.digest:
        _fill(session, due.account_id, told)


def _account(session: Session, told: Told) -> int | None:
    mine = select(OrganisationIdentity.account_id).where(OrganisationIdentity.digest == _digest(session, told.subject))
    return session.scalars(mine).first()


def _by_email(session: Session, told: Told) -> int | None:
    """Return whose e-mail address is proved here and at the provider, where that counts and is one person's."""
    if not settings_of(session).organisation.link_by_email or told.claims.get("email_verified") is not True:
        return None
    owners = search_keys.owners_of_email(session, told.text("email").lower())
    if len(owners) != 1:
        return None
    account_id = next(iter(owners))
    if is_linked(session, account_id):
        # Somebody else at the provider has the address by now.
        return None
    _link(session, account_id, told)
    return account_id


def _new(session: Session, told: Told, language: str) -> int | None:
    if not settings_of(session).organisation.sign_up:
        return None
    account_id = _registered(session, told)
    starter_groups.create(session, account_id, language)
    _link(session, account_id, told)
    return account_id


def _registered(session: Session, told: Told) -> int:
    """Register somebody under what the provider calls them, or something like it."""
    called = told.text("preferred_username") or told.text("email")
    wanted = _IMPOSSIBLE.sub(".", called.partition("@")[0].lower()).strip("._-")[:48] or "person"
    for number in range(1, _TRIES):
        login = wanted if number == 1 else f"{wanted}{number}"
        if not is_possible(login):
            break
        try:
            return registration.create(session, login)
        except AlreadyExists:
            continue
    raise Refused("No login is free for this account; ask whoever looks after this server.")


def _link(session: Session, account_id: int, told: Told) -> None:
    at = now()
    values = {"digest": _digest(session, told.subject), "account_id": account_id, "linked_at": at, "looked_at": at}
    try:
        with session.begin_nested():
            session.execute(insert(OrganisationIdentity).values(**values))
    except IntegrityError as error:
        raise AlreadyExists("This sign-in is linked with an account already.") from error


def _renew(session: Session, account_id: int, told: Told) -> None:
    """Note that somebody was seen at the provider, open what was closed as they were not, and fill their fields."""
    key = OrganisationIdentity.digest == _digest(session, told.subject)
    missing = select(OrganisationIdentity.missing_since).where(key)
    if session.scalars(missing).first() is not None:
        registration.set_disabled(session, account_id, disabled=False)
        acts.note(session, acts.ORGANISATION, account_id, acts.ENABLE)
    values: dict[str, object] = {"looked_at": now(), "missing_since": None}
    if told.refresh_token is not None:
        values["refresh_token"] = _sealed(session, told).encode()
    session.execute(update(OrganisationIdentity).where(key).values(**values))
    _fill(session, account_id, told)


def _fill(session: Session, account_id: int, told: Told) -> None:
    wanted = settings_of(session).organisation.fields
    said = {claim: content for kind, claim in wanted if (content := _content(kind, told.text(claim))) is not None}
    if wanted:
        try:
            organisation_fields.fill(session, account_id, said)
        except LimitExceeded:
            logger.warning("What an organisation says of somebody does not fit into their profile")


def _content(kind: str, text: str) -> FieldContent | None:
    try:
        return fields.field_from_text(kind, text, "") if text else None
    except (InvalidInput, EvercardError):
        return None


def _needed(session: Session, told: Told) -> Mapping[str, str]:
    return {claim: told.text(claim) for _, claim in settings_of(session).organisation.fields if told.text(claim)}


def _digest(session: Session, subject: str) -> str:
    issuer = settings_of(session).organisation.issuer
    return hashlib.blake2b(f"{issuer}\n{subject}".encode(), digest_size=32).hexdigest()


def _sealed(session: Session, told: Told) -> str:
    return _box(session).encrypt(told.refresh_token.encode()).decode() if told.refresh_token else ""


def _unsealed(session: Session, sealed: str) -> str | None:
    try:
        return _box(session).decrypt(sealed).decode() if sealed else None
    except InvalidToken:
        # It was sealed with a key that this server has no more.
        return None


def _box(session: Session) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(key_for(session, "organisation")))
