"""
Registrations: which devices are told of changes in which collections, until when, and by which push resource.

A registration is its device's alone. It ends when the device says so or is shut out, when the person's password is
changed or their account goes, when nobody renews it, and when its push service does not know it any more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, func, insert, select, update
from sqlalchemy.orm import Session

from sync.database.engine import settings_of
from sync.errors import InvalidInput, LimitExceeded, NotFound
from sync.models import Account, AddressBook, BrowserSession, Device, PushSubscription, new_id, now
from sync.push import encryption, endpoints, keys
from sync.push.endpoints import Endpoint
from sync.push.keys import HOME

_DAY = 86_400
#: For how many seconds a registration lasts that says nothing, and how long one lasts at most.
USUAL, LONGEST = 3 * _DAY, 30 * _DAY


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a device asks for. *until* is when it wants to be told no more, absent where it does not say."""

    endpoint: str
    public_key: bytes
    auth_secret: bytes
    content: bool
    properties: bool
    until: int | None = None


@dataclass(frozen=True, slots=True)
class Registered:
    """A registration, and whether it *is_new*."""

    id: int
    expires_at: int
    is_new: bool


@dataclass(frozen=True, slots=True)
class Listed:
    """
    A registration as people are shown it: of the push resource only the host, for whoever knows more can use it.

    *device* is what its person calls it; where it is a browser, what that says of itself.
    """

    login: str
    device: str
    collection: str
    host: str
    content: bool
    properties: bool
    created_at: int
    expires_at: int
    told_at: int | None
    waiting_since: int | None
    failing_since: int | None


def register(session: Session, viewer_id: int, device_id: int, book_id: int, wanted: Wanted) -> Registered:
    """
    Register a device for a collection, or renew what it registered there with the same push resource.

    Raises:
        InvalidInput: Nothing could be sent by what it says.
        LimitExceeded: The device or the person has as many registrations as they may.
        NotFound: The device is shut out, or the collection is gone.
    """
    endpoint = checked(session, wanted.endpoint, wanted.public_key, wanted.auth_secret)
    _require_open(session, viewer_id, device_id, book_id)
    at = now()
    digest = hashlib.sha256(wanted.endpoint.encode()).hexdigest()
    until = wanted.until if wanted.until is not None and wanted.until > at else at + USUAL
    expires_at = min(until, at + LONGEST)
    values: dict[str, object] = {
        "device_id": device_id,
        "public_key": wanted.public_key,
        "auth_secret": wanted.auth_secret,
        "wants_content": wanted.content,
        "wants_properties": wanted.properties,
        "expires_at": expires_at,
    }
    mine = (
        PushSubscription.viewer_id == viewer_id,
        PushSubscription.book_id == book_id,
        PushSubscription.endpoint_digest == digest,
    )
    # Its push service knows this one by the key that it was made with: that stays.
    renewed = update(PushSubscription).where(*mine).values(**values).returning(PushSubscription.id)
    known = session.scalars(renewed.execution_options(synchronize_session=False)).first()
    if known is not None:
        return Registered(known, expires_at, is_new=False)
    made: dict[str, Any] = {
        "endpoint": wanted.endpoint,
        "endpoint_digest": digest,
        "host": endpoint.authority,
        "created_at": at,
    }
    with session.begin_nested():
        require_room(session, viewer_id, device_id)
        made |= {"id": new_id(), "key_id": keys.current(session).id, "viewer_id": viewer_id, "book_id": book_id}
        session.execute(insert(PushSubscription).values(**made, **values))
    return Registered(made["id"], expires_at, is_new=True)


def checked(session: Session, url: str, public_key: bytes, auth_secret: bytes) -> Endpoint:
    """
    Read the address of a push resource, and look at what messages to it would be encrypted by.

    Raises:
        InvalidInput: Nothing could be sent by this.
    """
    endpoint = endpoints.read(url, allow_local=settings_of(session).push_to_local)
    if not encryption.is_public_key(public_key) or len(auth_secret) != encryption.AUTH_SECRET:
        raise InvalidInput("A message needs a key and a secret of the device to be encrypted with.")
    return endpoint


def remove(session: Session, viewer_id: int, device_id: int, subscription_id: int) -> None:
    """
    End one registration of a device's.

    Raises:
        NotFound: It has none of this id, or has none any more.
    """
    mine = _of(viewer_id, device_id)
    gone = delete(PushSubscription).where(*mine, PushSubscription.id == subscription_id)
    expires_at = session.scalars(gone.returning(PushSubscription.expires_at)).first()
    if expires_at is None or expires_at <= now():
        raise NotFound("There is no such registration.")


def end(session: Session, viewer_id: int, device_id: int | None = None) -> None:
    """End all registrations of a person, or of one of their devices."""
    session.execute(delete(PushSubscription).where(*_of(viewer_id, device_id)))


def end_of_book(session: Session, viewer_id: int, book_id: int) -> None:
    """End the registrations for an address book that is no more."""
    session.execute(
        delete(PushSubscription).where(PushSubscription.viewer_id == viewer_id, PushSubscription.book_id == book_id)
    )


def purge(session: Session) -> None:
    """Drop what expired, and the keys that nobody needs any more."""
    with session.begin_nested():
        session.execute(delete(PushSubscription).where(PushSubscription.expires_at <= now()))
        keys.forget_unused(session)


def listed(session: Session, viewer_id: int | None = None) -> Sequence[Listed]:
    """Return the registrations that last, of one person or of all."""
    found = _LISTED.where(PushSubscription.expires_at > now())
    if viewer_id is not None:
        found = found.where(PushSubscription.viewer_id == viewer_id)
    return [Listed(*row) for row in session.execute(found)]


def require_room(session: Session, viewer_id: int, device_id: int | None = None) -> None:
    """
    Make sure that there may be one more registration of a person's, and of a device where one is meant.

    Raises:
        LimitExceeded: There are as many as there may be.
    """
    limits = settings_of(session).limits
    session.execute(delete(PushSubscription).where(*_of(viewer_id, None), PushSubscription.expires_at <= now()))
    bounds = [(None, limits.push_subscriptions), (device_id, limits.push_subscriptions_of_device)]
    for whose, limit in bounds if device_id is not None else bounds[:1]:
        if session.scalars(select(func.count()).where(*_of(viewer_id, whose))).one() >= limit:
            raise LimitExceeded(f"There are {limit} registrations already.")


def _of(viewer_id: int, device_id: int | None) -> tuple[ColumnElement[bool], ...]:
    mine: tuple[ColumnElement[bool], ...] = (PushSubscription.viewer_id == viewer_id,)
    return mine if device_id is None else (*mine, PushSubscription.device_id == device_id)


def _require_open(session: Session, viewer_id: int, device_id: int, book_id: int) -> None:
    # Whoever shuts the device out meanwhile waits for this, and then ends it.
    account = select(Account.id).where(Account.id == viewer_id, Account.disabled_at.is_(None))
    device = select(Device.id).where(Device.viewer_id == viewer_id, Device.id == device_id, Device.revoked_at.is_(None))
    book = select(AddressBook.id).where(AddressBook.viewer_id == viewer_id, AddressBook.id == book_id)
    for held in (account, device) if book_id == HOME else (account, device, book):
        if session.scalars(held.with_for_update()).first() is None:
            raise NotFound("There is nothing to register for here.")


_LISTED = (
    select(
        Account.login,
        func.coalesce(Device.label, BrowserSession.browser, ""),
        func.coalesce(AddressBook.path, ""),
        PushSubscription.host,
        PushSubscription.wants_content,
        PushSubscription.wants_properties,
        PushSubscription.created_at,
        PushSubscription.expires_at,
        PushSubscription.told_at,
        PushSubscription.waiting_since,
        PushSubscription.failing_since,
    )
    .join(Account, Account.id == PushSubscription.viewer_id)
    .outerjoin(Device, and_(Device.viewer_id == PushSubscription.viewer_id, Device.id == PushSubscription.device_id))
    .outerjoin(
        BrowserSession,
        and_(BrowserSession.owner_id == PushSubscription.viewer_id, BrowserSession.id == PushSubscription.session_id),
    )
    .outerjoin(
        AddressBook,
        and_(AddressBook.viewer_id == PushSubscription.viewer_id, AddressBook.id == PushSubscription.book_id),
    )
    .order_by(Account.login, PushSubscription.created_at, PushSubscription.id)
)
