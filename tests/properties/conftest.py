"""Servers for the properties, and how hard to search."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import settings

from sync.database.engine import Database
from sync.push.connection import PushConnection
from tests.properties.world import Service
from tests.support import dav
from tests.support.clock import SharedClock
from tests.support.kills import Kills
from tests.support.push_service import push_service
from tests.support.server import Server
from tests.support.subscribing import SETTINGS

#: How many histories each machine goes through, by Hypothesis profile; a history is up to a second or two.
HISTORIES = {"thorough": 1_000}
FEW_HISTORIES = 20
STEPS = 30


@pytest.fixture(scope="session")
def searching() -> settings:
    """Return how hard a machine is to search."""
    histories = HISTORIES.get(settings.get_current_profile_name(), FEW_HISTORIES)
    return settings(max_examples=histories, stateful_step_count=STEPS)


@pytest.fixture(params=["inline", "deferred"])
def service(
    request: pytest.FixtureRequest, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Service]:
    """Yield a running server; in ``deferred`` every change that two people see goes through the outbox."""
    deferred = request.param == "deferred"
    options = {"inline_viewers": "1", "chunk_viewers": "1"} if deferred else {}
    chosen = replace(SETTINGS, inline_viewers=1, chunk_viewers=1) if deferred else SETTINGS
    database = Database(database_url, chosen)
    kills = Kills(database, monkeypatch)
    kills.count(monkeypatch, PushConnection, "post")
    clock = SharedClock(monkeypatch, tmp_path / "clock")
    server = Server(
        database_url,
        tmp_path,
        options={"base_url": SETTINGS.base_url, "push_allow_local": "True", **options},
        environment=clock.environment,
        command=("-m", "tests.support.serve_alone"),
    )
    with server, dav.http(server.url) as connections, push_service() as push:
        yield Service(database, connections, push, kills, clock, deferred)
    database.dispose()
