"""
Whoever writes, reads, comes, goes or may do something else: a shared book is on every device what the model says.

The machine that tries every order of it is worth something: it finds a bug of each kind that it is there for.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from tests.properties.shared_books_machine import SharedBooks
from tests.properties.shared_books_plants import PLANTS
from tests.support.clock import StoppedClock
from tests.support.kills import Kills
from tests.support.machines import Plant, must_find
from tests.support.site import ON_SQLITE, Site, opened

pytestmark = ON_SQLITE


@pytest.fixture
def site(database_url: str) -> Iterator[Site]:
    """Yield a server in which nobody is registered."""
    with opened(database_url) as site:
        yield site


def machine(site: Site, patch: pytest.MonkeyPatch) -> type[SharedBooks]:
    """Return what begins a history."""
    numbers, clock, kills = iter(range(1_000_000)), StoppedClock(patch), Kills(site.database, patch)

    class Here(SharedBooks):
        def __init__(self) -> None:
            super().__init__(site, clock, kills, next(numbers))

    return Here


def test_a_shared_book_is_on_every_device_what_was_written(
    site: Site, searching: settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = settings(searching, max_examples=max(searching.max_examples // 5, 1), stateful_step_count=15)
    run_state_machine_as_test(machine(site, monkeypatch), settings=few)


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.__name__)
def test_the_machine_finds(plant: Plant, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch)
    must_find(machine(site, monkeypatch))
