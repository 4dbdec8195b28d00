"""
Sightings: what each viewer was ever shown of an owner.

It is needed to tell, in a card that a client sends back, what is the owner's and what is the viewer's own. Only what
this viewer was shown may count: comparing with anything else would tell the viewer, by what is kept and what is not,
which values are hidden from them.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import BigInteger, bindparam, func, insert, literal, select, update
from sqlalchemy.orm import Session

from sync.fields import FieldContent
from sync.models import FieldState, SeenAudience, ShownField

_FOR_EVER = literal(2**62, BigInteger)
_SHOWN = select(ShownField.audience_id, ShownField.field_id).where(
    ShownField.owner_id == bindparam("owner"),
    ShownField.audience_id.in_(bindparam("audiences", expanding=True)),
    ShownField.until.is_(None),
)


def show(session: Session, owner_id: int, visible: Mapping[int, frozenset[int]], version: int) -> None:
    """
    Note which fields the cards of these audiences show from now on.

    *version* is the profile's. The caller holds the owner's lock.
    """
    shown: dict[int, set[int]] = {}
    rows = session.execute(_SHOWN, {"owner": owner_id, "audiences": list(visible)})
    for audience_id, field_id in rows:
        shown.setdefault(audience_id, set()).add(field_id)
    for audience_id, fields in visible.items():
        before = shown.get(audience_id, set())
        if before - fields:
            session.execute(
                update(ShownField)
                .where(
                    ShownField.owner_id == owner_id,
                    ShownField.audience_id == audience_id,
                    ShownField.field_id.in_(before - fields),
                    ShownField.until.is_(None),
                )
                .values(until=version)
            )
        new = [
            {"owner_id": owner_id, "audience_id": audience_id, "field_id": field_id, "since": version}
            for field_id in sorted(fields - before)
        ]
        if new:
            session.execute(insert(ShownField), new)


def enter(session: Session, owner_id: int, viewer_id: int, audience_id: int | None, version: int) -> None:
    """
    Note which audience a viewer is in from now on: None for none any more.

    *version* is the owner's profile's. The caller holds the owner's lock.
    """
    mine = (SeenAudience.owner_id == owner_id, SeenAudience.viewer_id == viewer_id)
    session.execute(update(SeenAudience).where(*mine, SeenAudience.until.is_(None)).values(until=version))
    if audience_id is None:
        return
    # Several moves in one change leave the last one only: nobody saw the others.
    since = select(SeenAudience.since).where(*mine, SeenAudience.since == version)
    if session.scalars(since).first() is None:
        session.execute(
            insert(SeenAudience).values(owner_id=owner_id, viewer_id=viewer_id, since=version, audience_id=audience_id)
        )
    else:
        session.execute(
            update(SeenAudience).where(*mine, SeenAudience.since == version).values(audience_id=audience_id, until=None)
        )


def shown_to(session: Session, owner_id: int, viewer_id: int) -> list[FieldContent]:
    """Return every content of the owner's fields that this viewer was shown at any time, today included."""
    rows = session.execute(
        select(FieldState.kind, FieldState.content)
        .distinct()
        .join(ShownField, (ShownField.owner_id == FieldState.owner_id) & (ShownField.field_id == FieldState.field_id))
        .join(
            SeenAudience,
            (SeenAudience.owner_id == ShownField.owner_id) & (SeenAudience.audience_id == ShownField.audience_id),
        )
        .where(
            FieldState.owner_id == owner_id,
            SeenAudience.viewer_id == viewer_id,
            FieldState.since < _end(ShownField),
            ShownField.since < _end(FieldState),
            FieldState.since < _end(SeenAudience),
            SeenAudience.since < _end(FieldState),
            ShownField.since < _end(SeenAudience),
            SeenAudience.since < _end(ShownField),
        )
    )
    return [FieldContent.load(kind, content) for kind, content in rows]


def _end(model: type[FieldState | ShownField | SeenAudience]) -> object:
    return func.coalesce(model.until, _FOR_EVER)
