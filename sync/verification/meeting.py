"""What must be true of how people are found and connected: no key finds who does not want it, no block is passed by."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from sync.models import Block, OwnSearchKey, PublicFriend, SearchKey
from sync.sharing import connections, search_keys


def listing_of(session: Session, account_id: int) -> Iterator[str]:
    """Yield what is wrong with the keys by which a person is found."""
    kept = set(search_keys.keys_of(session, account_id))
    if kept - set(search_keys.wanted(session, account_id)):
        yield "The directory has keys by which the person does not want to be found."
    held = select(SearchKey.key).where(SearchKey.key.in_(sorted(kept)), SearchKey.account_id == account_id)
    if set(session.scalars(held)) != kept:
        yield "The directory does not have the keys that the person is listed under."


def directory(session: Session) -> Iterator[str]:
    """Yield whether the directory has keys that nobody is listed under; what is missing there, `listing_of` finds."""
    held = session.scalars(select(func.count()).select_from(SearchKey)).one()
    listed = session.scalars(select(func.count()).select_from(OwnSearchKey)).one()
    if held > listed:
        yield f"The directory has {held} keys, and people are listed under {listed}."


def between(session: Session, account_id: int) -> Iterator[str]:
    """Yield what is wrong between a person and others whom they blocked or published."""
    connected = set(connections.connected_to(session, account_id))
    blocked = select(Block.other_id).where(Block.owner_id == account_id)
    if set(session.scalars(blocked)) & connected:
        yield "The person is connected to somebody whom they have blocked."
    published = select(PublicFriend.friend_id).where(PublicFriend.owner_id == account_id)
    if set(session.scalars(published)) - connected:
        yield "Somebody is a public friend without being connected."
