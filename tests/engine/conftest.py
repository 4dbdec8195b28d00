"""
What every test of the engine gets: a database that is empty, and a judge of the SQL that is sent to it.

Here are so many tests that a new PostgreSQL database for each would take most of the time; so each process of the run
keeps one, and deletes the rows after each test. Where all tests of a module begin with the same people, its function
`stage` makes them once for each process, and every test gets a copy by `staged`.
"""

from __future__ import annotations

import shutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.sql import SQL, Identifier
from sqlalchemy import URL
from typing_extensions import override

from sync.database.engine import Database
from sync.models import Base
from sync.pictures import keeping
from sync.settings import Settings
from tests.support.databases import PostgreSQL, opened, plain
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


#: Every column, index, constraint and schema of a database.
SHAPE = """
SELECT attrelid::regclass || ' ' || attname || ' ' || format_type(atttypid, atttypmod) || ' ' || attnotnull
FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
WHERE relnamespace = 'public'::regnamespace AND attnum > 0 AND NOT attisdropped
UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL SELECT nspname FROM pg_namespace WHERE nspname NOT LIKE 'pg_%'
UNION ALL SELECT conname || pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace
ORDER BY 1
"""


def shape(connection: psycopg.Connection[tuple[object, ...]]) -> object:
    """Return what a test of rows leaves as it is: the tables, and their version."""
    version = "SELECT version_num FROM alembic_version"
    described = connection.execute(SHAPE).fetchall()
    return described, connection.execute(version).fetchall() if "alembic_version" in str(described) else None


class Kept:
    """A database of this process with the newest schema, emptied by `clear`."""

    def __init__(self, server: PostgreSQL) -> None:
        """Make nothing yet."""
        self._server = server
        self._url: URL | None = None
        self._shape: object = None

    @property
    def url(self) -> URL:
        """The URL of the database, which is made when there is none."""
        if self._url is None:
            self._url = self._server.create_migrated()
            with psycopg.connect(plain(self._url)) as connection:
                self._shape = shape(connection)
        return self._url

    def clear(self) -> None:
        """Delete all rows; or the database, when a test changed more than rows."""
        with psycopg.connect(plain(self.url), autocommit=True) as connection:
            others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> %s"
            connection.execute(others, (self.url.database, connection.info.backend_pid))
            if shape(connection) == self._shape:
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


class Stages(ABC):
    """Databases with people in them, which this process makes once and copies for each test that begins with them."""

    def __init__(self) -> None:
        """Make nothing yet."""
        self.made: dict[Callable[[Database], Any], tuple[URL, Any]] = {}

    @contextmanager
    def copied(
        self, stage: Callable[[Database], Any], settings: Settings | None, place: Path
    ) -> Iterator[tuple[Database, Any]]:
        """Open a copy of what *stage* makes, in the directory *place* if it is a file, with what *stage* returned."""
        if stage not in self.made:
            url = self.new()
            with opened(url.render_as_string(hide_password=False), settings) as database:
                self.made[stage] = url, stage(database)
        source, returned = self.made[stage]
        url = self.copy(source, place)
        with opened(url.render_as_string(hide_password=False), settings) as database:
            yield database, returned
        self.drop(url)

    @abstractmethod
    def new(self) -> URL:
        """Make a database with the newest schema and no rows."""

    @abstractmethod
    def copy(self, source: URL, place: Path) -> URL:
        """Copy a database that nobody has open."""

    @abstractmethod
    def drop(self, url: URL) -> None:
        """Remove a database."""


class Files(Stages):
    """On SQLite."""

    def __init__(self, migrated: Path, directory: Path) -> None:
        """Begin with the file *migrated*, and keep what is made in *directory*."""
        super().__init__()
        self._migrated, self._directory = migrated, directory

    @override
    def new(self) -> URL:
        file = shutil.copy(self._migrated, self._directory / f"{len(self.made)}.sqlite")
        return URL.create("sqlite", database=str(file))

    @override
    def copy(self, source: URL, place: Path) -> URL:
        return URL.create("sqlite", database=str(shutil.copy(str(source.database), place / "evercard.sqlite")))

    @override
    def drop(self, url: URL) -> None:
        return None


class Templates(Stages):
    """On PostgreSQL."""

    def __init__(self, server: PostgreSQL) -> None:
        """Make them on *server*."""
        super().__init__()
        self._server = server

    @override
    def new(self) -> URL:
        return self._server.create_migrated()

    @override
    def copy(self, source: URL, place: Path) -> URL:
        return self._server.create(source.database)

    @override
    def drop(self, url: URL) -> None:
        self._server.drop(url)


@pytest.fixture(scope="session")
def sqlite_stages(migrated_sqlite_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Stages:
    """Return what this process made on SQLite."""
    return Files(migrated_sqlite_file, tmp_path_factory.mktemp("stages"))


@pytest.fixture(scope="session")
def postgresql_stages(postgresql_server: PostgreSQL) -> Iterator[Stages]:
    """Yield what this process made on PostgreSQL."""
    stages = Templates(postgresql_server)
    yield stages
    for url, _ in stages.made.values():
        stages.drop(url)


@pytest.fixture
def staged(database_engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[tuple[Database, Any]]:
    """Yield an open copy of the database that the module's `stage` was done to, and what that returned."""
    stages: Stages = request.getfixturevalue(f"{database_engine}_stages")
    settings: Settings | None = getattr(request.module, "SETTINGS", None)
    with stages.copied(request.module.stage, settings, tmp_path) as copied:
        # What a process looks for once is known, so that each change takes the same statements each time.
        with copied[0].reading() as session:
            keeping.are_apart(session)
        yield copied
