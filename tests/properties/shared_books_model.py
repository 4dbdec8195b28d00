"""
What a shared book is to each of its people, in plain dictionaries: the rules told a second time, without the engine.

Every value that anybody writes holds a *marker*, a number that nobody else has. A contact is its markers by the lines
that hold them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from sync.revisions.shared_states import READER, WRITER
from tests.properties.model import new_marker
from tests.support import dav
from tests.support.shared import Member, card

NAMES = ("a", "b", "c")
LINES = ("TEL", "EMAIL")
_LINE = re.compile(r"^(TEL|EMAIL|NOTE)[^:]*:.*?([0-9]{12})", re.MULTILINE)


@dataclass
class Device(dav.Replica):
    """A device; *role* is what its person might do when it synchronised last."""

    role: str | None = None


@dataclass
class Person:
    """
    Somebody with devices, and what they may do; they are no member where that is None.

    *notes* are markers that they laid over contacts as a reader, *hidden* contacts that they took off their devices,
    *own* the markers of contacts that they alone have.
    """

    member: Member
    role: str | None = None
    replicas: list[Device] = field(default_factory=list)
    notes: dict[str, str] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)
    own: dict[str, str] = field(default_factory=dict)

    @property
    def sees(self) -> bool:
        """Whether they have the book."""
        return self.role in (READER, WRITER)


@dataclass
class Model:
    """The *people*, and everybody's *contacts*."""

    people: list[Person] = field(default_factory=list)
    contacts: dict[str, dict[str, str]] = field(default_factory=dict)
    minted: set[str] = field(default_factory=set)

    def mint(self) -> str:
        """Return a marker that was never written."""
        marker = new_marker()
        self.minted.add(marker)
        return marker

    def who(self, role: str) -> list[Person]:
        """Return who may do this."""
        return [person for person in self.people if person.role == role]

    def on_devices(self, person: Person) -> dict[str, list[str]]:
        """Return by name the markers that a person's devices show."""
        if not person.sees:
            return {}
        shown = {name: list(markers.values()) for name, markers in self.contacts.items()}
        if person.role == READER:
            shown = {name: markers for name, markers in shown.items() if name not in person.hidden}
            for name in shown:
                shown[name] += [person.notes[name]] if name in person.notes else []
        own = {name: [marker] for name, marker in person.own.items() if name not in self.contacts}
        return {name: sorted(markers) for name, markers in (own | shown).items()}

    def store(self, name: str, had: dict[str, str], sent: dict[str, str]) -> None:
        """Let a writer who *had* a contact store it: what they did not change is as others changed it meanwhile."""
        there = self.contacts.get(name)
        changed = {line: marker for line, marker in sent.items() if had.get(line) != marker}
        self.contacts[name] = sent if there is None else {**there, **changed}


def text_of(name: str, markers: dict[str, str]) -> str:
    """Return the card of a contact."""
    return card(name, *(f"{line}:{marker}" for line, marker in markers.items()), uid=name)


def markers_of(text: str) -> dict[str, str]:
    """Return the markers on a card by their lines."""
    return dict(_LINE.findall(dav.unfolded(text)))


def name_of(href: str) -> str:
    """Return the name of the contact that is at this place."""
    return href.rpartition("/")[2].removesuffix(".vcf")
