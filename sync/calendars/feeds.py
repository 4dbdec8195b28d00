"""
Calendar feeds: secret addresses under which a program fetches a person's birthdays, without signing in.

A feed opens its calendar and nothing else. What says which state of the address books a calendar was made of is read
in one statement, so that who asks every hour costs next to nothing while nothing changed.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, bindparam, delete, func, insert, select
from sqlalchemy.orm import Session

from sync.books import entries
from sync.books.entry_rows import PRIVATE
from sync.calendars.occasions import Occasion, occasions_of
from sync.database.engine import Database
from sync.errors import InvalidInput, LimitExceeded, NotFound
from sync.models import CONTACTS, Account, AddressBook, CalendarFeed, new_id, now
from sync.revisions import address_books
from sync.sharing.cards import SELF

#: How many a person has at most.
MOST = 20
#: Raised when the same cards make another calendar, so that programs fetch it anew.
_FORM = 1
_LABEL = 100
_SECRET = re.compile(r"([0-9a-f]{1,16})-([A-Za-z0-9_-]{32})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Opened:
    """A feed that a secret opened: whose, how it is written, and *state*, which differs when the calendar may."""

    viewer_id: int
    language: str
    with_private: bool
    state: str


def create(
    session: Session, viewer_id: int, label: str, language: str, *, with_private: bool = False
) -> tuple[int, str]:
    """
    Make a feed and return its id and its secret, which is stored nowhere.

    Raises:
        InvalidInput: *label* is empty or too long.
        LimitExceeded: The person has as many as they may.
        NotFound: There is no such person.
    """
    label = " ".join(label.split())
    if not 1 <= len(label) <= _LABEL:
        raise InvalidInput(f"The name of a calendar has 1 to {_LABEL} characters.")
    # Two that are made at once must not come past the limit.
    if session.scalars(select(Account.id).where(Account.id == viewer_id).with_for_update()).first() is None:
        raise NotFound("There is no such person.")
    if session.scalars(select(func.count()).where(CalendarFeed.viewer_id == viewer_id)).one() >= MOST:
        raise LimitExceeded(f"A person has at most {MOST} calendars; end one first.")
    feed_id, secret = new_id(), f"{viewer_id:x}-{secrets.token_urlsafe(24)}"
    session.execute(
        insert(CalendarFeed).values(
            viewer_id=viewer_id,
            id=feed_id,
            label=label,
            secret_hash=_hash(secret),
            language=language,
            with_private=with_private,
            created_at=now(),
        )
    )
    return feed_id, secret


def feeds(session: Session, viewer_id: int) -> Sequence[CalendarFeed]:
    """Return a person's feeds, oldest first."""
    mine = select(CalendarFeed).where(CalendarFeed.viewer_id == viewer_id)
    return session.scalars(mine.order_by(CalendarFeed.created_at, CalendarFeed.id)).all()


def end(session: Session, viewer_id: int, feed_id: int) -> None:
    """
    End a feed: its address opens nothing any more.

    Raises:
        NotFound: The person has no such feed.
    """
    mine = delete(CalendarFeed).where(CalendarFeed.viewer_id == viewer_id, CalendarFeed.id == feed_id)
    if session.execute(mine.returning(CalendarFeed.id)).first() is None:
        raise NotFound("There is no such calendar.")


def opened(database: Database, secret: str) -> Opened | None:
    """Return what *secret* opens; None where it is no feed's, or its person's account is disabled or being deleted."""
    read = _SECRET.fullmatch(secret)
    # Beyond what the databases have for a number there is nobody.
    if read is None or int(read[1], 16) >= 2**63:
        return None
    rows = database.quick_rows(_OPENED, {"viewer": int(read[1], 16), "secret": _hash(secret)})
    if not rows:
        return None
    (viewer_id, feed_id, language, with_private), books = rows[0][:4], [row[4:] for row in rows]
    meant = [book for book in books if with_private or book[0] == CONTACTS]
    state = "-".join(f"{number:x}" for number in (_FORM, feed_id, *(part for book in sorted(meant) for part in book)))
    return Opened(viewer_id, language, bool(with_private), hashlib.blake2b(state.encode(), digest_size=12).hexdigest())


def occasions(session: Session, feed: Opened) -> Iterator[Occasion]:
    """Yield the days on all cards that *feed* is of, as they are served to the person's devices at this moment."""
    for book in address_books.books_of(session, feed.viewer_id):
        if book.is_layer or (not feed.with_private and book.id != CONTACTS):
            continue
        for entry in entries.texts(session, book, "4.0"):
            if entry.kind != SELF and (feed.with_private or entry.kind != PRIVATE):
                yield from occasions_of(entry.uid, entry.text, entry.changed_at)


def _hash(secret: str) -> bytes:
    return hashlib.blake2b(secret.encode(), digest_size=32).digest()


_OPENED: Select[Any] = (
    select(CalendarFeed.viewer_id, CalendarFeed.id, CalendarFeed.language, CalendarFeed.with_private)
    .add_columns(AddressBook.id, AddressBook.epoch, AddressBook.revision)
    .join(Account, Account.id == CalendarFeed.viewer_id)
    .join(AddressBook, AddressBook.viewer_id == CalendarFeed.viewer_id)
    .where(
        CalendarFeed.viewer_id == bindparam("viewer"),
        CalendarFeed.secret_hash == bindparam("secret"),
        Account.disabled_at.is_(None),
        Account.deletion_began_at.is_(None),
    )
)
