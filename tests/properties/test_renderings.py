"""
Whatever an owner changes, every card is what a full rendering makes of it, and no more were rendered than had to be.

After every step all cards are rendered from the fields, the grants and the groups as they are then, which is the judge
of what is stored. Cards that show the same as before must not have been rendered, and whoever sees no change must have
been told of none.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
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
from sqlalchemy import select

from sync import fields
from sync.database.engine import Database, Session
from sync.models import Audience, Card, DisclosedField, Entry
from sync.profiles import profiles
from sync.revisions.address_books import PRESENT
from sync.sharing import cards, changes, connections, grants, groups, history
from sync.sharing.visibility import Adjustment, fields_of, grants_of
from sync.verification import connected, owners
from sync.verification.reading import page_after
from tests.support.factories import person

VIEWERS = 4
CHOICE = st.integers(0, 59)
#: People, fields or groups by their place, as bits.
SOME = st.integers(0, 63)
#: Kinds with a name that others may be called by, and such as a person has several of.
KINDS = {"name": "Anna {}", "nickname": "A{}", "mobile": "+49 170 {:07}", "email": "a{}@example.org", "note": "n{}"}


@dataclass(frozen=True)
class State:
    """What each of an owner's cards is to show, by audience, and what each viewer has: a text, and its revision."""

    shown: Mapping[int, object]
    held: Mapping[int, tuple[str, str, int]]


class Renderings(RuleBasedStateMachine):
    """An owner, people who know them or not, and everything that can happen to what these see."""

    database: Database
    rendered: list[str]

    @initialize()
    def begin(self) -> None:
        """Make people, some of whom the owner knows, and a profile that some of them see."""
        self.login = f"p{secrets.token_hex(6)}"
        self.owner = person(self.database, self.login)
        self.viewers = [person(self.database) for _ in range(VIEWERS)]
        self.number, self.everything = 0, False
        self.before: State | None = None
        for viewer in self.viewers[:3]:
            self.write(lambda session, viewer=viewer: connections.connect(session, self.owner, viewer))
        for kind in ("name", "mobile", "email"):
            self.write(lambda session, kind=kind: profiles.add_field(session, self.owner, self.said(kind)))
        self.write(lambda session: groups.create(session, self.owner, "family"))
        self.settle()
        self.grant_and_take_back(4, 6, 0)
        self.put_into_a_group(2, 3)
        self.settle()

    def write(self, change: Callable[..., Any]) -> Any:
        """Do one change."""
        return self.database.write(change)

    def said(self, kind: str) -> fields.FieldContent:
        """Say something that nobody has said."""
        self.number += 1
        return fields.field_from_text(kind, KINDS[kind].format(self.number))

    def settle(self) -> None:
        """Take what is there now for what was there before, and look up what can be done next."""
        self.before = self.state()
        with self.database.reading() as session:
            self.fields = [(each.id, each.kind) for each in fields_of(session, self.owner)]
            self.groups = [group.id for group in groups.groups_of(session, self.owner)]
            self.connected = list(connections.connected_to(session, self.owner))
            self.versions = [state.version for state in history.states(session, self.owner)]
        self.rendered.clear()
        self.everything = False

    # What the owner does with the profile

    @rule(kinds=st.lists(st.sampled_from(sorted(KINDS)), min_size=1, max_size=3))
    def add_fields(self, kinds: list[str]) -> None:
        """Add fields that nobody sees yet."""
        contents = [self.said(kind) for kind in kinds]
        self.write(lambda session: profiles.add_fields(session, self.owner, contents))

    @rule(choice=CHOICE, same=st.booleans())
    @precondition(lambda self: bool(self.fields))
    def change_a_field(self, choice: int, *, same: bool) -> None:
        """Change a value, or set what is set already."""
        field_id, kind = one_of(self.fields, choice)

        def change(session: Session) -> None:
            stored = next(each for each in fields_of(session, self.owner) if each.id == field_id)
            content = cards.content_of(stored) if same else self.said(kind)
            profiles.set_field(session, self.owner, field_id, content)

        self.write(change)

    @rule(choice=CHOICE)
    @precondition(lambda self: bool(self.fields))
    def remove_a_field(self, choice: int) -> None:
        """Delete a field with its grants."""
        field_id, _ = one_of(self.fields, choice)
        self.write(lambda session: profiles.remove_field(session, self.owner, field_id))

    @rule(choice=CHOICE, steps=st.integers(-2, 2))
    @precondition(lambda self: bool(self.fields))
    def move_a_field(self, choice: int, steps: int) -> None:
        """Put a field elsewhere among the others."""
        field_id, _ = one_of(self.fields, choice)
        self.write(lambda session: profiles.move_field(session, self.owner, field_id, steps))

    @rule(choice=CHOICE)
    @precondition(lambda self: bool(self.versions))
    def restore_an_earlier_state(self, choice: int) -> None:
        """Go back to what the profile was."""
        version = one_of(self.versions, choice)
        self.write(lambda session: profiles.restore(session, self.owner, version))

    @rule()
    def write_everything_anew(self) -> None:
        """Do what an upgrade does."""
        self.everything = True
        self.write(lambda session: changes.render_anew(session, self.owner))

    # What the owner does with groups

    @rule()
    @precondition(lambda self: len(self.groups) < 5)
    def make_a_group(self) -> None:
        """Make a group that sees nothing."""
        self.number += 1
        name = f"group {self.number}"
        self.write(lambda session: groups.create(session, self.owner, name))

    @rule(choice=CHOICE)
    @precondition(lambda self: len(self.groups) > 2)
    def delete_a_group(self, choice: int) -> None:
        """Delete a group with its grants and members."""
        group_id = one_of(self.groups[2:], choice)
        self.write(lambda session: groups.remove(session, self.owner, group_id))

    @rule(into=SOME, granted=SOME, taken=SOME)
    def grant_and_take_back(self, into: int, granted: int, taken: int) -> None:
        """Change what some groups see, the built-in ones among them."""
        fields = [field_id for field_id, _ in self.fields]
        given, back = set(some_of(fields, granted)), set(some_of(fields, taken))
        chosen = some_of(self.groups, into)
        adjustment = Adjustment(
            frozenset((group_id, field_id) for group_id in chosen for field_id in given),
            frozenset((group_id, field_id) for group_id in chosen for field_id in back - given),
        )
        self.write(lambda session: grants.adjust(session, self.owner, adjustment))

    @rule(choice=CHOICE, which=SOME)
    @precondition(lambda self: len(self.groups) > 2)
    def put_into_a_group(self, choice: int, which: int) -> None:
        """Put any number of people into a group."""
        group_id, chosen = one_of(self.groups[2:], choice), some_of(self.connected, which)
        self.write(lambda session: groups.add_members(session, self.owner, group_id, chosen))

    @rule(choice=CHOICE, into=SOME, out_of=SOME)
    @precondition(lambda self: bool(self.connected))
    def sort_somebody(self, choice: int, into: int, out_of: int) -> None:
        """Put somebody into groups and take them out of others."""
        viewer, own = one_of(self.connected, choice), self.groups[2:]
        chosen = {"into": some_of(own, into), "out_of": some_of(own, out_of)}
        self.write(lambda session: groups.sort(session, self.owner, viewer, **chosen))

    @rule(choice=CHOICE, which=SOME, allowed=st.sampled_from([True, False, None]))
    @precondition(lambda self: bool(self.connected))
    def make_exceptions(self, choice: int, which: int, allowed: bool | None) -> None:  # noqa: FBT001 - one of three
        """Show somebody fields, withhold them, or do neither any more."""
        viewer = one_of(self.connected, choice)
        chosen = some_of([field_id for field_id, _ in self.fields], which)
        self.write(lambda session: grants.except_person(session, self.owner, viewer, chosen, allowed=allowed))

    # Who comes and goes

    @rule(choice=CHOICE)
    def connect_or_part(self, choice: int) -> None:
        """Get to know somebody, or part with them."""
        viewer = one_of(self.viewers, choice)
        act = connections.disconnect if viewer in self.connected else connections.connect
        self.write(lambda session: act(session, self.owner, viewer))

    @rule(choice=CHOICE)
    @precondition(lambda self: bool(self.connected))
    def hide_or_show(self, choice: int) -> None:
        """Let somebody take the card off their devices, or bring it back."""
        viewer = one_of(self.connected, choice)
        with self.database.reading() as session:
            hidden = self.owner in connections.hidden_from(session, viewer)
        act = connections.show if hidden else connections.hide
        self.write(lambda session: act(session, viewer, self.owner))

    # What must be true

    @invariant()
    def every_card_is_what_a_full_rendering_makes_of_it(self) -> None:
        """Compare what is stored with the judge's."""
        with self.database.reading() as session:
            page = page_after(session, self.owner - 1, 1)
            assert list(page.logins) == [self.owner]
            assert list(owners.cards_of(page)) == []
            assert list(connected.connections_of(page)) == []
            visible = self.visible(session)
            shown = select(DisclosedField.audience_id, DisclosedField.field_id)
            shown = shown.where(DisclosedField.owner_id == self.owner, DisclosedField.until.is_(None))
            noted: dict[int, set[int]] = {audience_id: set() for audience_id in visible}
            for audience_id, field_id in session.execute(shown):
                if audience_id in noted:
                    noted[audience_id].add(field_id)
            assert noted == visible

    @invariant()
    def only_what_looks_different_was_rendered_and_told(self) -> None:
        """Count the renderings, and see who was told of a change."""
        if self.before is None:
            return
        rendered = self.rendered.count(self.login)
        before, after = self.before, self.state()
        different = [each for each, shown in after.shown.items() if before.shown.get(each) != shown]
        assert self.everything or rendered <= len(different)
        for viewer in after.held.keys() | before.held.keys():
            was, now = before.held.get(viewer, ("", "", 0)), after.held.get(viewer, ("", "", 0))
            seen = [text if state == PRESENT else "" for state, text, _ in (was, now)]
            assert (now[2] > was[2]) == (seen[0] != seen[1])
        self.settle()

    def visible(self, session: Session) -> dict[int, set[int]]:
        """Return by audience which fields it is to see."""
        existing = {each.id for each in fields_of(session, self.owner)}
        granted = grants_of(session, self.owner)
        rows = session.execute(
            select(Audience.id, Audience.kind, Audience.composition).where(Audience.owner_id == self.owner)
        )
        return {
            each: existing if kind == cards.SELF else existing & granted.visible(cards.composition_in(kind, text))
            for each, kind, text in rows
        }

    def state(self) -> State:
        """Return what is to be shown, and what everybody has."""
        with self.database.reading() as session:
            stored = fields_of(session, self.owner)
            shown = {
                each: tuple((field.id, field.content, field.position) for field in stored if field.id in visible)
                for each, visible in self.visible(session).items()
            }
            held = select(Entry.viewer_id, Entry.state, Card.digest, Entry.revision)
            held = held.outerjoin(Card, (Card.owner_id == Entry.id) & (Card.id == Entry.card_id))
            rows = session.execute(held.where(Entry.id == self.owner)).all()
            return State(shown, {viewer: (state, text or "", told) for viewer, state, text, told in rows})


def one_of(found: list[Any], choice: int) -> Any:
    """Return one of several."""
    return found[choice % len(found)]


def some_of(found: list[Any], which: int) -> list[Any]:
    """Return those whose bit is set, over and over."""
    return [item for index, item in enumerate(found) if which >> index % 6 & 1]


@pytest.fixture
def rendered(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list that grows by the owner's login with each card that is rendered to be stored."""
    found: list[str] = []
    renderer, render = cards._Renderer.of, cards.render
    inside = False

    def of(*args: Any) -> Any:
        nonlocal inside
        inside = True
        try:
            return renderer(*args)
        finally:
            inside = False

    def counted(contents: Any, login: str, **kwargs: Any) -> Any:
        if inside:
            found.append(login)
        return render(contents, login, **kwargs)

    monkeypatch.setattr(cards._Renderer, "of", of)
    monkeypatch.setattr(cards, "render", counted)
    return found


@pytest.mark.timeout(1_800)
def test_cards_are_what_a_full_rendering_makes_of_them(
    database: Database, rendered: list[str], searching: settings
) -> None:
    Renderings.database, Renderings.rendered = database, rendered
    # Which cards are rendered is decided by the same code on either engine, of which PostgreSQL takes twice as long.
    histories = searching.max_examples if database.is_sqlite else searching.max_examples // 4
    run_state_machine_as_test(Renderings, settings=settings(searching, max_examples=histories))
