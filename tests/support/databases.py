"""
Fixtures that give a test a database of its own, on SQLite and on PostgreSQL.

- `database_url`: the URL of a database with the newest schema and no rows. The test runs once on each engine.
- `database`: the same, opened; disposed of after the test.
- `empty_database_url`: a database without any schema, for tests of migrations.

A test that is about one engine only says so::

    @pytest.mark.parametrize("database_engine", ["sqlite"], indirect=True)

Where the server has the extension citus, the tables are spread, in each database.
The schema is made once for each run and engine. A file of SQLite is copied for each test; of PostgreSQL each process of
the run keeps one database and deletes the rows after each test, because copies would take most of the time.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg.sql import SQL, Identifier
from sqlalchemy import URL, make_url

from sync.database.engine import Database
from sync.models import Base
from sync.settings import Settings
from tests.support import postgresql

if TYPE_CHECKING:
    import xdist.workermanage

ENGINES = ("sqlite", "postgresql")
TABLES = [Identifier(table.name) for table in reversed(Base.metadata.sorted_tables)]
#: What makes a cluster of one machine.
CLUSTER = (
    "CREATE EXTENSION citus",
    "SELECT citus_set_coordinator_host(%(host)s, %(port)s)",
    "SELECT citus_set_node_property(%(host)s, %(port)s, 'shouldhaveshards', true)",
)
#: Where the processes of this run meet.
DIRECTORY = pytest.StashKey[Path]()
#: The first version that can be told to copy files, which is several times as fast where nothing waits for a disk.
COPIES_FILES = 150_000


class PostgreSQL:
    """The server of this run, as one process of the run uses it."""

    def __init__(self, directory: Path) -> None:
        """Connect to the server of the run in *directory*, which is started if it must be."""
        self.url = make_url(postgresql.server(directory))
        self.template = template_name(directory)
        self.connection = psycopg.connect(plain(self.url), autocommit=True)
        self.directory = directory

    def create(self, template: str | None = None) -> URL:
        """Create a database, empty or as a copy of *template*."""
        name = f"evercard_{uuid.uuid4().hex}"
        statement = SQL("CREATE DATABASE {}").format(Identifier(name))
        if template is not None:
            statement += SQL(" TEMPLATE {}").format(Identifier(template))
            if self.connection.info.server_version >= COPIES_FILES:
                statement += SQL(" STRATEGY file_copy")
        self.connection.execute(statement)
        return self.url.set(database=name)

    def drop(self, url: URL) -> None:
        """Drop a database, whoever is still connected to it."""
        self.connection.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(str(url.database))))

    @property
    def has_citus(self) -> bool:
        """Whether tables can be spread here; then those of every test are."""
        found = self.connection.execute("SELECT FROM pg_available_extensions WHERE name = 'citus'").fetchone()
        return found is not None

    def make_cluster(self, url: URL) -> None:
        """Let a database be the one of a cluster of one machine, which coordinates and has all rows."""
        at = {"host": url.host or "localhost", "port": self.connection.info.port}
        with psycopg.connect(plain(url), autocommit=True) as connection:
            for statement in CLUSTER:
                connection.execute(statement, at)

    def create_migrated(self) -> URL:
        """Create a database with the newest schema, with tables that are spread where they can be."""
        if self.has_citus:
            # What Citus notes of a database is of no use in a copy.
            url = self.create()
            self.make_cluster(url)
            spread(url)
            return url
        with postgresql.locked(self.directory / "migrating"):
            made = self.directory / "migrated"
            if not made.exists():
                url = self.create()
                migrate(url)
                rename = SQL("ALTER DATABASE {} RENAME TO {}")
                self.connection.execute(rename.format(Identifier(str(url.database)), Identifier(self.template)))
                made.touch()
        return self.create(self.template)


def template_name(directory: Path) -> str:
    """Return the name of the database that is copied for each test of the run in *directory*."""
    return directory.name.replace("-", "_")


def plain(url: URL) -> str:
    """Write *url* out, password and all, as the driver itself takes it."""
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


def migrate(url: URL) -> None:
    """Bring the schema of the database at *url* to the newest version."""
    database = Database(url.render_as_string(hide_password=False))
    try:
        database.migrate()
    finally:
        database.dispose()


def spread(url: URL) -> None:
    """Spread the tables of the database at *url*, as ``evercard migrate`` does it with ``--distribute``."""
    from sync.database.migrations import spreading

    migrate(url)
    with opened(url.render_as_string(hide_password=False)) as database:
        spreading.spread(database, spreading.plan(database), lambda _: None)


def pytest_configure(config: pytest.Config) -> None:
    """Make the directory where the processes of this run meet, or learn it from the process that leads the run."""
    worker: dict[str, Any] | None = getattr(config, "workerinput", None)
    if worker is not None:
        config.stash[DIRECTORY] = Path(worker["evercard_directory"])
        return
    run = postgresql.Run()
    config.stash[DIRECTORY] = run.directory
    config.add_cleanup(run.end)
    config.add_cleanup(lambda: _tidy_given_server(run.directory))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: xdist.workermanage.WorkerController) -> None:
    """Tell a worker of pytest-xdist the directory."""
    node.workerinput["evercard_directory"] = str(node.config.stash[DIRECTORY])


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
                # Known to Citus alone: foreign keys are followed from table to table.
                connection.execute("SET citus.multi_shard_modify_mode TO 'sequential'")
                connection.execute(SQL("; ").join(SQL("DELETE FROM {}").format(table) for table in TABLES))
                return
        self.drop()

    def drop(self) -> None:
        """Drop the database, if there is one."""
        if self._url is not None:
            self._server.drop(self._url)
            self._url = None


@pytest.fixture(scope="session")
def run_directory(pytestconfig: pytest.Config) -> Path:
    """Return the directory that all processes of this run share; it is deleted at the end."""
    return pytestconfig.stash[DIRECTORY]


@pytest.fixture(scope="session")
def postgresql_server(run_directory: Path) -> Iterator[PostgreSQL]:
    """Yield the PostgreSQL server of this run; the test is skipped where there is none, and fails where CI=true."""
    try:
        server = PostgreSQL(run_directory)
    except postgresql.Unavailable as error:
        if os.environ.get("CI") == "true":
            pytest.fail(str(error))
        pytest.skip(str(error))
    yield server
    server.connection.close()


@pytest.fixture(scope="session")
def kept(postgresql_server: PostgreSQL) -> Iterator[Kept]:
    """Yield the PostgreSQL database of this process."""
    kept = Kept(postgresql_server)
    yield kept
    kept.drop()


@pytest.fixture(scope="session")
def migrated_sqlite_file(run_directory: Path) -> Path:
    """Return a SQLite file with the newest schema, to be copied."""
    file = run_directory / "migrated.sqlite"
    with postgresql.locked(run_directory / "migrating-sqlite"):
        if not file.exists():
            new = run_directory / "migrating.sqlite"
            migrate(URL.create("sqlite", database=str(new)))
            new.rename(file)
    return file


@pytest.fixture(params=ENGINES)
def database_engine(request: pytest.FixtureRequest) -> str:
    """Return the name of the engine that the test runs on: all tests with a database run on each."""
    engine: str = request.param
    return engine


@pytest.fixture
def database_url(database_engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """Yield the URL of a database with the newest schema and no rows."""
    if database_engine == "sqlite":
        copy = shutil.copy(request.getfixturevalue("migrated_sqlite_file"), tmp_path / "evercard.sqlite")
        yield f"sqlite:///{copy}"
        return
    kept: Kept = request.getfixturevalue("kept")
    yield kept.url.render_as_string(hide_password=False)
    kept.clear()


@pytest.fixture
def empty_database_url(database_engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """Yield the URL of a database without a schema."""
    if database_engine == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.sqlite'}"
        return
    server: PostgreSQL = request.getfixturevalue("postgresql_server")
    url = server.create()
    yield url.render_as_string(hide_password=False)
    server.drop(url)


@contextlib.contextmanager
def opened(url: str, settings: Settings | None = None) -> Iterator[Database]:
    """Open a database for a block."""
    database = Database(url, settings)
    try:
        yield database
    finally:
        database.dispose()


@pytest.fixture
def database(database_url: str, request: pytest.FixtureRequest) -> Iterator[Database]:
    """
    Yield an open database with the newest schema and no rows.

    A module of tests says in `SETTINGS` where the server is another than by default.
    """
    with opened(database_url, getattr(request.module, "SETTINGS", None)) as database:
        yield database


def _tidy_given_server(directory: Path) -> None:
    """Drop the copied database from a server that outlives the run."""
    given = os.environ.get("EVERCARD_TEST_POSTGRESQL")
    if given and (directory / "migrated").exists():
        with psycopg.connect(plain(make_url(given)), autocommit=True) as connection:
            connection.execute(SQL("DROP DATABASE IF EXISTS {}").format(Identifier(template_name(directory))))
