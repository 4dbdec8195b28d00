"""
What an upgrade owes to what is stored: profiles, cards, and what lists know of people and contacts, written anew.

A migration cannot do it, because cards are written by the engine. So each profile remembers which way of writing its
cards follow; the worker looks for those of an earlier one when it starts, and writes some contacts, or one person's
cards, in each transaction. What was interrupted goes on from there.
"""

from __future__ import annotations

import base64
import binascii
import functools
from collections.abc import Callable
from dataclasses import replace

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from sync import faults
from sync.database.engine import Database
from sync.database.pacing import Pieces
from sync.errors import InvalidVCard, NotFound
from sync.fields import FieldContent, media
from sync.models import RENDERING, Profile
from sync.profiles import profiles
from sync.queries import contact_pages
from sync.reach import Round
from sync.sharing import changes
from sync.sharing.cards import content_of
from sync.sharing.visibility import fields_of
from sync.vcard.photos import MAX_OCTETS

#: People that one look finds.
_PAGE = 100


def work(database: Database) -> int:
    """Write the cards of some people anew whose cards are of an earlier release, and return how many these are."""
    with database.reading() as session:
        old = (
            select(Profile.owner_id)
            .where(or_(Profile.rendering.is_(None), Profile.rendering < RENDERING))
            .order_by(Profile.owner_id)
        )
        owners = session.scalars(old.limit(_PAGE)).all()
    round_ = Round.of_people(database, faults.RENEWING)
    round_.each(owners, functools.partial(renew_all, Pieces(database).write))
    round_.end()
    return len(owners)


def renew_all(write: Callable[[Callable[[Session], int | None]], int | None], owner_id: int) -> None:
    """Renew what is of a person, who may have left, in several transactions, each of which *write* makes."""
    after: int | None = 0
    while after is not None:
        after = write(functools.partial(contact_pages.write_anew, viewer_id=owner_id, after=after))
    write(lambda session: _renew_if_there(session, owner_id))


def renew(session: Session, owner_id: int) -> None:
    """
    Write an owner's cards as this release writes them, and carry those that differ from what is stored.

    Raises:
        NotFound: There is no such person.
    """
    with session.begin_nested():
        for field in fields_of(session, owner_id):
            smaller = _with_small_photo(content_of(field))
            if smaller is not None:
                profiles.set_field(session, owner_id, field.id, smaller)
        changes.render_anew(session, owner_id)
        session.execute(update(Profile).where(Profile.owner_id == owner_id).values(rendering=RENDERING))


def is_too_large(content: FieldContent) -> bool:
    """Whether a field is a photo with which no card could be sent back; earlier releases took such photos."""
    return content.main.name == "PHOTO" and len(_octets(content)) > MAX_OCTETS


def _renew_if_there(session: Session, owner_id: int) -> None:
    try:
        renew(session, owner_id)
    except NotFound:
        return  # who left meanwhile


def _with_small_photo(content: FieldContent) -> FieldContent | None:
    if not is_too_large(content):
        return None
    try:
        photo = media.normal_photo(content.main, content.version)
    except InvalidVCard:
        return None
    return replace(content, properties=(photo, *content.properties[1:]))


def _octets(content: FieldContent) -> bytes:
    try:
        return base64.b64decode(media.encoded_data(content.main) or "")
    except (binascii.Error, ValueError):
        return b""
