"""
Whatever an owner does, a card link shows what its group and strangers see at that moment, by every door, and no more.

The machine that tries every order of it is worth something: it finds a bug of each kind that it is there for.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from tests.properties.card_link_machine import Links
from tests.properties.card_link_plants import PLANTS
from tests.support.clock import StoppedClock
from tests.support.forms import opened
from tests.support.kills import Kills
from tests.support.machines import Plant, must_find
from tests.support.site import ON_SQLITE, Site

pytestmark = ON_SQLITE


@pytest.fixture
def site(database_url: str) -> Iterator[Site]:
    """Yield a server in which nobody is registered."""
    with opened(database_url) as site:
        yield site


def machine(site: Site, patch: pytest.MonkeyPatch) -> type[Links]:
    """Return what begins a history."""
    numbers, clock, kills = iter(range(1_000_000)), StoppedClock(patch), Kills(site.database, patch)

    class Here(Links):
        def __init__(self) -> None:
            super().__init__(site, clock, kills, next(numbers))

    return Here


def test_no_link_ever_shows_what_was_not_granted(
    site: Site, searching: settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Every step opens some doors of each link.
    histories = settings(searching, max_examples=max(searching.max_examples // 5, 1), stateful_step_count=10)
    run_state_machine_as_test(machine(site, monkeypatch), settings=histories)


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.__name__)
def test_the_machine_finds(plant: Plant, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch)
    must_find(machine(site, monkeypatch))
