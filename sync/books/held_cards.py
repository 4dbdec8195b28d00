"""
What a person has of somebody whom they are connected to: the card as their devices show it, and what they added to it.

It is there as long as the two are connected, also while the person hides it from their devices.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, bindparam, select
from sqlalchemy.orm import Session

from sync.books import overlays, served
from sync.database import entry_cards
from sync.database.lists import among, among_parameter
from sync.database.prepared import read
from sync.errors import InvalidInput, NotFound
from sync.fields import FieldContent
from sync.fields.media import encoded_data, octets_of
from sync.models import Card, Connection, Entry, Overlay
from sync.revisions.address_books import HIDDEN
from sync.sharing.connections import CONNECTION
from sync.sorting import list_keys
from sync.vcard import Property, headlines, lines_named, parse_one, read_line

_JPEG = b"\xff\xd8\xff"
_ADDED = (Overlay.viewer_id == Entry.viewer_id) & (Overlay.entry_id == Entry.id)
#: As `sync.fields.media.as_encoded` begins the line of a picture; in a text a semicolon has a backslash before it.
_PICTURE = "PHOTO;ENCODING=b;"
_HAS_PICTURE = Card.body_3.contains(_PICTURE, autoescape=True)


@dataclass(frozen=True, slots=True)
class HeldCard:
    """
    Somebody's card in a person's address book.

    *text* is the vCard 3.0 with what the person added, and *added* what that is. *hidden*: the person took it off
    their devices. *connected_at* is since when the two are connected, *changed_at* when the entry changed last.
    """

    text: str
    added: list[FieldContent]
    hidden: bool
    connected_at: int
    changed_at: int


def of(session: Session, viewer_id: int, owner_id: int, *, uid: str | None = None) -> HeldCard:
    """
    Return what a person has of somebody; with *uid*, as a card of its own that bears it.

    Raises:
        NotFound: The two are not connected.
    """
    # The viewer's own row of the connection, which was made in the same moment as the owner's.
    since = select(Connection.connected_at).where(Connection.owner_id == viewer_id, Connection.viewer_id == owner_id)
    connected_at = session.scalars(since).first()
    entries = (
        select(Entry, Overlay.content)
        .outerjoin(Overlay, _ADDED)
        .where(Entry.viewer_id == viewer_id, Entry.id == owner_id, Entry.kind == CONNECTION)
    )
    rows = session.execute(entry_cards.chosen(session, entries, Card.body_3))
    found = list(entry_cards.read(session, rows, viewer_id, Card.body_3))
    if connected_at is None or not found or found[0][-1] is None:
        raise NotFound("These two are not connected.")
    entry, overlay, body = found[0]
    return HeldCard(
        text=served.held(body, overlay, "3.0", uid or entry.uid or "", entry.changed_at),
        added=overlays.load(overlay or "[]"),
        hidden=entry.state == HIDDEN,
        connected_at=connected_at,
        changed_at=entry.changed_at,
    )


def photo(session: Session, viewer_id: int, owner_id: int) -> bytes | None:
    """Return the JPEG in a person's own entry of somebody; None where there is none, or no such entry."""
    try:
        text = of(session, viewer_id, owner_id).text
    except NotFound:
        return None
    for line in _photos(text):
        picture = octets_of(encoded_data(line))
        if picture is not None and picture.startswith(_JPEG):
            return picture
    return None


def with_photo(session: Session, viewer_id: int, owner_ids: Collection[int]) -> set[int]:
    """Return those of these people in whose entries a person has a picture."""
    found = _read(session, viewer_id, owner_ids, _HAS_PICTURE)
    return {owner_id for owner_id, overlay, has_picture in found if has_picture or '["photo"' in (overlay or "")}


def reaches(session: Session, viewer_id: int, owner_ids: Collection[int]) -> dict[int, str]:
    """Return by person the number at which a person's cards say that they are called, or else an address."""
    found = {
        owner_id: headlines.reach_of(body) or list_keys.reach_added(overlays.load(overlay or "[]"))
        for owner_id, overlay, body in _read(session, viewer_id, owner_ids, Card.body_3)
    }
    return {owner_id: reach for owner_id, reach in found.items() if reach}


def hidden_among(session: Session, viewer_id: int, owner_ids: Collection[int]) -> set[int]:
    """Return those of these people whose entries a person took off their devices."""
    return {owner_id for (owner_id,) in read(session, _hidden, {"viewer": viewer_id}, ids=owner_ids)}


def _read(
    session: Session, viewer_id: int, owner_ids: Collection[int], wanted: entry_cards.Column
) -> Iterator[Sequence[Any]]:
    """Yield of these people what the viewer added, and what is *wanted* of the card, of those who show one."""
    theirs = (Entry.viewer_id == viewer_id, Entry.kind == CONNECTION, among(session, Entry.id, owner_ids))
    entries = select(Entry.id, Overlay.content).outerjoin(Overlay, _ADDED).where(*theirs)
    rows = session.execute(entry_cards.chosen(session, entries, wanted))
    return (row for row in entry_cards.read(session, rows, viewer_id, wanted) if row[-1] is not None)


@functools.cache
def _hidden(dialect: str) -> Select[int]:
    mine = (Entry.viewer_id == bindparam("viewer"), Entry.state == HIDDEN)
    return select(Entry.id).where(*mine, among_parameter(dialect, Entry.id, "ids"))


def _photos(text: str) -> list[Property]:
    lines = lines_named(text, frozenset({"PHOTO"}))
    if lines is not None:
        return [read_line(line) for line in lines]
    try:
        return [line for line in parse_one(text).properties if line.name == "PHOTO"]
    except InvalidInput:
        return []
