"""
Whatever people do to find, ask, answer, block and introduce each other, nobody is connected who did not consent.

The model knows of each ordered pair whether the first wants the other, and who has blocked or refused whom. After every
step: who is connected is what both wanted; nobody finds, sees or hears of somebody who blocked them; and of a stranger
nobody sees more than what strangers may see.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from typing_extensions import override

from sync import meeting
from sync.accounts import preference_changes, rate_limits
from sync.accounts.rate_limits import Limit
from sync.database.engine import Database
from sync.discovery import directory
from sync.errors import AlreadyExists, InvalidInput, NotFound, Refused
from sync.meeting import introductions
from sync.settings import Limits, Settings
from sync.sharing import connections
from tests.support.factories import MOBILE, connect, field, person
from tests.support.meeting import prefer, said, show_strangers

PEOPLE = 4
SECRET, SHOWN = MOBILE, "Chess with {}"
Pair = tuple[int, int]
one_of = st.integers(0, PEOPLE - 1)
two_of = st.sampled_from([(one, other) for one in range(PEOPLE) for other in range(PEOPLE) if one != other])
three_of = st.permutations(range(PEOPLE))


class Meeting(RuleBasedStateMachine):
    """Four people, one of whom knows two others; each has a field that strangers may see and one that they may not."""

    database: Database

    @initialize()
    def begin(self) -> None:
        """Make people whom nobody met before."""
        self.ids = [person(self.database) for _ in range(PEOPLE)]
        for number, owner_id in enumerate(self.ids):
            show_strangers(self.database, owner_id, "hobby", SHOWN.format(number))
            field(self.database, owner_id, "mobile", SECRET)
        self.turn = 0
        self.policy = ["confirm"] * PEOPLE
        self.answers: dict[int, str] = {}
        self.connected: set[frozenset[int]] = set()
        self.asked, self.reached = set[Pair](), set[Pair]()
        self.introduced, self.agreed = set[Pair](), set[Pair]()
        self.blocked, self.refused, self.published = set[Pair](), set[Pair](), set[Pair]()
        for friend in (1, 2):
            connect(self.database, self.ids[0], self.ids[friend])
            self.join(0, friend)

    def barred(self, one: int, other: int) -> bool:
        """Whether there is a block between the two."""
        return bool({(one, other), (other, one)} & self.blocked)

    def shut(self, asker: int, wanted: int) -> bool:
        """Whether what *asker* asks does not reach *wanted*."""
        return self.barred(asker, wanted) or (wanted, asker) in self.refused or self.policy[wanted] == "nobody"

    def join(self, one: int, other: int) -> None:
        """The two are connected; whatever was asked is settled."""
        self.connected.add(frozenset((one, other)))
        for pair in ((one, other), (other, one)):
            for kept in (self.asked, self.reached, self.introduced, self.agreed, self.refused):
                kept.discard(pair)

    def part(self, one: int, other: int) -> None:
        """The two are not connected any more."""
        self.connected.discard(frozenset((one, other)))
        self.published -= {(one, other), (other, one)}

    def wants(self, one: int, other: int) -> bool:
        """Whether *one* has said that they want *other*, and not taken it back."""
        return bool({(one, other)} & (self.asked | self.agreed))

    def act(self, what: Callable[..., object], one: int, other: int) -> object:
        """Do something in a transaction; what people are told is returned."""
        try:
            return self.database.write(lambda session: what(session, self.ids[one], self.ids[other]))
        except (AlreadyExists, NotFound, Refused, InvalidInput) as error:
            return type(error)

    @rule(who=one_of, policy=st.sampled_from(["anyone", "confirm", "nobody", "question"]))
    def decide(self, who: int, policy: str) -> None:
        """Say who may connect."""
        if policy == "question":
            answer = self.answers[who] = f"answer {who}"
            self.database.write(
                lambda session: preference_changes.set_question(session, self.ids[who], "What?", answer)
            )
        else:
            prefer(self.database, self.ids[who], connecting=policy)
        self.policy[who] = policy

    @rule(pair=two_of)
    def ask(self, pair: Pair) -> None:
        """Ask to be connected."""
        asker, wanted = pair
        told = self.act(meeting.ask, asker, wanted)
        if frozenset(pair) in self.connected or (pair in self.asked and pair not in self.blocked):
            assert told is AlreadyExists
        elif pair in self.blocked:
            assert told is Refused
        else:
            self.refused.discard(pair)
            crossing = self.wants(wanted, asker) and not self.barred(asker, wanted)
            anyone = self.policy[wanted] == "anyone" and not self.shut(asker, wanted)
            assert told is (crossing or anyone)
            if told:
                self.join(asker, wanted)
            else:
                self.asked.add(pair)
                if not self.shut(asker, wanted):
                    self.reached.add(pair)
                    self.introduced.discard((wanted, asker))
                    self.agreed.discard((wanted, asker))

    @rule(pair=two_of)
    def withdraw(self, pair: Pair) -> None:
        """Take a request back."""
        asker, wanted = pair
        self.act(meeting.withdraw, asker, wanted)
        self.asked.discard((asker, wanted))
        self.reached.discard((asker, wanted))

    @rule(pair=two_of)
    def confirm(self, pair: Pair) -> None:
        """Say yes."""
        owner, other = pair
        told = self.act(meeting.confirm, owner, other)
        if self.barred(owner, other) or (not {(other, owner)} & self.reached and (owner, other) not in self.introduced):
            assert told is NotFound
        elif (other, owner) in self.reached or self.wants(other, owner):
            assert told is True
            self.join(owner, other)
        else:
            assert told is False
            self.introduced.discard((owner, other))
            self.agreed.add((owner, other))

    @rule(pair=two_of, for_ever=st.booleans())
    def say_no(self, pair: Pair, *, for_ever: bool) -> None:
        """Decline, perhaps for ever."""
        owner, other = pair
        told = self.act(meeting.refuse if for_ever else meeting.decline, owner, other)
        if told is NotFound:
            assert (other, owner) not in self.reached or self.barred(owner, other)
            return
        self.reached.discard((other, owner))
        self.introduced.discard((owner, other))
        self.agreed.discard((owner, other))
        if for_ever:
            self.refused.add((owner, other))
        else:
            self.asked.discard((other, owner))
            self.introduced.discard((other, owner))
            self.agreed.discard((other, owner))

    @rule(pair=two_of, right=st.booleans())
    def answer(self, pair: Pair, *, right: bool) -> None:
        """Answer a question, if there is one."""
        asker, wanted = pair
        if not (frozenset((asker, wanted)) not in self.connected):
            return
        text = self.answers.get(wanted, "nothing") if right else "wrong"
        told = meeting.answer(self.database, self.ids[asker], self.ids[wanted], text, "here")
        lets = self.policy[wanted] == "question" and right and not self.shut(asker, wanted)
        assert told is lets
        if told:
            self.join(asker, wanted)

    @rule(pair=two_of)
    def connect(self, pair: Pair) -> None:
        """Connect to whoever lets anyone."""
        asker, wanted = pair
        if not (frozenset((asker, wanted)) not in self.connected):
            return
        told = self.act(meeting.connect_directly, asker, wanted)
        if self.policy[wanted] == "anyone" and not self.shut(asker, wanted):
            assert told is None
            self.join(asker, wanted)
        else:
            assert told is NotFound

    @rule(people=three_of)
    def introduce(self, people: list[int]) -> None:
        """Bring two connections together."""
        introducer, one, other, *_ = people
        if not all(frozenset((introducer, each)) in self.connected for each in (one, other)):
            return
        first, second, third = (self.ids[each] for each in (introducer, one, other))
        self.database.write(lambda session: introductions.introduce(session, first, second, third))
        if frozenset((one, other)) in self.connected or self.shut(one, other) or self.shut(other, one):
            return
        for pair in ((one, other), (other, one)):
            if not self.wants(*pair) and (pair[1], pair[0]) not in self.reached:
                self.introduced.add(pair)

    @rule(pair=two_of)
    def block(self, pair: Pair) -> None:
        """Have nothing to do with somebody any more."""
        owner, other = pair
        if not ((owner, other) not in self.blocked):
            return
        assert self.act(meeting.block, owner, other) is None
        self.part(owner, other)
        self.blocked.add((owner, other))
        self.asked.discard((owner, other))
        self.reached -= {(owner, other), (other, owner)}
        self.introduced.discard((owner, other))
        self.agreed.discard((owner, other))

    @rule(pair=two_of)
    def unblock(self, pair: Pair) -> None:
        """Be strangers again."""
        owner, other = pair
        self.act(meeting.unblock, owner, other)
        self.blocked.discard((owner, other))

    @rule(pair=two_of, keep=st.booleans())
    def disconnect(self, pair: Pair, *, keep: bool) -> None:
        """Part."""
        owner, other = pair
        if frozenset((owner, other)) not in self.connected:
            return
        self.database.write(lambda session: meeting.disconnect(session, self.ids[owner], self.ids[other], keep=keep))
        self.part(owner, other)

    @rule(pair=two_of)
    def publish(self, pair: Pair) -> None:
        """Show a friend."""
        owner, friend = pair
        if frozenset((owner, friend)) not in self.connected:
            return
        assert self.act(introductions.publish, owner, friend) is None
        self.published.add((owner, friend))

    @invariant()
    def who_is_connected_wanted_it(self) -> None:
        """The database has the connections of the model, each in both directions."""
        with self.database.reading() as session:
            stored = {
                (one, self.ids.index(other))
                for one, owner_id in enumerate(self.ids)
                for other in connections.connected_to(session, owner_id)
            }
        assert stored == {(one, other) for pair in self.connected for one in pair for other in pair - {one}}
        assert not any(self.barred(*pair) for pair in stored)

    @invariant()
    def one_is_told_of_no_block(self) -> None:
        """After each step another one looks."""
        self.turn += 1
        self.nobody_is_told_of_a_block([self.turn % PEOPLE])

    @override
    def teardown(self) -> None:
        """In the end everybody looks."""
        self.nobody_is_told_of_a_block(range(PEOPLE))

    def nobody_is_told_of_a_block(self, viewers: Iterable[int]) -> None:
        """By looking, by requests or by public friends, nobody sees who blocked them, or more than strangers may."""
        with self.database.reading() as session:
            for viewer in viewers:
                viewer_id = self.ids[viewer]
                self.judge(viewer, [each.account_id for each in directory.found_among(session, viewer_id, self.ids)])
                for asked in meeting.requests_of(session, viewer_id):
                    other = self.ids.index(asked.other_id)
                    heard = (other, viewer) in self.reached or (viewer, other) in self.introduced
                    assert heard or (asked.direction, asked.state) != ("in", "waiting")
                    assert said(asked.fields) <= {SHOWN.format(other)}
                    assert not (asked.direction == "out" and asked.fields)
                for owner in range(PEOPLE):
                    if frozenset((viewer, owner)) in self.connected:
                        friends = introductions.public_friends(session, viewer_id, self.ids[owner])
                        self.judge(viewer, [each.account_id for each in friends])
                        assert {self.ids.index(each.account_id) for each in friends} <= {
                            friend for publisher, friend in self.published if publisher == owner
                        }
                        for each in friends:
                            assert said(each.fields) == {SHOWN.format(self.ids.index(each.account_id))}

    def judge(self, viewer: int, shown: list[int]) -> None:
        """Nobody is shown to somebody between whom and them is a block."""
        assert not any(self.barred(viewer, self.ids.index(account_id)) for account_id in shown)


@pytest.fixture
def boundless(monkeypatch: pytest.MonkeyPatch) -> None:
    """How often something may be tried is not what is searched for here."""
    for module in (meeting.direct, meeting.requests, introductions, rate_limits):
        for name, value in vars(module).items():
            if isinstance(value, Limit):
                monkeypatch.setattr(module, name, dataclasses.replace(value, tries=1_000_000))


#: A database in which nothing but consent is in the way.
SETTINGS = Settings(limits=Limits(requests_a_day=10**6, introductions_a_day=10**6))


@pytest.mark.usefixtures("boundless")
def test_nobody_is_connected_who_did_not_consent(database: Database, searching: settings) -> None:
    Meeting.database = database
    # Who consented is decided by the same code on either engine, of which PostgreSQL takes twice as long.
    histories = searching.max_examples if database.is_sqlite else searching.max_examples // 4
    run_state_machine_as_test(Meeting, settings=settings(searching, max_examples=histories))
