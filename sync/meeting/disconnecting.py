"""Parting: taking two people out of each other's address book, and what the one who does it may keep."""

from __future__ import annotations

import uuid

from sqlalchemy.orm import Session

from sync.books import entries, held_cards
from sync.errors import NotFound
from sync.meeting import pairs
from sync.revisions import address_books
from sync.revisions.address_books import CONTACTS_PATH
from sync.sharing import connections


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
        kept = held_cards.of(session, owner_id, other_id, uid=uid).text if keep else None
        connections.disconnect(session, owner_id, other_id)
        if kept is not None:
            book = address_books.find_book(session, owner_id, CONTACTS_PATH)
            if book is None:
                raise NotFound("There is no such address book.")
            entries.write(session, book, f"{uid}.vcf", kept.encode(), lambda _etag: None)
