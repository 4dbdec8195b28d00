"""What somebody's own contacts say, in sets of markers: making two one, and taking them apart, told a second time."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from sync.contacts.duplicates import UNDONE_FOR
from tests.support import dav

MARKER = re.compile(r"zq\d+qz|1[67]\d\d-03-04", re.IGNORECASE)
#: Of what kind the lines are that are days in a calendar, and marked by a year of their own.
BIRTHDAY = "BDAY"
#: How a line says a marker. Every contact has one of each, and what `SAME` is in all of them.
LINES = {
    "EMAIL": "EMAIL:{}@example.org",
    "NOTE": "NOTE:{}",
    "URL": "URL:https://{}.example.org/",
    "ORG": "ORG:{}",
    "X-ZQ": "X-ZQ:{}",
    BIRTHDAY: "BDAY:{}",
}
SAME = "EMAIL:same@example.org"
#: Of these a contact has one line, in which several can stand.
JOINED = frozenset(("NOTE", "NICKNAME"))
#: What is one name, in two lines.
NAME = "N"
#: What says the same as another line, or what a second one of a kind becomes of which a contact has one.
_SAID_OTHERWISE = {"FN": NAME, "X-ABDATE": BIRTHDAY}


class Cell(NamedTuple):
    """A line: what it is, and the markers in it."""

    kind: str
    markers: frozenset[str]


Card = frozenset[Cell]


def text_of(name: str, marker: str, markers: dict[str, str]) -> str:
    """Return a contact as a phone writes it that makes one; *marker* is how its person is called."""
    lines = [LINES[kind].format(each) for kind, each in markers.items()]
    called = [f"FN:{marker}", f"N:{marker};;;;"]
    return "\r\n".join(["BEGIN:VCARD", "VERSION:3.0", f"UID:{name}", *called, SAME, *lines, "END:VCARD", ""])


def card_of(text: str) -> Card:
    """Return what a contact says."""
    cells = set()
    for line in dav.unfolded(text).splitlines():
        markers = frozenset(each.lower() for each in MARKER.findall(line))
        kind = re.split("[:;]", line.rpartition(".")[2] if line.startswith("item") else line)[0]
        if markers:
            cells.add(Cell(_SAID_OTHERWISE.get(kind, kind), markers))
    return frozenset(cells)


def markers_of(card: Card) -> set[str]:
    """Return every marker of a contact."""
    return {marker for cell in card for marker in cell.markers}


def _joined(card: Card, kind: str) -> frozenset[str]:
    return frozenset(marker for cell in card if cell.kind == kind for marker in cell.markers)


def _with_joined(cells: Iterable[Cell], joined: dict[str, frozenset[str]]) -> Card:
    rest = {cell for cell in cells if cell.kind not in JOINED}
    return frozenset(rest | {Cell(kind, markers) for kind, markers in joined.items() if markers})


def merged(kept: Card, gone: Card) -> Card:
    """Return what two contacts become: all that both say, and the other one's name as a nickname."""
    called = {cell for cell in gone if cell.kind == NAME}
    names = frozenset(marker for cell in called for marker in cell.markers) - _joined(kept, NAME)
    joined = {kind: _joined(kept, kind) | _joined(gone, kind) for kind in JOINED}
    return _with_joined(kept | gone - called, {**joined, "NICKNAME": joined["NICKNAME"] | names})


def changed_too(had: Card, sent: Card, now: Card) -> Card:
    """Return what becomes of what is *now* where somebody who *had* something made of it what they *sent*."""
    joined = {
        kind: _joined(now, kind) if _joined(had, kind) == _joined(sent, kind) else _joined(sent, kind)
        for kind in JOINED
    }
    return _with_joined(now - (had - sent) | (sent - had), joined)


@dataclass
class Merge:
    """Two contacts that were made one: what the one that *stays* and the one that is *gone* were, and when."""

    stays: str
    before: Card
    gone: Card
    at: int


@dataclass
class Model:
    """What there is of each contact by its name, and by the name of the one that is gone each merge."""

    contacts: dict[str, Card] = field(default_factory=dict)
    merges: dict[str, Merge] = field(default_factory=dict)
    minted: int = 0

    def mint(self, kind: str = "") -> str:
        """Return what nobody said before: a word, or a day of a year of its own."""
        self.minted += 1
        return f"{1600 + self.minted}-03-04" if kind == BIRTHDAY else f"zq{self.minted}qz"

    def days(self) -> list[str]:
        """Return the birthdays of all contacts."""
        return sorted(day for card in self.contacts.values() for day in _joined(card, BIRTHDAY))

    def merge(self, stays: str, gone: str, at: int) -> None:
        """Make two contacts one."""
        self.forget(at)
        self.merges[gone] = Merge(stays, self.contacts[stays], self.contacts.pop(gone), at)
        self.contacts[stays] = merged(self.merges[gone].before, self.merges[gone].gone)

    def can_undo(self, gone: str, at: int) -> bool:
        """Whether two contacts can be taken apart: not after 30 days, and the last first where one was made of more."""
        merge = self.merges[gone]
        return gone in self.undoable(at) and not (merge.stays in self.merges and merge.stays not in self.contacts)

    def undoable(self, at: int) -> set[str]:
        """Return the names of what was made one with another one no more than 30 days ago."""
        return {gone for gone, merge in self.merges.items() if merge.at >= at - UNDONE_FOR}

    def undo(self, gone: str) -> None:
        """Take two contacts apart again; what was changed since stays."""
        merge = self.merges.pop(gone)
        now = self.contacts.get(merge.stays)
        were = merged(merge.before, merge.gone)
        self.contacts[merge.stays] = merge.before if now is None else changed_too(were, now, merge.before)
        self.contacts.setdefault(gone, merge.gone)

    def forget(self, at: int) -> None:
        """Let go of what cannot be taken apart any more."""
        self.merges = {gone: self.merges[gone] for gone in self.merges if gone in self.undoable(at)}
