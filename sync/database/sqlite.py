"""How connections to SQLite are set up, and how their transactions begin."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
import time
from pathlib import Path
from typing import Any

from sqlalchemy.exc import DBAPIError

from sync.errors import DatabaseReadOnly

#: For how long a connection waits for another that writes.
BUSY_MILLISECONDS = 5_000
#: For how long SQLite waits by itself. The longer it does, the seldomer it looks; who has waited looks again.
LOOK_MILLISECONDS = 10
#: Execution options: whether the transaction writes, and for how many milliseconds it waits if not for as long.
WRITES, PATIENCE = "writes", "patience"
_WRITING = "BEGIN IMMEDIATE"


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
    if not options.get(WRITES, False):
        connection.exec_driver_sql("BEGIN")
        return
    patience = options.get(PATIENCE, BUSY_MILLISECONDS)
    deadline = time.monotonic() + patience / 1000
    driver = connection.connection.driver_connection
    driver.execute(f"PRAGMA busy_timeout = {min(patience, LOOK_MILLISECONDS)}")
    try:
        while not _begun(connection, deadline):
            pass
    finally:
        driver.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")


def _begun(connection: Any, deadline: float) -> bool:
    try:
        # Past SQLAlchemy, which would look at it longer than it takes.
        connection.connection.driver_connection.execute(_WRITING)
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorname", "") != "SQLITE_BUSY" or time.monotonic() >= deadline:
            raise DBAPIError.instance(_WRITING, None, error, sqlite3.Error, hide_parameters=True) from error
        return False
    return True


def require_writable(file: Path) -> None:
    """
    Make sure that the *file* of a database, and the folder for what SQLite keeps beside it, can be written.

    Raises:
        DatabaseReadOnly: One of them cannot.
    """
    for place in (file, file.parent):
        if place.exists() and not os.access(place, os.W_OK):
            raise DatabaseReadOnly(str(place))


def create(file: Path) -> None:
    """
    Make the *file* of a database where there is none, and take the rights of others from one that is there.

    What SQLite keeps beside it gets the same rights. Whatever is in the way is told when the database is opened.
    """
    with contextlib.suppress(OSError):
        os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    for ending in ("", "-wal", "-shm"):
        with contextlib.suppress(OSError):
            each = file.with_name(file.name + ending)
            each.chmod(stat.S_IMODE(each.stat().st_mode) & ~stat.S_IRWXO)
