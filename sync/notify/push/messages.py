"""
What a device is told: the topic of a collection, what about it changed, and which state it is in now.

Nothing else is ever said. It is read at the moment of saying it, together with whether the device may still be told.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from sync.database.lists import among
from sync.models import Account, AddressBook, Device, PushSubscription
from sync.notify.push.keys import HOME, Topics

_ROOT = (
    '<?xml version="1.0" encoding="utf-8"?>\n<P:push-message xmlns:D="DAV:" xmlns:P="https://bitfire.at/webdav-push">'
)

#: Writes the sync token of an epoch, a collection and a revision.
TokenMaker = Callable[[int, int, int], str]


@dataclass(frozen=True, slots=True)
class Due:
    """A registration with news, and what there is to say; nothing where it may not be told any more."""

    subscription: PushSubscription
    is_allowed: bool
    sync_token: str


@dataclass(frozen=True, slots=True)
class PushMessage:
    """One message. *topic* is what the push service knows it by, of which it keeps the last."""

    topic: str
    body: bytes


def read(session: Session, keys: Collection[tuple[int, int]], token: TokenMaker) -> list[Due]:
    """Read what there is to say to these registrations, each by its viewer and its id. *token* makes sync tokens."""
    found = _DUE.where(
        among(session, PushSubscription.viewer_id, {viewer_id for viewer_id, _ in keys}),
        among(session, PushSubscription.id, [subscription_id for _, subscription_id in keys]),
    )
    return [
        Due(
            subscription,
            revoked_at is None and disabled_at is None,
            token(epoch, subscription.book_id, revision) if subscription.book_id != HOME else "",
        )
        for subscription, revoked_at, disabled_at, epoch, revision in session.execute(found)
    ]


def of(due: Due, topics: Topics) -> list[PushMessage]:
    """Return the messages of what is to be said, mostly one."""
    mine = due.subscription
    messages = []
    if mine.has_key:
        body = f"{_ROOT}<P:property-update><D:prop><P:transports/></D:prop></P:property-update></P:push-message>"
        messages.append(PushMessage(topics.of_message(mine.id, "key"), body.encode()))
    content, properties = mine.has_content and mine.wants_content, mine.has_properties and mine.wants_properties
    if content or properties:
        token = f"<D:sync-token>{due.sync_token}</D:sync-token>" if due.sync_token else ""
        parts = [
            f"<P:topic>{topics.of_collection(mine.viewer_id, mine.book_id)}</P:topic>",
            f"<P:content-update>{token}</P:content-update>" if content else "",
            "<P:property-update/>" if properties else "",
        ]
        what = f"{'content' if content else ''}{'properties' if properties else ''}"
        body = f"{_ROOT}{''.join(parts)}</P:push-message>"
        messages.append(PushMessage(topics.of_message(mine.id, what), body.encode()))
    return messages


_DUE = (
    select(PushSubscription, Device.revoked_at, Account.disabled_at, AddressBook.epoch, AddressBook.revision)
    .join(Account, Account.id == PushSubscription.viewer_id)
    .join(Device, and_(Device.viewer_id == PushSubscription.viewer_id, Device.id == PushSubscription.device_id))
    .outerjoin(
        AddressBook,
        and_(AddressBook.viewer_id == PushSubscription.viewer_id, AddressBook.id == PushSubscription.book_id),
    )
)
