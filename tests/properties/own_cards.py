"""The machine that tries to lose fields, grants or history by what programs do to a person's own card."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule
from sqlalchemy import select
from typing_extensions import override

from sync.errors import NotFound
from sync.fields import FieldContent
from sync.models import Grant
from sync.profiles import profiles
from sync.sharing import history, visibility
from sync.vcard import Property, VCard
from tests.properties import programs
from tests.properties.profile_engine import CHOICE, RANDOM, VERSION, Engine
from tests.properties.samples import found_in, marked, parsed
from tests.support import factories

State = list[tuple[int, str, str]]


class OwnCard(Engine):
    """What a person does to their own card on a device."""

    @initialize(first=st.lists(CHOICE, min_size=2, max_size=7))
    def begin(self, first: list[int]) -> None:
        """Have some fields, of which everybody sees every other one."""
        for at, choice in enumerate((*self.samples_of("mobile", "mobile", "note"), *first)):
            self.add_field(choice, self.groups if at % 2 else [])
        self.kept: dict[int, State] = {}
        self.remember()

    def state(self) -> State:
        """Return the profile: ids, kinds and contents in their order."""
        with self.database.reading() as session:
            return [(item.id, item.kind, item.content) for item in visibility.fields_of(session, self.owner)]

    def granted(self) -> set[tuple[int, int]]:
        """Return every grant."""
        with self.database.reading() as session:
            rows = session.execute(select(Grant.group_id, Grant.field_id).where(Grant.owner_id == self.owner))
            return {(group_id, field_id) for group_id, field_id in rows}

    def remember(self) -> None:
        """Keep the newest state of the history, to compare it with what is restored."""
        with self.database.reading() as session:
            newest = history.states(session, self.owner)
        if newest:
            self.kept.setdefault(newest[0].version, self.state())
            assert self.kept[newest[0].version] == self.state()

    def everything(self) -> tuple[object, ...]:
        """Return all that must not move when nothing was edited."""
        with self.database.reading() as session:
            count = len(history.states(session, self.owner))
        return self.state(), self.granted(), factories.revisions(self.database, self.viewers), count

    def seen(self) -> tuple[object, ...]:
        """Return what others see."""
        texts = [self.text(viewer, self.owner, version) for viewer in self.viewers for version in ("3.0", "4.0")]
        return texts, factories.revisions(self.database, self.viewers)

    def own(self, version: str) -> tuple[str, list[Property]]:
        """Fetch the card."""
        return parsed(self.text(self.owner, self.owner, version))

    @rule(
        version=VERSION,
        ways=st.lists(st.sampled_from(programs.SPELLING), max_size=3),
        convert=st.booleans(),
        random=RANDOM,
    )
    def put_back(self, version: str, ways: list[programs.Way], convert: bool, random: Random) -> None:  # noqa: FBT001
        """Sending back what was served, in whatever spelling and version, changes nothing."""
        before = self.everything()
        version, lines = self.own(version)
        if convert:
            card = programs.translated(VCard(version, tuple(lines)))
            version, lines = card.version, list(card.properties)
        for way in ways:
            lines = way(lines, random)
        self.send(self.owner, self.owner, programs.written(version, lines, random))
        assert self.everything() == before

    @rule(version=VERSION, way=st.sampled_from(programs.FORGETTING), random=RANDOM)
    def forget(self, version: str, way: programs.Way, random: Random) -> None:
        """A program that drops what it does not know deletes nothing, and changes nothing."""
        before, (version, lines) = self.everything(), self.own(version)
        self.send(self.owner, self.owner, programs.written(version, way(lines, random), random))
        after = self.everything()
        assert after[1:3] == before[1:3]
        known = {item[0]: item for item in self.state()}
        assert [known.get(item[0]) for item in before[0]] == before[0]  # type: ignore[attr-defined]
        self.learn()

    @rule(version=VERSION, ways=st.lists(st.sampled_from(programs.REARRANGING), max_size=3), random=RANDOM)
    def rearrange(self, version: str, ways: list[programs.Way], random: Random) -> None:
        """However values are ordered, preferred and spelled, each stays in its field, seen by the same people."""
        before, granted, seen = self.values(), self.granted(), [self.visible(viewer) for viewer in self.viewers]
        version, lines = self.own(version)
        for way in ways:
            lines = way(lines, random)
        self.send(self.owner, self.owner, programs.written(version, lines, random))
        assert self.values() == before
        assert self.granted() == granted
        assert [self.visible(viewer) for viewer in self.viewers] == seen

    def values(self) -> dict[int, frozenset[str]]:
        """Return the markers in each field's value."""
        contents = {item[0]: FieldContent.load(*item[1:]).main.value for item in self.state()}
        return {
            field_id: frozenset(mark for mark in self.minted if mark in found_in(value)[0])
            for field_id, value in contents.items()
        }

    @rule(version=VERSION, choice=CHOICE, random=RANDOM)
    def change(self, version: str, choice: int, random: Random) -> None:
        """A changed value is the same field, with the same grants, and arrives where it is granted."""
        before, granted, (version, lines) = self.state(), self.granted(), self.own(version)
        found = [
            at
            for at, line in enumerate(lines)
            if any(mark in part for mark in self.markers.values() for part in found_in(f"{line.name}:{line.value}"))
            and line.name not in ("X-ABLABEL", "LABEL", "FN", "N")
        ]
        if not found:
            return
        at = found[choice % len(found)]
        old = next(id_ for id_, mark in self.markers.items() if mark in found_in(lines[at].value)[0])
        self.count += 1
        content, mark = marked(FieldContent("", "3.0", (lines[at],)), self.count)
        if version == "4.0" and lines[at].name in ("PHOTO", "LOGO", "KEY", "GEO"):
            return
        lines[at] = Property(lines[at].group, lines[at].name, lines[at].params, content.main.value)
        self.send(self.owner, self.owner, programs.written(version, lines, random))
        self.markers[old] = mark
        self.minted.add(mark)
        assert [item[0] for item in self.state()] == [item[0] for item in before], (
            before,
            self.state(),
            lines[at],
            old,
        )
        assert self.granted() == granted
        for viewer in self.viewers:
            text = found_in(self.text(viewer, self.owner, "3.0"))
            seen = {marker for marker in self.minted if any(marker in line for line in text)}
            may = self.visible(viewer)
            assert may <= seen
            assert not seen & (set(self.markers.values()) - may)

    @rule(version=VERSION, choice=CHOICE, random=RANDOM)
    def add(self, version: str, choice: int, random: Random) -> None:
        """A new property is granted to nobody, and nobody but the owner sees a change."""
        before, granted, seen, (version, lines) = self.state(), self.granted(), self.seen(), self.own("3.0")
        content, _ = self.mint(choice)
        kinds = {kind for _, kind, _ in before}
        if content.kind in kinds and content.kind in ("birthday", "anniversary", "photo", "name"):
            return
        group = "new" if len(content.properties) > 1 else ""
        lines += [Property(group, line.name, line.params, line.value) for line in content.properties]
        self.send(self.owner, self.owner, programs.written(version, lines, random))
        self.learn()
        after = self.state()
        assert [item for item in after if item in before] == before
        assert len(after) == len(before) + 1
        assert (self.granted(), self.seen()) == (granted, seen)

    @rule(choice=CHOICE, random=RANDOM)
    def delete(self, choice: int, random: Random) -> None:
        """Leaving out what every program keeps deletes that field, and no other."""
        before, (version, lines) = self.state(), self.own("3.0")
        found = [at for at, line in enumerate(lines) if line.name in ("TEL", "EMAIL", "URL")]
        if not found:
            return
        gone = lines.pop(found[choice % len(found)])
        lines = [line for line in lines if not gone.group or line.group != gone.group]
        self.send(self.owner, self.owner, programs.written(version, lines, random))
        left = self.state()
        assert len(left) == len(before) - 1
        assert [item for item in before if item in left] == left
        self.learn()

    @rule(choice=CHOICE)
    @precondition(lambda self: self.kept)
    def restore(self, choice: int) -> None:
        """Every earlier state comes back exactly: ids, contents and order; and nothing is granted by it."""
        granted = self.granted()
        version = sorted(self.kept)[choice % len(self.kept)]
        self.database.write(lambda session: profiles.restore(session, self.owner, version))
        assert self.state() == self.kept[version]
        assert self.granted() <= granted
        self.learn()

    def learn(self) -> None:
        """Find out what each field's marker is now."""
        self.markers = {}
        for field_id, kind, content in self.state():
            values = FieldContent.load(kind, content).main.value
            marks = [mark for mark in self.minted if mark in found_in(values)[0]]
            self.markers[field_id] = marks[0] if marks else f"unmarked{field_id}"

    @override
    def mint(self, choice: int) -> tuple[FieldContent, str]:
        content, mark = super().mint(choice)
        self.minted.add(mark)
        return content, mark

    @invariant()
    def the_history_is_what_it_was(self) -> None:
        """No state of the history changes afterwards."""
        if not hasattr(self, "kept"):
            return
        self.remember()
        with self.database.reading() as session:
            for version, state in self.kept.items():
                found = history.fields_at(session, self.owner, version)
                assert [(item.field_id, item.kind, item.content) for item in found] == state
            with pytest.raises(NotFound):
                history.fields_at(session, self.owner, 10**9)
