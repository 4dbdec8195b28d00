"""
Revisions of the address books in which people without an account follow one card (`sync.card_links`).

Such a book holds one entry for ever, so what says when the entry changed is the revision of the book itself. It is
raised in the transaction of the change, by an update in place, under the lock of the card's owner.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import ColumnElement, case, select, update
from sqlalchemy.orm import Session

from sync.database.lists import among
from sync.models import CardLink, new_id


def raise_shown(session: Session, owner_id: int, audience_ids: Collection[int], at: int) -> None:
    """Raise the revision of every link that shows one of these cards, which changed. *at* becomes its REV."""
    shown = (CardLink.owner_id == owner_id, among(session, CardLink.audience_id, audience_ids))
    session.execute(update(CardLink).where(*shown).values(revision=CardLink.revision + 1, changed_at=_later(at)))


def offer_again(session: Session, owner_id: int, link_id: int, at: int) -> None:
    """Let everybody who follows a card by this link fetch it once more, one of whom could not change it."""
    one = (CardLink.owner_id == owner_id, CardLink.id == link_id)
    session.execute(update(CardLink).where(*one).values(revision=CardLink.revision + 1, changed_at=_later(at)))


def begin_new_epoch(session: Session) -> None:
    """Make every sync token invalid that was ever handed out for such a book."""
    keys = session.execute(select(CardLink.owner_id, CardLink.id)).all()
    epochs = [{"owner_id": owner_id, "id": link_id, "epoch": new_id()} for owner_id, link_id in keys]
    if epochs:
        session.execute(update(CardLink), epochs)


def _later(at: int) -> ColumnElement[int]:
    # An ETag is made of it, and must be another one also for who fetched the card in the same second.
    return case((CardLink.changed_at >= at, CardLink.changed_at + 1), else_=at)
