"""
Whatever an owner does, a card link shows what its group and strangers see at that moment, by every door, and no more.

The model is what was granted until when; the doors are the page with what a messenger shows of it, the vCards, and the
address book in which the card is followed. A link that is over shows nothing, and stays so, whatever the clock does.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from sync.card_links import links
from sync.database.engine import Session
from sync.ends import carrying, setting
from sync.ends.targets import Target
from sync.profiles import profiles
from sync.sharing import connections, grants, groups
from tests.support import dav
from tests.support.card_links import Handed, made
from tests.support.clock import MINUTE, Clock
from tests.support.factories import content, everybody_connected, person, strangers
from tests.support.forms import Visitor, opened
from tests.support.site import Site, Transport

CHOICE = st.integers(0, 59)
KINDS = {"name": "Zq{:04}q Meier", "nickname": "zq{:04}q", "email": "zq{:04}q@example.org", "note": "zq{:04}q"}
VALUE = re.compile(r"zq\d{4}q", re.IGNORECASE)
#: When something ends that has no end.
NEVER = 2**62


@dataclass
class Link:
    """A link that was made: to which group, and until when."""

    handed: Handed
    group: int
    until: int


class Links(RuleBasedStateMachine):
    """An owner, a viewer, people with nothing but links, and a clock."""

    site: Site
    clock: Clock

    @initialize()
    def begin(self) -> None:
        """Make an owner with two groups, and somebody whom they know."""
        self.database = self.site.database
        self.owner = person(self.database, f"o{secrets.token_hex(6)}")
        self.viewer = person(self.database)
        self.write(lambda session: connections.connect(session, self.owner, self.viewer))
        self.everybody = strangers(self.database, self.owner)
        self.number = 0
        self.fields: dict[int, tuple[str, str]] = {}
        connected = everybody_connected(self.database, self.owner)
        self.groups = [self.everybody, connected, self.new_group(), self.new_group()]
        self.granted: dict[tuple[int, int], int] = {}
        self.links: list[Link] = []
        for place, kind in enumerate(KINDS):
            self.add_a_field(kind)
            # Each group sees something that no other does.
            self.grant(place, place)
        self.make_a_link(2, 0)

    def write(self, change: Callable[[Session], Any]) -> Any:
        """Do one change."""
        return self.database.write(change)

    def new_group(self) -> int:
        """Make a group that nobody has made."""
        name = f"g{secrets.token_hex(6)}"
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

    @rule(choice=CHOICE)
    @precondition(lambda self: self.fields)
    def change_a_field(self, choice: int) -> None:
        """Change a value."""
        field_id = one_of(list(self.fields), choice)
        kind = self.fields[field_id][0]
        said = self.said(kind)
        self.write(lambda session: profiles.set_field(session, self.owner, field_id, content(kind, said)))
        self.fields[field_id] = (kind, said)

    @rule(choice=CHOICE)
    @precondition(lambda self: self.fields)
    def remove_a_field(self, choice: int) -> None:
        """Remove a field."""
        field_id = one_of(list(self.fields), choice)
        self.write(lambda session: profiles.remove_field(session, self.owner, field_id))
        del self.fields[field_id]
        self.granted = {key: until for key, until in self.granted.items() if key[1] != field_id}

    @rule(group=CHOICE, choice=CHOICE)
    @precondition(lambda self: self.fields)
    def grant(self, group: int, choice: int) -> None:
        """Let a group see a field; what ends by itself ends as before."""
        key = one_of(self.groups, group), one_of(list(self.fields), choice)
        self.write(lambda session: grants.grant(session, self.owner, key[0], [key[1]]))
        self.granted.setdefault(key, NEVER)

    @rule(choice=CHOICE)
    @precondition(lambda self: self.granted)
    def take_back(self, choice: int) -> None:
        """Let a group see a field no more."""
        key = one_of(list(self.granted), choice)
        self.write(lambda session: grants.take_back(session, self.owner, key[0], [key[1]]))
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

    @rule(group=CHOICE)
    @precondition(lambda self: len(self.groups) > 3)
    def delete_a_group(self, group: int) -> None:
        """Delete a group, with which its links go."""
        group_id = one_of(self.groups[2:], group)
        self.write(lambda session: groups.remove(session, self.owner, group_id))
        self.groups.remove(group_id)
        self.granted = {key: until for key, until in self.granted.items() if key[0] != group_id}
        self.end_those(lambda link: link.group == group_id)

    # Links, and time

    @rule(group=CHOICE, minutes=st.sampled_from([0, 2, 3]))
    @precondition(lambda self: len(self.links) < 4)
    def make_a_link(self, group: int, minutes: int) -> None:
        """Make a link to what a group sees, perhaps until some minute."""
        group_id, at = one_of(self.groups, group), self.clock.soon(minutes * MINUTE) if minutes else None
        self.links.append(Link(made(self.database, self.owner, group_id, until=at), group_id, at or NEVER))

    @rule(choice=CHOICE)
    @precondition(lambda self: any(link.until for link in self.links))
    def end_a_link(self, choice: int) -> None:
        """End a link."""
        ended = one_of([link for link in self.links if link.until], choice)
        self.write(lambda session: links.end(session, self.owner, ended.handed.id))
        ended.until = 0

    @rule(minutes=st.integers(1, 4), back=st.booleans())
    def let_time_pass(self, minutes: int, *, back: bool) -> None:
        """Let some minutes pass; afterwards the clock may be put back, which brings nothing back."""
        before = self.clock.now()
        self.clock.put(before + minutes * MINUTE)
        now = self.clock.now()
        self.granted = {key: until for key, until in self.granted.items() if until > now}
        self.end_those(lambda link: link.until <= now)
        self.every_door_shows_what_was_granted()
        if back:
            carrying.work(self.database)
            self.clock.put(before)

    def end_those(self, which: Callable[[Link], bool]) -> None:
        """Note of links that they are over for good."""
        for link in filter(which, self.links):
            link.until = 0

    # What must be true

    @invariant()
    def every_door_shows_what_was_granted(self) -> None:
        """Every door shows the values that are granted, all of them, and no other; one that is over shows nothing."""
        for link in self.links:
            seen = {
                said
                for (group, field_id), _ in self.granted.items()
                if group in (link.group, self.everybody)
                for said in VALUE.findall(self.fields[field_id][1].lower())
            }
            for door, text in self.doors(link.handed):
                found = set(VALUE.findall((text or "").lower()))
                if not link.until:
                    assert text is None, (door, found)
                elif door == "preview":
                    assert found <= seen, (door, found - seen)
                else:
                    assert found == seen, (door, found, seen)

    def doors(self, handed: Handed) -> Iterator[tuple[str, str | None]]:
        """Yield what each door shows, None where it opens nothing."""
        visitor = Visitor(self.site)
        page = visitor.get(f"/cards?token={handed.token}")
        body = page.response.text
        head = re.sub(r".*<head>(.*)</head>.*", r"\1", body, flags=re.DOTALL)
        yield "preview", head if page.status == 200 else None
        yield "page", body if page.status == 200 else None
        for version in ("3.0", "4.0"):
            card = visitor.get(f"/cards/card.vcf?token={handed.token}&version={version}")
            yield f"vCard {version}", dav.unfolded(card.response.text) if card.status == 200 else None
        with dav.http("https://cards.example", transport=Transport(self.site)) as http:
            program = dav.Client(http, handed.login, handed.password)
            href = f"{program.book}card.vcf"
            for door, ask in (
                ("sync-collection", program.sync_collection),
                ("multiget", lambda: program.multiget([href])),
                ("query", program.query),
                ("GET", lambda: program.get(href, version="4.0")),
            ):
                try:
                    ask()
                    yield door, program.exchanges[-1].text
                except dav.Failed as refused:
                    yield door, None if refused.status == 401 else str(refused)


def one_of(some: list[Any], choice: int) -> Any:
    """Choose one."""
    return some[choice % len(some)]


@pytest.mark.parametrize("database_engine", ["sqlite"], indirect=True)
def test_no_link_ever_shows_what_was_not_granted(
    database_url: str, monkeypatch: pytest.MonkeyPatch, searching: settings
) -> None:
    # Every step opens some doors of each link.
    histories = settings(searching, max_examples=searching.max_examples // 4, stateful_step_count=10, deadline=None)
    with opened(database_url) as site:
        machine = type("Machine", (Links,), {"site": site, "clock": Clock(monkeypatch)})
        run_state_machine_as_test(machine, settings=histories)
