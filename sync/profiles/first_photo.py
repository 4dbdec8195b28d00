"""
The first photo of a person: as everybody expects of a card with a picture, connections see it until its owner says no.

One that comes after others is seen by nobody until it is granted: its owner has decided about photos before.
"""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from sync.errors import NotFound
from sync.fields import FieldContent
from sync.models import Field, FieldState
from sync.profiles import profiles
from sync.sharing import grants, groups
from sync.sharing.changes import hold
from sync.sharing.visibility import CONNECTIONS

PHOTO = "photo"


def is_first(session: Session, owner_id: int) -> bool:
    """Whether a person has no photo and never had one."""
    had = select(FieldState.field_id).where(FieldState.owner_id == owner_id, FieldState.kind == PHOTO)
    return session.scalars(had.limit(1)).first() is None


def add(session: Session, owner_id: int, photo: FieldContent) -> bool:
    """
    Add a photo to a profile; the first one is shown to connections. Returns whether it was.

    Raises:
        LimitExceeded: The profile is full, or the photo too large.
        NotFound: There is no such person.
    """
    with session.begin_nested():
        hold(session, owner_id)
        first = is_first(session, owner_id)
        field_id = profiles.add_field(session, owner_id, photo)
        if first:
            grants.grant(session, owner_id, groups.find(session, owner_id, CONNECTIONS).id, [field_id])
    return first


def keep(session: Session, owner_id: int) -> None:
    """
    Let connections no longer see a person's photo; what other groups see stays as it is.

    Raises:
        NotFound: There is no photo.
    """
    with session.begin_nested():
        hold(session, owner_id)
        photos = session.scalars(select(Field.id).where(Field.owner_id == owner_id, Field.kind == PHOTO)).all()
        if not photos:
            raise NotFound("There is no such field.")
        grants.take_back(session, owner_id, groups.find(session, owner_id, CONNECTIONS).id, photos)
