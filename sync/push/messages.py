"""
What a device is told: the topic of a collection, what about it changed, and which state it is in now.

Nothing else is ever said to it; a browser is told whose card changed. Either is read at the moment of saying it,
together with whether the device or browser may still be told.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from sync.database.lists import among
from sync.models import Account, AddressBook, BrowserSession, CardNews, Device, PushSubscription, now
from sync.push.keys import HOME, Topics

_ROOT = (
    '<?xml version="1.0" encoding="utf-8"?>\n<P:push-message xmlns:D="DAV:" xmlns:P="https://bitfire.at/webdav-push">'
)


class BookState(NamedTuple):
    """What the row of somebody's address book says, all None where there is none, and which *lists* a device shows."""

    path: str | None
    epoch: int | None
    revision: int | None
    rosters: str | None
    lists: str | None


#: Writes the token that a viewer's device gets of a collection in this state: empty for none, None where there is no
#: such collection for them.
TokenMaker = Callable[[Session, int, int, BookState], str | None]
XML, JSON = 'application/xml; charset="UTF-8"', "application/json"


@dataclass(frozen=True, slots=True)
class Notice:
    """
    What a browser is to be told, nothing where nothing is worth it.

    *versions* are those of the profiles that it was read at, by owner.
    """

    body: bytes
    versions: Mapping[int, int]


#: Writes what there is to say to a browser of the owners whose cards changed, each since a version of their profile.
NoticeWriter = Callable[[Session, PushSubscription, Mapping[int, int]], Notice]


@dataclass(frozen=True, slots=True)
class Wording:
    """How that is put of which this room knows nothing: the *token* of a state, and the *notice* for a browser."""

    token: TokenMaker
    notice: NoticeWriter


@dataclass(frozen=True, slots=True)
class Due:
    """
    A registration with news, and what there is to say; nothing where it may not be told any more.

    *sync_token* is None where its person does not see the collection now.
    """

    subscription: PushSubscription
    is_allowed: bool
    sync_token: str | None
    notice: Notice | None = None


@dataclass(frozen=True, slots=True)
class PushMessage:
    """One message. *topic* is what the push service knows it by, of which it keeps the last; all where it is empty."""

    topic: str
    body: bytes
    kind: str = XML


def read(session: Session, keys: Collection[tuple[int, int]], wording: Wording) -> list[Due]:
    """Read what there is to say to these registrations, each by its viewer and its id."""
    found = _DUE.where(
        among(session, PushSubscription.viewer_id, {viewer_id for viewer_id, _ in keys}),
        among(session, PushSubscription.id, [subscription_id for _, subscription_id in keys]),
    )
    rows = session.execute(found).all()
    cards = _cards(session, [mine for mine, *_ in rows if mine.session_id is not None])
    return [
        _device(
            session,
            mine,
            wording,
            BookState(path, epoch, revision, rosters, lists),
            is_allowed=revoked_at is None and disabled_at is None,
        )
        if mine.session_id is None
        else _browser(
            session, mine, wording, cards.get(mine.id, {}), is_allowed=disabled_at is None and (until or 0) > now()
        )
        for mine, revoked_at, disabled_at, until, path, epoch, revision, rosters, lists in rows
    ]


def _device(session: Session, mine: PushSubscription, wording: Wording, state: BookState, *, is_allowed: bool) -> Due:
    is_book = is_allowed and mine.book_id != HOME
    return Due(mine, is_allowed, wording.token(session, mine.viewer_id, mine.book_id, state) if is_book else "")


def _browser(
    session: Session, mine: PushSubscription, wording: Wording, cards: Mapping[int, int], *, is_allowed: bool
) -> Due:
    return Due(mine, is_allowed, "", wording.notice(session, mine, cards) if is_allowed else Notice(b"", {}))


def _cards(session: Session, browsers: Collection[PushSubscription]) -> dict[int, dict[int, int]]:
    """Return by registration whose cards changed, with the version that the browser knows."""
    found: dict[int, dict[int, int]] = {}
    if not browsers:
        return found
    mine = select(CardNews.subscription_id, CardNews.owner_id, CardNews.version).where(
        among(session, CardNews.viewer_id, {each.viewer_id for each in browsers}),
        among(session, CardNews.subscription_id, [each.id for each in browsers]),
    )
    for subscription_id, owner_id, version in session.execute(mine):
        found.setdefault(subscription_id, {})[owner_id] = version
    return found


def of(due: Due, topics: Topics) -> list[PushMessage]:
    """Return the messages of what is to be said, mostly one; none where there is nothing after all."""
    mine = due.subscription
    if due.notice is not None:
        # What was not delivered yet is about others, so that none takes the place of another.
        return [PushMessage("", due.notice.body, JSON)] if due.notice.body else []
    if due.sync_token is None:
        return []
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
    select(
        PushSubscription,
        Device.revoked_at,
        Account.disabled_at,
        BrowserSession.expires_at,
        AddressBook.path,
        AddressBook.epoch,
        AddressBook.revision,
        AddressBook.rosters,
        Device.lists,
    )
    .join(Account, Account.id == PushSubscription.viewer_id)
    .outerjoin(
        BrowserSession,
        and_(BrowserSession.owner_id == PushSubscription.viewer_id, BrowserSession.id == PushSubscription.session_id),
    )
    .outerjoin(Device, and_(Device.viewer_id == PushSubscription.viewer_id, Device.id == PushSubscription.device_id))
    .outerjoin(
        AddressBook,
        and_(AddressBook.viewer_id == PushSubscription.viewer_id, AddressBook.id == PushSubscription.book_id),
    )
)
