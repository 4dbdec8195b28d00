"""Blocks: wanting nothing to do with somebody, who is told nothing of it."""

from __future__ import annotations

from sqlalchemy import Delete, delete, insert, select
from sqlalchemy.orm import Session

from sync.database import accounts
from sync.discovery import refusals
from sync.errors import InvalidInput, NotFound
from sync.meeting import pairs
from sync.models import IN, OUT, REFUSED, Block, Request, now
from sync.organisations import pair_entries
from sync.sharing import connections


def block(session: Session, owner_id: int, other_id: int) -> None:
    """
    Have nothing to do with somebody any more: disconnect, take back what one asked them, and hear no more of them.

    For the other it looks as if the two had been disconnected, or the owner had not answered. Twice is the same as
    once.

    Raises:
        InvalidInput: They are the same person.
        NotFound: There is no such person.
    """
    if owner_id == other_id:
        raise InvalidInput("Nobody can block themselves.")
    with session.begin_nested():
        pairs.lock(session, owner_id, other_id)
        if refusals.has_blocked(session, owner_id, other_id):
            return
        session.execute(insert(Block).values(owner_id=owner_id, other_id=other_id, blocked_at=now()))
        session.execute(_request(owner_id, OUT, other_id))
        session.execute(_request(owner_id, IN, other_id).where(Request.state != REFUSED))
        # What the owner asked is taken back; what others brought about, the blocked person may wait for.
        asked = _request(other_id, IN, owner_id)
        session.execute(asked.where(Request.state != REFUSED, Request.introducer_id.is_(None)))
        if connections.is_connected(session, owner_id, other_id):
            connections.disconnect(session, owner_id, other_id)
        _keep_apart(session, owner_id, other_id, is_blocked=True)


def unblock(session: Session, owner_id: int, other_id: int) -> None:
    """
    Be a stranger again to somebody who was blocked. The two are not connected by that.

    Raises:
        NotFound: The person is not blocked.
    """
    gone = delete(Block).where(Block.owner_id == owner_id, Block.other_id == other_id).returning(Block.other_id)
    with session.begin_nested():
        if session.execute(gone).first() is None:
            raise NotFound("This person is not blocked.")
        if not refusals.has_blocked(session, other_id, owner_id):
            _keep_apart(session, owner_id, other_id, is_blocked=False)


def blocked(session: Session, owner_id: int) -> list[tuple[int, str]]:
    """Return id and login of everybody whom a person has blocked, by login."""
    found = session.scalars(select(Block.other_id).where(Block.owner_id == owner_id)).all()
    return sorted(accounts.logins(session, found).items(), key=lambda each: each[1])


def _keep_apart(session: Session, one: int, other: int, *, is_blocked: bool) -> None:
    """Let no organisation show two people to each other, or leave it to their organisations again."""
    for viewer_id, owner_id in sorted(((one, other), (other, one))):
        pair_entries.block(session, viewer_id, owner_id, is_blocked=is_blocked)


def _request(owner_id: int, direction: str, other_id: int) -> Delete:
    return delete(Request).where(
        Request.owner_id == owner_id, Request.direction == direction, Request.other_id == other_id
    )
