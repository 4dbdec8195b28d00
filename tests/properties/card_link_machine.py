"""
Whatever an owner does, a card link shows what its group and strangers see at that moment, by every door, and no more.

The model is what was granted until when; the doors are the page with what a messenger shows of it, the vCards, and the
address book in which the card is followed. A link that is over shows nothing, and stays so, whatever the clock does.

Links are made and ended by the forms of the portal. Whoever does something may be killed on the way or be left without
an answer, and does it again; so may whoever opens a door when something is over, and the worker. Programs follow the
card, lose answers, and go back to where they were.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
from sqlalchemy import select
from typing_extensions import override

from sync.database.engine import Session
from sync.ends import carrying, setting
from sync.ends.targets import Target
from sync.models import CardLink
from sync.profiles import profiles
from sync.sharing import connections, grants, groups
from tests.support import dav
from tests.support.card_links import Handed, handed_out, made
from tests.support.clock import MINUTE, Clock
from tests.support.factories import content, everybody_connected, person, strangers
from tests.support.forms import ROOT, Visitor
from tests.support.kills import Kills
from tests.support.machines import CHOICE, KILL, UNANSWERED, one_of, sent, written
from tests.support.site import Site, Transport

KINDS = {"name": "Zq{:04}q Meier", "nickname": "zq{:04}q", "email": "zq{:04}q@example.org", "note": "zq{:04}q"}
VALUE = re.compile(r"zq\d{4}q", re.IGNORECASE)
#: When something ends that has no end.
NEVER = 2**62
DOORS = ("preview", "page", "3.0", "4.0", "sync-collection", "multiget", "query", "GET")
STYLES: tuple[dav.Style, ...] = ("data", "multiget", "listing")


@dataclass
class Link:
    """A link that was made: to which group, until when, and what a program has that follows the card."""

    handed: Handed
    group: int
    until: int
    replica: dav.Replica


class Links(RuleBasedStateMachine):
    """An owner, a viewer, people with nothing but links, and a clock."""

    def __init__(self, site: Site, clock: Clock, kills: Kills, number: int) -> None:
        """Begin where nobody is."""
        super().__init__()
        self.site, self.clock, self.kills, self.name = site, clock, kills, f"o{number}x"

    @initialize()
    def begin(self) -> None:
        """Make an owner with two groups, and somebody whom they know."""
        self.database = self.site.database
        self.owner = person(self.database, self.name)
        self.viewer = person(self.database)
        self.write(lambda session: connections.connect(session, self.owner, self.viewer))
        self.everybody = strangers(self.database, self.owner)
        self.visitor = Visitor(self.site).signed_in(self.owner)
        self.number = self.turn = 0
        self.fields: dict[int, tuple[str, str]] = {}
        connected = everybody_connected(self.database, self.owner)
        self.groups = [self.everybody, connected, self.new_group(), self.new_group()]
        self.granted: dict[tuple[int, int], int] = {}
        self.links: list[Link] = []
        for place, kind in enumerate(KINDS):
            self.add_a_field(kind)
            # Each group sees something that no other does.
            self.grant(place, place)
        self.make_a_link(2, 0, UNANSWERED)
        self.make_a_link(3, 3, None)
        self.let_a_grant_end(2, 4)

    def write(self, change: Callable[[Session], Any], kill: int | None = None) -> Any:
        """Do one change, and again where it was killed or not answered."""
        return written(self.database, self.kills, kill, change)

    def new_group(self) -> int:
        """Make a group that nobody has made."""
        self.number += 1
        name = f"g{self.number}"
        return int(self.write(lambda session: groups.create(session, self.owner, name)))

    def said(self, kind: str) -> str:
        """Say something that nobody has said."""
        self.number += 1
        return KINDS[kind].format(self.number)

    # What the owner does

    @rule(kind=st.sampled_from(sorted(KINDS)))
    def add_a_field(self, kind: str) -> None:
        """Add a field that nobody sees yet."""
        said = self.said(kind)
        added = self.write(lambda session: profiles.add_field(session, self.owner, content(kind, said)))
        self.fields[added] = (kind, said)

    @rule(choice=CHOICE, kill=KILL)
    @precondition(lambda self: self.fields)
    def change_a_field(self, choice: int, kill: int | None) -> None:
        """Change a value."""
        field_id = one_of(list(self.fields), choice)
        kind = self.fields[field_id][0]
        said = self.said(kind)
        self.write(lambda session: profiles.set_field(session, self.owner, field_id, content(kind, said)), kill)
        self.fields[field_id] = (kind, said)

    @rule(choice=CHOICE, kill=KILL)
    @precondition(lambda self: self.fields)
    def remove_a_field(self, choice: int, kill: int | None) -> None:
        """Remove a field."""
        field_id = one_of(list(self.fields), choice)
        self.write(lambda session: profiles.remove_field(session, self.owner, field_id), kill)
        del self.fields[field_id]
        self.granted = {key: until for key, until in self.granted.items() if key[1] != field_id}

    @rule(group=CHOICE, choice=CHOICE)
    @precondition(lambda self: self.fields)
    def grant(self, group: int, choice: int) -> None:
        """Let a group see a field; what ends by itself ends as before."""
        key = one_of(self.groups, group), one_of(list(self.fields), choice)
        self.write(lambda session: grants.grant(session, self.owner, key[0], [key[1]]))
        self.granted.setdefault(key, NEVER)

    @rule(choice=CHOICE, kill=KILL)
    @precondition(lambda self: self.granted)
    def take_back(self, choice: int, kill: int | None) -> None:
        """Let a group see a field no more."""
        key = one_of(list(self.granted), choice)
        self.write(lambda session: grants.take_back(session, self.owner, key[0], [key[1]]), kill)
        del self.granted[key]

    @rule(choice=CHOICE, minutes=st.integers(2, 4))
    @precondition(lambda self: self.granted)
    def let_a_grant_end(self, choice: int, minutes: int) -> None:
        """Let a group see a field until some minute."""
        key, at = one_of(list(self.granted), choice), self.clock.soon(minutes * MINUTE)
        self.write(lambda session: setting.set_end(session, self.owner, Target(key[0], None, key[1]), at))
        self.granted[key] = at

    @rule(choice=CHOICE, allowed=st.booleans())
    @precondition(lambda self: self.fields)
    def except_the_viewer(self, choice: int, *, allowed: bool) -> None:
        """Show, or withhold, a field for the one person, which is no matter of any link."""
        field_id = one_of(list(self.fields), choice)
        self.write(lambda session: grants.except_fields(session, self.owner, self.viewer, {field_id: allowed}))

    @rule(group=CHOICE)
    @precondition(lambda self: len(self.groups) > 2)
    def put_the_viewer_into_a_group(self, group: int) -> None:
        """Put the one person into a group, which is no matter of any link either."""
        group_id = one_of(self.groups[2:], group)
        self.write(lambda session: groups.add_member(session, self.owner, group_id, self.viewer))

    @rule(group=CHOICE, kill=KILL)
    @precondition(lambda self: len(self.groups) > 3)
    def delete_a_group(self, group: int, kill: int | None) -> None:
        """Delete a group, with which its links go."""
        group_id = one_of(self.groups[2:], group)
        self.write(lambda session: groups.remove(session, self.owner, group_id), kill)
        self.groups.remove(group_id)
        self.granted = {key: until for key, until in self.granted.items() if key[0] != group_id}
        self.end_those(lambda link: link.group == group_id)

    # Links, and time

    @rule(group=CHOICE, minutes=st.sampled_from([0, 2, 3]), kill=KILL)
    @precondition(lambda self: len(self.links) < 4)
    def make_a_link(self, group: int, minutes: int, kill: int | None) -> None:
        """Make a link to what a group sees: in the portal, or until some minute, which the portal has days for."""
        group_id, at = one_of(self.groups, group), self.clock.soon(minutes * MINUTE) if minutes else None
        if at is None:
            handed = self.made_by_form(group_id, kill)
        else:
            handed = made(self.database, self.owner, group_id, until=at)
        http = dav.http("https://cards.example", transport=Transport(self.site))
        replica = dav.Replica(dav.Client(http, handed.login, handed.password, keep=False), STYLES[len(self.links) % 3])
        replica.sync()
        self.links.append(Link(handed, group_id, at or NEVER, replica))

    def made_by_form(self, group_id: int, kill: int | None) -> Handed:
        """Make a link in the portal: one, however often it has to be asked for."""
        before = self.stored()
        page = self.visitor.get("/find/cards/")
        values = {**page.fields("/find/cards/"), "group_id": str(group_id), "label": "To you"}
        sent(self.kills, kill, self.visitor, f"{ROOT}/find/cards/", {name: str(each) for name, each in values.items()})
        found = self.stored() - before
        assert len(found) == 1, "it was made again"
        return handed_out(self.database, self.owner, found.pop())

    def stored(self) -> set[int]:
        """Return the ids of the links that there are, those too that are over."""
        with self.database.reading() as session:
            return set(session.scalars(select(CardLink.id).where(CardLink.owner_id == self.owner)))

    @rule(choice=CHOICE, kill=KILL)
    @precondition(lambda self: any(link.until for link in self.links))
    def end_a_link(self, choice: int, kill: int | None) -> None:
        """End a link in the portal."""
        ended = one_of([link for link in self.links if link.until], choice)
        target = f"{ROOT}/find/cards/{ended.handed.id}/end"
        sent(self.kills, kill, self.visitor, target, {"csrf_token": self.visitor.token()})
        ended.until = 0

    @rule(minutes=st.integers(1, 4), back=st.booleans(), kill=KILL, by_worker=st.booleans())
    def let_time_pass(self, minutes: int, kill: int | None, *, back: bool, by_worker: bool) -> None:
        """
        Let some minutes pass; afterwards the clock may be put back, which brings nothing back.

        Whoever takes back what is over, the worker or a program that asks, may be killed at it.
        """
        before = self.clock.now()
        self.clock.put(before + minutes * MINUTE)
        now = self.clock.now()
        self.granted = {key: until for key, until in self.granted.items() if until > now}
        self.end_those(lambda link: link.until <= now)
        if kill is not None:
            with self.kills.after(kill):
                carrying.work(self.database) if by_worker else self.open_all()
        self.every_door_shows_what_was_granted()
        if back:
            self.clock.put(before)

    def open_all(self) -> None:
        """Open every door of every link, whatever it shows."""
        for link in self.links:
            for door in DOORS:
                self.behind(link.handed, door)

    @rule(choice=CHOICE, lost=st.booleans(), back=CHOICE | st.none())
    @precondition(lambda self: self.links)
    def follow(self, choice: int, back: int | None, *, lost: bool) -> None:
        """Let a program follow a card: it ends with what is granted, also where an answer was lost, or is refused."""
        link = one_of(self.links, choice)
        replica = link.replica
        if back is not None and replica.tokens:
            replica.go_back(back % len(replica.tokens))
        try:
            if lost:
                replica.sync(lost=True)
            replica.sync()
        except dav.Failed as refused:
            assert (refused.status, link.until) == (401, 0)  # noqa: PT017 - that it is refused is no failure
            return
        assert link.until
        (card,) = replica.cards.values()
        assert set(VALUE.findall(dav.unfolded(card.text or "").lower())) == self.seen_by(link)

    def end_those(self, which: Callable[[Link], bool]) -> None:
        """Note of links that they are over for good."""
        for link in filter(which, self.links):
            link.until = 0

    # What must be true

    @invariant()
    def a_door_shows_what_was_granted(self) -> None:
        """One door of each link does, another one after each step."""
        self.turn += 1
        for number, link in enumerate(self.links):
            self.look(link, one_of(DOORS, self.turn + number))

    @override
    def teardown(self) -> None:
        """Something ends, of which nobody knows once the clock is put back, and every program has what is left."""
        self.let_time_pass(4, self.number % 41, back=True, by_worker=bool(self.number % 2))
        self.every_door_shows_what_was_granted()
        for number in range(len(self.links)):
            self.follow(number, 0, lost=True)

    def every_door_shows_what_was_granted(self) -> None:
        """Every door shows the values that are granted, all of them, and no other; one that is over shows nothing."""
        for link in self.links:
            for door in DOORS:
                self.look(link, door)

    def look(self, link: Link, door: str) -> None:
        """Open a door."""
        text, seen = self.behind(link.handed, door), self.seen_by(link)
        found = set(VALUE.findall((text or "").lower()))
        if not link.until:
            assert text is None, (door, found)
        elif door == "preview":
            assert found <= seen, (door, found - seen)
        else:
            assert found == seen, (door, found, seen)

    def seen_by(self, link: Link) -> set[str]:
        """Return the values that a link shows, while it does."""
        return {
            said
            for group, field_id in self.granted
            if group in (link.group, self.everybody)
            for said in VALUE.findall(self.fields[field_id][1].lower())
        }

    def behind(self, handed: Handed, door: str) -> str | None:
        """Return what a door shows, None where it opens nothing."""
        if door in ("preview", "page"):
            page = Visitor(self.site).get(f"/cards?token={handed.token}")
            body = page.response.text if page.status == 200 else None
            if body is None or door == "page":
                return body
            return re.sub(r".*<head>(.*)</head>.*", r"\1", body, flags=re.DOTALL)
        if door in ("3.0", "4.0"):
            card = Visitor(self.site).get(f"/cards/card.vcf?token={handed.token}&version={door}")
            return dav.unfolded(card.response.text) if card.status == 200 else None
        with dav.http("https://cards.example", transport=Transport(self.site)) as http:
            program = dav.Client(http, handed.login, handed.password)
            href = f"{program.book}card.vcf"
            ask: dict[str, Callable[[], object]] = {
                "sync-collection": program.sync_collection,
                "multiget": lambda: program.multiget([href]),
                "query": program.query,
                "GET": lambda: program.get(href, version="4.0"),
            }
            try:
                ask[door]()
            except dav.Failed as refused:
                return None if refused.status == 401 else str(refused)
            return program.exchanges[-1].text
