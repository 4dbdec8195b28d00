"""
Whose account an identity at an organisation is, what the organisation fills there, and whose is closed.

An identity belongs to one account, and an account to one person of each kind of organisation. Whatever is done here
without the person asking for it is written down for them (`sync.accounts.acts`).
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections.abc import Mapping

from sqlalchemy import ColumnElement, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from sync import fields
from sync.accounts import acts, registration, starter_groups
from sync.database import accounts
from sync.database.accounts import is_possible
from sync.errors import AlreadyExists, EvercardError, LimitExceeded, NotFound, Refused
from sync.fields import FieldContent
from sync.models import Account, OrganisationIdentity, ScimKey, ScimUser, now
from sync.profiles import organisation_fields
from sync.sharing import search_keys
from sync.sign_in.told import EMAIL, LOGIN, OIDC, Source, Told

logger = logging.getLogger("evercard")

_TRIES = 100
#: What no login has in it.
_IMPOSSIBLE = re.compile(r"[^a-z0-9._-]+", re.ASCII)


def digest(source: Source, subject: str) -> str:
    """Return the hash by which an identity is known."""
    return hashlib.blake2b(f"{source.namespace}\n{subject}".encode(), digest_size=32).hexdigest()


def account_of(session: Session, source: Source, told: Told) -> int | None:
    """Return the account that an identity is linked with."""
    mine = select(OrganisationIdentity.account_id).where(OrganisationIdentity.digest == digest(source, told.subject))
    return session.scalars(mine).first()


def of_kind(kind: str) -> ColumnElement[bool]:
    """Return the condition that an identity is at an organisation of this kind."""
    return OrganisationIdentity.source.is_(None) if kind == OIDC else OrganisationIdentity.source == kind


def is_linked(session: Session, account_id: int, kind: str) -> bool:
    """Whether somebody signs in by an organisation of this kind."""
    mine = (OrganisationIdentity.account_id == account_id, of_kind(kind))
    return session.scalars(select(OrganisationIdentity.digest).where(*mine)).first() is not None


def settle(session: Session, source: Source, told: Told, language: str) -> int | None:
    """
    Return whose account an identity is, linked with one that is here already, or made, where the settings allow that.

    Raises:
        Refused: No login is free.
    """
    known = account_of(session, source, told)
    return (
        known
        or _by_email(session, source, told)
        or _by_login(session, source, told)
        or _new(session, source, told, language)
    )


def link(session: Session, account_id: int, source: Source, told: Told) -> None:
    """
    Let an identity be that of an account.

    Raises:
        AlreadyExists: It is linked with an account already.
    """
    at = now()
    values: dict[str, object] = {
        "digest": digest(source, told.subject),
        "account_id": account_id,
        "linked_at": at,
        "looked_at": at,
    }
    values["source"] = None if source.kind == OIDC else source.kind
    try:
        with session.begin_nested():
            session.execute(insert(OrganisationIdentity).values(**values))
    except IntegrityError as error:
        raise AlreadyExists("This sign-in is linked with an account already.") from error


def renew(session: Session, account_id: int, source: Source, told: Told, sealed: bytes | None = None) -> None:
    """Note that somebody was seen there, open what was closed as they were not, and fill their fields."""
    key = OrganisationIdentity.digest == digest(source, told.subject)
    missing = select(OrganisationIdentity.missing_since).where(key)
    if session.scalars(missing).first() is not None:
        registration.set_disabled(session, account_id, disabled=False)
        acts.note(session, acts.ORGANISATION, account_id, acts.ENABLE)
    values: dict[str, object] = {"looked_at": now(), "missing_since": None}
    if sealed is not None:
        values["refresh_token"] = sealed
    session.execute(update(OrganisationIdentity).where(key).values(**values))
    fill(session, account_id, source, told)


def close(session: Session, known: str, account_id: int, *, unseen_since: int | None = None) -> int:
    """
    Close the account of an identity that is there no more; returns how many that were.

    Who was seen there after *unseen_since* is left alone.
    """
    mine = (OrganisationIdentity.digest == known, OrganisationIdentity.account_id == account_id)
    seen_at = session.scalars(select(OrganisationIdentity.looked_at).where(*mine).with_for_update()).first()
    open_now = select(Account.id).where(Account.id == account_id, Account.disabled_at.is_(None))
    if seen_at is None or (unseen_since is not None and seen_at > unseen_since):
        return 0
    if session.scalars(open_now.with_for_update()).first() is None:
        return 0
    session.execute(update(OrganisationIdentity).where(*mine).values(missing_since=now()))
    registration.set_disabled(session, account_id, disabled=True)
    acts.note(session, acts.ORGANISATION, account_id, acts.DISABLE)
    return 1


def contents(source: Source, told: Told) -> Mapping[str, FieldContent]:
    """Return what fills fields, by the names under which the claims are kept."""
    read = ((source.prefix + claim, _content(kind, told.text(claim))) for kind, claim in source.fields)
    return {claim: content for claim, content in read if content is not None}


def said(filled: Mapping[str, FieldContent]) -> str:
    """Return a hash of what fills somebody's fields."""
    told = sorted((claim, content.digest) for claim, content in filled.items())
    return hashlib.blake2b(json.dumps(told).encode(), digest_size=32).hexdigest()


def fill(session: Session, account_id: int, source: Source, told: Told) -> None:
    """Let a profile have what is said, where that is something else than the last time."""
    key = OrganisationIdentity.digest == digest(source, told.subject)
    filled = contents(source, told)
    before = session.scalars(select(OrganisationIdentity.said).where(key)).first()
    if before == said(filled) or (before is None and not source.fields):
        return
    try:
        changed = organisation_fields.fill(session, account_id, filled, source.prefix)
    except LimitExceeded:
        logger.warning("What an organisation says of somebody does not fit into their profile")
        return
    session.execute(update(OrganisationIdentity).where(key).values(said=said(filled)))
    if changed:
        acts.note(session, acts.ORGANISATION, account_id, acts.FILL)


def forget(session: Session, account_id: int, kind: str | None = None) -> None:
    """Let go of the links of an account, or only of those with organisations of this kind."""
    mine = OrganisationIdentity.account_id == account_id
    only = () if kind is None else (of_kind(kind),)
    session.execute(delete(OrganisationIdentity).where(mine, *only))
    if kind is None:
        session.execute(delete(ScimKey).where(ScimKey.account_id == account_id))
        session.execute(delete(ScimUser).where(ScimUser.account_id == account_id))


def _by_email(session: Session, source: Source, told: Told) -> int | None:
    """Return whose e-mail address is proved here and there, where that counts and is one person's."""
    if source.link_by != EMAIL or not told.proved_email:
        return None
    owners = search_keys.owners_of_email(session, told.proved_email.lower())
    return _linked(session, next(iter(owners)), source, told) if len(owners) == 1 else None


def _by_login(session: Session, source: Source, told: Told) -> int | None:
    """Return who is called the same here and there, where that counts. Nobody becomes an administrator by a name."""
    if source.link_by != LOGIN or not told.login:
        return None
    try:
        account_id = accounts.find(session, told.login)
    except NotFound:
        return None
    plain = select(Account.id).where(Account.id == account_id, Account.administrator_since.is_(None))
    return _linked(session, account_id, source, told) if session.scalars(plain).first() is not None else None


def _linked(session: Session, account_id: int, source: Source, told: Told) -> int | None:
    if is_linked(session, account_id, source.kind):
        # Somebody else there has the address or the name by now.
        return None
    link(session, account_id, source, told)
    acts.note(session, acts.ORGANISATION, account_id, acts.LINK)
    return account_id


def _new(session: Session, source: Source, told: Told, language: str) -> int | None:
    if not source.sign_up:
        return None
    account_id = _registered(session, told)
    starter_groups.create(session, account_id, language)
    link(session, account_id, source, told)
    acts.note(session, acts.ORGANISATION, account_id, acts.REGISTER)
    return account_id


def _registered(session: Session, told: Told) -> int:
    """Register somebody under what they are called there, or something like it."""
    wanted = _IMPOSSIBLE.sub(".", told.called.partition("@")[0].lower()).strip("._-")[:48] or "person"
    for number in range(1, _TRIES):
        login = wanted if number == 1 else f"{wanted}{number}"
        if not is_possible(login):
            break
        try:
            return registration.create(session, login)
        except AlreadyExists:
            continue
    raise Refused("No login is free for this account; ask whoever looks after this server.")


def _content(kind: str, text: str) -> FieldContent | None:
    try:
        return fields.field_from_text(kind, text, "") if text else None
    except EvercardError:
        return None
