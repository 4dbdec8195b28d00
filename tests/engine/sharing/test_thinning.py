"""What is kept of earlier states of a profile has a budget, and what is left of it is whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import pytest
from sqlalchemy import select

from sync.database.engine import Database
from sync.disclosure import profile_thinning
from sync.models import FieldState, Profile
from sync.pictures.past_fields import past_fields
from sync.profiles import edits, profiles
from sync.profiles.edits import MOVED
from sync.settings import Limits, Settings
from sync.sharing import grants, history
from tests.support import factories
from tests.support.databases import opened
from tests.support.factories import field, person, set_field

LIMITS = Limits(profile_states_size=50_000, profile_states=12)


@pytest.fixture
def small(database_url: str) -> Iterator[Database]:
    """Give a database whose people have a small budget."""
    with opened(database_url, Settings(limits=LIMITS)) as database:
        yield database


def octets(database: Database, owner_id: int) -> int:
    """Return how much is kept of what is not said any more."""
    with database.reading() as session:
        return sum(len(each.content) for each in past_fields(session, owner_id, FieldState.until.is_not(None)))


def states(database: Database, owner_id: int) -> dict[int, list[str]]:
    """Return what every state says that is kept, the newest first."""
    with database.reading() as session:
        found = history.states(session, owner_id)
        return {
            state.version: [each.content for each in history.fields_at(session, owner_id, state.version)]
            for state in found
        }


def test_what_a_profile_was_has_a_budget(small: Database) -> None:
    """Whoever changes a large field again and again fills no disk, and every state that is left is as it was."""
    anna = person(small)
    field(small, anna, "email", "a@example.org")
    note, were = field(small, anna, "note", "first"), dict[int, list[str]]()
    for number in range(80):
        set_field(small, anna, note, f"{number:05000d}", "note")
        were |= states(small, anna)
    assert len(states(small, anna)) < LIMITS.profile_states + 16
    small.write(lambda session: profile_thinning.thin_out(session, anna))
    left = states(small, anna)
    assert len(left) <= LIMITS.profile_states
    assert octets(small, anna) <= LIMITS.profile_states_size
    assert left == {version: said for version, said in were.items() if version in left}
    assert list(left)[:2] == sorted(were)[:-3:-1]
    assert len(states(small, person(small))) == 0
    oldest = min(left)
    small.write(lambda session: profiles.restore(session, anna, oldest))
    assert next(iter(states(small, anna).values())) == left[oldest]


def test_changes_that_touch_no_field_do_not_keep_it_from_being_looked_at(small: Database) -> None:
    """Between any two looks are as many changes as whoever fills the history likes, but no field among them."""
    anna = person(small)
    note, strangers = field(small, anna, "note", "first"), factories.strangers(small, anna)
    for number in range(40):
        with small.reading() as session:
            version = session.scalars(select(Profile.version).where(Profile.owner_id == anna)).one()
        if version % 16 == 15:
            small.write(lambda session: grants.grant(session, anna, strangers, [note]))
            small.write(lambda session: grants.take_back(session, anna, strangers, [note]))
        set_field(small, anna, note, f"{number:05000d}", "note")
    assert octets(small, anna) <= LIMITS.profile_states_size + 16 * 5_100


def test_edits_are_told_from_one_state_that_is_left_to_the_next(small: Database) -> None:
    anna = person(small)
    for number in range(30):
        added = field(small, anna, "email", f"{number}@example.org")
        set_field(small, anna, added, f"{number}@example.com", "email")
        if number % 2:
            small.write(lambda session, added=added: profiles.remove_field(session, anna, added))  # type: ignore[misc]
    small.write(lambda session: profile_thinning.thin_out(session, anna))
    with small.reading() as session:
        told = edits.edits_of(session, anna, count=100)
        kept = [history.fields_at(session, anna, edit.version) for edit in told]
    assert len(kept) <= LIMITS.profile_states
    assert [edit.earlier for edit in told] == [*[edit.version for edit in told[1:]], None]
    for edit, (after, before) in zip(told, pairwise([*kept, []]), strict=True):
        expected = [each for each in edits.between(before, after) if each.what != MOVED]
        assert sorted(edit.fields, key=repr) == sorted(expected, key=repr)


def test_what_somebody_was_shown_is_known_after_the_state_went(small: Database, database_url: str) -> None:
    """A card that a device kept makes an old value nothing of the viewer's, though no state has it any more."""
    anna, bao = factories.connected(small, "anna", "bao")
    mobile = field(small, anna, "mobile", "+86 138 0000 0001")
    hidden = field(small, anna, "note", "hidden")
    family = factories.group(small, anna, "family", [bao], [mobile])
    stale = factories.served(small, bao, anna)
    assert stale is not None
    for number in range(40):
        set_field(small, anna, mobile, f"+86 139 {number:08d}")
        set_field(small, anna, hidden, f"{number:05000d}", "note")
    narrow = Database(database_url, Settings(limits=replace(LIMITS, profile_states=1)))
    narrow.write(lambda session: profile_thinning.thin_out(session, anna))
    narrow.dispose()
    assert not [said for said in states(small, anna).values() if "0000 0001" in "".join(said)]
    small.write(lambda session: grants.take_back(session, anna, family, [mobile]))
    href = factories.href_of(small, bao, anna)
    factories.put(small, bao, href, stale.text.replace("END:VCARD", "NOTE:mine\r\nEND:VCARD").encode())
    assert factories.seen(small, bao, anna) == {"mine"}


def test_what_many_were_shown_has_a_budget_too(small: Database) -> None:
    anna = person(small)
    note = field(small, anna, "note", "first")
    bao = person(small)
    factories.connect(small, anna, bao)
    factories.group(small, anna, "family", [bao], [note])
    for number in range(100):
        set_field(small, anna, note, f"{number:05000d}", "note")
    small.write(lambda session: profile_thinning.thin_out(session, anna))
    assert octets(small, anna) <= 2 * LIMITS.profile_states_size
