"""
Signing in by the provider of an organisation: whose account it is, what it fills, and who is there no more.

An identity at the provider is linked with an account once, by a proof: whoever has the account is signed in and
confirms it, or, where the settings allow it, the same e-mail address is proved here and there, or there was no account
before. Devices keep passwords of their own.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from cryptography.fernet import Fernet, InvalidToken
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from sync.accounts import one_time_tokens
from sync.database.engine import Database, settings_of
from sync.database.server_keys import key_for
from sync.errors import AlreadyExists, NotFound, OrganisationUnavailable, Refused, SignInRefused
from sync.models import OrganisationIdentity, now
from sync.sign_in import identities, sessions
from sync.sign_in.told import OIDC, Gone, Source, Told, of_provider

if TYPE_CHECKING:
    from sync.openid.provider import Provider

#: The purpose of the one-time token of who confirms that an identity is theirs.
LINK = "organisation"
#: Seconds between two looks whether somebody is still there, and how many are looked for at once.
LOOK, TOGETHER = 3600, 50


def arrive(database: Database, told: Told, *, browser: str, language: str) -> str | None:
    """
    Begin a session for who came from the provider, and return its token; None where nobody here is linked with them.

    Raises:
        Refused: Their account is closed.
    """

    def enter(session: Session) -> str | None:
        account_id = identities.settle(session, _source(session), told, language)
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
    if identities.account_of(session, _source(session), told) is not None:
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
        identities.link(session, account_id, _source(session), told)
        _renew(session, account_id, told)


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
            closed += database.write(partial(identities.close, known=due.digest, account_id=due.account_id))
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
        identities.of_kind(OIDC),
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


def _found(session: Session, due: _Due, told: Told | None) -> None:
    """Keep what is asked with the next time, and what the provider says of the person."""
    known = told if told is not None and told.refresh_token is not None else Told("", {}, due.token)
    mine = update(OrganisationIdentity).where(OrganisationIdentity.digest == due.digest)
    session.execute(mine.values(refresh_token=_sealed(session, known).encode()))
    if told is not None and told.subject and identities.digest(_source(session), told.subject) == due.digest:
        identities.fill(session, due.account_id, _source(session), told)


def _renew(session: Session, account_id: int, told: Told) -> None:
    sealed = _sealed(session, told).encode() if told.refresh_token is not None else None
    identities.renew(session, account_id, _source(session), told, sealed)


def _source(session: Session) -> Source:
    return of_provider(settings_of(session).organisation)


def _needed(session: Session, told: Told) -> Mapping[str, str]:
    return {claim: told.text(claim) for _, claim in settings_of(session).organisation.fields if told.text(claim)}


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
