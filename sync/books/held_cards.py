"""
What a person has of somebody whom they are connected to: the card as their devices show it, and what they added to it.

It is there as long as the two are connected, also while the person hides it from their devices.
"""

from __future__ import annotations

import functools
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, bindparam, select
from sqlalchemy.orm import Session

from sync.books import overlays, served
from sync.database import entry_cards
from sync.database.distribution import is_distributed
from sync.database.lists import among_parameter
from sync.database.prepared import read
from sync.errors import InvalidInput, NotFound
from sync.fields import FieldContent
from sync.fields.media import encoded_data, octets_of
from sync.models import CONTACTS, Card, Connection, Entry, Overlay
from sync.revisions.address_books import HIDDEN
from sync.sharing.connections import CONNECTION
from sync.sorting import list_keys
from sync.vcard import Property, headlines, lines_named, parse_one, read_line

_JPEG = b"\xff\xd8\xff"
_ADDED = (Overlay.viewer_id == Entry.viewer_id) & (Overlay.entry_id == Entry.id)
#: As `sync.fields.media.as_encoded` begins the line of a picture; in a text a semicolon has a backslash before it.
_PICTURE = "PHOTO;ENCODING=b;"
#: As the content of an overlay names the kind of a field.
_ADDED_PICTURE = '["photo"'


@dataclass(frozen=True, slots=True)
class Listed:
    """
    What a list says of somebody's card in a person's address book.

    *reach* is the number at which they are called, or else an address, of which there may be none. *hidden*: the person
    took the card off their devices.
    """

    reach: str
    has_photo: bool
    hidden: bool


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


def listed(session: Session, viewer_id: int, owner_ids: Collection[int]) -> dict[int, Listed]:
    """Return by person what a list says of the cards that a person has of these people, in one statement."""
    entries = functools.partial(_entries, is_apart=is_distributed(session))
    rows = read(session, entries, {"viewer": viewer_id}, ids=owner_ids)
    return {
        owner_id: Listed("", has_photo=False, hidden=state == HIDDEN)
        if body is None
        else _listed(body, overlay or "[]", hidden=state == HIDDEN)
        for owner_id, state, overlay, body in entry_cards.read(session, rows, viewer_id, Card.body_3)
    }


def _listed(body: str, overlay: str, *, hidden: bool) -> Listed:
    reach = headlines.reach_of(body) or list_keys.reach_added(overlays.load(overlay))
    return Listed(reach, has_photo=_PICTURE in body or _ADDED_PICTURE in overlay, hidden=hidden)


@functools.cache
def _entries(dialect: str, *, is_apart: bool) -> Select[*tuple[Any, ...]]:
    mine = (Entry.viewer_id == bindparam("viewer"), Entry.book_id == CONTACTS, Entry.kind == CONNECTION)
    theirs = select(Entry.id, Entry.state, Overlay.content).outerjoin(Overlay, _ADDED)
    entries = theirs.where(*mine, among_parameter(dialect, Entry.id, "ids"))
    return entry_cards.apart(entries) if is_apart else entry_cards.together(entries, Card.body_3)


def _photos(text: str) -> list[Property]:
    lines = lines_named(text, frozenset({"PHOTO"}))
    if lines is not None:
        return [read_line(line) for line in lines]
    try:
        return [line for line in parse_one(text).properties if line.name == "PHOTO"]
    except InvalidInput:
        return []
