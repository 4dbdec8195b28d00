"""How far an owner's card has come with some of those who hold it, for a list of many of them."""

from __future__ import annotations

import functools
from collections.abc import Collection
from dataclasses import dataclass, field

from sqlalchemy import Select, bindparam, select
from sqlalchemy.orm import Session

from sync.database.lists import among_parameter
from sync.database.prepared import read
from sync.models import Connection, Device, Entry, Group, Member


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
    hidden = read(session, _hidden, {"owner": owner_id}, viewers=viewer_ids)
    found = {viewer_id: Arrival(bool(is_hidden)) for viewer_id, is_hidden in hidden}
    for viewer_id, revision, synced_revision in read(session, _devices, {"owner": owner_id}, viewers=list(found)):
        found[viewer_id].devices += 1
        found[viewer_id].current += synced_revision >= revision
    for viewer_id, name in read(session, _named, {"owner": owner_id}, viewers=list(found)):
        found[viewer_id].groups.append(name)
    return found


@functools.cache
def _hidden(dialect: str) -> Select[int, bool]:
    return select(Connection.viewer_id, Connection.hidden).where(
        Connection.owner_id == bindparam("owner"), among_parameter(dialect, Connection.viewer_id, "viewers")
    )


@functools.cache
def _devices(dialect: str) -> Select[int, int, int]:
    return (
        select(Entry.viewer_id, Entry.revision, Device.synced_revision)
        .join(Device, (Device.viewer_id == Entry.viewer_id) & Device.revoked_at.is_(None))
        .where(among_parameter(dialect, Entry.viewer_id, "viewers"), Entry.id == bindparam("owner"))
    )


@functools.cache
def _named(dialect: str) -> Select[int, str]:
    return (
        select(Member.viewer_id, Group.name)
        .join(Group, (Group.owner_id == Member.owner_id) & (Group.id == Member.group_id))
        .where(Member.owner_id == bindparam("owner"), among_parameter(dialect, Member.viewer_id, "viewers"))
        .order_by(Group.name_key)
    )
