"""Every test of entries runs twice: with cards that are read together with their entries, and apart from them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sync.database.engine import Database
from tests.support.distribution import WAYS, read_in


@pytest.fixture(params=WAYS)
def database(database: Database, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """The database, read in either way."""
    with read_in(request.param, database, monkeypatch):
        yield database
