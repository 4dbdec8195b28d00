"""What others get of an owner, shown to the owner: previews of cards, and who holds them."""

from __future__ import annotations

import functools
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Select, bindparam, select
from sqlalchemy.orm import Session

from sync import fields
from sync.database import accounts
from sync.database.lists import among_parameter
from sync.database.prepared import read
from sync.errors import NotFound
from sync.models import Account, Audience, Connection, Device, Entry, Group, Member
from sync.pictures.columns import body_of
from sync.sharing import cards, connections
from sync.sharing.cards import content_of
from sync.sharing.visibility import (
    STRANGER,
    UNCHANGED,
    Adjustment,
    Composition,
    StoredField,
    composition_in,
    fields_of,
    grants_of,
    visible_fields,
)

#: Stands in a preview for the UID that each viewer's entry has for itself.
NO_UID = "00000000-0000-0000-0000-000000000000"
_SHOWN = select(Entry.uid, Entry.changed_at, Entry.card_id).where(
    Entry.viewer_id == bindparam("viewer"), Entry.id == bindparam("owner")
)


@dataclass(frozen=True, slots=True)
class HoldingDevice:
    """
    One of a holder's devices. It belongs to the holder, so it has no name here.

    *revision* is that of the holder's address book which the device was last given in full, and *synced_at* when; 0
    and None before the first time.
    *current* says whether it has the owner's card as it is now.
    """

    revision: int
    synced_at: int | None
    last_used_at: int | None
    current: bool


@dataclass(frozen=True, slots=True)
class Holder:
    """
    Somebody who has an owner's card.

    *groups* are names of the owner's groups. *revision* is that of the holder's address book in which the card became
    what it is, *changed_at* when. *hidden*: the holder took the entry off their devices.
    """

    account_id: int
    login: str
    groups: list[str]
    fields: list[StoredField]
    revision: int
    changed_at: int
    hidden: bool
    devices: list[HoldingDevice]


def for_person(session: Session, owner_id: int, viewer_id: int, version: str = "3.0") -> str:
    """
    Return the very card that a connected person has, or that a stranger would get when the two are not connected.

    Raises:
        NotFound: There is no such owner.
    """
    if not connections.is_connected(session, owner_id, viewer_id):
        return for_audience(session, owner_id, STRANGER, version)
    ((uid, changed_at, card_id),) = read(session, _SHOWN, {"owner": owner_id, "viewer": viewer_id})
    body = body_of(session, owner_id, card_id, version)
    return fields.head(version, uid or NO_UID, changed_at) + body


def for_group(session: Session, owner_id: int, group_id: int, version: str = "3.0") -> str:
    """Return the card that somebody gets who is in this group of the owner's and in no other."""
    return for_audience(session, owner_id, composition_in(session, owner_id, group_id), version)


def for_audience(
    session: Session,
    owner_id: int,
    composition: Composition,
    version: str = "3.0",
    adjustment: Adjustment = UNCHANGED,
    *,
    uid: str = NO_UID,
) -> str:
    """
    Return the card of an audience of *composition*, whether or not anybody is in it; REV is its last change.

    With an *adjustment* of the grants, it is the card that they would get after that.
    """
    account = session.get(Account, owner_id)
    if account is None:
        raise NotFound("There is no such person.")
    visible = visible_fields(session, owner_id, composition, adjustment)
    rendering = cards.render([content_of(field) for field in visible], account.login)
    changed_at = max((field.changed_at for field in visible), default=account.created_at)
    return fields.head(version, uid, changed_at) + (rendering.body_4 if version == "4.0" else rendering.body_3)


def holders(session: Session, owner_id: int, only: Collection[int] | None = None) -> list[Holder]:
    """
    Return everybody who is connected to an owner, by login, with what they may see and what their devices have.

    With *only*, those of these people who are connected.
    """
    some = {} if only is None else {"viewers": only}
    rows = read(session, functools.partial(_connected, all_of_them=only is None), {"owner": owner_id}, **some)
    viewers = {viewer_id: (bool(hidden), Composition.load(composition)) for viewer_id, hidden, composition in rows}
    names = accounts.logins(session, viewers)
    entries = {
        viewer_id: _Entry(revision, changed_at)
        for viewer_id, revision, changed_at in read(session, _entries, {"owner": owner_id}, viewers=viewers)
    }
    devices: dict[int, list[HoldingDevice]] = {}
    for viewer_id, *device in read(session, _devices, {}, viewers=viewers):
        devices.setdefault(viewer_id, []).append(_holding(entries[viewer_id], *device))
    groups: dict[int, list[str]] = {}
    for viewer_id, name in read(session, _named, {"owner": owner_id}, viewers=viewers):
        groups.setdefault(viewer_id, []).append(name)
    everything = fields_of(session, owner_id)
    grants = grants_of(session, owner_id)
    found = []
    for viewer_id, (hidden, composition) in viewers.items():
        visible = grants.visible(composition)
        entry = entries[viewer_id]
        found.append(
            Holder(
                account_id=viewer_id,
                login=names.get(viewer_id, ""),
                groups=groups.get(viewer_id, []),
                fields=[field for field in everything if field.id in visible],
                revision=entry.revision,
                changed_at=entry.changed_at,
                hidden=hidden,
                devices=devices.get(viewer_id, []),
            )
        )
    return sorted(found, key=lambda holder: holder.login)


class _Entry(NamedTuple):
    revision: int
    changed_at: int


def _holding(entry: _Entry, revision: int, synced_at: int | None, last_used_at: int | None) -> HoldingDevice:
    return HoldingDevice(revision, synced_at, last_used_at, current=revision >= entry.revision)


@functools.cache
def _connected(dialect: str, *, all_of_them: bool) -> Select[*tuple[Any, ...]]:
    audience = (Audience.owner_id == Connection.owner_id) & (Audience.id == Connection.audience_id)
    columns = select(Connection.viewer_id, Connection.hidden, Audience.composition).join(Audience, audience)
    chosen = columns.where(Connection.owner_id == bindparam("owner"))
    return chosen if all_of_them else chosen.where(among_parameter(dialect, Connection.viewer_id, "viewers"))


@functools.cache
def _entries(dialect: str) -> Select[*tuple[Any, ...]]:
    theirs = among_parameter(dialect, Entry.viewer_id, "viewers")
    return select(Entry.viewer_id, Entry.revision, Entry.changed_at).where(theirs, Entry.id == bindparam("owner"))


@functools.cache
def _devices(dialect: str) -> Select[*tuple[Any, ...]]:
    columns = (Device.viewer_id, Device.synced_revision, Device.synced_at, Device.last_used_at)
    in_use = (among_parameter(dialect, Device.viewer_id, "viewers"), Device.revoked_at.is_(None))
    return select(*columns).where(*in_use).order_by(Device.created_at)


@functools.cache
def _named(dialect: str) -> Select[*tuple[Any, ...]]:
    group = (Group.owner_id == Member.owner_id) & (Group.id == Member.group_id)
    mine = (Member.owner_id == bindparam("owner"), among_parameter(dialect, Member.viewer_id, "viewers"))
    return select(Member.viewer_id, Group.name).join(Group, group).where(*mine).order_by(Group.name_key)
