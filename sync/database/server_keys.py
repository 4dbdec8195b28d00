"""Keys of this server: one root, and for every purpose a key of its own that follows from it."""

from __future__ import annotations

import contextlib
import hashlib
import secrets

from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from sync.database.engine import settings_of
from sync.models import ServerSecret


def server_key(session: Session) -> bytes:
    """Return the root key: from the settings, or a random one that the database keeps. Needs the right to write."""
    secret = settings_of(session).secret
    if secret:
        return hashlib.sha256(secret.encode()).digest()
    kept = select(ServerSecret.value).where(ServerSecret.name == "device")
    stored = session.scalars(kept).first()
    if stored is None:
        # Another process that starts at the same moment may have made it by now.
        with contextlib.suppress(IntegrityError), session.begin_nested():
            session.execute(insert(ServerSecret).values(name="device", value=secrets.token_bytes(32)))
        stored = session.scalars(kept).one()
    return stored


def key_for(session: Session, purpose: str) -> bytes:
    """Return the key for *purpose*; from one such key nothing follows about another. Needs the right to write."""
    return hashlib.blake2b(purpose.encode(), key=server_key(session), digest_size=32).digest()
