"""
Who may see which fields of whom: the one place that decides.

Everything that shows an owner's fields to somebody (cards, previews, search, notification) asks here. What a viewer
may see is the union over the owner's groups that the viewer is in, plus the built-in group *connections* for whoever is
connected to the owner, plus *strangers*, plus what is allowed and minus what is withheld for that one person. Nothing
is the default.

What was given until a certain time (`sync.ends`) is a grant like any other until it is taken back. Whoever asks here
about people at large, and comes in between, is refused with `EndsDue`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from sync.database.lists import among
from sync.database.prepared import ask, read
from sync.models import Base, Connection, Field, FieldException, Grant, Group, Member
from sync.pipeline.answers import Answer
from sync.sharing.due import require_none_due

#: What `Group.kind` is: the two built-in groups that everybody has, one that a person made, and the built-in one of an
#: organisation that the person is a member of.
STRANGERS, CONNECTIONS, GROUP, ORGANISATION = "strangers", "connections", "group", "organisation"


class StoredField(NamedTuple):
    """
    One field of a profile, in the columns of `sync.models.Field`.

    *claim* is what of the person's organisation fills it, None where the person does.
    """

    id: int
    position: int
    kind: str
    content: str
    changed_at: int
    claim: str | None = None

    @property
    def shown(self) -> tuple[object, ...]:
        """What of it can be seen on a card."""
        return self.position, self.kind, self.content

    @property
    def said(self) -> tuple[str, str]:
        """What it says, wherever it stands."""
        return self.kind, self.content


@dataclass(frozen=True, slots=True)
class Composition:
    """
    What makes an audience: ids of the owner's own groups, and ids of fields that are allowed or withheld besides.

    *connected* is false of strangers, of whoever opens the address of a card without having an account, and of the
    members of an organisation. The kind of an audience says which it is, so it is not stored with what makes it.
    """

    groups: frozenset[int] = frozenset()
    allowed: frozenset[int] = frozenset()
    withheld: frozenset[int] = frozenset()
    connected: bool = True

    def dump(self) -> str:
        """Return the one text form of this composition."""
        return json.dumps([sorted(self.groups), sorted(self.allowed), sorted(self.withheld)], separators=(",", ":"))

    @classmethod
    def load(cls, text: str, *, connected: bool = True) -> Composition:
        """Read what `dump` wrote."""
        groups, allowed, withheld = json.loads(text)
        return cls(frozenset(groups), frozenset(allowed), frozenset(withheld), connected)

    @property
    def digest(self) -> str:
        """The hash by which an audience of this composition is found."""
        return hashlib.sha256(self.dump().encode()).hexdigest()

    def without(self, *, groups: frozenset[int] = frozenset(), fields: frozenset[int] = frozenset()) -> Composition:
        """Return what is left once *groups* or *fields* no longer exist."""
        return replace(
            self, groups=self.groups - groups, allowed=self.allowed - fields, withheld=self.withheld - fields
        )


#: What somebody is to an owner whom they are not connected to.
STRANGER = Composition(connected=False)
#: What somebody is to an owner whom they are connected to, without any group or exception.
CONNECTED = Composition()


@dataclass(frozen=True, slots=True)
class Grants:
    """
    All grants of one owner: field ids by group id, the built-in groups included.

    *strangers* and *connections* are those of the built-in groups.
    """

    strangers: frozenset[int] = frozenset()
    by_group: dict[int, frozenset[int]] = field(default_factory=dict)
    connections: frozenset[int] = frozenset()

    def visible(self, composition: Composition) -> frozenset[int]:
        """Return the ids of the fields that an audience of *composition* may see."""
        connections = self.connections if composition.connected else frozenset[int]()
        groups = (self.by_group.get(group, ()) for group in composition.groups)
        return self.strangers.union(connections, composition.allowed, *groups) - composition.withheld


@dataclass(frozen=True, slots=True)
class Adjustment:
    """What is to change about an owner's grants: pairs of a group's and a field's id that come, and that go."""

    granted: frozenset[tuple[int, int]] = frozenset()
    taken_back: frozenset[tuple[int, int]] = frozenset()


UNCHANGED = Adjustment()


def grants_of(session: Session, owner_id: int) -> Grants:
    """Read all grants of an owner."""
    return grants_in(ask_grants(session, owner_id))


def ask_grants(session: Session, owner_id: int) -> Answer:
    """Ask for all grants of an owner."""
    return ask(session, _GRANTS, {"owner": owner_id})


def grants_in(asked: Answer) -> Grants:
    """Read what was asked for with `ask_grants`."""
    by_group: dict[int, set[int]] = {}
    kinds: dict[int, str] = {}
    for group_id, kind, field_id in asked.rows:
        by_group.setdefault(group_id, set()).add(field_id)
        kinds[group_id] = kind
    return _grants({group: frozenset(fields) for group, fields in by_group.items()}, kinds)


def _grants(by_group: dict[int, frozenset[int]], kinds: Mapping[int, str]) -> Grants:
    built_in = {kinds[group_id]: fields for group_id, fields in by_group.items() if kinds[group_id] != GROUP}
    return Grants(built_in.get(STRANGERS, frozenset()), by_group, built_in.get(CONNECTIONS, frozenset()))


def grants_after(session: Session, owner_id: int, adjustment: Adjustment) -> Grants:
    """Return what an owner's grants would be after an adjustment. Groups that are not theirs count for nothing."""
    before = grants_of(session, owner_id)
    if adjustment == UNCHANGED:
        return before
    kinds = dict(session.execute(select(Group.id, Group.kind).where(Group.owner_id == owner_id)).all())
    granted: dict[int, frozenset[int]] = {}
    for group_id in kinds:
        fields = before.by_group.get(group_id, frozenset())
        fields -= {field_id for group, field_id in adjustment.taken_back if group == group_id}
        fields |= {field_id for group, field_id in adjustment.granted if group == group_id}
        granted[group_id] = fields
    return _grants(granted, kinds)


def composition_of(session: Session, owner_id: int, viewer_id: int) -> Composition:
    """Return what *viewer_id* is to the owner; `STRANGER` when the two are not connected."""
    pair = {"owner": owner_id, "viewer": viewer_id}
    if not read(session, ONE, pair):
        return STRANGER
    groups, exceptions = read(session, _MEMBER_OF, pair), read(session, _EXCEPTIONS, pair)
    return Composition(
        frozenset(group_id for (group_id,) in groups),
        frozenset(field_id for field_id, allowed in exceptions if allowed),
        frozenset(field_id for field_id, allowed in exceptions if not allowed),
    )


def composition_in(session: Session, owner_id: int, group_id: int) -> Composition:
    """Return what whoever is in this group of the owner's and in no other is to the owner."""
    kind = session.scalars(select(Group.kind).where(Group.owner_id == owner_id, Group.id == group_id)).first()
    return Composition(frozenset({group_id}), connected=kind != ORGANISATION)


def compositions_of(session: Session, owner_id: int, only: Collection[int] | None = None) -> dict[int, Composition]:
    """
    Return by viewer id what people are to the owner who are in a group or have an exception; others are left out.

    With *only*, of these people.
    """
    members = select(Member.viewer_id, Member.group_id).where(Member.owner_id == owner_id)
    exceptions = select(FieldException.viewer_id, FieldException.field_id, FieldException.allowed)
    exceptions = exceptions.where(FieldException.owner_id == owner_id)
    if only is not None:
        members = members.where(among(session, Member.viewer_id, only))
        exceptions = exceptions.where(among(session, FieldException.viewer_id, only))
    groups: dict[int, set[int]] = {}
    for viewer_id, group_id in session.execute(members):
        groups.setdefault(viewer_id, set()).add(group_id)
    fields: dict[tuple[int, bool], set[int]] = {}
    for viewer_id, field_id, allowed in session.execute(exceptions):
        fields.setdefault((viewer_id, allowed), set()).add(field_id)
    return {
        viewer_id: Composition(
            frozenset(groups.get(viewer_id, ())),
            frozenset(fields.get((viewer_id, True), ())),
            frozenset(fields.get((viewer_id, False), ())),
        )
        for viewer_id in groups.keys() | {viewer_id for viewer_id, _ in fields}
    }


def fields_of(session: Session, owner_id: int) -> list[StoredField]:
    """Return all fields of a profile in their order, as the owner sees them."""
    return fields_in(ask_fields(session, owner_id))


def ask_fields(session: Session, owner_id: int) -> Answer:
    """Ask for all fields of a profile."""
    return ask(session, _FIELDS, {"owner": owner_id})


def fields_in(asked: Answer) -> list[StoredField]:
    """Read what was asked for with `ask_fields`."""
    return list(map(StoredField._make, asked.rows))


def visible_fields(
    session: Session, owner_id: int, composition: Composition, adjustment: Adjustment = UNCHANGED
) -> list[StoredField]:
    """
    Return the fields that an audience of *composition* may see, in the profile's order.

    With an *adjustment* of the grants, they are those that it could see after that.

    Raises:
        EndsDue: Something of this owner's is over and was not taken back yet.
    """
    require_none_due(session, [owner_id])
    visible = grants_after(session, owner_id, adjustment).visible(composition)
    return [field for field in fields_of(session, owner_id) if field.id in visible]


def shown_to_strangers(
    session: Session, owner_ids: Collection[int], *, kinds: Collection[str] = ()
) -> dict[int, list[StoredField]]:
    """
    Return by owner id what `visible_fields` has for `STRANGER`, for many owners at once.

    With *kinds*, only fields of these kinds. An owner who shows nothing is left out.

    Raises:
        EndsDue: Something of one of these owners is over and was not taken back yet.
    """
    require_none_due(session, owner_ids)
    chosen = (
        select(Field.owner_id, *_COLUMNS)
        .join(Grant, (Grant.owner_id == Field.owner_id) & (Grant.field_id == Field.id))
        .join(Group, (Group.owner_id == Grant.owner_id) & (Group.id == Grant.group_id))
        .where(among(session, Field.owner_id, owner_ids), Group.kind == STRANGERS)
        .order_by(Field.owner_id, Field.position, Field.id)
    )
    shown: dict[int, list[StoredField]] = {}
    for owner_id, *found in session.execute(chosen.where(Field.kind.in_(sorted(kinds))) if kinds else chosen):
        shown.setdefault(owner_id, []).append(StoredField(*found))
    return shown


_FIELD_TABLE = Base.metadata.tables["field"]
_COLUMNS = [_FIELD_TABLE.c[name] for name in StoredField._fields]
_FIELDS = (
    select(*_COLUMNS)
    .where(_FIELD_TABLE.c.owner_id == bindparam("owner"))
    .order_by(_FIELD_TABLE.c.position, _FIELD_TABLE.c.id)
)
#: The connection of an *owner* with a *viewer*, and what that viewer is to the owner besides.
ONE = select(Connection.viewer_id).where(
    Connection.owner_id == bindparam("owner"), Connection.viewer_id == bindparam("viewer")
)
_MEMBER_OF = select(Member.group_id).where(
    Member.owner_id == bindparam("owner"), Member.viewer_id == bindparam("viewer")
)
_EXCEPTIONS = select(FieldException.field_id, FieldException.allowed).where(
    FieldException.owner_id == bindparam("owner"), FieldException.viewer_id == bindparam("viewer")
)
_GROUPS, _GRANTED = Base.metadata.tables["contact_group"], Base.metadata.tables["field_grant"]
_GRANTS = (
    select(_GROUPS.c.id, _GROUPS.c.kind, _GRANTED.c.field_id)
    .join(_GRANTED, (_GRANTED.c.owner_id == _GROUPS.c.owner_id) & (_GRANTED.c.group_id == _GROUPS.c.id))
    .where(_GROUPS.c.owner_id == bindparam("owner"))
)
