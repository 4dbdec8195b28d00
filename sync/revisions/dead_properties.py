"""
Dead properties: what clients note about a home, an address book or a private entry, and means nothing to this server.

They are kept as they came (RFC 4918, 4.2), within bounds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import ColumnElement, delete, func, insert, select
from sqlalchemy.orm import Session

from sync.errors import LimitExceeded
from sync.models import DeadProperty, Entry

#: Of one resource, and of all that a person has.
MOST, MOST_IN_ALL = 50, 2_000
#: Characters of a full name and of an element.
_NAME, _CONTENT = 255, 8_192


@dataclass(frozen=True, slots=True)
class Place:
    """What properties are about: a book, or an entry of it; the home has neither."""

    viewer_id: int
    book_id: int = 0
    entry_id: int = 0


def of(session: Session, place: Place) -> dict[str, str]:
    """Return the properties of one resource, the element of each by its full name."""
    chosen = select(DeadProperty.name, DeadProperty.content).where(*_at(place)).order_by(DeadProperty.name)
    return {row.name: row.content for row in session.execute(chosen)}


def of_entries(session: Session, viewer_id: int, book_id: int) -> dict[str, dict[str, str]]:
    """Return the properties of the entries of an address book that have any, by the names of the entries."""
    rows = session.execute(
        select(Entry.href, DeadProperty.name, DeadProperty.content)
        .join(Entry, (Entry.viewer_id == DeadProperty.viewer_id) & (Entry.id == DeadProperty.entry_id))
        .where(DeadProperty.viewer_id == viewer_id, DeadProperty.book_id == book_id)
        .order_by(Entry.href, DeadProperty.name)
    )
    found: dict[str, dict[str, str]] = {}
    for href, name, content in rows:
        found.setdefault(href, {})[name] = content
    return found


def put(session: Session, place: Place, name: str, content: str) -> None:
    """
    Keep a property, whatever it was before.

    Raises:
        LimitExceeded: It is too long, or there are too many.
    """
    if len(name) > _NAME or len(content) > _CONTENT:
        raise LimitExceeded(f"A property that is kept for a client has at most {_CONTENT} characters.")
    drop(session, place, name)
    count = select(func.count()).select_from(DeadProperty)
    own = session.scalars(count.where(*_at(place))).one()
    if own >= MOST or session.scalars(count.where(DeadProperty.viewer_id == place.viewer_id)).one() >= MOST_IN_ALL:
        raise LimitExceeded(f"At most {MOST} properties are kept for a client here.")
    session.execute(
        insert(DeadProperty).values(
            viewer_id=place.viewer_id, book_id=place.book_id, entry_id=place.entry_id, name=name, content=content
        )
    )


def drop(session: Session, place: Place, name: str) -> None:
    """Forget a property, if there is one of this name."""
    session.execute(delete(DeadProperty).where(*_at(place), DeadProperty.name == name))


def replace(session: Session, place: Place, properties: Mapping[str, str]) -> None:
    """
    Give a resource these properties and no others.

    Raises:
        LimitExceeded: There are too many.
    """
    session.execute(delete(DeadProperty).where(*_at(place)))
    for name, content in properties.items():
        put(session, place, name, content)


def forget_book(session: Session, viewer_id: int, book_id: int) -> None:
    """Forget what is noted about an address book and everything in it."""
    session.execute(delete(DeadProperty).where(DeadProperty.viewer_id == viewer_id, DeadProperty.book_id == book_id))


def _at(place: Place) -> tuple[ColumnElement[bool], ...]:
    return (
        DeadProperty.viewer_id == place.viewer_id,
        DeadProperty.book_id == place.book_id,
        DeadProperty.entry_id == place.entry_id,
    )
