"""
Introductions: people let their connections see whom they know, and bring them together.

Of a published friend others see what strangers may see, and nothing where that is nothing. It is looked up each time,
so nothing of a friend is kept with who published them, and nothing lands on a device without a connection.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from sync.accounts.rate_limits import DAY, Limit, take
from sync.database.engine import among, settings_of
from sync.discovery import directory
from sync.discovery.directory import Found
from sync.errors import InvalidInput, NotFound
from sync.meeting import pairs, request_messages, requests
from sync.models import IN, REFUSED, WAITING, PublicFriend, now
from sync.sharing import connections

#: How often anybody may bring the same two together.
INTRODUCTIONS_OF_TWO = Limit("introduce two", 2, 30 * DAY)


def publish(session: Session, owner_id: int, friend_id: int) -> None:
    """
    Let one's other connections see that one knows this friend. Twice is the same as once.

    Raises:
        NotFound: The two are not connected.
    """
    with session.begin_nested():
        pairs.lock(session, owner_id, friend_id)
        connections.require(session, owner_id, friend_id)
        if not published(session, owner_id, [friend_id]):
            session.execute(insert(PublicFriend).values(owner_id=owner_id, friend_id=friend_id, published_at=now()))


def unpublish(session: Session, owner_id: int, friend_id: int) -> None:
    """
    No longer let anybody see that one knows this friend.

    Raises:
        NotFound: Nobody can see it.
    """
    gone = delete(PublicFriend).where(PublicFriend.owner_id == owner_id, PublicFriend.friend_id == friend_id)
    if session.execute(gone.returning(PublicFriend.friend_id)).first() is None:
        raise NotFound("This friend is not public.")


def published(session: Session, owner_id: int, only: Collection[int] | None = None) -> Sequence[int]:
    """Return the account ids of the friends whom a person made public; with *only*, of those among these people."""
    chosen = select(PublicFriend.friend_id).where(PublicFriend.owner_id == owner_id)
    if only is not None:
        chosen = chosen.where(among(session, PublicFriend.friend_id, only))
    return session.scalars(chosen.order_by(PublicFriend.friend_id)).all()


def public_friends(session: Session, viewer_id: int, owner_id: int) -> list[Found]:
    """
    Return the owner's public friends as a connection of the owner's sees them, by name.

    Left out are who lets strangers see nothing, the viewer, and whoever has blocked the viewer or is blocked by them.

    Raises:
        NotFound: The two are not connected.
    """
    connections.require(session, owner_id, viewer_id)
    found = directory.found_among(session, viewer_id, published(session, owner_id))
    return sorted((each for each in found if each.stranger.shows), key=lambda each: (each.name, each.login))


def introduce(session: Session, introducer_id: int, one: int, other: int, message: str = "") -> None:
    """
    Bring two of one's connections together: each is asked, and they are connected when both have confirmed.

    Whoever introduces learns nothing by it: not that the two are connected, have asked each other, or want nothing to
    do with each other.

    Raises:
        InvalidInput: They are not three people, or the message is too long.
        NotFound: Somebody of the two is no connection of the introducer's.
        TooManyTries: So many were introduced today, or these two so often.
    """
    message = requests.checked_message(message)
    if len({introducer_id, one, other}) < 3:
        raise InvalidInput("An introduction is of two others.")
    with session.begin_nested():
        pairs.lock(session, one, other)
        for person_id in (one, other):
            if not connections.is_connected(session, introducer_id, person_id):
                raise NotFound("You can introduce only people whom you are connected to.")
        two = sorted((one, other))
        take(session, INTRODUCTIONS_OF_TWO, *map(str, two))
        take(session, Limit("introduce", settings_of(session).limits.introductions_a_day, DAY), str(introducer_id))
        may, at = _may_meet(session, one, other), now()
        for person_id, stranger_id in ((one, other), (other, one)):
            asked = not _is_settled(session, person_id, stranger_id) and may
            side = (person_id, IN, stranger_id)
            requests.put(session, side, message, at, introducer_id=introducer_id, when=asked)
            request_messages.later(session, person_id, stranger_id, at, when=asked)


def _may_meet(session: Session, one: int, other: int) -> bool:
    # Everything is asked, so that whoever introduces cannot tell by the time which of it stands in the way.
    connected = connections.is_connected(session, one, other)
    lets = [pairs.open_to(session, *pair) is not None for pair in ((one, other), (other, one))]
    return not connected and all(lets)


def _is_settled(session: Session, person_id: int, other_id: int) -> bool:
    """Whether the person has asked the other, or has been asked, already."""
    asked = requests.state(session, person_id, IN, other_id)
    return pairs.consents(session, person_id, other_id) or asked in (WAITING, REFUSED)
