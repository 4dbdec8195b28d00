"""
Telling the devices of an organisation's members that something changed in a shared book, through the outbox.

It is done as where a roster changed (`sync.revisions.roster_news`): a change costs one row however many members there
are, and a worker notes the news for some of them at a time: for those who may see the book then, since that something
changed in it is nobody else's business.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from sync.database.engine import Database
from sync.models import NOBODY, SHARED_BOOK, SharedBook
from sync.revisions import roster_news
from sync.shared_books import access


def ask(session: Session, book_id: int, at: int) -> None:
    """Leave it to the worker to tell of a change, unless it is to tell of another already."""
    roster_news.leave(session, SHARED_BOOK, book_id, NOBODY, at)


def work(database: Database, *, buckets: Sequence[int] | None = None) -> int:
    """Tell what is to be told, and return of how many members' devices it was looked."""
    return roster_news.tell(database, SHARED_BOOK, _place, access.readers_of, buckets)


def _place(session: Session, book_id: int) -> tuple[int | None, int]:
    shared = select(SharedBook.organisation_id).where(SharedBook.id == book_id)
    return session.scalars(shared).first(), book_id
