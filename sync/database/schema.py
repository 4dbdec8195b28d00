"""The version of the schema that a database has and the one that this code needs, told without the slow Alembic."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, column, inspect, select, table

from sync.errors import WrongSchema

if TYPE_CHECKING:
    from sync.database.engine import Database

_VERSION = table("alembic_version", column("version_num"))


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
    require_known(found)
    if found is None:
        raise WrongSchema("The database has no tables yet; `evercard migrate` makes them.")
    if found != newest():
        raise WrongSchema("The database is of an older version of Evercard; `evercard migrate` brings it up to date.")


def is_newest(database: Database) -> bool:
    """Whether the schema of *database*, which is there, is the one that this code needs."""
    with database.engine.connect() as connection:
        return current(connection) == newest()


def require_known(revision: str | None) -> None:
    """
    Make sure that this code knows the version *revision*.

    Raises:
        WrongSchema: A newer version of the code has been at work there.
    """
    if revision is not None and revision not in versions():
        raise WrongSchema("The database is of a newer version of Evercard than this one; install that version.")


def current(connection: Connection) -> str | None:
    """Return the version of the schema, or None for an empty database."""
    if not inspect(connection).has_table(_VERSION.name):
        return None
    return connection.scalars(select(_VERSION.c.version_num)).first()


def newest() -> str:
    """Return the version that this code needs."""
    return versions()[-1]


@cache
def versions() -> tuple[str, ...]:
    """Return all versions, oldest first: what the names of the steps' files begin with."""
    # Found and not imported: it brings Alembic.
    package = find_spec("sync.database.migrations")
    places = package.submodule_search_locations if package else None
    steps = [step for place in places or () for step in Path(place, "versions").glob("*.py")]
    return tuple(sorted(step.name.partition("_")[0] for step in steps))
