"""Bearer tokens by which an organisation proves that it may tell of people: each is shown once, and kept as a hash."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from sync.errors import AlreadyExists, InvalidInput, LimitExceeded, NotFound
from sync.models import ScimToken, now

#: How many there are at most.
MOST = 20
#: When a token was last used is written down at most once in so many seconds.
PRECISION = 3600


def add(session: Session, label: str) -> str:
    """
    Make a token, and return it.

    Raises:
        AlreadyExists: There is one with this label.
        InvalidInput: The label is empty or too long.
        LimitExceeded: There are as many as there may be.
    """
    label = " ".join(label.split())
    if not label or len(label) > 100 or not label.isprintable():
        raise InvalidInput("A token's label has 1 to 100 characters, such as “Entra ID”.")
    known = tokens(session)
    if label in {each.label for each in known}:
        raise AlreadyExists("There is a token with this label already.")
    if len(known) >= MOST:
        raise LimitExceeded(f"There are at most {MOST} tokens; revoke one first.")
    token = secrets.token_urlsafe(32)
    session.execute(insert(ScimToken).values(digest=_digest(token), label=label, created_at=now()))
    return token


def tokens(session: Session) -> Sequence[ScimToken]:
    """Return all tokens, oldest first."""
    return session.scalars(select(ScimToken).order_by(ScimToken.created_at, ScimToken.label)).all()


def revoke(session: Session, label: str) -> None:
    """
    Let a token open nothing any more, from the next request on.

    Raises:
        NotFound: There is none with this label.
    """
    gone = delete(ScimToken).where(ScimToken.label == " ".join(label.split())).returning(ScimToken.digest)
    if session.scalars(gone).first() is None:
        raise NotFound("There is no token with this label.")


def find(session: Session, token: str) -> ScimToken | None:
    """Return a token that works, or None."""
    return session.get(ScimToken, _digest(token))


def is_noted(token: ScimToken) -> bool:
    """Whether it is written down already that the token was used lately."""
    return token.last_used_at is not None and abs(now() - token.last_used_at) < PRECISION


def note_use(session: Session, digest: str) -> None:
    """Write down that a token was used."""
    session.execute(update(ScimToken).where(ScimToken.digest == digest).values(last_used_at=now()))


def _digest(token: str) -> str:
    return hashlib.blake2b(token.encode("utf-8", "replace"), digest_size=32).hexdigest()
