"""
Whatever people of a household share, take back and change: everybody ends with what is granted, and with nothing else.

Beside the server is a model of what each card says. Every answer that a device gets is searched for what its owner may
not see in that moment.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test
from typing_extensions import override

from sync import verification
from sync.errors import AlreadyExists, Refused, TooManyTries
from sync.household import following, offers, parting
from sync.household.pairs import Share
from sync.profiles import profiles
from sync.sharing import connections, grants
from sync.sign_in import credentials
from tests.support import dav, factories, forms
from tests.support.site import Site, Transport, opened

T = TypeVar("T")
CHOICE = st.integers(0, 2**16)
FORMS = {"url": "https://example.org/{}", "email": "{}@example.org"}
STYLES: tuple[dav.Style, ...] = ("data", "multiget", "listing")


def one_of(found: Sequence[T], choice: int) -> T:
    """Return one of several."""
    return found[choice % len(found)]


@dataclass
class Line:
    """A field: what it says, whether connections see it, and which field of whose it follows."""

    kind: str
    marker: str
    is_shown: bool = False
    follows: Share | None = None


@dataclass
class Member:
    """Somebody, with their fields by id, whom they are connected to, and a device."""

    id: int
    login: str
    everybody: int
    replica: dav.Replica
    lines: dict[int, Line] = field(default_factory=dict)
    known: set[int] = field(default_factory=set)


class Household(RuleBasedStateMachine):
    """Three people who share things, each with a device, and who all see what the others show to connections."""

    def __init__(self, site: Site, number: int) -> None:
        """Connect them all."""
        super().__init__()
        self.site, self.database = site, site.database
        self.minted = 0
        self.people: dict[int, Member] = {}
        #: In the order in which they were made, which does not depend on the numbers that things got.
        self.offered: dict[Share, None] = {}
        for login, style in zip((f"{name}{number}" for name in ("anna", "bert", "carl")), STYLES, strict=True):
            self.register(login, style)
        for one in self.people:
            for other in self.people:
                if one < other:
                    self.meet(one, other)
        # Hypothesis begins with little: here everybody has something, and one field is carried.
        for who in range(len(self.people)):
            self.add(who, "url", shown=True)
        self.offer(0, 0, 0)
        self.answer(0, "new", 0)
        self.show(1, 1)
        self.show(2, 1)

    def register(self, login: str, style: dav.Style) -> None:
        """Register somebody with a device."""
        account_id = factories.person(self.database, login)
        _, password = self.database.write(lambda session: credentials.add_device(session, account_id, "Phone"))
        http = dav.http(forms.ORIGIN, transport=Transport(self.site))
        client = dav.Client(http, login, password, notice=self.check, keep=False)
        # What stands in for a name that is not there must not be taken for what a phone edits.
        factories.field(self.database, account_id, "name", login.title())
        everybody = factories.everybody_connected(self.database, account_id)
        self.people[account_id] = Member(account_id, login, everybody, dav.Replica(client, style))

    def meet(self, one: int, other: int) -> None:
        """Connect two people."""
        factories.connect(self.database, one, other)
        self.people[one].known.add(other)
        self.people[other].known.add(one)

    def mint(self) -> str:
        """Return a word that is nowhere else: no id has these letters."""
        self.minted += 1
        return f"zq{self.minted}qz"

    def may_see(self, person: Member) -> set[str]:
        """Return every marker that somebody may be sent in this moment."""
        own = {line.marker for line in person.lines.values()}
        return own.union(*(self.shown(self.people[each]) for each in person.known))

    def shown(self, person: Member) -> set[str]:
        """Return the markers of what somebody shows to their connections."""
        return {line.marker for line in person.lines.values() if line.is_shown}

    def check(self, exchange: dav.Exchange) -> None:
        """Search an answer for what must not be in it."""
        person = next(each for each in self.people.values() if each.login == exchange.login)
        hidden = [f"zq{number}qz" for number in range(1, self.minted + 1)]
        may_see, text = self.may_see(person), exchange.text
        assert [each for each in hidden if each in text and each not in may_see] == []

    def member(self, who: int) -> Member:
        """Return one of the people."""
        return one_of([*self.people.values()], who)

    def carriers(self) -> list[tuple[Member, int, Share]]:
        """Return who carries what, by which field."""
        return [
            (person, field_id, line.follows)
            for person in self.people.values()
            for field_id, line in person.lines.items()
            if line.follows is not None
        ]

    @rule(who=CHOICE, kind=st.sampled_from(sorted(FORMS)), shown=st.booleans())
    def add(self, who: int, kind: str, shown: bool) -> None:  # noqa: FBT001 - Hypothesis gives it by its name
        """Add a field."""
        person, marker = self.member(who), self.mint()
        field_id = factories.field(self.database, person.id, kind, FORMS[kind].format(marker))
        person.lines[field_id] = Line(kind, marker)
        if shown:
            self.show(who, len(person.lines) - 1)

    @rule(who=CHOICE, choice=CHOICE)
    def show(self, who: int, choice: int) -> None:
        """Show a field to connections, or do so no more."""
        person = self.member(who)
        if person.lines:
            field_id, line = one_of([*person.lines.items()], choice)
            line.is_shown = not line.is_shown
            change = grants.grant if line.is_shown else grants.take_back
            self.database.write(lambda session: change(session, person.id, person.everybody, [field_id]))

    @rule(who=CHOICE, choice=CHOICE, by_phone=st.booleans())
    def edit(self, who: int, choice: int, by_phone: bool) -> None:  # noqa: FBT001 - as above
        """Change a field, in the portal or on the phone. One that is carried follows no more."""
        person = self.member(who)
        if not person.lines:
            return
        field_id, line = one_of([*person.lines.items()], choice)
        before, after = line.marker, self.mint()
        own = f"/{person.login}/contacts/{factories.href_of(self.database, person.id, person.id)}"
        # A line that is on a card twice is changed in the portal, since a phone would change both.
        is_once = [each.marker for each in person.lines.values()].count(before) == 1
        card = person.replica.client.get(own) if by_phone and is_once else None
        line.marker, line.follows = after, None
        if card is not None:
            text = dav.unfolded(card.text or "").replace(before, after)
            person.replica.client.put(own, text, if_match=card.etag)
        else:
            factories.set_field(self.database, person.id, field_id, FORMS[line.kind].format(after), line.kind)

    @rule(who=CHOICE, choice=CHOICE)
    def remove(self, who: int, choice: int) -> None:
        """Delete a field."""
        person = self.member(who)
        if person.lines:
            field_id = one_of([*person.lines], choice)
            del person.lines[field_id]
            self.database.write(lambda session: profiles.remove_field(session, person.id, field_id))

    @rule(who=CHOICE, choice=CHOICE, whom=CHOICE)
    def offer(self, who: int, choice: int, whom: int) -> None:
        """Offer somebody a field: nothing changes."""
        person = self.member(who)
        if not person.lines or not person.known:
            return
        field_id, line = one_of([*person.lines.items()], choice)
        share = Share(person.id, field_id, one_of([each for each in self.people if each in person.known], whom))
        carried = {each for _, _, each in self.carriers()}
        try:
            self.database.write(lambda session: offers.offer(session, *share))
        except Refused:
            assert line.follows is not None
        except AlreadyExists:
            assert share in {*self.offered, *carried}
        except TooManyTries:
            return
        else:
            assert line.follows is None
            assert share not in {*self.offered, *carried}
            self.offered[share] = None

    @rule(choice=CHOICE, answer=st.sampled_from(("new", "instead", "no", "taken back")), which=CHOICE)
    @precondition(lambda self: self.offered)
    def answer(self, choice: int, answer: str, which: int) -> None:
        """Carry what was offered, as something new or instead of something, or not; or the owner takes it back."""
        share = one_of([*self.offered], choice)
        carrier, source = self.people[share.carrier_id], self.people[share.owner_id].lines.get(share.field_id)
        if answer in ("no", "taken back") or source is None:
            act = offers.decline if answer == "no" and source is not None else parting.take_back
            self.database.write(lambda session: act(session, share))
        else:
            free = [
                each
                for each, line in carrier.lines.items()
                if line.kind == source.kind and line.follows is None and not self.is_shared(carrier.id, each)
            ]
            instead = one_of(free, which) if answer == "instead" and free else None
            try:
                own = self.database.write(lambda session: offers.accept(session, share, instead_of=instead))
            except Refused:
                # Somebody left it, of which the owner is not told yet.
                assert instead is not None
                return
            line = carrier.lines.setdefault(own, Line(source.kind, source.marker))
            line.marker, line.follows = source.marker, share
        self.offered.pop(share, None)

    def is_shared(self, owner_id: int, field_id: int) -> bool:
        """Whether somebody carries a field, or was offered it."""
        every = {*self.offered, *(share for _, _, share in self.carriers())}
        return any(each[:2] == (owner_id, field_id) for each in every)

    @rule(choice=CHOICE, how=st.sampled_from(("keep", "delete", "taken back")))
    @precondition(lambda self: self.carriers())
    def end(self, choice: int, how: str) -> None:
        """Carry something no more, or take it back: the carrier keeps what their card says, unless they delete it."""
        person, field_id, share = one_of(self.carriers(), choice)
        if how == "taken back":
            self.database.write(lambda session: parting.take_back(session, share))
        else:
            self.database.write(lambda session: parting.leave(session, person.id, field_id, keep=how == "keep"))
        person.lines[field_id].follows = None
        if how == "delete":
            del person.lines[field_id]

    @rule(who=CHOICE, whom=CHOICE)
    def part_or_meet(self, who: int, whom: int) -> None:
        """Disconnect two people, who keep what their cards say, or connect them."""
        one, other = self.member(who), self.member(whom)
        if one.id == other.id:
            return
        if other.id not in one.known:
            self.meet(one.id, other.id)
            return
        self.database.write(lambda session: connections.disconnect(session, one.id, other.id))
        one.known.discard(other.id)
        other.known.discard(one.id)
        self.offered = {each: None for each in self.offered if {each.owner_id, each.carrier_id} != {one.id, other.id}}
        for carrier, field_id, share in self.carriers():
            if {share.owner_id, share.carrier_id} == {one.id, other.id}:
                carrier.lines[field_id].follows = None

    @rule(who=CHOICE, count=st.integers(0, 2))
    def follow(self, who: int, count: int) -> None:
        """Let a worker begin with what somebody's changes left, and die after so many pairs."""
        person = self.member(who)
        with self.database.reading() as session:
            owed = following.owed(session, person.id)
        for share in owed[:count]:
            self.database.write(lambda session, share=share: following.follow(session, share))  # type: ignore[misc]
            self.followed(share)

    def followed(self, share: Share) -> None:
        """Note what becomes of a pair that is brought together."""
        source = self.people[share.owner_id].lines.get(share.field_id)
        if source is None:
            self.offered.pop(share, None)
        for person, field_id, each in self.carriers():
            if each == share:
                line = person.lines[field_id]
                line.marker, line.follows = (line.marker, None) if source is None else (source.marker, share)

    @rule()
    def work(self) -> None:
        """Let a worker do all that is left, whoever died at it: every lease is over."""
        for person in self.people.values():
            following.settle(self.database, person.id)
        for share in {*self.offered, *(share for _, _, share in self.carriers())}:
            self.followed(share)

    @rule(who=CHOICE)
    def synchronize(self, who: int) -> None:
        """Bring a device up to date: it has what its owner and their connections say, and show."""
        person = self.member(who)
        person.replica.sync()
        cards = {href.rpartition("/")[2]: card.text or "" for href, card in person.replica.cards.items()}
        for each in {person.id, *person.known}:
            other = self.people[each]
            text = dav.unfolded(cards[factories.href_of(self.database, person.id, each)])
            has = {line.marker for line in other.lines.values()} if each == person.id else self.shown(other)
            assert {marker for marker in self.every() if marker in text} == has
        assert len(cards) == len(person.known) + 1

    def every(self) -> set[str]:
        """Return every marker that there ever was."""
        return {f"zq{number}qz" for number in range(1, self.minted + 1)}

    @override
    def teardown(self) -> None:
        """Everything follows in the end, and every device has it."""
        numbers = [*self.people]
        for _, _, share in self.carriers():
            lines = [*self.people[share.owner_id].lines]
            if share.field_id in lines:
                self.edit(numbers.index(share.owner_id), lines.index(share.field_id), by_phone=False)
        self.verify()
        self.work()
        self.verify()
        for number in range(len(self.people)):
            self.synchronize(number)

    def verify(self) -> None:
        """Make sure that verification finds nothing, also while something is owed."""
        with self.database.reading() as session:
            for person in self.people.values():
                found = verification.page(session, person.id - 1, 1)
                assert found is not None
                assert list(found.findings) == []


@pytest.fixture
def site(database_url: str) -> Iterator[Site]:
    """Yield a server in which nobody is registered."""
    with opened(database_url) as site:
        yield site


@pytest.mark.parametrize("database_engine", ["sqlite"], indirect=True)
def test_whoever_shares_what_everybody_ends_with_what_is_granted(site: Site, searching: settings) -> None:
    numbers: Iterator[int] = iter(range(1_000_000))

    class Here(Household):
        def __init__(self) -> None:
            super().__init__(site, next(numbers))

    few: Any = settings(searching, max_examples=max(searching.max_examples // 5, 1), stateful_step_count=15)
    run_state_machine_as_test(Here, settings=few)
