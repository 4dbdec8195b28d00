"""Whatever becomes of groups and whoever moves people on a phone: lists show the groups, and nobody is shown more."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from typing_extensions import override

from sync import verification
from sync.errors import AlreadyExists, NotFound
from sync.sharing import connections, groups, phone_lists
from sync.sharing.visibility import GROUP
from tests.support import dav, factories
from tests.support.lists import categories_in, let_in, lists_in
from tests.support.site import Site, opened

T = TypeVar("T")
CHOICE = st.integers(0, 2**16)
NAMES = ("Friends", "friends & more", "A, B; c", "同事", "Ünïcode")
WAYS: tuple[str | None, ...] = (None, "lists", "categories")
STYLES: tuple[dav.Style, ...] = ("data", "multiget", "listing")


def one_of(found: Sequence[T], choice: int) -> T:
    """Return one of several."""
    return found[choice % len(found)]


class Lists(RuleBasedStateMachine):
    """Anna with three people, and devices that show her groups in every way and ask in every style."""

    def __init__(self, site: Site, number: int) -> None:
        """Connect them; each group that Anna makes sees a field of its own."""
        super().__init__()
        self.site, self.database = site, site.database
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

    def write(self, change: Any) -> None:
        """Change something, or find that it cannot be."""
        try:
            self.database.write(change)
        except (AlreadyExists, NotFound):
            return

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

    @rule(name=st.sampled_from(NAMES), choice=CHOICE)
    def make_or_delete(self, name: str, choice: int) -> None:
        """Make a group that sees a number of its own, or delete one."""
        there = self.groups()
        if choice % 3 == 0 and there:
            self.write(lambda session: groups.remove(session, self.anna, one_of(there, choice).id))
        elif name not in {each.name for each in there}:
            self.fields += 1
            field = factories.field(self.database, self.anna, "mobile", f"+49 170 {self.fields:07d}")
            with contextlib.suppress(AlreadyExists):
                factories.group(self.database, self.anna, name, granted=[field])

    @rule(choice=CHOICE, name=st.sampled_from(NAMES))
    @precondition(lambda self: self.groups())
    def rename(self, choice: int, name: str) -> None:
        """Give a group another name."""
        group = one_of(self.groups(), choice)
        self.write(lambda session: groups.rename(session, self.anna, group.id, name))

    @rule(choice=CHOICE, who=CHOICE, into=st.booleans())
    @precondition(lambda self: self.groups())
    def sort(self, choice: int, who: int, into: bool) -> None:  # noqa: FBT001 - Hypothesis gives it by its name
        """Put somebody into a group, or take them out."""
        group, person = one_of(self.groups(), choice), one_of(self.others, who)
        change = groups.add_member if into else groups.remove_member
        self.write(lambda session: change(session, self.anna, group.id, person))

    @rule(who=CHOICE, what=st.sampled_from(("connect", "disconnect", "hide", "show")))
    def part_or_meet(self, who: int, what: str) -> None:
        """Let somebody come into Anna's book, or go."""
        person = one_of(self.others, who)
        self.write(lambda session: getattr(connections, what)(session, self.anna, person))

    @rule(which=CHOICE)
    def synchronize(self, which: int) -> None:
        """Bring a device up to date: it has what the groups say, in its way, and a listing says the same."""
        way, replica = one_of(self.replicas, which)
        replica.sync()
        expected = self.expected()
        by_person: dict[str, set[str]] = {}
        for name, uids in expected.items():
            for uid in uids:
                by_person.setdefault(uid, set()).add(name)
        assert lists_in(replica.cards) == (expected if way == "lists" else {})
        assert categories_in(replica.cards) == (by_person if way == "categories" else {})
        assert replica.client.listing() == {href: card.etag for href, card in replica.cards.items()}

    @rule(which=CHOICE, choice=CHOICE, who=CHOICE, drop=st.booleans(), delete=st.booleans())
    def move(self, which: int, choice: int, who: int, drop: bool, delete: bool) -> None:  # noqa: FBT001 - as above
        """Store a card with others on its lists, or delete it, on a device: nobody sees anything else by that."""
        _, replica = one_of(self.replicas[1:], which)
        held = [
            href
            for href, card in replica.cards.items()
            if "KIND:group" in (card.text or "") or "CATEGORIES" in (card.text or "")
        ]
        if not held:
            return
        href, before, members = one_of(held, choice), self.shown(), self.groups()
        text = dav.unfolded(replica.cards[href].text or "")
        if drop:
            text = "".join(
                line for line in text.splitlines(keepends=True) if "MEMBER:" not in line and "CATEGORIES" not in line
            )
        entry = factories.served(self.database, self.anna, one_of(self.others, who))
        added = f"X-ADDRESSBOOKSERVER-MEMBER:urn:uuid:{entry.uid}" if entry is not None else "NOTE:x"
        added = (
            added
            if "KIND:group" in text
            else "CATEGORIES:" + one_of(NAMES, who).replace(",", "\\,").replace(";", "\\;")
        )
        if delete and "KIND:group" in text:
            replica.client.request("DELETE", href)
        else:
            replica.client.request("PUT", href, text.replace("END:VCARD", f"{added}\r\nEND:VCARD"))
        assert self.shown() == before
        assert self.groups() == members

    @rule(choice=CHOICE, agree=st.booleans())
    def decide(self, choice: int, agree: bool) -> None:  # noqa: FBT001 - as above
        """Agree to what a device proposed, or not."""
        with self.database.reading() as session:
            found = phone_lists.proposals(session, self.anna)
        if found:
            one = one_of(found, choice)
            act = phone_lists.accept if agree else phone_lists.dismiss
            self.database.write(lambda session: act(session, self.anna, one.group_id, one.person_id))

    @rule(which=CHOICE, way=st.sampled_from(WAYS))
    def choose(self, which: int, way: str | None) -> None:
        """Let a device show lists in another way, or not."""
        index = which % len(self.replicas)
        _, replica = self.replicas[index]
        self.database.write(lambda session: phone_lists.choose(session, self.anna, self.devices[index], way))
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
        """Every device ends with what the groups say."""
        for index in range(len(self.replicas)):
            self.synchronize(index)


@pytest.fixture
def site(database_url: str) -> Iterator[Site]:
    """Yield a server in which nobody is registered."""
    with opened(database_url) as site:
        yield site


@pytest.mark.parametrize("database_engine", ["sqlite"], indirect=True)
def test_lists_follow_the_groups_and_show_nobody_more(site: Site, searching: settings) -> None:
    numbers = iter(range(1_000_000))

    class Here(Lists):
        def __init__(self) -> None:
            super().__init__(site, next(numbers))

    few = settings(searching, max_examples=max(searching.max_examples // 5, 1), stateful_step_count=25)
    run_state_machine_as_test(Here, settings=few)
