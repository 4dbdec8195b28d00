"""Whoever writes at the same time, and whatever dies: nothing leaks meanwhile, and nothing is lost in the end."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from sync.database.engine import Database
from sync.settings import Settings
from tests.properties import plants
from tests.properties.storm import Storm
from tests.support import dav
from tests.support.databases import opened
from tests.support.server import ROOT, Server

#: How long it blows, in seconds, by Hypothesis profile.
SECONDS = {"thorough": 120.0}
FEW_SECONDS = 4.0
#: In how many parts: what is lost while others write is found only where the next change does not make up for it.
GUSTS = 4
#: Nearly every change goes through the outbox, one viewer at a time.
OUTBOX = {"inline_viewers": "2", "chunk_viewers": "1"}


@pytest.fixture
def seconds() -> float:
    """Return how long it blows."""
    return SECONDS.get(settings.get_current_profile_name(), FEW_SECONDS)


@pytest.fixture
def outbox_database(database_url: str) -> Iterator[Database]:
    """Yield a database whose changes go through the outbox."""
    with opened(database_url, Settings(inline_viewers=2, chunk_viewers=1, pool_size=16)) as database:
        yield database


@pytest.mark.timeout(600)
@pytest.mark.parametrize("at_once", [True, False], ids=["inline", "outbox"])
def test_all_write_and_read(
    at_once: bool,  # noqa: FBT001 - pytest gives it by its name
    database_url: str,
    tmp_path: Path,
    seconds: float,
    request: pytest.FixtureRequest,
) -> None:
    database: Database = request.getfixturevalue("database" if at_once else "outbox_database")
    server = Server(database_url, tmp_path, workers=2, threads=4, options={} if at_once else OUTBOX)
    with server, dav.http(server.url) as connections:
        storm = Storm(database, connections, at_once=at_once)
        for _ in range(GUSTS):
            with storm.blowing(), another_hand(database_url, storm, at_once=at_once):
                time.sleep(seconds / GUSTS)
            storm.check_end()
    assert storm.counts["changes"] > 10 * GUSTS
    assert storm.counts["lost answers"] == 0


@pytest.mark.timeout(600)
def test_processes_are_killed(outbox_database: Database, database_url: str, tmp_path: Path, seconds: float) -> None:
    server = Server(database_url, tmp_path, workers=2, threads=4, options=OUTBOX)
    chance = random.Random(1)
    with server, dav.http(server.url) as connections:
        storm = Storm(outbox_database, connections, at_once=False)
        with storm.blowing():
            for _ in range(2):
                for role in ("worker", "server"):
                    time.sleep(seconds / 6)
                    for pid in server.processes(role)[:1]:
                        os.kill(pid, signal.SIGKILL)
            time.sleep(seconds / 6)
            server.stop(at_once=True)
            time.sleep(chance.random())
            server.start()
            time.sleep(seconds / 6)
        wait_for_workers(server, 2)
        storm.check_end()


@pytest.mark.timeout(600)
@pytest.mark.parametrize("database_engine", ["postgresql"], indirect=True)
def test_numbers_that_are_taken_too_early_are_found(
    database: Database, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Server(database_url, tmp_path, workers=1, threads=4)
    with server, dav.http(server.url) as connections:
        plants.number_early(monkeypatch)
        storm = Storm(database, connections, at_once=True)
        with pytest.raises(AssertionError, match="an update was lost"):  # noqa: PT012 - whichever gust it is
            for _ in range(100):
                with storm.blowing():
                    time.sleep(1.5)
                storm.check_end()


def wait_for_workers(server: Server, count: int) -> None:
    """Wait until as many processes answer as did at the beginning."""
    server.wait_until_healthy()
    deadline = time.monotonic() + 30
    while len(server.processes("server")) < count:
        assert time.monotonic() < deadline, "a process that was killed is not replaced"
        time.sleep(0.1)


@contextlib.contextmanager
def another_hand(database_url: str, storm: Storm, *, at_once: bool) -> Iterator[None]:
    """Let a process of its own write as well."""
    circle = storm.circles[0]
    limit = "2000" if at_once else OUTBOX["inline_viewers"]
    arguments = [database_url, str(circle.owner.id), str(circle.id), limit]
    command = [sys.executable, "-m", "tests.properties.hand", *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, cwd=ROOT) as process:
        try:
            yield
        finally:
            process.communicate()
    assert process.returncode == 0
