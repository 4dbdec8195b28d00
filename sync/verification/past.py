"""What must be true of the past that is kept: a profile's earlier states, and what each viewer was shown."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from sync.models import Audience, Connection, DisclosedAudience, DisclosedField, FieldState
from sync.sharing import cards
from sync.sharing.visibility import fields_of, grants_of
from sync.verification.owners import composition_in, login_of


def history_of(session: Session, owner_id: int) -> Iterator[str]:
    """Yield where the newest state of a profile's history is not the profile."""
    newest = select(FieldState.field_id, FieldState.position, FieldState.kind, FieldState.content).where(
        FieldState.owner_id == owner_id, FieldState.until.is_(None)
    )
    kept = {(state.field_id, state.position, state.kind, state.content) for state in session.execute(newest)}
    if kept != {(field.id, field.position, field.kind, field.content) for field in fields_of(session, owner_id)}:
        yield "The newest state in the history of the profile is not the profile."


def sightings_of(session: Session, owner_id: int) -> Iterator[str]:
    """Yield where it is not known any more what somebody was shown, so that it might become theirs."""
    shown: dict[int, set[int]] = {}
    open_fields = select(DisclosedField.audience_id, DisclosedField.field_id).where(
        DisclosedField.owner_id == owner_id, DisclosedField.until.is_(None)
    )
    for audience_id, field_id in session.execute(open_fields):
        shown.setdefault(audience_id, set()).add(field_id)
    grants = grants_of(session, owner_id)
    existing = frozenset(field.id for field in fields_of(session, owner_id))
    audiences = select(Audience).where(Audience.owner_id == owner_id, Audience.kind == cards.VIEWERS)
    for audience in session.scalars(audiences):
        composition = composition_in(audience)
        if composition is None:
            continue  # It is named already by what looks at the cards.
        visible = grants.visible(composition) & existing
        if shown.get(audience.id, set()) != visible:
            yield f"It is not noted rightly which fields audience {audience.id} is shown."
    now_in = select(DisclosedAudience.viewer_id, DisclosedAudience.audience_id).where(
        DisclosedAudience.owner_id == owner_id, DisclosedAudience.until.is_(None)
    )
    noted = {viewer_id: audience_id for viewer_id, audience_id in session.execute(now_in)}  # noqa: C416 - as in owners
    connected = select(Connection.viewer_id, Connection.audience_id).where(Connection.owner_id == owner_id)
    for viewer_id, audience_id in session.execute(connected):
        if noted.pop(viewer_id, None) != audience_id:
            yield f"It is not noted in which audience {login_of(session, viewer_id)} is."
    for viewer_id in noted:
        yield f"{login_of(session, viewer_id)} is noted to be in an audience without being connected."
