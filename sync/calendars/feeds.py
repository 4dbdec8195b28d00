"""
Calendar feeds: secret addresses under which a program fetches a person's birthdays, without signing in.

A feed opens its calendar and nothing else. What says which state of the address books a calendar was made of is read
in one statement, so that who asks every hour costs next to nothing while nothing changed.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, bindparam, delete, func, insert, select
from sqlalchemy.orm import Session

from sync.books import entries, roster_entries
from sync.books.entry_rows import PRIVATE
from sync.calendars.occasions import Occasion, occasions_of
from sync.database.engine import Database
from sync.database.server_keys import key_for
from sync.errors import AlreadyExists, InvalidInput, LimitExceeded, NotFound
from sync.models import CONTACTS, Account, AddressBook, CalendarFeed, new_id, now
from sync.revisions import address_books, rosters
from sync.sharing.cards import SELF

#: How many a person has at most.
MOST = 20
#: Raised when the same cards make another calendar, so that programs fetch it anew.
_FORM = 1
_LABEL = 100
#: Stands in every card that the server wrote and that has a day.
_DAYS = re.compile("BDAY|ANNIVERSARY|X-ABDATE", re.IGNORECASE)
_SECRET = re.compile(r"([0-9a-f]{1,16})-([A-Za-z0-9_-]{32})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Opened:
    """A feed that a secret opened: whose, how it is written, and *state*, which differs when the calendar may."""

    viewer_id: int
    language: str
    with_private: bool
    with_members: bool
    state: str


def create(
    session: Session,
    viewer_id: int,
    label: str,
    language: str,
    *,
    with_private: bool = False,
    with_members: bool = False,
    seed: str | None = None,
) -> tuple[int, str]:
    """
    Make a feed and return its id and its secret, which is stored nowhere.

    The person's own contacts are in it, or the members of their organisations, where that is said. The secret follows
    from *seed*, which nobody else may know (see `made_with`); without one it is random.

    Raises:
        AlreadyExists: This seed made a feed before.
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
    seed = seed or secrets.token_urlsafe(32)
    if made_with(session, viewer_id, seed) is not None:
        raise AlreadyExists("This calendar is made already.")
    if session.scalars(select(func.count()).where(CalendarFeed.viewer_id == viewer_id)).one() >= MOST:
        raise LimitExceeded(f"A person has at most {MOST} calendars; end one first.")
    feed_id, secret = new_id(), _secret_of(session, viewer_id, seed)
    session.execute(
        insert(CalendarFeed).values(
            viewer_id=viewer_id,
            id=feed_id,
            label=label,
            secret_hash=_hash(secret),
            language=language,
            with_private=with_private,
            with_members=with_members,
            created_at=now(),
        )
    )
    return feed_id, secret


def made_with(session: Session, viewer_id: int, seed: str) -> str | None:
    """Return the secret of the feed that *seed* made, None where there is none. Needs the right to write, for a key."""
    secret = _secret_of(session, viewer_id, seed)
    mine = (CalendarFeed.viewer_id == viewer_id, CalendarFeed.secret_hash == _hash(secret))
    return secret if session.scalars(select(CalendarFeed.id).where(*mine)).first() is not None else None


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
    viewer_id, feed_id, language, with_private, with_members = rows[0][:5]
    meant = sorted(row[5:8] for row in rows if with_private or row[5] == CONTACTS)
    numbers = [_FORM, feed_id, *(part for book in meant for part in book)]
    for named in (row[8] for row in rows if with_members and row[5] == CONTACTS):
        numbers += [part for each in rosters.read(database, named) for part in (each.id, each.revision)]
    state = hashlib.blake2b("-".join(f"{number:x}" for number in numbers).encode(), digest_size=12).hexdigest()
    return Opened(viewer_id, language, bool(with_private), bool(with_members), state)


def occasions(session: Session, feed: Opened) -> Iterator[Occasion]:
    """Yield the days on all cards that *feed* is of, as they are served to the person's devices at this moment."""
    for book in address_books.books_of(session, feed.viewer_id):
        if book.is_layer or (not feed.with_private and book.id != CONTACTS):
            continue
        shown = roster_entries.everything if feed.with_members else entries.texts
        for entry in shown(session, book, "4.0"):
            # Of many members' cards few have a day, and reading one whole takes long.
            has_days = entry.kind == PRIVATE or _DAYS.search(entry.text) is not None
            if has_days and entry.kind != SELF and (feed.with_private or entry.kind != PRIVATE):
                yield from occasions_of(entry.uid, entry.text, entry.changed_at)


def _secret_of(session: Session, viewer_id: int, seed: str) -> str:
    message, key = f"{viewer_id}/{seed}".encode("utf-8", "replace"), key_for(session, "calendar feed")
    digest = hashlib.blake2b(message, key=key, digest_size=24).digest()
    return f"{viewer_id:x}-{base64.urlsafe_b64encode(digest).decode()}"


def _hash(secret: str) -> bytes:
    return hashlib.blake2b(secret.encode(), digest_size=32).digest()


_OPENED: Select[Any] = (
    select(CalendarFeed.viewer_id, CalendarFeed.id, CalendarFeed.language, CalendarFeed.with_private)
    .add_columns(CalendarFeed.with_members)
    .add_columns(AddressBook.id, AddressBook.epoch, AddressBook.revision, AddressBook.rosters)
    .join(Account, Account.id == CalendarFeed.viewer_id)
    .join(AddressBook, AddressBook.viewer_id == CalendarFeed.viewer_id)
    .where(
        CalendarFeed.viewer_id == bindparam("viewer"),
        CalendarFeed.secret_hash == bindparam("secret"),
        Account.disabled_at.is_(None),
        Account.deletion_began_at.is_(None),
    )
)
