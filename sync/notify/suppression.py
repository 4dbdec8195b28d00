"""The suppression list: addresses that nothing is sent to which their owner did not ask for."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterable

from itsdangerous import BadData, URLSafeSerializer
from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from sync.database.server_keys import key_for
from sync.errors import InvalidOneTimeToken
from sync.models import Suppression, now

PURPOSE = "unsubscribe"


def is_suppressed(session: Session, channel: str, recipient: str) -> bool:
    """Whether the owner of this address said that they want no more messages."""
    kept = select(Suppression.digest).where(Suppression.digest == _digest(session, channel, recipient))
    return session.scalars(kept).first() is not None


def suppressed(session: Session, channel: str, recipients: Iterable[str]) -> set[str]:
    """Return those of these addresses whose owners said so, by one statement however many they are."""
    key = key_for(session, "suppression")
    digests = {_keyed(key, channel, recipient): recipient for recipient in recipients}
    kept = session.scalars(select(Suppression.digest).where(Suppression.digest.in_(digests)))
    return {digests[digest] for digest in kept}


def token_for(session: Session, channel: str, recipient: str) -> str:
    """Return what the link carries by which the reader of a message says so. It never expires and holds no address."""
    return _serializer(session).dumps(_digest(session, channel, recipient))


def check(session: Session, token: str) -> None:
    """
    Make sure that a link's *token* is for an address. Nothing is stored.

    Raises:
        InvalidTicket: The token was made up or changed.
    """
    _read(session, token)


def suppress(session: Session, token: str) -> None:
    """
    Send nothing more to the address that a link's *token* is for. Doing it twice is the same as once.

    Raises:
        InvalidTicket: The token was made up or changed.
    """
    digest = _read(session, token)
    with contextlib.suppress(IntegrityError), session.begin_nested():
        session.execute(insert(Suppression).values(digest=digest, created_at=now()))


def _read(session: Session, token: str) -> str:
    try:
        return str(_serializer(session).loads(token))
    except (BadData, UnicodeError, ValueError) as error:
        raise InvalidOneTimeToken from error


def _digest(session: Session, channel: str, recipient: str) -> str:
    return _keyed(key_for(session, "suppression"), channel, recipient)


def _keyed(key: bytes, channel: str, recipient: str) -> str:
    return hashlib.blake2b(f"{channel}/{recipient.casefold()}".encode(), key=key, digest_size=16).hexdigest()


def _serializer(session: Session) -> URLSafeSerializer:
    return URLSafeSerializer(key_for(session, PURPOSE), salt="evercard/unsubscribe")
