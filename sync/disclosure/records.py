"""
Disclosure: what each viewer was ever shown of an owner.

It is needed to tell, in a card that a client sends back, what is the owner's and what is the viewer's own. Only what
this viewer was shown may count: comparing with anything else would tell the viewer, by what is kept and what is not,
which values are hidden from them.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Delete,
    Select,
    Update,
    bindparam,
    delete,
    func,
    insert,
    literal,
    select,
    update,
)
from sqlalchemy.orm import Session

from sync.database.lists import among_parameter, ids
from sync.database.prepared import execute
from sync.fields import FieldContent
from sync.models import Base, DisclosedAudience, DisclosedField, FieldState, Membership, ProfileState
from sync.pictures.past_fields import CONTENT, content_of, with_pictures

_FOR_EVER = literal(2**62, BigInteger)


def show(session: Session, owner_id: int, visible: Mapping[int, frozenset[int]], version: int) -> set[int]:
    """
    Note which fields the cards of these audiences show from now on, and return the audiences that showed others before.

    *version* is the profile's. The caller holds the owner's lock.
    """
    dialect = session.get_bind().dialect.name
    shown: dict[int, set[int]] = {}
    rows = execute(session, _shown(dialect), {"owner": owner_id, "audiences": ids(dialect, visible)})
    for audience_id, field_id in rows:
        shown.setdefault(audience_id, set()).add(field_id)
    gone: dict[int, list[int]] = {}
    new = list[dict[str, int]]()
    for audience_id, fields in visible.items():
        before = shown.get(audience_id, set[int]())
        for field_id in before - fields:
            gone.setdefault(field_id, []).append(audience_id)
        for field_id in sorted(fields - before):
            new.append({"owner_id": owner_id, "audience_id": audience_id, "field_id": field_id, "since": version})
    if gone:
        ended = [{"field": field_id, "audiences": ids(dialect, those)} for field_id, those in sorted(gone.items())]
        session.execute(_ending(dialect), [{"owner": owner_id, "version": version, **each} for each in ended])
    if new:
        session.execute(insert(_FIELDS), new)
    return {row["audience_id"] for row in new}.union(*gone.values())


def enter(session: Session, owner_id: int, audiences: Mapping[int, int | None], version: int) -> None:
    """
    Note by viewer which audience they are in from now on: None for none any more.

    *version* is the owner's profile's. The caller holds the owner's lock.
    """
    dialect = session.get_bind().dialect.name
    values = {"owner": owner_id, "version": version, "viewers": ids(dialect, audiences)}
    # Several moves in one change leave the last one only: nobody saw the others.
    session.execute(_forgetting(dialect), values)
    session.execute(_leaving(dialect), values)
    rows = [
        {"owner_id": owner_id, "viewer_id": viewer_id, "since": version, "audience_id": audience_id}
        for viewer_id, audience_id in sorted(audiences.items())
        if audience_id is not None
    ]
    if rows:
        session.execute(insert(_AUDIENCES), rows)


def shown_to(session: Session, owner_id: int, viewer_id: int) -> list[FieldContent]:
    """
    Return every content of the owner's fields that this viewer was shown at any time, today included.

    By an organisation that both are members of, that is what it was shown since the viewer joined.
    """
    found = _shown_while(session, owner_id, viewer_id, 0)
    theirs = (Membership.owner_id == viewer_id, Membership.joined_at.is_not(None))
    joined = session.execute(select(Membership.organisation_id, Membership.joined_at).where(*theirs)).all()
    for organisation_id, joined_at in joined:
        earlier = (ProfileState.owner_id == owner_id, ProfileState.changed_at < joined_at)
        version = session.scalars(select(func.max(ProfileState.version)).where(*earlier)).one()
        found += _shown_while(session, owner_id, organisation_id, version or 0)
    return found


def _shown_while(session: Session, owner_id: int, viewer_id: int, version: int) -> list[FieldContent]:
    """Return what a viewer was shown of the profile as it was since a *version*."""
    rows = session.execute(
        with_pictures(select(FieldState.kind, *CONTENT))
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
            _end(FieldState) > version,
            _end(DisclosedField) > version,
            DisclosedField.since < _end(DisclosedAudience),
            DisclosedAudience.since < _end(DisclosedField),
        )
    )
    return [FieldContent.load(kind, content_of(*content)) for kind, *content in rows]


def _end(model: type[FieldState | DisclosedField | DisclosedAudience]) -> ColumnElement[int]:
    return func.coalesce(model.until, _FOR_EVER)


_FIELDS, _AUDIENCES = Base.metadata.tables["disclosed_field"], Base.metadata.tables["disclosed_audience"]


@functools.cache
def _shown(dialect: str) -> Select[int, int]:
    return select(_FIELDS.c.audience_id, _FIELDS.c.field_id).where(
        _FIELDS.c.owner_id == bindparam("owner"),
        among_parameter(dialect, _FIELDS.c.audience_id, "audiences"),
        _FIELDS.c.until.is_(None),
    )


@functools.cache
def _ending(dialect: str) -> Update:
    return (
        update(_FIELDS)
        .where(
            _FIELDS.c.owner_id == bindparam("owner"),
            among_parameter(dialect, _FIELDS.c.audience_id, "audiences"),
            _FIELDS.c.field_id == bindparam("field"),
            _FIELDS.c.until.is_(None),
        )
        .values(until=bindparam("version"))
    )


@functools.cache
def _forgetting(dialect: str) -> Delete:
    mine = (_AUDIENCES.c.owner_id == bindparam("owner"), among_parameter(dialect, _AUDIENCES.c.viewer_id, "viewers"))
    return delete(_AUDIENCES).where(*mine, _AUDIENCES.c.since == bindparam("version"))


@functools.cache
def _leaving(dialect: str) -> Update:
    mine = (_AUDIENCES.c.owner_id == bindparam("owner"), among_parameter(dialect, _AUDIENCES.c.viewer_id, "viewers"))
    return update(_AUDIENCES).where(*mine, _AUDIENCES.c.until.is_(None)).values(until=bindparam("version"))
