"""A database of a server that tells devices of changes, and a push service by which it does."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sync.database.engine import Database
from tests.support.push_service import PushService, push_service
from tests.support.subscribing import SETTINGS, Telling, telling


@pytest.fixture
def service() -> Iterator[PushService]:
    """A push service; every message that it took could be read."""
    with push_service() as service:
        yield service
    assert service.broken == []


@pytest.fixture
def told(database_url: str) -> Iterator[Database]:
    """A database of a server that tells devices of changes."""
    database = Database(database_url, SETTINGS)
    yield database
    database.dispose()


@pytest.fixture
def worker(told: Database) -> Telling:
    """What tells them."""
    return telling(told)
