"""
What every test of the engine gets: a database that is empty, and a judge of the SQL that is sent to it.

Here are so many tests that a new PostgreSQL database for each would take most of the time; so each process of the run
keeps one, and deletes the rows after each test.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import psycopg
import pytest
from psycopg.sql import SQL, Identifier
from sqlalchemy import URL

from sync.models import Base
from tests.support.databases import PostgreSQL, plain
from tests.support.statements import Recorder

#: One for each process, so that a statement is judged once.
RECORDER = Recorder()
TABLES = [Identifier(table.name) for table in reversed(Base.metadata.sorted_tables)]


@pytest.fixture(autouse=True)
def _every_statement_can_be_spread() -> Iterator[None]:
    """Fail the first test in which the engine sends a statement that breaks the rules of `tests.support.statements`."""
    with RECORDER.recording() as faults:
        yield
    assert not faults, "\n".join(f"{', '.join(found)}:\n  {text}" for text, found in faults.items())


class Kept:
    """A database of this process with the newest schema, emptied by `clear`."""

    def __init__(self, server: PostgreSQL) -> None:
        """Make nothing yet."""
        self._server = server
        self._url: URL | None = None

    @property
    def url(self) -> URL:
        """The URL of the database, which is made when there is none."""
        if self._url is None:
            self._url = self._server.create_migrated()
        return self._url

    def clear(self) -> None:
        """Delete all rows; or the database, when a test made more than rows."""
        with psycopg.connect(plain(self.url), autocommit=True) as connection:
            others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> %s"
            connection.execute(others, (self.url.database, connection.info.backend_pid))
            names = "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'"
            (count,) = connection.execute(names).fetchone() or (0,)
            if count == len(TABLES) + 1:
                connection.execute(SQL("; ").join(SQL("DELETE FROM {}").format(table) for table in TABLES))
                return
        self.drop()

    def drop(self) -> None:
        """Drop the database, if there is one."""
        if self._url is not None:
            self._server.drop(self._url)
            self._url = None


@pytest.fixture(scope="session")
def kept(postgresql_server: PostgreSQL) -> Iterator[Kept]:
    """Yield the PostgreSQL database of this process."""
    kept = Kept(postgresql_server)
    yield kept
    kept.drop()


@pytest.fixture
def database_url(database_engine: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """Yield the URL of a database with the newest schema and no rows."""
    if database_engine == "sqlite":
        source, directory = request.getfixturevalue("migrated_sqlite_file"), request.getfixturevalue("tmp_path")
        yield f"sqlite:///{shutil.copy(source, directory / 'evercard.sqlite')}"
        return
    kept: Kept = request.getfixturevalue("kept")
    yield kept.url.render_as_string(hide_password=False)
    kept.clear()
