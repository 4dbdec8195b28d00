"""
Whatever becomes of groups and whoever moves people on a phone: lists show the groups, and nobody is shown more.

Whoever changes something may be killed on the way or be left without an answer, and does it again then; devices lose
answers and go back to where they were; the clock steps back and forth.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from typing_extensions import override

from sync import verification
from sync.errors import AlreadyExists, NotFound
from sync.revisions import list_states
from sync.sharing import connections, groups, phone_lists
from sync.sharing.visibility import GROUP
from tests.support import dav, factories
from tests.support.clock import HOUR, StoppedClock
from tests.support.kills import Kills
from tests.support.lists import categories_in, let_in, lists_in
from tests.support.machines import CHOICE, KILL, Plant, must_find, one_of, written
from tests.support.site import ON_SQLITE, Site, opened

pytestmark = ON_SQLITE
NAMES = ("Friends", "friends & more", "A, B; c", "同事", "Ünïcode")
WAYS: tuple[str | None, ...] = (None, "lists", "categories")
STYLES: tuple[dav.Style, ...] = ("data", "multiget", "listing")


class Lists(RuleBasedStateMachine):
    """Anna with three people, and devices that show her groups in every way and ask in every style."""

    def __init__(self, site: Site, clock: StoppedClock, kills: Kills, number: int) -> None:
        """Connect them; each group that Anna makes sees a field of its own, and one is there with somebody in it."""
        super().__init__()
        self.site, self.database, self.clock, self.kills = site, site.database, clock, kills
        self.login = f"anna{number}"
        self.anna, *self.others = factories.connected(
            self.database, self.login, *(f"{name}{number}" for name in ("bert", "carl", "dora"))
        )
        for group in self.groups():
            self.database.write(lambda session, group=group: groups.remove(session, self.anna, group.id))  # type: ignore[misc]
        self.replicas: list[tuple[str | None, dav.Replica]] = []
        self.devices: list[int] = []
        for way, style in zip(WAYS, STYLES, strict=True):
            device_id, client = let_in(site, self.anna, self.login, way)
            self.replicas.append((way, dav.Replica(client, style)))
            self.devices.append(device_id)
        self.fields = 0
        self.make_or_delete(NAMES[0], 1, None)
        self.sort(0, 0, into=True, kill=None)
        for index in range(len(self.replicas)):
            self.synchronize(index, None, lost=False)

    def write(self, change: Any, kill: int | None = None) -> None:
        """Change something, or find that it cannot be; who was killed does it again."""
        with contextlib.suppress(AlreadyExists, NotFound):
            written(self.database, self.kills, kill, change)

    def groups(self) -> list[groups.GroupSummary]:
        """Return Anna's own groups."""
        with self.database.reading() as session:
            return [each for each in groups.groups_of(session, self.anna) if each.kind == GROUP]

    def expected(self) -> dict[str, set[str]]:
        """Return by the name of each group the UIDs of those of its people who are in Anna's book."""
        there = {}
        for other in self.others:
            entry = factories.served(self.database, self.anna, other)
            there[other] = entry.uid if entry is not None else ""
        with self.database.reading() as session:
            return {
                each.name: {there[person] for person in groups.members(session, self.anna, each.id) if there[person]}
                for each in groups.groups_of(session, self.anna)
                if each.kind == GROUP
            }

    def shown(self) -> list[set[str]]:
        """Return what each of the others sees of Anna."""
        found = []
        for other in self.others:
            entry = factories.served(self.database, other, self.anna)
            found.append(set() if entry is None else set(factories.without_rev(entry.text)))
        return found

    @rule(name=st.sampled_from(NAMES), choice=CHOICE, kill=KILL)
    def make_or_delete(self, name: str, choice: int, kill: int | None) -> None:
        """Make a group that sees a number of its own, or delete one."""
        there = self.groups()
        if choice % 3 == 0 and there:
            self.write(lambda session: groups.remove(session, self.anna, one_of(there, choice).id), kill)
        elif name not in {each.name for each in there}:
            self.fields += 1
            field = factories.field(self.database, self.anna, "mobile", f"+49 170 {self.fields:07d}")
            make = partial(factories.group, self.database, self.anna, name, granted=[field])
            if kill is not None:
                with self.kills.after(kill):
                    make()
            with contextlib.suppress(AlreadyExists):
                make()

    @rule(choice=CHOICE, name=st.sampled_from(NAMES), kill=KILL)
    @precondition(lambda self: self.groups())
    def rename(self, choice: int, name: str, kill: int | None) -> None:
        """Give a group another name."""
        group = one_of(self.groups(), choice)
        self.write(lambda session: groups.rename(session, self.anna, group.id, name), kill)

    @rule(choice=CHOICE, who=CHOICE, into=st.booleans(), kill=KILL)
    @precondition(lambda self: self.groups())
    def sort(self, choice: int, who: int, *, into: bool, kill: int | None) -> None:
        """Put somebody into a group, or take them out."""
        group, person = one_of(self.groups(), choice), one_of(self.others, who)
        change = groups.add_member if into else groups.remove_member
        self.write(lambda session: change(session, self.anna, group.id, person), kill)

    @rule(who=CHOICE, what=st.sampled_from(("connect", "disconnect", "hide", "show")), kill=KILL)
    def part_or_meet(self, who: int, what: str, kill: int | None) -> None:
        """Let somebody come into Anna's book, or go."""
        person = one_of(self.others, who)
        self.write(lambda session: getattr(connections, what)(session, self.anna, person), kill)

    @rule(hours=st.sampled_from((1, 50, -1, -50)))
    def move_clock(self, hours: int) -> None:
        """Put the clock forward or back: no list depends on it."""
        self.clock.put(self.clock.now() + hours * HOUR)

    @rule(which=CHOICE, back=CHOICE | st.none(), lost=st.booleans())
    def synchronize(self, which: int, back: int | None, *, lost: bool) -> None:
        """Bring a device up to date: it has what the groups say, in its way, and a listing says the same."""
        way, replica = one_of(self.replicas, which)
        if back is not None and replica.tokens:
            replica.go_back(back % len(replica.tokens))
        if lost:
            replica.sync(lost=True)
        replica.sync()
        expected = self.expected()
        by_person: dict[str, set[str]] = {}
        for name, uids in expected.items():
            for uid in uids:
                by_person.setdefault(uid, set()).add(name)
        assert lists_in(replica.cards) == (expected if way == "lists" else {})
        assert categories_in(replica.cards) == (by_person if way == "categories" else {})
        assert replica.client.listing() == {href: card.etag for href, card in replica.cards.items()}

    @rule(which=CHOICE, choice=CHOICE, who=CHOICE, drop=st.booleans(), delete=st.booleans(), kill=KILL)
    def move(self, which: int, choice: int, who: int, *, drop: bool, delete: bool, kill: int | None) -> None:
        """Store a card with others on its lists, or delete it, on a device: nobody sees anything else by that."""
        _, replica = one_of(self.replicas[1:], which)
        held = [
            href
            for href, card in replica.cards.items()
            if card.etag and ("KIND:group" in (card.text or "") or "CATEGORIES" in (card.text or ""))
        ]
        if not held or not self.groups():
            return
        href, before, members = one_of(held, choice), self.shown(), self.groups()
        text = dav.unfolded(replica.cards[href].text or "")
        if drop:
            text = "".join(
                line for line in text.splitlines(keepends=True) if "MEMBER:" not in line and "CATEGORIES" not in line
            )
        added = self.added(text, who)
        if delete and "KIND:group" in text:
            ask = partial(replica.client.request, "DELETE", href)
        else:
            text = text.replace("END:VCARD", f"{added}\r\nEND:VCARD")
            # The program that has categories names the state that it changed (client fact D-7), so none is out of date.
            known = {"If-Match": replica.cards[href].etag} if "KIND:group" not in text else {}
            ask = partial(replica.client.request, "PUT", href, text, headers=known)
        if kill is not None:
            with self.kills.after(kill):
                ask()
        if ask().status < 300:
            # The device has what it made of it, until it is told otherwise.
            replica.cards = {at: card for at, card in replica.cards.items() if at != href}
            replica.cards |= {} if delete and "KIND:group" in text else {href: dav.Card("", text)}
        assert self.shown() == before
        assert self.groups() == members

    def added(self, text: str, who: int) -> str:
        """Return what puts somebody on a list, or a card on one more."""
        if "KIND:group" in text:
            entry = factories.served(self.database, self.anna, one_of(self.others, who))
            return f"X-ADDRESSBOOKSERVER-MEMBER:urn:uuid:{entry.uid}" if entry is not None else "NOTE:x"
        name = one_of(self.groups(), who).name
        return "CATEGORIES:" + name.replace(",", "\\,").replace(";", "\\;")

    @rule(choice=CHOICE, agree=st.booleans(), kill=KILL)
    def decide(self, choice: int, *, agree: bool, kill: int | None) -> None:
        """Agree to what a device proposed, or not."""
        with self.database.reading() as session:
            found = phone_lists.proposals(session, self.anna)
        if found:
            one = one_of(found, choice)
            act = phone_lists.accept if agree else phone_lists.dismiss
            self.write(lambda session: act(session, self.anna, one.group_id, one.person_id), kill)

    @rule(which=CHOICE, way=st.sampled_from(WAYS), kill=KILL)
    def choose(self, which: int, way: str | None, kill: int | None) -> None:
        """Let a device show lists in another way, or not."""
        index = which % len(self.replicas)
        _, replica = self.replicas[index]
        self.write(lambda session: phone_lists.choose(session, self.anna, self.devices[index], way), kill)
        self.replicas[index] = (way, replica)

    @invariant()
    def verified(self) -> None:
        """Verification finds nothing."""
        with self.database.reading() as session:
            found = verification.page(session, self.anna - 1, 1)
        assert found is not None
        assert list(found.findings) == []

    @override
    def teardown(self) -> None:
        """Somebody is moved on a phone, sorted and goes; every device ends with what the groups say."""
        self.make_or_delete(NAMES[1], 1, None)
        for which in range(len(self.replicas)):
            self.synchronize(which, None, lost=False)
            self.move(which, which, which, drop=False, delete=False, kill=None)
            self.sort(which, which, into=which != 1, kill=which * 3)
        self.rename(0, NAMES[3], 2)
        self.part_or_meet(0, "hide", None)
        for which in range(len(self.replicas)):
            self.synchronize(which, which, lost=True)
        self.verified()


@pytest.fixture
def machine(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Lists]]:
    """Yield the machine at a server in which nobody is registered."""
    clock, numbers = StoppedClock(monkeypatch), iter(range(1_000_000))
    with opened(database_url) as site:
        kills = Kills(site.database, monkeypatch)

        class Here(Lists):
            def __init__(self) -> None:
                super().__init__(site, clock, kills, next(numbers))

        yield Here


def test_lists_follow_the_groups_and_show_nobody_more(machine: type[Lists], searching: settings) -> None:
    few = settings(searching, max_examples=max(searching.max_examples // 5, 1), stateful_step_count=25)
    run_state_machine_as_test(machine, settings=few)


def agree_at_once(patch: pytest.MonkeyPatch) -> None:
    """What a device proposes is so without anybody's asking."""
    propose: Callable[..., None] = phone_lists.propose

    def replacement(session: Any, viewer_id: int, device_id: int | None, group_id: int, **moved: Any) -> None:
        propose(session, viewer_id, device_id, group_id, **moved)
        for person_id in moved["come"]:
            groups.add_member(session, viewer_id, group_id, person_id)

    patch.setattr(phone_lists, "propose", replacement)


def keep_quiet(patch: pytest.MonkeyPatch) -> None:
    """Devices are not told of groups that changed."""
    patch.setattr(list_states, "renew", lambda _session, _viewer_id, _at: None)


def keep_the_gone(patch: pytest.MonkeyPatch) -> None:
    """Whoever left the address book stays on its lists."""
    patch.setattr(list_states, "_forget", lambda _session, _viewer_id, _person_ids: None)


def keep_what_was_made_of_it(patch: pytest.MonkeyPatch) -> None:
    """What a device made of a list is not put right again."""
    patch.setattr(list_states, "offer_again", lambda _session, _viewer_id, _group_id, _at: None)


@pytest.mark.parametrize(
    "plant", [agree_at_once, keep_quiet, keep_the_gone, keep_what_was_made_of_it], ids=lambda plant: plant.__name__
)
def test_the_machine_finds(plant: Plant, machine: type[Lists], monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch)
    must_find(machine)
