"""How far an owner's card has come with some of those who hold it, for a list of many of them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from sync.database.lists import among
from sync.models import Connection, Device, Entry, Group, Member

_ENTRIES = select(Entry.viewer_id, Entry.revision, Device.id, Device.synced_revision).outerjoin(
    Device, (Device.viewer_id == Entry.viewer_id) & Device.revoked_at.is_(None)
)
_NAMED = (
    select(Member.viewer_id, Group.name)
    .join(Group, (Group.owner_id == Member.owner_id) & (Group.id == Member.group_id))
    .order_by(Group.name_key)
)


@dataclass(slots=True)
class Arrival:
    """
    What an owner may know of somebody who has their card.

    *groups* are names of the owner's groups that they are in. *hidden*: they took the card off their devices, of which
    there are *devices*, and *current* of these have the card as it is now.
    """

    hidden: bool
    groups: list[str] = field(default_factory=list)
    devices: int = 0
    current: int = 0

    @property
    def state(self) -> str:
        """Whether the card is where it is to be: on all devices, some or none of them, on no device, or hidden."""
        if self.hidden:
            return "hidden"
        if not self.devices:
            return "deviceless"
        return "none" if not self.current else "all" if self.current == self.devices else "some"


def of(session: Session, owner_id: int, viewer_ids: Collection[int]) -> dict[int, Arrival]:
    """Return by person how it stands with those of these people who are connected to an owner, in three statements."""
    chosen = select(Connection.viewer_id, Connection.hidden).where(
        Connection.owner_id == owner_id, among(session, Connection.viewer_id, viewer_ids)
    )
    found = {viewer_id: Arrival(hidden) for viewer_id, hidden in session.execute(chosen)}
    entries = _ENTRIES.where(among(session, Entry.viewer_id, list(found)), Entry.id == owner_id)
    for viewer_id, revision, device_id, synced_revision in session.execute(entries):
        if device_id is not None:
            found[viewer_id].devices += 1
            found[viewer_id].current += synced_revision >= revision
    named = _NAMED.where(Member.owner_id == owner_id, among(session, Member.viewer_id, list(found)))
    for viewer_id, name in session.execute(named):
        found[viewer_id].groups.append(name)
    return found
