"""
Whatever contacts are made one and taken apart, no line of any is lost, and every device has what the portal says.

The machine that tries every order of it is worth something: it finds a bug of each kind that it is there for.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from tests.properties.merging_machine import Merging
from tests.properties.merging_plants import PLANTS
from tests.support.clock import StoppedClock
from tests.support.forms import opened
from tests.support.kills import Kills
from tests.support.machines import Plant, must_find
from tests.support.site import ON_SQLITE

pytestmark = ON_SQLITE


@pytest.fixture
def machine(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Merging]]:
    """Yield what begins a history."""
    numbers, clock = iter(range(1_000_000)), StoppedClock(monkeypatch)
    with opened(database_url) as site:
        kills = Kills(site.database, monkeypatch)

        class Here(Merging):
            def __init__(self) -> None:
                super().__init__(site, clock, kills, next(numbers))

        yield Here


def test_no_line_of_a_contact_is_ever_lost(machine: type[Merging], searching: settings) -> None:
    few = settings(searching, max_examples=max(searching.max_examples // 5, 1), stateful_step_count=15)
    run_state_machine_as_test(machine, settings=few)


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.__name__)
def test_the_machine_finds(plant: Plant, machine: type[Merging], monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch)
    # Whatever was before, the last steps of each history lead to all of these.
    must_find(machine, steps=5)
