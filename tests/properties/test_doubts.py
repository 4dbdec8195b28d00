"""
Whatever holders doubt, only the owner is told, once by each of what a field says now, and nothing else changes.

They doubt by the portal's forms, what they see and what they do not, and so may be killed on the way or be left without
an answer; the clock steps back and forth. What every device has stays what it was.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator

import httpx
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from typing_extensions import override

from sync.books import doubts
from sync.database.engine import Session
from sync.errors import NotFound
from sync.models import FieldDoubt
from sync.sharing import grants
from sync.sharing.visibility import fields_of
from sync.sign_in import credentials
from tests.support import dav, factories, forms
from tests.support.clock import HOUR, StoppedClock
from tests.support.forms import Visitor, opened
from tests.support.kills import Kills
from tests.support.machines import CHOICE, KILL, UNANSWERED, Plant, must_find, one_of, sent
from tests.support.site import ON_SQLITE, Site, Transport

pytestmark = ON_SQLITE
_MARKER = re.compile(r"zq\d+qz")


class Doubts(RuleBasedStateMachine):
    """An owner with four fields, two who are connected to them, and one who is not."""

    def __init__(self, site: Site, clock: StoppedClock, kills: Kills, number: int) -> None:
        """Show two of the fields; one is doubted, by a form whose answer is lost."""
        super().__init__()
        self.site, self.database, self.clock, self.kills = site, site.database, clock, kills
        logins = [f"{name}{number}" for name in ("anna", "bert", "carl")]
        self.owner, *self.holders = factories.connected(self.database, *logins)
        self.people = {self.owner: logins[0], **dict(zip(self.holders, logins[1:], strict=True))}
        self.people[factories.person(self.database, f"dora{number}")] = f"dora{number}"
        self.everybody = factories.everybody_connected(self.database, self.owner)
        self.visitors = {each: Visitor(site).signed_in(each) for each in self.people}
        self.minted = self.turn = 0
        self.earliest = clock.now() - HOUR
        self.said = {factories.field(self.database, self.owner, "note", self.mint()): self.minted for _ in range(4)}
        self.shown: set[int] = set()
        #: By field and holder: the number of what was doubted, and whether the owner said that it is right.
        self.doubted: dict[tuple[int, int], tuple[int, bool]] = {}
        http = dav.http(forms.ORIGIN, transport=Transport(site))
        self.devices = [self.device(http, each) for each in [self.owner, *self.holders]]
        self.show(0)
        self.show(1)
        self.doubt(0, 0, UNANSWERED)
        self.doubt(1, 3, None)

    def device(self, http: httpx.Client, account_id: int) -> dav.Client:
        """Let a device of somebody's in."""
        _, password = self.database.write(lambda session: credentials.add_device(session, account_id, "Phone"))
        return dav.Client(http, self.people[account_id], password, keep=False)

    def mint(self) -> str:
        """Return what nobody said before."""
        self.minted += 1
        return f"zq{self.minted}qz"

    @rule(choice=CHOICE)
    def show(self, choice: int) -> None:
        """Show a field to connections, or do so no more."""
        field_id = one_of([*self.said], choice)
        change = grants.take_back if field_id in self.shown else grants.grant
        self.database.write(lambda session: change(session, self.owner, self.everybody, [field_id]))
        self.shown ^= {field_id}

    @rule(choice=CHOICE)
    def edit(self, choice: int) -> None:
        """Let a field say something else, by which its doubts are settled."""
        field_id = one_of([*self.said], choice)
        factories.set_field(self.database, self.owner, field_id, self.mint(), "note")
        self.said[field_id] = self.minted

    @rule(who=CHOICE, choice=CHOICE, kill=KILL)
    def doubt(self, who: int, choice: int, kill: int | None) -> None:
        """Doubt a field, whether one sees it or not, with the right key of it; no device notices."""
        person, field_id = one_of([*self.people], who + 1), one_of([*self.said], choice)
        before, target = self.states(), f"{forms.ROOT}/doubts/of/{self.owner}"
        with self.database.reading() as session:
            key = next(doubts.key_of(each) for each in fields_of(session, self.owner) if each.id == field_id)
        visitor = self.visitors[person]
        page = sent(self.kills, kill, visitor, target, {"csrf_token": visitor.token(), "key": key})
        is_done = "They are told that you say so. Nothing else changes." in page.told
        assert is_done == (person in self.holders and field_id in self.shown)
        said = self.said[field_id]
        if is_done and self.doubted.get((field_id, person), (0,))[0] != said:
            self.doubted[field_id, person] = (said, False)
        assert self.states() == before

    @rule(who=CHOICE, choice=CHOICE, kill=KILL)
    def dismiss(self, who: int, choice: int, kill: int | None) -> None:
        """Say that a field is right, which is the owner's to say; no device notices."""
        person, field_id = one_of([*self.people], who), one_of([*self.said], choice)
        before, visitor = self.states(), self.visitors[person]
        target = f"{forms.ROOT}/doubts/{field_id}/dismiss"
        sent(self.kills, kill, visitor, target, {"csrf_token": visitor.token()})
        if person == self.owner:
            mine = [each for each in self.doubted if each[0] == field_id]
            if any(self.is_open(each) for each in mine):
                self.doubted.update({each: (self.doubted[each][0], True) for each in mine})
        assert self.states() == before

    @rule(hours=st.sampled_from([1, 2, -1, -2]))
    def move_clock(self, hours: int) -> None:
        """Put the clock forward or back: a doubt stays what it is."""
        self.clock.put(max(self.clock.now() + hours * HOUR, self.earliest))

    def is_open(self, key: tuple[int, int]) -> bool:
        """Whether the owner is asked about a doubt."""
        said, is_dismissed = self.doubted[key]
        return not is_dismissed and said == self.said[key[0]]

    def states(self) -> list[object]:
        """Return what the devices are told that they have."""
        return [(each.book_token(), each.listing()) for each in self.devices]

    @override
    def teardown(self) -> None:
        """What the owner says is right is not asked about again, however often it is said."""
        if next(iter(self.said)) not in self.shown:
            self.show(0)
        self.doubt(0, 0, None)
        self.dismiss(0, 0, self.minted % 41)
        self.doubt(0, 0, UNANSWERED)
        self.only_the_owner_is_told()

    @invariant()
    def only_the_owner_is_told(self) -> None:
        """The owner's page has each open doubt once, with who it is; nobody else's page has any."""
        open_ones = {key for key in self.doubted if self.is_open(key)}
        self.turn += 1
        others = [each for each in self.people if each != self.owner]
        for person in (self.owner, one_of(others, self.turn)):
            visitor = self.visitors[person]
            text = visitor.get("/doubts/").text
            expected = {field_id for field_id, _ in open_ones} if person == self.owner else set()
            assert sorted(_MARKER.findall(text)) == sorted(f"zq{self.said[each]}qz" for each in expected)
            for holder in self.holders:
                count = sum(1 for _, each in open_ones if each == holder) if person == self.owner else 0
                # One's own name stands in the menu.
                assert person == holder or text.count(self.people[holder]) == count
        holder = one_of(self.holders, self.turn)
        page = set(_MARKER.findall(self.visitors[holder].get(f"/doubts/of/{self.owner}").text))
        assert page == {f"zq{self.said[each]}qz" for each in self.shown}


@pytest.fixture
def machine(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Doubts]]:
    """Yield what begins a history; how often something may be said is not what is searched for."""
    for name in ("SAID", "SAID_OF_ONE"):
        monkeypatch.setattr(doubts, name, dataclasses.replace(getattr(doubts, name), tries=1_000_000))
    with opened(database_url) as site:
        numbers, clock, kills = iter(range(1_000_000)), StoppedClock(monkeypatch), Kills(site.database, monkeypatch)

        class Here(Doubts):
            def __init__(self) -> None:
                super().__init__(site, clock, kills, next(numbers))

        yield Here


def test_only_the_owner_is_told_and_nothing_else_changes(machine: type[Doubts], searching: settings) -> None:
    few = settings(searching, max_examples=max(searching.max_examples // 5, 1), stateful_step_count=8)
    run_state_machine_as_test(machine, settings=few)


def doubt_anything(patch: pytest.MonkeyPatch) -> None:
    """Whoever knows what a field says can doubt it, whether they see it or not."""
    patch.setattr(doubts, "held_fields", lambda session, _viewer_id, owner_id: fields_of(session, owner_id))


def tell_everybody(patch: pytest.MonkeyPatch) -> None:
    """A holder is shown all that the card says."""
    held_fields: Callable[..., object] = doubts.held_fields

    def replacement(session: Session, viewer_id: int, owner_id: int) -> object:
        held_fields(session, viewer_id, owner_id)
        return fields_of(session, owner_id)

    patch.setattr(doubts, "held_fields", replacement)


def ask_again(patch: pytest.MonkeyPatch) -> None:
    """What the owner said is right is forgotten, so that they are asked about it again."""

    def replacement(session: Session, owner_id: int, field_id: int) -> None:
        if not any(each.field_id == field_id for each in doubts.doubts_of(session, owner_id)):
            raise NotFound("Nobody doubts this.")
        session.query(FieldDoubt).filter_by(owner_id=owner_id, field_id=field_id).delete()

    patch.setattr(doubts, "dismiss", replacement)


@pytest.mark.parametrize("plant", [doubt_anything, tell_everybody, ask_again], ids=lambda plant: plant.__name__)
def test_the_machine_finds(plant: Plant, machine: type[Doubts], monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch)
    must_find(machine)
