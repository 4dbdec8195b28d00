"""However much of what was disclosed is let go of, it is known of every value who was shown it, and of no other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from sync.database.engine import Database, Session
from sync.disclosure import disclosure_thinning, records
from sync.disclosure.disclosure_thinning import Span, needed_spans, needed_stays
from sync.fields import FieldContent
from sync.models import DisclosedAudience, DisclosedField, FieldState
from sync.profiles import profiles
from sync.sharing import connections, grants, groups
from tests.support import factories

#: Versions that are ends of times, each used once.
ENDS = st.lists(st.integers(1, 40), unique=True, max_size=16).map(sorted)
LAST = 2**62


def spans(ends: Sequence[int], of: int = 0) -> list[Span]:
    """Make times of every second gap between these versions; an odd one begins a time that has not ended."""
    pairs = list(pairwise([*ends, LAST]))[::2]
    return [Span(since, until, of) for since, until in pairs]


def meet(*those: Span) -> bool:
    """Whether there is a version in all of these times."""
    return max(each.since for each in those) < min(each.until for each in those)


@given(ENDS.map(spans), st.lists(ENDS.map(spans), max_size=4), ENDS.map(spans))
def test_every_viewer_is_known_by_the_times_that_are_left(
    shown: list[Span], viewers: list[list[Span]], states: list[Span]
) -> None:
    needed = needed_spans(shown, [stay for stays in viewers for stay in stays], states)
    left = [span for place, span in enumerate(shown) if place in needed]

    def told(among: Sequence[Span]) -> set[tuple[int, Span, Span]]:
        every = ((number, stay, state) for number, stays in enumerate(viewers) for stay in stays for state in states)
        return {each for each in every if any(meet(span, *each[1:]) for span in among)}

    assert told(left) == told(shown)
    assert len(left) <= len(told(shown))


@given(st.data())
def test_every_value_is_known_by_the_stays_that_are_left(data: st.DataObject) -> None:
    ends = data.draw(st.lists(st.integers(1, 400), unique=True, min_size=1, max_size=80).map(sorted))
    audiences = data.draw(st.lists(st.integers(1, 3), min_size=len(ends), max_size=len(ends)))
    stays = [Span(a, b, of) for (a, b), of in zip(pairwise([*ends, LAST]), audiences, strict=True)]
    times = st.tuples(st.integers(1, 400), st.integers(1, 30)).map(lambda each: Span(each[0], each[0] + each[1]))
    values = st.lists(st.tuples(times, st.tuples(st.integers(1, 3), st.integers(1, 3))), max_size=10)
    shown = {audience: data.draw(values) for audience in (1, 2, 3)}
    needed = needed_stays(stays, lambda audience: shown[audience])

    def told(places: Sequence[int]) -> set[tuple[int, int]]:
        return {value for place in places for span, value in shown[stays[place].of] if meet(span, stays[place])}

    assert told(sorted(needed)) == told(range(len(stays)))
    assert len(needed) <= disclosure_thinning.KEPT + len(told(range(len(stays))))


class Story:
    """An owner, two viewers and what is done between them."""

    def __init__(self, database: Database) -> None:
        """Begin with two fields and two groups."""
        self.database = database
        self.anna, *self.viewers = (factories.person(database) for _ in range(3))
        factories.connect(database, self.anna, *self.viewers)
        self.fields = [factories.field(database, self.anna), factories.field(database, self.anna, "note", "first")]
        self.groups = [factories.group(database, self.anna, name) for name in ("family", "chess")]
        self._number = 0

    def act(self, what: str, one: int, other: int) -> None:
        """Turn something over: what was granted is taken back, who was in a group leaves it."""
        self._number += 1
        acts: dict[str, Callable[[Session], object]] = {
            "grant": lambda session: self._grant(session, self.groups[one], self.fields[other]),
            "move": lambda session: self._move(session, self.groups[one], self.viewers[other]),
            "say": lambda session: profiles.set_field(session, self.anna, self.fields[1], self._note()),
            "part": lambda session: self._part(session, self.viewers[other]),
        }
        self.database.write(acts[what])

    def _note(self) -> FieldContent:
        return factories.content("note", f"number {self._number}")

    def _grant(self, session: Session, group_id: int, field_id: int) -> None:
        had = field_id in grants.granted(session, self.anna, group_id)
        (grants.take_back if had else grants.grant)(session, self.anna, group_id, [field_id])

    def _move(self, session: Session, group_id: int, viewer_id: int) -> None:
        if not connections.is_connected(session, self.anna, viewer_id):
            return
        members = groups.members(session, self.anna, group_id)
        (groups.remove_member if viewer_id in members else groups.add_member)(session, self.anna, group_id, viewer_id)

    def _part(self, session: Session, viewer_id: int) -> None:
        connected = connections.is_connected(session, self.anna, viewer_id)
        (connections.disconnect if connected else connections.connect)(session, self.anna, viewer_id)

    def shown(self) -> list[list[str]]:
        """Return what each viewer is known to have been shown."""
        with self.database.reading() as session:
            found = [records.shown_to(session, self.anna, viewer_id) for viewer_id in self.viewers]
        return [sorted(content.dump() for content in contents) for contents in found]

    def rows(self) -> tuple[int, int, int]:
        """Count what is kept: times of fields, times in audiences, and values."""
        with self.database.reading() as session:
            counts = [
                session.scalars(select(func.count()).where(model.owner_id == self.anna)).one()
                for model in (DisclosedField, DisclosedAudience, FieldState)
            ]
        return counts[0], counts[1], counts[2]


ACTS = st.tuples(
    st.sampled_from(["grant", "move", "grant", "move", "say", "part"]), st.integers(0, 1), st.integers(0, 1)
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(ACTS, min_size=5, max_size=60), st.data())
def test_thinning_out_changes_nothing_of_what_anybody_is_known_to_have_been_shown(
    database: Database, acts: list[tuple[str, int, int]], data: st.DataObject
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(disclosure_thinning, "KEPT", 1)
        patch.setattr(disclosure_thinning, "_AGAIN", 0)
        patch.setattr(disclosure_thinning, "_PAGE", 2)
        story = Story(database)
        for act in acts:
            story.act(*act)
            if data.draw(st.integers(0, 7)) == 0:
                before = story.shown()
                disclosure_thinning.thin_out(database, story.anna)
                assert story.shown() == before
        before = story.shown()
        disclosure_thinning.thin_out(database, story.anna)
        assert story.shown() == before
        shown, stays, values = story.rows()
        assert stays <= len(story.viewers) * (values + 1)
        # The values that each viewer was shown, and what the audiences that there are show now.
        assert shown <= len(story.viewers) * values + 4 * len(story.fields)
        assert disclosure_thinning.thin_out(database, story.anna) == 0
