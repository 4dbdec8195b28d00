"""
What members are told of each other, whatever happens between them: what is news to them, and nothing else.

The people and clubs of `tests.properties.test_organisations`, without devices, so that much more happens in the time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, TypeAlias

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import rule, run_state_machine_as_test
from sqlalchemy import select
from typing_extensions import override

from sync.books import roster_writes
from sync.database.engine import Session
from sync.models import DisclosedAudience
from sync.organisations import roster_tombstones
from sync.queries import member_news, seen_fields
from sync.queries.seen_fields import Stay
from sync.revisions import roster_changes
from sync.sharing import connections
from tests.properties.test_organisations import Organisations, Person, site
from tests.support.clock import StoppedClock
from tests.support.machines import CHOICE, Plant
from tests.support.site import Site

__all__ = ["site"]


class News(Organisations):
    """Nobody has a device."""

    served: ClassVar[Site]
    numbers: ClassVar[Iterator[int]]

    def __init__(self) -> None:
        """Register everybody at the server."""
        super().__init__(self.served, next(self.numbers))

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


_History: TypeAlias = Callable[[News], Iterator[None]]
#: What each bug shows in, if it is there.
_HISTORIES: list[tuple[Plant, _History]] = [
    (tell_of_before, join_later),
    (tell_of_the_pair, part),
    (tell_what_others_see, show_another_club),
]


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
