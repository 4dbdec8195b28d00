"""
Whoever joins, leaves, parts, meets, hides or blocks: a member has what others let the organisation see, and no more.

A model that knows nothing of the engine says who sees which markers of whom. Devices synchronise now and then, from old
tokens and in every way, and must end up with what a new device gets; every answer is searched for markers that its
person may not see. It is the same where tables are spread over machines, once the worker has told everybody.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import update
from typing_extensions import override

from sync import verification
from sync.accounts import registration
from sync.accounts.rate_limits import HOUR
from sync.ends import carrying, setting
from sync.ends.targets import Target
from sync.errors import DatabaseUnavailable
from sync.fields import FieldContent
from sync.meeting import blocks
from sync.models import Job, now
from sync.organisations import organisations, roster_rows, roster_tombstones
from sync.profiles import profiles
from sync.queries import activity
from sync.queries.activity import GONE
from sync.revisions import address_books, fan_out, roster_news
from sync.sharing import connections, grants
from sync.sign_in import credentials
from tests.properties.model import MARKER, new_marker
from tests.support import dav, factories
from tests.support.club_news import Sight
from tests.support.clubs import Club
from tests.support.distribution import distributed
from tests.support.machines import CHOICE, one_of
from tests.support.out_of_reach import out_of_reach
from tests.support.site import Site, Transport, opened

STYLES: tuple[dav.Style, ...] = ("data", "multiget", "listing")
PEOPLE, CLUBS = 4, 2


@dataclass
class Person:
    """
    A person: what *marker* each field has, what strangers, connections and each club see, and who is what to them.

    *joined* are clubs in the order in which they were joined, *hidden* people taken off the devices, *added* markers
    of the notes that they made on others' cards. *ending* are fields that a club sees until a certain time.
    """

    id: int
    login: str
    fields: dict[int, str] = field(default_factory=dict)
    strangers: set[int] = field(default_factory=set)
    connections: set[int] = field(default_factory=set)
    clubs: dict[int, set[int]] = field(default_factory=dict)
    joined: list[int] = field(default_factory=list)
    hidden: set[int] = field(default_factory=set)
    added: dict[int, str] = field(default_factory=dict)
    ending: set[tuple[int, int]] = field(default_factory=set)
    open: bool = True
    replicas: list[dav.Replica] = field(default_factory=list)


class Organisations(RuleBasedStateMachine):
    """Four people, two clubs."""

    def __init__(self, site: Site, number: int) -> None:
        """Register everybody with a device of each kind, and let three of them be in the first club."""
        super().__init__()
        self.site, self.database = site, site.database
        self.people: list[Person] = []
        self.connected: set[frozenset[int]] = set()
        self.blocks: set[tuple[int, int]] = set()
        #: What fellow members may be told of each other, by reader and owner.
        self.sights: dict[tuple[int, int], Sight] = defaultdict(Sight)
        self.kinds: dict[str, str] = {}
        self.http = httpx.Client(base_url="http://evercard.test", transport=Transport(site))
        for index in range(PEOPLE):
            login = f"p{number}x{index}"
            person = Person(factories.person(self.database, login), login)
            self.people.append(person)
            for _ in range(2):
                self.add_field(person)
            self.equip(person)
        self.clubs = [
            Club(self.database, self.database.write(lambda session, name=name: organisations.create(session, name)))  # type: ignore[misc]
            for name in (f"club {number}", f"company {number}")
        ]
        for person in self.people[:3]:
            self.join(person, 0, list(person.fields)[:1])

    # What helps

    def equip(self, person: Person) -> None:
        """Give somebody a device of each kind."""
        person.replicas = [dav.Replica(self.device(person), style) for style in STYLES]

    def add_field(self, person: Person) -> None:
        """Add a field that nobody may see, of another kind than the one before."""
        marker = new_marker()
        kind = "email" if person.fields else "mobile"
        content = self.content(kind, marker)
        added = self.database.write(lambda session: profiles.add_field(session, person.id, content))
        person.fields[added] = marker

    def content(self, kind: str, marker: str) -> FieldContent:
        """Return a field that says a marker."""
        self.kinds[marker] = kind
        return factories.content(kind, f"{marker}@example.org" if kind == "email" else f"+{marker}")

    def device(self, person: Person) -> dav.Client:
        """Let a device in, whose every answer is looked at."""
        _, password = self.database.write(lambda session: credentials.add_device(session, person.id, "phone"))
        return dav.Client(self.http, person.login, password, notice=lambda exchange: self.look(person, exchange))

    def look(self, person: Person, exchange: dav.Exchange) -> None:
        """Find no marker in an answer that its person may not see."""
        seen = set(MARKER.findall(exchange.text)) & self.minted
        assert seen <= set().union(*self.expected(person).values())

    @property
    def minted(self) -> set[str]:
        """Every marker that there is."""
        return {marker for person in self.people for marker in (*person.fields.values(), *person.added.values())}

    def person(self, person_id: int) -> Person:
        """Return the person of this id."""
        return next(each for each in self.people if each.id == person_id)

    def sees(self, viewer: Person, owner: Person) -> set[int] | None:
        """Return which fields of the owner's the viewer's devices show, None where the owner is not there."""
        if {(viewer.id, owner.id), (owner.id, viewer.id)} & self.blocks or owner.id in viewer.hidden:
            return None
        if frozenset((viewer.id, owner.id)) in self.connected:
            return owner.strangers | owner.connections
        shared = [club for club in viewer.joined if club in owner.joined] if owner.open else []
        return owner.strangers | owner.clubs[shared[0]] if shared else None

    def expected(self, viewer: Person) -> dict[int, frozenset[str]]:
        """Return by person whom the viewer's devices show the markers that they show."""
        found = {viewer.id: frozenset(viewer.fields.values())}
        for owner in self.people:
            fields = self.sees(viewer, owner) if owner is not viewer else None
            if fields is not None:
                added = {viewer.added[owner.id]} if owner.id in viewer.added else set()
                found[owner.id] = frozenset({owner.fields[each] for each in fields} | added)
        return found

    def write(self, change: Any) -> None:
        """Change something that can be changed."""
        self.database.write(change)

    def two(self, one: int, other: int) -> tuple[Person, Person]:
        """Return two people."""
        first = one % PEOPLE
        return self.people[first], self.people[(first + 1 + other % (PEOPLE - 1)) % PEOPLE]

    def join(self, person: Person, club: int, fields: Sequence[int]) -> None:
        """Let somebody join a club that sees these fields."""
        self.clubs[club].join(person.id, fields)
        person.joined.append(club)
        person.clubs[club] = set(fields)

    def carry(self) -> None:
        """Let the worker tell whom changes concern, those too whom it could not reach before."""
        self.write(lambda session: session.execute(update(Job).values(due_at=0)))
        fan_out.work(self.database)
        roster_news.work(self.database)

    # What happens

    @rule(who=CHOICE, club=CHOICE, which=CHOICE)
    def join_or_leave(self, who: int, club: int, which: int) -> None:
        """Let somebody join, or leave."""
        person, club = one_of(self.people, who), club % CLUBS
        if club in person.joined:
            self.clubs[club].leave(person.id)
            person.joined.remove(club)
            del person.clubs[club]
            person.ending = {each for each in person.ending if each[0] != club}
        elif person.open:
            self.join(person, club, [one_of(list(person.fields), which)] if which % 4 else [])

    @rule(who=CHOICE, which=CHOICE, where=CHOICE)
    def grant_or_take_back(self, who: int, which: int, where: int) -> None:
        """Let a group see a field, or no more."""
        person = one_of(self.people, who)
        groups = [
            (factories.strangers(self.database, person.id), person.strangers),
            (factories.everybody_connected(self.database, person.id), person.connections),
            *((self.clubs[club].group_of(person.id), granted) for club, granted in person.clubs.items()),
        ]
        (group, granted), chosen = one_of(groups[::-1], where), one_of(list(person.fields), which)
        act = grants.take_back if chosen in granted else grants.grant
        self.write(lambda session: act(session, person.id, group, [chosen]))
        granted.symmetric_difference_update({chosen})
        person.ending = {each for each in person.ending if each[1] in person.clubs[each[0]]}

    @rule(who=CHOICE, which=CHOICE)
    def let_end(self, who: int, which: int) -> None:
        """Let a club see a field that it sees until a certain time only."""
        person = one_of(self.people, who)
        shown = sorted((club, each) for club, fields in person.clubs.items() for each in fields)
        if shown:
            club, chosen = one_of(shown, which)
            target = Target(group_id=self.clubs[club].group_of(person.id), field_id=chosen)
            self.write(lambda session: setting.set_end(session, person.id, target, now() + HOUR))
            person.ending.add((club, chosen))

    @rule(who=CHOICE)
    def be_over(self, who: int) -> None:
        """Let the time come at which what somebody gave is over."""
        person = one_of(self.people, who)
        self.write(lambda session: carrying.withdraw(session, person.id, now() + 2 * HOUR))
        for club, chosen in person.ending:
            person.clubs[club].discard(chosen)
        person.ending.clear()

    @rule(who=CHOICE)
    def be_out_of_reach(self, who: int) -> None:
        """Let the machine of somebody's be out of reach while others are told, where tables are spread."""
        if self.database.is_distributed:
            with out_of_reach(self.database, one_of(self.people, who).id), suppress(DatabaseUnavailable):
                fan_out.work(self.database)

    @rule()
    def forget_who_left(self) -> None:
        """Let go of the rows of whoever left."""
        roster_tombstones.let_go(self.database)

    @rule(who=CHOICE, which=CHOICE)
    def change_field(self, who: int, which: int) -> None:
        """Give a field another value."""
        person = one_of(self.people, who)
        chosen, marker = one_of(list(person.fields), which), new_marker()
        content = self.content(self.kinds[person.fields[chosen]], marker)
        self.write(lambda session: profiles.set_field(session, person.id, chosen, content))
        person.fields[chosen] = marker
        self.carry()
        for viewer in self.people:
            fields = self.sees(viewer, person) if viewer is not person else None
            if fields and chosen in fields and self.organisation(viewer, person) is not None:
                assert marker in {told for owner_id, told, _ in self.activity(viewer) if owner_id == person.id}

    def organisation(self, viewer: Person, owner: Person) -> int | None:
        """Return the club by which the viewer has the owner, whatever the two decided about each other."""
        if frozenset((viewer.id, owner.id)) in self.connected or not owner.open:
            return None
        return next((club for club in viewer.joined if club in owner.joined), None)

    def activity(self, viewer: Person) -> list[tuple[int, str, str]]:
        """Return of which fellow member the viewer is told which marker, or of which kind that something is gone."""
        with self.database.reading() as session:
            found = [each for each in activity.latest(session, viewer.id) if each.by_organisation]
        return [
            (each.owner_id, *(MARKER.findall(change.content.text()) if change.content else [""]), change.kind)
            for each in found
            for change in each.changes
            if (change.content is None) == (change.what == GONE)
        ]

    @rule(one=CHOICE, other=CHOICE)
    def connect_or_part(self, one: int, other: int) -> None:
        """Connect two people, or part them."""
        left, right = self.two(one, other)
        pair = frozenset((left.id, right.id))
        if {(left.id, right.id), (right.id, left.id)} & self.blocks:
            return
        act = connections.disconnect if pair in self.connected else connections.connect
        self.write(lambda session: act(session, left.id, right.id))
        self.connected ^= {pair}
        left.hidden.discard(right.id)
        right.hidden.discard(left.id)

    @rule(one=CHOICE, other=CHOICE)
    def block_or_not(self, one: int, other: int) -> None:
        """Block somebody, or no more."""
        left, right = self.two(one, other)
        key = (left.id, right.id)
        act = blocks.unblock if key in self.blocks else blocks.block
        self.write(lambda session: act(session, *key))
        self.blocks ^= {key}
        self.connected.discard(frozenset(key))
        left.hidden.discard(right.id)
        right.hidden.discard(left.id)

    @rule(who=CHOICE)
    def close_or_open(self, who: int) -> None:
        """Close an account, or open it again."""
        person = one_of(self.people, who)
        self.write(lambda session: registration.set_disabled(session, person.id, disabled=person.open))
        person.open = not person.open

    @rule(one=CHOICE, other=CHOICE, named=st.booleans())
    def hide_or_show(self, one: int, other: int, named: bool) -> None:  # noqa: FBT001 - Hypothesis gives it by its name
        """Delete somebody's entry on a device, or bring it back."""
        viewer, owner = self.two(one, other)
        if owner.id in viewer.hidden:
            self.write(lambda session: connections.show(session, viewer.id, owner.id))
            viewer.hidden.discard(owner.id)
        elif viewer.open and self.sees(viewer, owner) is not None:
            href, card = self.entry(viewer, owner)
            viewer.hidden.add(owner.id)
            viewer.replicas[0].client.delete(href, if_match=card.etag if named else "")

    @rule(one=CHOICE, other=CHOICE, named=st.booleans())
    def add_note(self, one: int, other: int, named: bool) -> None:  # noqa: FBT001 - Hypothesis gives it by its name
        """Put a note on somebody's card on a device."""
        viewer, owner = self.two(one, other)
        if not viewer.open or self.sees(viewer, owner) is None:
            return
        href, card = self.entry(viewer, owner)
        lines = [line for line in dav.unfolded(card.text or "").split("\r\n") if not line.startswith("NOTE")]
        viewer.added[owner.id] = new_marker()
        text = "\r\n".join([*lines[:-2], f"NOTE:{viewer.added[owner.id]}", *lines[-2:]])
        viewer.replicas[0].client.put(href, text, if_match=card.etag if named else "")

    def entry(self, viewer: Person, owner: Person) -> tuple[str, dav.Card]:
        """Return where a device of the viewer's has the owner, which is up to date, and what it has."""
        self.bring_up_to_date(viewer, 0)
        fields = {owner.fields[each] for each in self.sees(viewer, owner) or ()}
        with self.database.reading() as session:
            (book,) = address_books.books_of(session, viewer.id)
            member = roster_rows.of_owner(session, book, owner.id)
        name = member.href if member is not None else factories.href_of(self.database, viewer.id, owner.id)
        href = f"{viewer.replicas[0].client.book}{name}"
        card = viewer.replicas[0].cards[href]
        assert fields <= set(MARKER.findall(card.text or ""))
        return href, card

    @rule(who=CHOICE, which=CHOICE, back=CHOICE | st.none(), lost=st.booleans())
    def synchronise(self, who: int, which: int, back: int | None, lost: bool) -> None:  # noqa: FBT001 - as above
        """Bring a device up to date, perhaps from where it was long ago; perhaps the answer does not arrive."""
        person = one_of(self.people, who)
        replica = one_of(person.replicas, which)
        if not person.open:
            return
        if back is not None and replica.tokens:
            replica.go_back(back % len(replica.tokens))
        if lost:
            replica.sync(lost=True)
        self.bring_up_to_date(person, which)

    def bring_up_to_date(self, person: Person, which: int) -> None:
        """Let a device ask, and compare what it has with the model and with what there is."""
        self.carry()
        replica = one_of(person.replicas, which)
        replica.sync()
        assert replica.client.listing() == {href: card.etag for href, card in replica.cards.items()}
        assert sorted(map(self.markers, replica.cards.values())) == sorted(map(sorted, self.expected(person).values()))

    def markers(self, card: dav.Card) -> list[str]:
        """Return the markers on a card."""
        return sorted(set(MARKER.findall(dav.unfolded(card.text or ""))))

    @invariant()
    def told_what_is_news(self) -> None:
        """Nobody is told of fellow members what they do not see, or what was before they saw it."""
        for viewer in self.people:
            for owner in self.people:
                if owner is not viewer:
                    by, fields = self.organisation(viewer, owner), owner.strangers
                    fields = fields | owner.clubs[by] if by is not None else fields
                    shown = {owner.fields[each]: self.kinds[owner.fields[each]] for each in fields}
                    is_apart = bool({(viewer.id, owner.id), (owner.id, viewer.id)} & self.blocks)
                    self.sights[viewer.id, owner.id].now(by, shown, is_apart=is_apart)
            for owner_id, marker, kind in self.activity(viewer):
                assert self.sees(viewer, self.person(owner_id)) is not None
                assert self.sights[viewer.id, owner_id].may_say(marker=marker, kind=kind)

    @invariant()
    def verified(self) -> None:
        """Verification finds nothing."""
        with self.database.reading() as session:
            found = [verification.page(session, person.id - 1, 1) for person in self.people]
            wrong = list(verification.organisations.rosters(session))
        assert [problem for each in found if each is not None for problem in each.findings] == []
        assert wrong == []

    @override
    def teardown(self) -> None:
        """Every device ends with what the model says."""
        for person in self.people:
            if person.open:
                for which in range(len(STYLES)):
                    self.bring_up_to_date(person, which)


@pytest.fixture
def site(database_url: str) -> Iterator[Site]:
    """Yield a server in which nobody is registered."""
    with opened(database_url) as site:
        yield site


@pytest.mark.parametrize("database_engine", ["sqlite"], indirect=True)
@pytest.mark.parametrize("is_spread", [False, True], ids=["together", "spread"])
def test_members_have_what_the_others_let_the_organisation_see(
    site: Site,
    searching: settings,
    monkeypatch: pytest.MonkeyPatch,
    is_spread: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    monkeypatch.setattr(roster_tombstones, "MOST", 0)
    numbers = iter(range(1_000_000))

    class Here(Organisations):
        def __init__(self) -> None:
            super().__init__(site, next(numbers))

    few = settings(searching, max_examples=max(searching.max_examples // 15, 1), stateful_step_count=20)
    with distributed(site.database) if is_spread else nullcontext():
        run_state_machine_as_test(Here, settings=few)
