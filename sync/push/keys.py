"""
The key by which push services know this server (RFC 8292), and what follows from its secrets: topics.

It is made at the first start. After it was rotated, a device that saw the old one is called with that as long as it is
registered: its push service lets nobody else call it.
"""

from __future__ import annotations

import contextlib
import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from sync.database.server_keys import key_for
from sync.models import PushSubscription, ServerSecret, now

CURVE = ec.SECP256R1()
#: What stands for a person's home where an address book is named.
HOME = 0
#: Where it says which key is shown, and what the name of each begins with.
_CURRENT, _EACH = "vapid", "vapid-"
_ID_LENGTH = 16


@dataclass(frozen=True, slots=True)
class VapidKey:
    """One key pair. *id* follows from the *public* point, which is not compressed."""

    id: str
    public: bytes
    private: ec.EllipticCurvePrivateKey

    @property
    def text(self) -> str:
        """The public key as it is shown (RFC 7515, base64url without padding)."""
        return base64url(self.public)


def base64url(data: bytes) -> str:
    """Write octets in base64url without padding."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def ensure(session: Session) -> VapidKey:
    """Return the key that is shown, after it was made if there is none yet."""
    if not _current_id(session):
        # Another process that starts at the same moment may have made it by now.
        with contextlib.suppress(IntegrityError), session.begin_nested():
            session.execute(insert(ServerSecret).values(name=_CURRENT, value=b""))
    shown = _current_id(session, lock=True)
    if shown not in of_ids(session, [shown]):
        # One that was lost is made anew: nobody could be called by it.
        shown = _make(session)
    return of_ids(session, [shown])[shown]


def current(session: Session) -> VapidKey:
    """Return the key that is shown, which `ensure` made."""
    shown = _current_id(session)
    return of_ids(session, [shown])[shown]


def of_ids(session: Session, ids: Iterable[str]) -> dict[str, VapidKey]:
    """Return the keys with these ids."""
    names = [f"{_EACH}{each}" for each in ids]
    found = session.scalars(select(ServerSecret.value).where(ServerSecret.name.in_(names))).all()
    return {key.id: key for key in map(_key, found)}


def rotate(session: Session) -> int:
    """
    Show another key from now on, and have everybody told who knows another; returns how many registrations these are.

    They go on with the key that they know until they register anew. Browsers are not told: nothing is new to a person.
    """
    told = (
        update(PushSubscription)
        .where(PushSubscription.session_id.is_(None))
        .values(
            has_key=True,
            news=PushSubscription.news + 1,
            waiting_since=func.coalesce(PushSubscription.waiting_since, now()),
            # Whoever could not be reached may be now, and is not kept from that by the pauses of before.
            not_before=0,
        )
    )
    with session.begin_nested():
        ensure(session)
        _make(session)
        return len(session.execute(told.returning(PushSubscription.id)).all())


def forget_unused(session: Session) -> None:
    """Forget the keys that are shown no more and that no registration needs."""
    shown = _current_id(session, lock=True)
    if not shown:
        # There was nothing to lock: what is found from here on another process has made since, and shows.
        return
    used = set(session.scalars(select(PushSubscription.key_id).distinct()))
    kept = session.scalars(select(ServerSecret.name).where(ServerSecret.name.startswith(_EACH))).all()
    for name in kept:
        if name.removeprefix(_EACH) not in {shown, *used}:
            session.execute(delete(ServerSecret).where(ServerSecret.name == name))


@dataclass(frozen=True, slots=True)
class Topics:
    """Makes what stands for collections and registrations in messages, which tells nothing to whoever has no key."""

    key: bytes

    @classmethod
    def of(cls, session: Session) -> Topics:
        """Return those of this server. Needs the right to write."""
        return cls(key_for(session, "push topics"))

    def of_collection(self, viewer_id: int, book_id: int) -> str:
        """Return the topic of an address book or, as `HOME`, of a home: the same for its whole life."""
        return self._name(f"collection/{viewer_id}/{book_id}")

    def of_message(self, subscription_id: int, what: str) -> str:
        """Return what a push service knows messages of one kind to one device by, of which it keeps the last."""
        return self._name(f"message/{subscription_id}/{what}")

    def _name(self, text: str) -> str:
        return base64url(hashlib.blake2b(text.encode(), key=self.key, digest_size=16).digest())


def _current_id(session: Session, *, lock: bool = False) -> str:
    shown = select(ServerSecret.value).where(ServerSecret.name == _CURRENT)
    value = session.scalars(shown.with_for_update() if lock else shown).first()
    return value.decode() if value else ""


def _make(session: Session) -> str:
    value = ec.generate_private_key(CURVE).private_numbers().private_value.to_bytes(32)
    key = _key(value)
    session.execute(insert(ServerSecret).values(name=f"{_EACH}{key.id}", value=value))
    session.execute(update(ServerSecret).where(ServerSecret.name == _CURRENT).values(value=key.id.encode()))
    return key.id


@lru_cache(maxsize=64)
def _key(value: bytes) -> VapidKey:
    private = ec.derive_private_key(int.from_bytes(value), CURVE)
    public = private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return VapidKey(hashlib.sha256(public).hexdigest()[:_ID_LENGTH], public, private)
