"""The fixtures keep their word: a test has a database of its own, with the newest schema, and nothing stays behind."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import URL, inspect, make_url
from typing_extensions import override

from sync.database.engine import Database
from sync.database.migrations import spreading
from sync.database.schema import current, newest
from sync.errors import Conflict
from sync.models.buckets import BY_RANGE
from tests.support import postgresql
from tests.support.citus import stand_in
from tests.support.databases import PostgreSQL, opened


def test_a_database_has_the_newest_schema(database: Database) -> None:
    with database.engine.connect() as connection:
        assert current(connection) == newest()


def test_a_database_is_of_the_engine_asked_for(database_engine: str, database_url: str) -> None:
    assert make_url(database_url).get_backend_name() == database_engine


@pytest.mark.parametrize("turn", ["first", "second"])
def test_what_one_test_makes_no_other_sees(database: Database, turn: str) -> None:
    with database.engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE left_behind (id INTEGER)")


def test_an_empty_database_has_no_tables(empty_database_url: str) -> None:
    database = Database(empty_database_url)
    assert inspect(database.engine).get_table_names() == []
    database.dispose()


class Cluster(PostgreSQL):
    """The server of this run, as if it had the extension citus, of which it has stand-ins."""

    has_citus = True

    @override
    def make_cluster(self, url: URL) -> None:
        with opened(url.render_as_string(hide_password=False)) as database:
            stand_in(database, "db2")


@pytest.mark.usefixtures("postgresql_server")
@pytest.mark.parametrize("server_class", [PostgreSQL, Cluster])
def test_tables_are_spread_where_the_server_can_spread_them(
    run_directory: Path, server_class: type[PostgreSQL]
) -> None:
    """By the steps that users take: where there is nothing left to take, all of them were."""
    server = server_class(run_directory)
    url = server.create_migrated()
    try:
        with opened(url.render_as_string(hide_password=False)) as database:
            if server.has_citus:
                assert spreading.plan(database) == []
                assert database.is_distributed
                assert database.buckets is BY_RANGE
            else:
                with pytest.raises(Conflict, match="no extension citus"):
                    spreading.plan(database)
                assert not database.is_distributed
    finally:
        server.drop(url)
        server.connection.close()


LEADER = """
import sys
from tests.support import postgresql
run = postgresql.Run()
postgresql.server(run.directory)
print(run.directory, flush=True)
sys.stdin.read()
"""


@pytest.mark.usefixtures("postgresql_server")
@pytest.mark.skipif("os.environ.get('EVERCARD_TEST_POSTGRESQL')", reason="a server that runs already is used")
def test_the_server_ends_when_the_run_is_killed() -> None:
    leader = subprocess.Popen(
        [sys.executable, "-c", LEADER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    with leader:
        assert leader.stdout is not None
        directory = Path(leader.stdout.readline().strip())
        pid = int((directory / "postgresql/data/postmaster.pid").read_text().splitlines()[0])
        assert Path(f"/proc/{pid}").exists()
        leader.kill()
    deadline = time.monotonic() + postgresql.PATIENCE
    while directory.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not directory.exists()
    assert not Path(f"/proc/{pid}").exists()
