"""
What everybody may see, in plain dictionaries: the engine's rules told a second time, by hand and without its code.

Every value that anybody stores holds a *marker*, a number that nobody else has. So what somebody may see is a set of
markers, and a leak is a marker in an answer to somebody who may not see it.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, field

from sync.ends.targets import Target

Pair = tuple[str, str]
#: Finds markers (`new_marker`), but not the last part of a UUID that happens to have no letters.
MARKER = re.compile(r"(?<![\d-])\d{12}(?!\d)")
STRANGERS, CONNECTIONS = "strangers", "connections"


def new_marker() -> str:
    """Return a number that looks like a telephone number and occurs nowhere else."""
    return f"{secrets.randbelow(9 * 10**11) + 10**11}"


@dataclass
class Group:
    """A group of an owner's. The built-in ones have no members of their own."""

    id: int
    name: str
    members: set[str] = field(default_factory=set)
    granted: set[int] = field(default_factory=set)


@dataclass
class Field:
    """A field of an owner's. *name* is the vCard property that holds the *marker*."""

    id: int
    kind: str
    name: str
    marker: str


@dataclass
class Person:
    """A person, and what they decided. *exceptions* are allowed (true) or withheld, by viewer and field."""

    login: str
    id: int
    strangers: Group
    connections: Group
    fields: dict[int, Field] = field(default_factory=dict)
    groups: dict[int, Group] = field(default_factory=dict)
    exceptions: dict[tuple[str, int], bool] = field(default_factory=dict)
    private: dict[str, Field] = field(default_factory=dict)

    def visible_to(self, viewer: str) -> set[int]:
        """Return the ids of the fields that *viewer*, who is connected, may see."""
        found = self.strangers.granted | self.connections.granted
        for group in self.groups.values():
            if viewer in group.members:
                found |= group.granted
        for (name, field_id), allowed in self.exceptions.items():
            if name == viewer:
                (found.add if allowed else found.discard)(field_id)
        return found


@dataclass
class Model:
    """Everybody. *connected* holds each pair in both directions; *hidden* pairs are (viewer, owner)."""

    people: dict[str, Person] = field(default_factory=dict)
    connected: set[Pair] = field(default_factory=set)
    hidden: set[Pair] = field(default_factory=set)
    minted: dict[str, str] = field(default_factory=dict)
    #: When what ends, by owner; some of it may have gone before.
    ends: dict[tuple[str, Target], int] = field(default_factory=dict)

    def mint(self, name: str) -> str:
        """Return a new marker for the vCard property *name*."""
        marker = new_marker()
        self.minted[marker] = name
        return marker

    def markers(self, viewer: str, owner: str) -> frozenset[str]:
        """Return the markers of the owner's card as *viewer* may see it, who may be a stranger."""
        person = self.people[owner]
        if viewer == owner:
            seen = set(person.fields)
        else:
            seen = person.visible_to(viewer) if (viewer, owner) in self.connected else person.strangers.granted
        return frozenset(person.fields[field_id].marker for field_id in seen)

    def owners(self, viewer: str) -> list[str]:
        """Return whose cards are in the address book of *viewer*, their own first."""
        shown = [owner for owner in self.people if (viewer, owner) in self.connected - self.hidden]
        return [viewer, *shown]

    def may_see(self, viewer: str) -> set[str]:
        """Return every marker that an answer to *viewer* may hold."""
        private = {item.marker for item in self.people[viewer].private.values()}
        return private.union(*(self.markers(viewer, owner) for owner in self.owners(viewer)))

    def can_end(self, owner: str, target: Target) -> bool:
        """Whether the owner gives such a thing."""
        person = self.people[owner]
        built_in = {person.strangers.id: person.strangers, person.connections.id: person.connections}
        groups = {**person.groups, **built_in}
        if target.group_id is not None:
            group = groups.get(target.group_id)
            return group is not None and (target.field_id in group.granted or target.field_id is None)
        viewer = next((login for login, each in self.people.items() if each.id == target.viewer_id), "")
        if target.field_id is None:
            return (viewer, owner) in self.connected
        return person.exceptions.get((viewer, target.field_id), False)

    def forget_ends(self) -> None:
        """Forget the ends of what is not there any more."""
        self.ends = {key: at for key, at in self.ends.items() if self.can_end(*key)}

    def end_by(self, at: int) -> None:
        """Take back what is over at a time."""
        over = [key for key, ends_at in self.ends.items() if ends_at <= at]
        for owner, target in over:
            if (owner, target) in self.ends:
                del self.ends[owner, target]
                self._end(self.people[owner], target)
                self.forget_ends()

    def _end(self, person: Person, target: Target) -> None:
        viewer = next((login for login, each in self.people.items() if each.id == target.viewer_id), "")
        if target.group_id is None:
            if target.field_id is None:
                self.disconnect(viewer, person.login)
            else:
                del person.exceptions[viewer, target.field_id]
            return
        built_in = (person.strangers, person.connections)
        group = next(each for each in (*person.groups.values(), *built_in) if each.id == target.group_id)
        group.granted = group.granted - {target.field_id} if target.field_id is not None else set()

    def connect(self, one: str, other: str) -> None:
        """Connect two people, who see of each other what all connections see."""
        self.connected |= {(one, other), (other, one)}

    def disconnect(self, one: str, other: str) -> None:
        """Part two people; nothing of what they granted each other stays."""
        for viewer, owner in ((one, other), (other, one)):
            self.connected.discard((viewer, owner))
            self.hidden.discard((viewer, owner))
            person = self.people[owner]
            for group in person.groups.values():
                group.members.discard(viewer)
            person.exceptions = {key: value for key, value in person.exceptions.items() if key[0] != viewer}
        self.forget_ends()

    def remove_field(self, owner: str, field_id: int) -> None:
        """Delete a field and everything that was granted of it."""
        person = self.people[owner]
        del person.fields[field_id]
        for group in (person.strangers, person.connections, *person.groups.values()):
            group.granted.discard(field_id)
        person.exceptions = {key: value for key, value in person.exceptions.items() if key[1] != field_id}
        self.forget_ends()
