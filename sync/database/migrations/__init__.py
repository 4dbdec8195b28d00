"""
The steps from one version of the schema to the next, run by Alembic from inside the package.

A step must not break the version of the code before it: add first, remove in a later release.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Column, Connection, Integer, inspect
from sqlalchemy.exc import IntegrityError, ProgrammingError

from sync.database.migrations import spreading
from sync.database.schema import current, require_known
from sync.errors import WrongSchema
from sync.models import Base

if TYPE_CHECKING:
    from sync.database.engine import Database


def upgrade(database: Database, revision: str = "head") -> None:
    """
    Run every step that *database* has not had yet, all in one transaction.

    Raises:
        WrongSchema: A newer version of the code has been at work there, or somebody else.
    """
    while True:
        before = None
        try:
            with stepping(database) as connection:
                before = current(connection)
                require_known(before)
                _require_own(connection, before)
                with spreading.following(connection):
                    command.upgrade(_configuration(connection), revision)
            return
        except (IntegrityError, ProgrammingError):
            # Another process that starts at the same moment may have taken the same step; what is left is ours.
            with database.engine.connect() as connection:
                if current(connection) == before:
                    raise


@contextlib.contextmanager
def stepping(database: Database) -> Iterator[Connection]:
    """
    Open a writing transaction in which a table may be made anew.

    To alter a table SQLite has to copy and drop it; with foreign keys at work, dropping it would delete every row that
    depends on it. So they rest meanwhile, and are checked at the end.
    """
    with database.engine.execution_options(writes=True).connect() as connection:
        if not database.is_sqlite:
            with connection.begin():
                yield connection
            return
        driver: Any = connection.connection.dbapi_connection
        # Inside a transaction this would be ignored without a word.
        driver.execute("PRAGMA foreign_keys = OFF")
        try:
            with connection.begin():
                yield connection
                broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
                if broken is not None:
                    raise RuntimeError(f"A step left rows of {broken[0]} without what they belong to.")
        finally:
            driver.execute("PRAGMA foreign_keys = ON")


def differences(connection: Connection) -> list[object]:
    """Compare the tables of a database with the models: an empty list when they are the same."""
    context = MigrationContext.configure(connection, opts={"compare_type": _is_other, "compare_server_default": True})
    return list(compare_metadata(context, Base.metadata))


def _is_other(_context: object, _inspected: object, column: Column[Any], found: object, _wanted: object) -> bool | None:
    # The key of jobs is as wide as a person's where it leads to the person's machine (`spreading`), and only there.
    return False if column.name == "bucket" and isinstance(found, Integer) else None


def _require_own(connection: Connection, revision: str | None) -> None:
    if revision is None and set(inspect(connection).get_table_names()) & set(Base.metadata.tables):
        raise WrongSchema("The database has tables of something else; make an empty one for Evercard.")


def _configuration(connection: Connection | None) -> Config:
    configuration = Config()
    configuration.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    configuration.attributes["connection"] = connection
    return configuration
