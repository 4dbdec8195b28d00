"""What the people of a household have on their cards, in plain dictionaries: the rules told a second time."""

from __future__ import annotations

from dataclasses import dataclass, field

from sync.household.pairs import Share
from tests.support import dav
from tests.support.forms import Visitor

#: When something ends that has no end.
NEVER = 2**62


@dataclass
class Line:
    """A field: what it says, until when connections see it, and which field of whose it follows."""

    kind: str
    marker: str
    shown_until: int = 0
    follows: Share | None = None


@dataclass
class Feed:
    """The calendar of somebody's birthdays, and which days it had when it was fetched last, by which ETag."""

    path: str
    etag: str = ""
    days: set[str] = field(default_factory=set)


@dataclass
class Member:
    """Somebody with a device, a browser and a calendar, their fields by id, and whom they know until when."""

    id: int
    login: str
    everybody: int
    replica: dav.Replica
    visitor: Visitor
    csrf_token: str
    feed: Feed
    lines: dict[int, Line] = field(default_factory=dict)
    known: dict[int, int] = field(default_factory=dict)

    @property
    def markers(self) -> set[str]:
        """What they say themselves."""
        return {line.marker for line in self.lines.values()}


@dataclass
class Model:
    """Everybody by id, and what is offered to whom, in the order in which it was."""

    people: dict[int, Member] = field(default_factory=dict)
    offered: dict[Share, None] = field(default_factory=dict)
    minted: int = 0

    def mint(self, kind: str) -> str:
        """Return what nobody said before: a word with letters that no id has, or a day of a year of its own."""
        self.minted += 1
        return f"{1700 + self.minted}-03-04" if kind == "anniversary" else f"zq{self.minted}qz"

    def shown(self, person: Member) -> set[str]:
        """Return the markers of what somebody shows to their connections."""
        return {line.marker for line in person.lines.values() if line.shown_until}

    def may_see(self, person: Member) -> set[str]:
        """Return every marker that a device of somebody's may be sent in this moment."""
        return person.markers.union(*(self.shown(self.people[each]) for each in person.known))

    def days_for(self, person: Member) -> set[str]:
        """Return the days that are in somebody's calendar."""
        seen = set[str]().union(*(self.shown(self.people[each]) for each in person.known))
        return {marker for marker in seen if not marker.startswith("zq")}

    def offered_to(self, person: Member) -> set[str]:
        """Return the markers of what somebody is offered."""
        sources = [self.people[each.owner_id].lines.get(each.field_id) for each in self.offered_shares(person)]
        return {source.marker for source in sources if source is not None}

    def offered_shares(self, person: Member) -> list[Share]:
        """Return what somebody is offered."""
        return [share for share in self.offered if share.carrier_id == person.id]

    def carriers(self) -> list[tuple[Member, int, Share]]:
        """Return who carries what, by which field."""
        return [
            (person, field_id, line.follows)
            for person in self.people.values()
            for field_id, line in person.lines.items()
            if line.follows is not None
        ]

    def open_shares(self) -> set[Share]:
        """Return what is offered or carried."""
        return {*self.offered, *(share for _, _, share in self.carriers())}

    def is_shared(self, owner_id: int, field_id: int) -> bool:
        """Whether somebody carries a field, or was offered it."""
        return any(each[:2] == (owner_id, field_id) for each in self.open_shares())

    def meet(self, one: int, other: int) -> None:
        """Connect two people."""
        self.people[one].known[other] = NEVER
        self.people[other].known[one] = NEVER

    def part(self, one: int, other: int) -> None:
        """Disconnect two people: what is offered is gone, and each keeps what their card says."""
        both = {one, other}
        del self.people[one].known[other]
        del self.people[other].known[one]
        self.offered = {each: None for each in self.offered if {each.owner_id, each.carrier_id} != both}
        for carrier, field_id, share in self.carriers():
            if {share.owner_id, share.carrier_id} == both:
                carrier.lines[field_id].follows = None

    def end_by(self, at: int) -> None:
        """Take back what is over at a time."""
        for person in self.people.values():
            for line in person.lines.values():
                line.shown_until = line.shown_until if line.shown_until > at else 0
            for other in [each for each, until in person.known.items() if until <= at]:
                self.part(person.id, other)

    def followed(self, share: Share) -> None:
        """Let a pair be brought together."""
        source = self.people[share.owner_id].lines.get(share.field_id)
        if source is None:
            self.offered.pop(share, None)
        for person, field_id, each in self.carriers():
            if each == share:
                line = person.lines[field_id]
                line.marker, line.follows = (line.marker, None) if source is None else (source.marker, share)
