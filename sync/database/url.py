"""Reading the URL of a database."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from sync.errors import InvalidInput


def parse_url(written: str) -> URL:
    """
    Read a database URL, taking ``postgresql:`` and ``postgres:`` for the driver that Evercard uses.

    Raises:
        InvalidInput: It is none, or names a database that Evercard does not know.
    """
    try:
        url = make_url(written)
        name = url.get_backend_name()
    except (ArgumentError, NoSuchModuleError, ValueError) as error:
        raise InvalidInput("The database URL is none; write sqlite:///FILE or postgresql://USER@HOST/NAME.") from error
    if name in ("postgresql", "postgres"):
        return url.set(drivername="postgresql+psycopg")
    if name != "sqlite" or not url.database or url.database == ":memory:":
        raise InvalidInput(
            "The database must be a SQLite file or PostgreSQL: sqlite:///FILE or postgresql://USER@HOST/NAME."
        )
    return url.set(drivername="sqlite", database=str(Path(url.database).absolute()))
