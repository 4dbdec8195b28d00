"""
What every test of the engine gets: a database that is empty, and a judge of the SQL that is sent to it.

Where all tests of a module begin with the same people, its function `stage` makes them once for each process, and every
test gets a copy by `staged`.
"""

from __future__ import annotations

import shutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL
from typing_extensions import override

from sync.database.engine import Database
from sync.pictures import keeping
from sync.settings import Settings
from tests.support.databases import PostgreSQL, opened
from tests.support.statements import Recorder

#: One for each process, so that a statement is judged once.
RECORDER = Recorder()


@pytest.fixture(autouse=True)
def _every_statement_can_be_spread() -> Iterator[None]:
    """Fail the first test in which the engine sends a statement that breaks the rules of `tests.support.statements`."""
    with RECORDER.recording() as faults:
        yield
    assert not faults, "\n".join(f"{', '.join(found)}:\n  {text}" for text, found in faults.items())


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
