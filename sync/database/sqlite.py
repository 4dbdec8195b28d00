"""How connections to SQLite are set up, and how their transactions begin."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from sync.errors import DatabaseReadOnly

#: For how long a connection waits for another that writes.
BUSY_MILLISECONDS = 5_000
#: Execution options: whether the transaction writes, and for how many milliseconds it waits if not for as long.
WRITES, PATIENCE = "writes", "patience"


def configure(connection: Any, _record: object = None) -> None:
    """Set up a connection of the driver's that was just opened."""
    # Transactions are begun by `begin`; the driver's own, implicit ones start deferred and fail at once when they
    # upgrade to a write.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
    cursor.execute("PRAGMA cache_size = -16000")
    cursor.close()


def begin(connection: Any) -> None:
    """Begin a transaction on a connection of SQLAlchemy's, as its execution options say."""
    options = connection.get_execution_options()
    patience = options.get(PATIENCE, BUSY_MILLISECONDS)
    if not options.get(WRITES, False):
        connection.exec_driver_sql("BEGIN")
    elif patience == BUSY_MILLISECONDS:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {patience}")
        try:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        finally:
            connection.exec_driver_sql(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")


def require_writable(file: Path) -> None:
    """
    Make sure that the *file* of a database, and the folder for what SQLite keeps beside it, can be written.

    Raises:
        DatabaseReadOnly: One of them cannot.
    """
    for place in (file, file.parent):
        if place.exists() and not os.access(place, os.W_OK):
            raise DatabaseReadOnly(str(place))
