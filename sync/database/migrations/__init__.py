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
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect
from sqlalchemy.exc import IntegrityError, ProgrammingError

from sync.database.models import Base
from sync.errors import WrongSchema

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
                _require_known(before)
                _require_own(connection, before)
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


def require_newest(database: Database) -> None:
    """
    Make sure that the schema of *database* is the one that this code needs. Creates nothing, not even a file.

    Raises:
        WrongSchema: It is older or newer, or there is none.
    """
    if database.is_sqlite and not Path(str(database.url.database)).exists():
        raise WrongSchema(f"There is no database yet at {database.file}; `evercard migrate` makes it.")
    with database.engine.connect() as connection:
        found = current(connection)
    _require_known(found)
    if found is None:
        raise WrongSchema("The database has no tables yet; `evercard migrate` makes them.")
    if found != newest():
        raise WrongSchema("The database is of an older version of Evercard; `evercard migrate` brings it up to date.")


def current(connection: Connection) -> str | None:
    """Return the version of the schema, or None for an empty database."""
    return MigrationContext.configure(connection).get_current_revision()


def newest() -> str | None:
    """Return the version that this code needs."""
    return ScriptDirectory.from_config(_configuration(None)).get_current_head()


def differences(connection: Connection) -> list[object]:
    """Compare the tables of a database with the models: an empty list when they are the same."""
    context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
    return list(compare_metadata(context, Base.metadata))


def _require_known(revision: str | None) -> None:
    known = ScriptDirectory.from_config(_configuration(None)).walk_revisions()
    if revision is not None and revision not in {script.revision for script in known}:
        raise WrongSchema("The database is of a newer version of Evercard than this one; install that version.")


def _require_own(connection: Connection, revision: str | None) -> None:
    if revision is None and set(inspect(connection).get_table_names()) & set(Base.metadata.tables):
        raise WrongSchema("The database has tables of something else; make an empty one for Evercard.")


def _configuration(connection: Connection | None) -> Config:
    configuration = Config()
    configuration.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    configuration.attributes["connection"] = connection
    return configuration
