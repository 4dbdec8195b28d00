"""
What members are told of each other, whatever happens between them: what is news to them, and nothing else.

The people and clubs of `tests.properties.test_organisations`, without devices, so that much more happens in the time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar, TypeAlias

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule, run_state_machine_as_test
from sqlalchemy import select
from typing_extensions import override

from sync.books import roster_writes
from sync.database.engine import Session
from sync.digests import changes as digests
from sync.digests import choices
from sync.models import DigestSeen, DisclosedAudience
from sync.organisations import roster_tombstones
from sync.queries import member_news, seen_fields, told_members
from sync.queries.seen_fields import Stay
from sync.revisions import roster_changes
from sync.sharing import connections
from tests.properties.model import MARKER
from tests.properties.test_organisations import Organisations, Person, site
from tests.support.clock import StoppedClock
from tests.support.machines import CHOICE, Plant, one_of
from tests.support.site import Site

__all__ = ["site"]


class News(Organisations):
    """Nobody has a device, and everybody gets the digest, with what members of their clubs change."""

    served: ClassVar[Site]
    numbers: ClassVar[Iterator[int]]

    def __init__(self) -> None:
        """Register everybody at the server."""
        #: By reader and owner, of what is shown all the while: what was told, and what is to be told.
        self.told: dict[tuple[int, int], set[str]] = defaultdict(set)
        self.untold: dict[tuple[int, int], set[str]] = defaultdict(set)
        super().__init__(self.served, next(self.numbers))
        for person in self.people:
            self.write(partial(choices.want, viewer_id=person.id, hour=8, time_zone="UTC"))

    @override
    def join(self, person: Person, club: int, fields: Sequence[int]) -> None:
        """Let somebody join a club, and choose to be told of what the others change there."""
        super().join(person, club, fields)
        joined = self.clubs[club].id
        self.write(partial(told_members.choose, viewer_id=person.id, organisation_id=joined, by_digest=True))

    @override
    @rule(who=CHOICE, club=CHOICE, which=CHOICE)
    def join_or_leave(self, who: int, club: int, which: int) -> None:
        """Let somebody join, or leave; whoever leaves one is not told of what was before in another."""
        super().join_or_leave(who, club, which)
        for reader_id, owner_id in list(self.untold):
            if reader_id == one_of(self.people, who).id:
                self.untold.pop((reader_id, owner_id))

    @override
    @rule(who=CHOICE, which=CHOICE)
    def change_field(self, who: int, which: int) -> None:
        """Give a field another value, which whoever sees it has to be told."""
        super().change_field(who, which)
        owner = one_of(self.people, who)
        chosen = one_of(list(owner.fields), which)
        for reader in self.people:
            is_member = reader is not owner and self.organisation(reader, owner) is not None
            if is_member and chosen in (self.sees(reader, owner) or ()):
                self.untold[reader.id, owner.id].add(owner.fields[chosen])

    @rule(who=CHOICE)
    def send_digest(self, who: int) -> None:
        """Send somebody the digest, which says once what is news by the model, and nothing else of members."""
        reader = one_of(self.people, who)
        said = self.digest(reader)
        for owner in self.people:
            key, markers = (reader.id, owner.id), said.get(owner.id, set())
            shown = {owner.fields[each] for each in self.sees(reader, owner) or ()} if owner is not reader else set()
            assert markers <= shown - self.told[key]
            assert all(self.sights[key].may_say(marker=marker) for marker in markers)
            assert self.untold.pop(key, set()) & shown <= markers
            self.told[key] |= markers

    def digest(self, reader: Person) -> Mapping[int, set[str]]:
        """Let it be somebody's hour, and return by owner the markers that a digest may name the kinds of."""
        with self.database.reading() as session:
            position = digests.reached(session, reader.id)
            known = session.execute(_SEEN.where(DigestSeen.viewer_id == reader.id)).all()
            chosen = told_members.told_from(session, reader.id, told_members.BY_DIGEST)
            found = member_news.since(session, reader.id, told_members.positions(chosen, dict(known)))
        if position is not None:
            self.write(partial(digests.note, viewer_id=reader.id, position=position))
        assert position is not None or not found
        return {
            owner_id: {MARKER.findall(change.content.text())[0] for change in each.changes if change.content}
            for owner_id, each in found.items()
        }

    @override
    @invariant()
    def told_what_is_news(self) -> None:
        """Look at what is news, and forget of what is not shown any more that it was told, or is to be."""
        super().told_what_is_news()
        for key, sight in self.sights.items():
            self.told[key] &= sight.last.keys()
            self.untold[key] &= sight.news & sight.last.keys()

    @override
    def equip(self, person: Person) -> None:
        """Give nobody a device."""

    @override
    @rule(one=CHOICE, other=CHOICE, named=st.booleans())
    def hide_or_show(self, one: int, other: int, named: bool) -> None:
        """Take somebody off the devices, or bring them back."""
        viewer, owner = self.two(one, other)
        if owner.id in viewer.hidden:
            self.write(lambda session: connections.show(session, viewer.id, owner.id))
            viewer.hidden.discard(owner.id)
        elif self.sees(viewer, owner) is not None:
            connected = frozenset((viewer.id, owner.id)) in self.connected
            act = connections.hide if connected else roster_writes.hide_person
            self.write(lambda session: act(session, viewer.id, owner.id))
            viewer.hidden.add(owner.id)

    @override
    def add_note(self, one: int, other: int, named: bool) -> None:
        """Nobody writes a note without a device."""

    @override
    def synchronise(self, who: int, which: int, back: int | None, lost: bool) -> None:
        """Nobody synchronises without a device."""

    @override
    def verified(self) -> None:
        """The machine with devices looks at what is stored."""

    @override
    def teardown(self) -> None:
        """No device has to be brought up to date."""


@pytest.fixture
def machine(site: Site, monkeypatch: pytest.MonkeyPatch) -> type[News]:
    """Return what begins a history."""
    monkeypatch.setattr(roster_tombstones, "MOST", 0)
    StoppedClock(monkeypatch)

    class Here(News):
        served, numbers = site, iter(range(1_000_000))

    return Here


def test_members_are_told_what_is_news_to_them(machine: type[News], searching: settings) -> None:
    few = settings(searching, max_examples=max(searching.max_examples // 10, 1), stateful_step_count=20)
    run_state_machine_as_test(machine, settings=few)


def tell_of_before(patch: pytest.MonkeyPatch) -> None:
    """Whoever joins is told what the others changed before."""
    after = roster_changes.after
    patch.setattr(roster_changes, "after", lambda session, club, _revision, reader: after(session, club, 0, reader))


def tell_of_the_pair(patch: pytest.MonkeyPatch) -> None:
    """Whoever parted is told what the organisation was shown while the two were connected."""
    patch.setattr(member_news, "_begun", lambda _here, _earlier, noted: noted[0].version - 1)


def tell_what_others_see(patch: pytest.MonkeyPatch) -> None:
    """What anybody was shown by an organisation is told, whichever it is."""
    disclosed: Callable[..., Any] = seen_fields.disclosed

    def replacement(session: Session, stays: dict[int, list[Stay]]) -> Any:
        everybody = session.scalars(select(DisclosedAudience.viewer_id).distinct()).all()
        found = defaultdict[int, list[Stay]](list)
        for stay in seen_fields.stays(session, everybody, stays):
            found[stay.owner_id].append(stay)
        return disclosed(session, found)

    patch.setattr(seen_fields, "disclosed", replacement)


def join_later(machine: News) -> Iterator[None]:
    """Somebody changes their number, and somebody else joins."""
    machine.change_field(0, 0)
    yield
    machine.join(machine.people[3], 0, [])
    yield


def part(machine: News) -> Iterator[None]:
    """Two are connected while the club is shown another number."""
    machine.connect_or_part(0, 0)
    yield
    machine.change_field(0, 0)
    yield
    machine.connect_or_part(0, 0)
    yield


def show_another_club(machine: News) -> Iterator[None]:
    """One is in two clubs, each of which sees something else."""
    owner = machine.people[0]
    machine.join(owner, 1, list(owner.fields)[1:])
    yield
    machine.change_field(0, 0)
    yield
    machine.change_field(0, 1)
    yield


def tell_again(patch: pytest.MonkeyPatch) -> None:
    """What was told is told with what comes after it."""
    patch.setattr(told_members, "positions", lambda chosen, _known: dict(chosen))


def lose_what_came_before(patch: pytest.MonkeyPatch) -> None:
    """Whoever looks at nothing is taken to know it all."""
    patch.setattr(digests, "reached", lambda *_: None)


def read_twice(machine: News) -> Iterator[None]:
    """Somebody changes their number twice, and somebody gets two digests."""
    for _ in range(2):
        machine.change_field(0, 0)
        yield
        machine.send_digest(1)
        yield


def read_after_two_changes(machine: News) -> Iterator[None]:
    """Two people change their number, one after the other, and a third gets two digests."""
    for who in (0, 1):
        machine.change_field(who, 0)
        yield
        machine.send_digest(2)
        yield


_History: TypeAlias = Callable[[News], Iterator[None]]
#: What each bug shows in, if it is there.
_HISTORIES: list[tuple[Plant, _History]] = [
    (tell_of_before, join_later),
    (tell_of_the_pair, part),
    (tell_what_others_see, show_another_club),
    (tell_again, read_after_two_changes),
    (lose_what_came_before, read_twice),
]
#: How far each digest came.
_SEEN = select(DigestSeen.owner_id, DigestSeen.version)


def go_through(machine: News, history: _History) -> None:
    """Let a history happen, and look after each step whether everybody is told what is news."""
    machine.told_what_is_news()
    for _ in history(machine):
        machine.told_what_is_news()


@pytest.mark.parametrize(("plant", "history"), _HISTORIES, ids=lambda each: each.__name__)
def test_the_machine_finds(
    plant: Plant, history: _History, machine: type[News], monkeypatch: pytest.MonkeyPatch
) -> None:
    go_through(machine(), history)
    plant(monkeypatch)
    with pytest.raises(AssertionError):
        go_through(machine(), history)
