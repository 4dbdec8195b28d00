"""The machine that tries to keep what was taken back, to see what others added, and to lose what was added."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

from sync.books import entries
from sync.fields import FieldContent
from sync.models import Field
from sync.profiles import profiles
from sync.queries import previews
from sync.sharing import connections, grants, groups, history
from sync.vcard import Property, VCard
from tests.properties import programs
from tests.properties.profile_engine import CHOICE, RANDOM, VERSION, Engine
from tests.properties.samples import found_in, marked, parsed
from tests.support import factories


@dataclass
class Viewer:
    """What somebody has seen and written."""

    id: int
    #: Every text that they were ever served.
    served: list[str] = field(default_factory=list)
    shown: set[str] = field(default_factory=set)
    #: Markers of their own, and values of the owner's that they wrote before they were shown them.
    own: set[str] = field(default_factory=set)
    guessed: set[str] = field(default_factory=set)


ADDED = (
    "TEL;TYPE=HOME",
    "EMAIL",
    "NOTE",
    "NICKNAME",
    "CATEGORIES",
    "X-PET",
    "URL",
    "ROLE",
    "X-ABRELATEDNAMES",
    "PHOTO",
)


class ConnectionsCards(Engine):
    """What viewers do to the card of a connection."""

    @initialize(first=st.lists(CHOICE, max_size=5))
    def begin(self, first: list[int]) -> None:
        """Show some fields to everybody."""
        self.people = [Viewer(viewer) for viewer in self.viewers]
        for choice in (*self.samples_of("name", "photo", "note"), *first):
            self.add_field(choice, self.groups)
        self.look()

    def look(self) -> None:
        """Fetch the card in both versions, on each device, and compare it with what may be seen."""
        for viewer in self.people:
            may = self.visible(viewer.id)
            viewer.shown |= may
            for version in ("3.0", "4.0"):
                text = self.text(viewer.id, self.owner, version)
                if not text:
                    continue
                viewer.served.append(text)
                self.compare(viewer, may, text)

    def compare(self, viewer: Viewer, may: set[str], text: str) -> None:
        """A card shows just what may be seen, below what its viewer added."""
        lines = found_in(text)
        seen = {marker for marker in self.minted if any(marker in line for line in lines)}
        assert not seen - may - viewer.guessed, text
        # A picture of one's own takes the place of the owner's.
        assert all(len(marker) > 100 for marker in may - seen), (may - seen, text)
        for other in self.people:
            assert other is viewer or not any(mark in line for mark in other.own for line in lines)

    def added(self, viewer: Viewer) -> set[str]:
        """Return which of a viewer's own markers they are served, which are the same in both versions."""
        found = [
            {mark for mark in viewer.own if any(mark in line for line in found_in(text))}
            for text in (self.text(viewer.id, self.owner, version) for version in ("3.0", "4.0"))
        ]
        assert found[0] == found[1]
        return found[0]

    def owner_acts(self, act: Callable[[], object]) -> None:
        """Let the owner change something: what viewers added is there as before."""
        before = [self.added(viewer) for viewer in self.people]
        act()
        for viewer, added in zip(self.people, before, strict=True):
            assert not self.text(viewer.id, self.owner, "3.0") or self.added(viewer) >= added
        self.look()

    @rule(choice=CHOICE, to=st.integers(0, 3))
    def add(self, choice: int, to: int) -> None:
        """Add a field, and grant it to some."""
        self.owner_acts(lambda: self.add_field(choice, [group for at, group in enumerate(self.groups) if to >> at & 1]))

    @rule(choice=CHOICE)
    def change(self, choice: int) -> None:
        """Give a field another value."""
        field_id = self.owns(choice)
        if field_id is None:
            return
        with self.database.reading() as session:
            kept = session.get(Field, (self.owner, field_id))
            assert kept is not None
            before = FieldContent.load(kept.kind, kept.content)
        self.count += 1
        content, marker = marked(before, self.count)
        self.markers[field_id] = marker
        self.minted.add(marker)
        self.owner_acts(
            lambda: self.database.write(lambda session: profiles.set_field(session, self.owner, field_id, content))
        )

    @rule(choice=CHOICE)
    def remove(self, choice: int) -> None:
        """Delete a field."""
        field_id = self.owns(choice)
        if field_id is not None:
            del self.markers[field_id]
            self.owner_acts(
                lambda: self.database.write(lambda session: profiles.remove_field(session, self.owner, field_id))
            )

    @rule(group=st.integers(0, 1), which=st.integers(0, 2**12), take=st.booleans())
    def grant(self, group: int, which: int, take: bool) -> None:  # noqa: FBT001
        """Grant some fields, or take them back."""
        act = grants.take_back if take else grants.grant
        chosen = [field_id for at, field_id in enumerate(self.markers) if which >> at & 1]
        group_id = self.groups[group]
        self.owner_acts(lambda: self.database.write(lambda session: act(session, self.owner, group_id, chosen)))

    @rule(who=st.integers(0, 1))
    def move(self, who: int) -> None:
        """Take somebody out of a group, or put them into it."""
        group_id, viewer = self.groups[who], self.viewers[who]
        with self.database.reading() as session:
            if not connections.is_connected(session, self.owner, viewer):
                return
            act = groups.remove_member if viewer in groups.members(session, self.owner, group_id) else groups.add_member
        self.owner_acts(lambda: self.database.write(lambda session: act(session, self.owner, group_id, viewer)))

    @rule(who=st.integers(0, 1))
    def part_or_meet(self, who: int) -> None:
        """Part from somebody, or connect again."""
        viewer = self.viewers[who]
        with self.database.reading() as session:
            together = connections.is_connected(session, self.owner, viewer)
        act = connections.disconnect if together else connections.connect
        self.owner_acts(lambda: self.database.write(lambda session: act(session, self.owner, viewer)))

    @rule(
        who=st.integers(0, 1),
        which=CHOICE,
        ways=st.lists(st.sampled_from([*programs.SPELLING, *programs.REFORMATTING, *programs.FORGETTING]), max_size=6),
        extra=st.lists(st.sampled_from(["add", "append", "change", "guess", "delete"]), max_size=3),
        convert=st.booleans(),
        random=RANDOM,
    )
    def put(
        self,
        who: int,
        which: int,
        ways: list[programs.Way],
        extra: list[str],
        convert: bool,  # noqa: FBT001
        random: Random,
    ) -> None:
        """Send back a card that was served at any time, as any program would make it."""
        viewer = self.people[who]
        if not self.text(viewer.id, self.owner, "3.0"):
            return
        version, lines = parsed(viewer.served[-1 - which % len(viewer.served)])
        mine: set[str] = set()
        for what in extra:
            lines = self.edited(viewer, what, lines, random, mine)
        if convert:
            card = programs.translated(VCard(version, tuple(lines)))
            version, lines = card.version, list(card.properties)
        for way in ways:
            lines = way(lines, random)
        data = programs.written(version, lines, random)
        self.send(viewer.id, self.owner, data)
        sent = found_in(data.decode().replace("\r\n", "\n").replace("\n", "\r\n"))
        for text in (self.text(viewer.id, self.owner, version) for version in ("3.0", "4.0")):
            got = found_in(text)
            for mark in mine:
                if any(mark in line for line in sent):
                    assert any(mark in line for line in got), (mark, data.decode(), text)
        self.look()
        self.take_back_for_a_while(self.groups[who])

    def take_back_for_a_while(self, group_id: int) -> None:
        """Take back everything: nothing of it may have become the viewer's."""
        with self.database.reading() as session:
            granted = grants.granted(session, self.owner, group_id)
        self.database.write(lambda session: grants.take_back(session, self.owner, group_id, granted))
        self.look()
        self.database.write(lambda session: grants.grant(session, self.owner, group_id, granted))
        self.look()

    def edited(
        self, viewer: Viewer, what: str, lines: list[Property], random: Random, mine: set[str]
    ) -> list[Property]:
        """Do what a person does to a card; *mine* gets the markers that must stay."""
        lines = list(lines)
        at = random.randrange(len(lines))
        own = Property("", random.choice(ADDED), (), "x")
        name, _, kind = own.name.partition(";TYPE=")
        self.count += 1
        (content, mark) = marked(
            FieldContent("", "3.0", (Property("", name, (("TYPE", (kind,)),) if kind else (), "x"),)), self.count
        )
        if what == "add":
            viewer.own.add(mark)
            mine.add(mark)
            lines = [line for line in lines if line.name != "PHOTO" or name != "PHOTO"]
            lines.insert(at, content.main)
        elif what == "append":
            viewer.own.add(mark)
            mine.add(mark)
            said = [line for line in lines if line.name == "NOTE"]
            if said:
                value = said[0].value + random.choice(["\\n", " "]) + mark
                lines[lines.index(said[0])] = Property(said[0].group, "NOTE", said[0].params, value)
            else:
                lines.append(Property("", "NOTE", (), mark))
        elif what == "change" and lines[at].name not in ("UID", "REV"):
            group = lines[at].group
            (content, mark) = marked(FieldContent("", "3.0", (lines[at],)), self.count)
            viewer.own.add(mark)
            lines[at] = Property(group, content.main.name, content.main.params, content.main.value)
        elif what == "guess":
            hidden = sorted(set(self.markers.values()) - viewer.shown)
            if hidden:
                guess = random.choice(hidden)
                viewer.guessed.add(guess)
                mine.add(guess)
                lines.append(Property("", "X-GUESS", (), guess))
        elif what == "delete" and lines[at].name not in ("UID", "FN", "N"):
            del lines[at]
        return lines

    @rule(who=st.integers(0, 1), version=VERSION, random=RANDOM)
    def put_back(self, who: int, version: str, random: Random) -> None:
        """Sending back what was served changes nothing but REV and the ETag."""
        viewer = self.people[who].id
        before = [content_of(self.text(viewer, self.owner, form)) for form in ("3.0", "4.0")]
        text = self.text(viewer, self.owner, version)
        if text:
            lines = parsed(text)[1]
            for way in random.sample(programs.SPELLING, random.randrange(3)):
                lines = way(lines, random)
            self.send(viewer, self.owner, programs.written(version, lines, random))
            assert [content_of(self.text(viewer, self.owner, form)) for form in ("3.0", "4.0")] == before

    @invariant()
    def nobody_sees_what_somebody_else_added(self) -> None:
        """By no listing, text, preview, export or history of any other person."""
        marks = {mark: viewer.id for viewer in getattr(self, "people", ()) for mark in viewer.own}
        for person in (self.owner, *self.viewers):
            foreign = [mark for mark, writer in marks.items() if writer != person]
            for text in self.texts_for(person):
                lines = found_in(text)
                assert not [mark for mark in foreign if any(mark in line for line in lines)]

    def texts_for(self, person: int) -> Iterator[str]:
        """Yield every text that a person can get hold of."""
        with self.database.reading() as session:
            book = factories.book_in(session, person)
            for version in ("3.0", "4.0", None):
                yield from (entry.text for entry in entries.texts(session, book, version))
            yield profiles.export(session, person)
            for other in (self.owner, *self.viewers):
                if other != person and connections.is_connected(session, person, other):
                    yield previews.for_person(session, person, other)
            for state in history.states(session, person):
                yield from (kept.content for kept in history.fields_at(session, person, state.version))


def content_of(text: str) -> list[str]:
    """Return the lines of a card but for REV."""
    return [line for line in text.replace("\r\n ", "").split("\r\n") if not line.startswith("REV:")]
