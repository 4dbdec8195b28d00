"""What others get of an owner, shown to the owner: previews of cards, and who holds them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from sync import fields
from sync.database import accounts
from sync.database.engine import among
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
    entry = session.scalars(select(Entry).where(Entry.viewer_id == viewer_id, Entry.id == owner_id)).one()
    body = body_of(session, owner_id, entry.card_id, version)
    return fields.head(version, entry.uid or NO_UID, entry.changed_at) + body


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
    connected = (
        select(Connection.viewer_id, Connection.hidden, Audience.composition)
        .join(Audience, (Audience.owner_id == Connection.owner_id) & (Audience.id == Connection.audience_id))
        .where(Connection.owner_id == owner_id)
    )
    if only is not None:
        connected = connected.where(among(session, Connection.viewer_id, only))
    viewers = {
        viewer_id: (hidden, Composition.load(composition))
        for viewer_id, hidden, composition in session.execute(connected)
    }
    names = accounts.logins(session, viewers)
    entries = {
        entry.viewer_id: entry
        for entry in session.scalars(
            select(Entry).where(among(session, Entry.viewer_id, viewers), Entry.id == owner_id)
        )
    }
    devices: dict[int, list[Device]] = {}
    in_use = (
        select(Device)
        .where(among(session, Device.viewer_id, viewers), Device.revoked_at.is_(None))
        .order_by(Device.created_at)
    )
    for device in session.scalars(in_use):
        devices.setdefault(device.viewer_id, []).append(device)
    groups: dict[int, list[str]] = {}
    named = (
        select(Member.viewer_id, Group.name)
        .join(Group, (Group.owner_id == Member.owner_id) & (Group.id == Member.group_id))
        .where(Member.owner_id == owner_id, among(session, Member.viewer_id, viewers))
        .order_by(Group.name_key)
    )
    for viewer_id, name in session.execute(named):
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
                devices=[_holding(device, entry) for device in devices.get(viewer_id, [])],
            )
        )
    return sorted(found, key=lambda holder: holder.login)


def _holding(device: Device, entry: Entry) -> HoldingDevice:
    current = device.synced_revision >= entry.revision
    return HoldingDevice(device.synced_revision, device.synced_at, device.last_used_at, current)
