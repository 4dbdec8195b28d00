"""
Whoever writes, reads, comes, goes or may do something else: a shared book is on every device what the model says.

A model that knows nothing of the engine says which markers each contact has for whom. Each change writes a marker that
was never written before, with or without naming the state that it knows, from devices that may be behind. Devices
synchronise now and then, from old tokens and in every way, and must end up with what a new device gets; every answer
is searched for markers that its person may not see.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import httpx
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from typing_extensions import override

from sync import verification
from sync.revisions.shared_states import NO_ACCESS, READER, WRITER
from sync.shared_books import access, past
from sync.sign_in import credentials
from tests.properties.model import new_marker
from tests.support import clubs, dav, shared
from tests.support.shared import Member, card
from tests.support.site import Site, Transport, opened

T = TypeVar("T")
CHOICE = st.integers(0, 2**12)
STYLES: tuple[dav.Style, ...] = ("data", "multiget")
_MARKER = re.compile(r"\b[0-9]{12}\b")
PEOPLE = 4
NAMES = ("a", "b", "c")


def one_of(found: Sequence[T], choice: int) -> T:
    """Return one of several."""
    return found[choice % len(found)]


@dataclass
class Person:
    """
    Somebody with a device for each style, and what they may do; they are no member where that is None.

    *notes* are markers that they laid over contacts as a reader, *hidden* contacts that they took off their devices,
    *own* the markers of contacts that they alone have.
    """

    member: Member
    role: str | None = None
    replicas: list[dav.Replica] = field(default_factory=list)
    notes: dict[str, str] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)
    own: dict[str, str] = field(default_factory=dict)

    @property
    def sees(self) -> bool:
        """Whether they have the book."""
        return self.role in (READER, WRITER)


class SharedBooks(RuleBasedStateMachine):
    """Four people and a book: *contacts* has the markers of each of everybody's contacts, by its line."""

    def __init__(self, site: Site, number: int) -> None:
        """Let one write the book and two read it."""
        super().__init__()
        self.site, self.database = site, site.database
        self.http = httpx.Client(base_url="http://evercard.test", transport=Transport(site))
        self.shelf = shared.shelf(site, club=clubs.found(self.database, f"club {number}"))
        self.contacts: dict[str, dict[str, str]] = {}
        self.minted = set[str]()
        self.people = [Person(self.shelf.stranger(f"s{number}x{index}")) for index in range(PEOPLE)]
        for person, role in zip(self.people, (WRITER, WRITER, READER), strict=False):
            self.join(person, role)
        # Without a contact most of what can happen is nothing.
        self.contacts["a"] = {"TEL": self.mint()}
        for person in self.people:
            person.replicas = [dav.Replica(self.device(person), style) for style in STYLES]
        first = self.people[0]
        first.replicas[0].client.put(self.path(first, "a"), self.text_of("a", self.contacts["a"]))

    # What helps

    def device(self, person: Person) -> dav.Client:
        """Let a device in, whose every answer is looked at."""
        member = person.member
        _, password = self.database.write(lambda session: credentials.add_device(session, member.id, "phone"))
        client = dav.Client(self.http, member.login, password, notice=lambda exchange: self.look(person, exchange))
        client.book = member.home(self.shelf.path)
        return client

    def mint(self) -> str:
        """Return a marker that was never written."""
        marker = new_marker()
        self.minted.add(marker)
        return marker

    def look(self, person: Person, exchange: dav.Exchange) -> None:
        """Find no marker in an answer that its person may not see."""
        seen = set(_MARKER.findall(exchange.text)) & self.minted
        assert seen <= {marker for markers in self.expected(person).values() for marker in markers}

    def expected(self, person: Person) -> dict[str, list[str]]:
        """Return by name the markers that a person's devices show."""
        if not person.sees:
            return {}
        found = {name: [marker] for name, marker in person.own.items()}
        for name, markers in self.contacts.items():
            found[name] = sorted(markers.values())
            if person.role == READER:
                found[name] = sorted([*found[name], *([person.notes[name]] if name in person.notes else [])])
                if name in person.hidden:
                    del found[name]
        return found

    def join(self, person: Person, role: str) -> None:
        """Let somebody become a member who may do this."""
        self.shelf.club.join(person.member.id)
        self.shelf.grant(person.member, role)
        person.role = role

    def path(self, person: Person, name: str) -> str:
        """Return where a contact is for somebody."""
        return f"{person.member.home(self.shelf.path)}{name}.vcf"

    def text_of(self, name: str, markers: dict[str, str], note: str | None = None) -> str:
        """Return the card of a contact."""
        lines = [f"{line}:{marker}" for line, marker in markers.items()]
        return card(name, *lines, *([f"NOTE:{note}"] if note else []), uid=name)

    # What happens

    @rule(who=CHOICE, role=st.sampled_from([None, READER, WRITER, NO_ACCESS]))
    def come_go_or_be_granted(self, who: int, role: str | None) -> None:
        """Let somebody come, go, or do something else from now on."""
        person = one_of(self.people, who)
        if person.role is None and role is not None:
            self.join(person, role)
        elif person.role is not None and role is None:
            self.shelf.club.leave(person.member.id)
            person.role = None
        elif role is not None:
            self.shelf.grant(person.member, role)
            person.role = role

    @rule(who=CHOICE, name=st.sampled_from(NAMES), line=st.sampled_from(["TEL", "EMAIL"]), device=CHOICE)
    def write(self, who: int, name: str, line: str, device: int) -> None:
        """Change a line of a contact on a device that has the last state, and names it; or add the contact."""
        person = one_of(self.people, who)
        if not person.sees:
            return
        replica, marker = person.replicas[device % len(STYLES)], self.mint()
        self.bring_up_to_date(person, device)
        if person.role == READER or (name in person.own and name not in self.contacts):
            self.lay_over(person, replica, name, marker)
            return
        markers = {**self.contacts.get(name, {}), line: marker}
        self.contacts[name] = markers
        held = replica.cards.get(self.path(person, name))
        conditions = {"if_match": held.etag} if held is not None else {"if_none_match": "*"}
        replica.client.put(self.path(person, name), self.text_of(name, markers), **conditions)

    def lay_over(self, person: Person, replica: dav.Replica, name: str, marker: str) -> None:
        """Let somebody add a note to a contact for themselves, or a contact of their own."""
        is_own = name not in self.contacts
        if not is_own:
            person.hidden.discard(name)
        (person.own if is_own else person.notes)[name] = marker
        text = self.text_of(name, {}, marker) if is_own else self.text_of(name, self.contacts[name], marker)
        replica.client.put(self.path(person, name), text)

    @rule(one=CHOICE, name=st.sampled_from(NAMES))
    def change_at_once(self, one: int, name: str) -> None:
        """Let two writers change different lines of a contact, and neither know of the other nor name a state."""
        writers = [person for person in self.people if person.role == WRITER]
        if name not in self.contacts or len(writers) < 2:
            return
        first, second = writers[one % 2], writers[1 - one % 2]
        both = [(first, "TEL", self.mint()), (second, "EMAIL", self.mint())]
        before = self.contacts[name]
        for person, _, _ in both:
            person.replicas[0].sync()
        self.contacts[name] = {**before, **{line: marker for _, line, marker in both}}
        for person, line, marker in both:
            person.replicas[0].client.put(self.path(person, name), self.text_of(name, {**before, line: marker}))

    @rule(who=CHOICE, name=st.sampled_from(NAMES), device=CHOICE)
    def remove(self, who: int, name: str, device: int) -> None:
        """Delete a contact on a device: for all, or for a reader alone."""
        person = one_of(self.people, who)
        if name not in self.expected(person):
            return
        self.bring_up_to_date(person, device)
        replica = person.replicas[device % len(STYLES)]
        held = replica.cards[self.path(person, name)]
        if name not in self.contacts:
            del person.own[name]
        elif person.role == WRITER:
            del self.contacts[name]
        else:
            person.hidden.add(name)
        replica.client.delete(self.path(person, name), if_match=held.etag)

    @rule(who=CHOICE, choice=CHOICE)
    def restore(self, who: int, choice: int) -> None:
        """Let a writer have back what a contact was."""
        person = one_of(self.people, who)
        with self.database.reading() as session:
            kept = [each for each in past.changes(session, self.shelf.id) if each.is_kept]
            texts = [past.text_before(session, self.shelf.id, each.entry_id, each.before) for each in kept]
        if person.role != WRITER or not kept:
            return
        chosen, text = one_of(kept, choice), one_of(texts, choice)
        name = re.findall(r"^FN:(.*?)\r?$", text, re.MULTILINE)[0]
        base_id = self.shelf.id
        self.database.write(
            lambda session: past.restore(
                session, access.base(session, base_id), person.member.id, chosen.entry_id, chosen.before
            )
        )
        found = re.findall(r"^(TEL|EMAIL)[^:]*:.*?([0-9]{12})", text, re.MULTILINE)
        self.contacts[name] = dict(found)

    @rule(who=CHOICE, which=CHOICE, back=CHOICE | st.none(), lost=st.booleans())
    def synchronise(self, who: int, which: int, back: int | None, lost: bool) -> None:  # noqa: FBT001 - by its name
        """Bring a device up to date, perhaps from where it was long ago; perhaps the answer does not arrive."""
        person = one_of(self.people, who)
        replica = one_of(person.replicas, which)
        if back is not None and replica.tokens:
            replica.go_back(back % len(replica.tokens))
        if lost and person.sees:
            replica.sync(lost=True)
        self.bring_up_to_date(person, which)

    def bring_up_to_date(self, person: Person, which: int) -> None:
        """Let a device ask, and compare what it has with the model and with what there is."""
        replica = one_of(person.replicas, which)
        if not person.sees:
            assert replica.client.request("PROPFIND", replica.client.book, headers={"Depth": "1"}).status == 404
            return
        replica.sync()
        assert replica.client.listing() == {href: card.etag for href, card in replica.cards.items()}
        shown = {
            href.rpartition("/")[2].removesuffix(".vcf"): sorted(_MARKER.findall(dav.unfolded(held.text or "")))
            for href, held in replica.cards.items()
        }
        assert shown == self.expected(person)

    @invariant()
    def verified(self) -> None:
        """Verification finds nothing."""
        with self.database.reading() as session:
            found = [verification.page(session, person.member.id - 1, 1) for person in self.people]
        assert [problem for each in found if each is not None for problem in each.findings] == []

    @override
    def teardown(self) -> None:
        """Every device ends with what the model says."""
        for person in self.people:
            for which in range(len(STYLES)):
                self.bring_up_to_date(person, which)


@pytest.fixture
def site(database_url: str) -> Iterator[Site]:
    """Yield a server in which nobody is registered."""
    with opened(database_url) as site:
        yield site


@pytest.mark.parametrize("database_engine", ["sqlite"], indirect=True)
def test_a_shared_book_is_on_every_device_what_was_written(site: Site, searching: settings) -> None:
    numbers = iter(range(1_000_000))

    class Here(SharedBooks):
        def __init__(self) -> None:
            super().__init__(site, next(numbers))

    few = settings(searching, max_examples=max(searching.max_examples // 5, 1), stateful_step_count=15)
    run_state_machine_as_test(Here, settings=few)
