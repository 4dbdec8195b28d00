"""People whom an organisation told of: each is an account here, whose fields it fills, which it closes and opens."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from sync.accounts import acts
from sync.database.engine import Database, settings_of
from sync.errors import AlreadyExists, InvalidInput, LimitExceeded, NotFound, PreconditionFailed
from sync.models import ScimKey, ScimUser, now
from sync.scim import attributes
from sync.sign_in import deletion, identities
from sync.sign_in.told import SCIM, Source, Told, of_scim

#: Octets of what an organisation may say of somebody.
LARGEST = 64 * 1024
USER_NAME, EXTERNAL_ID = "userName", "externalId"


@dataclass(frozen=True, slots=True)
class User:
    """Somebody: *id* is what they are called to the organisation, *document* what it said, *version* how often."""

    id: str
    document: dict[str, Any]
    version: int
    created_at: int
    changed_at: int


def create(session: Session, document: Mapping[str, Any]) -> User:
    """
    Let somebody be here whom the organisation tells of: the person of before, if it took back the same, or a new one.

    Raises:
        AlreadyExists: It told of somebody of this name already.
        InvalidInput, LimitExceeded: What it says cannot be kept.
    """
    with session.begin_nested():
        again = _taken_back(session, document)
        if again is not None:
            session.execute(update(ScimUser).where(ScimUser.id == again).values(deleted_at=None))
            return replace(session, again, document)
        at, user_id, source = now(), str(uuid.uuid4()), of_scim(settings_of(session).scim)
        said, told = _said(document), _told(source, user_id, document)
        account_id = identities.settle(session, source, told, attributes.language(document))
        if account_id is None:
            raise AlreadyExists("This person is told of already.")
        row = {"id": user_id, "account_id": account_id, "document": said, "version": 1}
        session.execute(insert(ScimUser).values(**row, created_at=at, changed_at=at))
        _claim(session, user_id, account_id, _keys(document))
        _carry_out(session, account_id, source, told, is_active=attributes.is_active(document))
    return User(user_id, dict(json.loads(said)), 1, at, at)


def replace(session: Session, user_id: str, document: Mapping[str, Any], expected: int | None = None) -> User:
    """
    Let be so what the organisation says of somebody now.

    Raises:
        AlreadyExists: Somebody else has the name.
        PreconditionFailed: It was changed since version *expected*.
        InvalidInput, LimitExceeded: What it says cannot be kept.
        NotFound: There is no such person.
    """
    with session.begin_nested():
        row, source = _locked(session, user_id, expected), of_scim(settings_of(session).scim)
        said, told = _said(document), _told(source, user_id, document)
        before, after = _keys(json.loads(row.document)), _keys(document)
        _release(session, user_id, before - after)
        _claim(session, user_id, row.account_id, after)
        at, version, created_at = now(), row.version + 1, row.created_at
        account_id = row.account_id
        new = {"document": said, "version": version, "changed_at": at}
        session.execute(update(ScimUser).where(ScimUser.id == user_id).values(**new))
        _carry_out(session, account_id, source, told, is_active=attributes.is_active(document))
        return User(user_id, dict(json.loads(said)), version, created_at, at)


def take_back(database: Database, user_id: str, expected: int | None = None) -> None:
    """
    Let somebody be gone: their account is closed, or deleted, as the settings say.

    Raises:
        PreconditionFailed: It was changed since version *expected*.
        NotFound: There is no such person.
    """
    account_id = database.write(lambda session: _take_back(session, user_id, expected))
    if database.settings.scim.deletes:
        deletion.leave(
            database,
            account_id,
            first=lambda session: acts.note(session, acts.ORGANISATION, account_id, acts.DELETE),
        )


def read(session: Session, user_id: str) -> User:
    """
    Return somebody.

    Raises:
        NotFound: There is no such person.
    """
    row = session.scalars(select(ScimUser).where(ScimUser.id == user_id, ScimUser.deleted_at.is_(None))).first()
    if row is None:
        raise NotFound("There is no such person.")
    return _user(row)


def find(session: Session, kind: str, value: str) -> User | None:
    """Return who has this `USER_NAME` or `EXTERNAL_ID`, or None."""
    known = session.scalars(select(ScimKey.user_id).where(ScimKey.digest == _digest(kind, value))).first()
    if known is None:
        return None
    row = session.scalars(select(ScimUser).where(ScimUser.id == known, ScimUser.deleted_at.is_(None))).first()
    return None if row is None else _user(row)


def page(session: Session, first: int, most: int) -> tuple[int, Sequence[User]]:
    """Return how many there are, and at most so many of them from the *first*, counted from 0, in a lasting order."""
    here = ScimUser.deleted_at.is_(None)
    total = session.scalars(select(func.count()).select_from(ScimUser).where(here)).one()
    some = select(ScimUser).where(here).order_by(ScimUser.id).offset(first).limit(most)
    return total, [_user(row) for row in session.scalars(some)] if most else []


def _user(row: ScimUser) -> User:
    return User(row.id, dict(json.loads(row.document)), row.version, row.created_at, row.changed_at)


def _take_back(session: Session, user_id: str, expected: int | None) -> int:
    row, source = _locked(session, user_id, expected), of_scim(settings_of(session).scim)
    # The name may be somebody else's from now on, who is not to get this account by it.
    named = {key for key in _keys(json.loads(row.document)) if key[0] == USER_NAME}
    _release(session, user_id, named)
    gone = {"deleted_at": now(), "version": row.version + 1}
    session.execute(update(ScimUser).where(ScimUser.id == user_id).values(**gone))
    identities.close(session, identities.digest(source, user_id), row.account_id)
    return row.account_id


def _taken_back(session: Session, document: Mapping[str, Any]) -> str | None:
    """Return who was taken back and is the same person: what the organisation calls them for ever says so."""
    for kind, name in _keys(document):
        if kind == EXTERNAL_ID:
            gone = select(ScimUser.id).join(ScimKey, ScimKey.user_id == ScimUser.id)
            mine = (ScimKey.digest == _digest(kind, name), ScimUser.deleted_at.is_not(None))
            return session.scalars(gone.where(*mine)).first()
    return None


def _locked(session: Session, user_id: str, expected: int | None) -> ScimUser:
    there = select(ScimUser).where(ScimUser.id == user_id, ScimUser.deleted_at.is_(None)).with_for_update()
    row = session.scalars(there, execution_options={"populate_existing": True}).first()
    if row is None:
        raise NotFound("There is no such person.")
    if expected is not None and row.version != expected:
        raise PreconditionFailed("This was changed meanwhile.")
    return row


def _carry_out(session: Session, account_id: int, source: Source, told: Told, *, is_active: bool) -> None:
    if is_active:
        identities.renew(session, account_id, source, told)
        return
    identities.fill(session, account_id, source, told)
    identities.close(session, identities.digest(source, told.subject), account_id)


def _told(source: Source, user_id: str, document: Mapping[str, Any]) -> Told:
    claims = {path: attributes.text(document, path) for _, path in source.fields}
    login = str(document.get(USER_NAME, "")).strip().partition("@")[0]
    return Told(user_id, claims, login=login, email=attributes.text(document, "emails.primary"))


def _said(document: Mapping[str, Any]) -> str:
    said = json.dumps({name: value for name, value in document.items() if name not in attributes.NOT_KEPT})
    if len(said) > LARGEST:
        raise LimitExceeded(f"What is said of a person has at most {LARGEST} octets.")
    if not str(document.get(USER_NAME) or "").strip():
        raise InvalidInput("A person needs a userName.")
    return said


def _keys(document: Mapping[str, Any]) -> set[tuple[str, str]]:
    named = {(kind, str(document.get(kind) or "").strip()) for kind in (USER_NAME, EXTERNAL_ID)}
    return {(kind, value) for kind, value in named if value}


def _claim(session: Session, user_id: str, account_id: int, keys: set[tuple[str, str]]) -> None:
    for kind, value in sorted(keys):
        digest = _digest(kind, value)
        if session.scalars(select(ScimKey.user_id).where(ScimKey.digest == digest)).first() == user_id:
            continue
        try:
            with session.begin_nested():
                session.execute(insert(ScimKey).values(digest=digest, user_id=user_id, account_id=account_id))
        except IntegrityError as error:
            raise AlreadyExists(f"Somebody else has this {kind}.") from error


def _release(session: Session, user_id: str, keys: set[tuple[str, str]]) -> None:
    for kind, value in sorted(keys):
        session.execute(delete(ScimKey).where(ScimKey.digest == _digest(kind, value), ScimKey.user_id == user_id))


def _digest(kind: str, value: str) -> str:
    # A name is the same however large its letters are (RFC 7643, 4.1.1); what the organisation calls somebody is not.
    spelled = value.strip().casefold() if kind == USER_NAME else value.strip()
    return hashlib.blake2b(f"{SCIM} {kind}\n{spelled}".encode("utf-8", "replace"), digest_size=32).hexdigest()
