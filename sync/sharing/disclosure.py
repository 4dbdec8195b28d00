"""
Disclosure: what each viewer was ever shown of an owner.

It is needed to tell, in a card that a client sends back, what is the owner's and what is the viewer's own. Only what
this viewer was shown may count: comparing with anything else would tell the viewer, by what is kept and what is not,
which values are hidden from them.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import BigInteger, bindparam, func, insert, literal, select, update
from sqlalchemy.orm import Session

from sync.database.models import DisclosedAudience, DisclosedField, FieldState
from sync.fields import FieldContent

_FOR_EVER = literal(2**62, BigInteger)
_SHOWN = select(DisclosedField.audience_id, DisclosedField.field_id).where(
    DisclosedField.owner_id == bindparam("owner"),
    DisclosedField.audience_id.in_(bindparam("audiences", expanding=True)),
    DisclosedField.until.is_(None),
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
                update(DisclosedField)
                .where(
                    DisclosedField.owner_id == owner_id,
                    DisclosedField.audience_id == audience_id,
                    DisclosedField.field_id.in_(before - fields),
                    DisclosedField.until.is_(None),
                )
                .values(until=version)
            )
        new = [
            {"owner_id": owner_id, "audience_id": audience_id, "field_id": field_id, "since": version}
            for field_id in sorted(fields - before)
        ]
        if new:
            session.execute(insert(DisclosedField), new)


def enter(session: Session, owner_id: int, viewer_id: int, audience_id: int | None, version: int) -> None:
    """
    Note which audience a viewer is in from now on: None for none any more.

    *version* is the owner's profile's. The caller holds the owner's lock.
    """
    mine = (DisclosedAudience.owner_id == owner_id, DisclosedAudience.viewer_id == viewer_id)
    session.execute(update(DisclosedAudience).where(*mine, DisclosedAudience.until.is_(None)).values(until=version))
    if audience_id is None:
        return
    # Several moves in one change leave the last one only: nobody saw the others.
    since = select(DisclosedAudience.since).where(*mine, DisclosedAudience.since == version)
    if session.scalars(since).first() is None:
        session.execute(
            insert(DisclosedAudience).values(
                owner_id=owner_id, viewer_id=viewer_id, since=version, audience_id=audience_id
            )
        )
    else:
        session.execute(
            update(DisclosedAudience)
            .where(*mine, DisclosedAudience.since == version)
            .values(audience_id=audience_id, until=None)
        )


def shown_to(session: Session, owner_id: int, viewer_id: int) -> list[FieldContent]:
    """Return every content of the owner's fields that this viewer was shown at any time, today included."""
    rows = session.execute(
        select(FieldState.kind, FieldState.content)
        .distinct()
        .join(
            DisclosedField,
            (DisclosedField.owner_id == FieldState.owner_id) & (DisclosedField.field_id == FieldState.field_id),
        )
        .join(
            DisclosedAudience,
            (DisclosedAudience.owner_id == DisclosedField.owner_id)
            & (DisclosedAudience.audience_id == DisclosedField.audience_id),
        )
        .where(
            FieldState.owner_id == owner_id,
            DisclosedAudience.viewer_id == viewer_id,
            FieldState.since < _end(DisclosedField),
            DisclosedField.since < _end(FieldState),
            FieldState.since < _end(DisclosedAudience),
            DisclosedAudience.since < _end(FieldState),
            DisclosedField.since < _end(DisclosedAudience),
            DisclosedAudience.since < _end(DisclosedField),
        )
    )
    return [FieldContent.load(kind, content) for kind, content in rows]


def _end(model: type[FieldState | DisclosedField | DisclosedAudience]) -> object:
    return func.coalesce(model.until, _FOR_EVER)
