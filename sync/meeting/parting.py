"""Parting: taking two people out of each other's address book, and what the one who does it may keep."""

from __future__ import annotations

import uuid

from sqlalchemy import select
from sqlalchemy.orm import Session

from sync import address_books, connections, entries, served
from sync.address_books import CONTACTS_PATH
from sync.errors import NotFound
from sync.meeting import pairs
from sync.models import Card, Entry, Overlay, now


def disconnect(session: Session, owner_id: int, other_id: int, *, keep: bool = False) -> None:
    """
    Take two people out of each other's address book.

    With *keep* the owner keeps the other's card as it is now, with what they added to it, as a private contact that
    nobody else knows of.

    Raises:
        NotFound: They are not connected.
        LimitExceeded: The address book is full.
    """
    with session.begin_nested():
        pairs.lock(session, owner_id, other_id)
        connections.require(session, owner_id, other_id)
        uid = str(uuid.uuid4())
        kept = _text(session, owner_id, other_id, uid) if keep else None
        connections.disconnect(session, owner_id, other_id)
        if kept is not None:
            book = address_books.find_book(session, owner_id, CONTACTS_PATH)
            if book is None:
                raise NotFound("There is no such address book.")
            entries.write(session, book, f"{uid}.vcf", kept.encode(), lambda _etag: None)


def _text(session: Session, viewer_id: int, owner_id: int, uid: str) -> str:
    body, overlay = session.execute(
        select(Card.body_3, Overlay.content)
        .select_from(Entry)
        .join(Card, (Card.owner_id == Entry.id) & (Card.id == Entry.card_id))
        .outerjoin(Overlay, (Overlay.viewer_id == Entry.viewer_id) & (Overlay.entry_id == Entry.id))
        .where(Entry.viewer_id == viewer_id, Entry.id == owner_id)
    ).one()
    return served.held(body, overlay, "3.0", uid, now())
