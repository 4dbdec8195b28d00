"""
Copies of the whole database: taken while it is in use, and put back while it is not.

A copy of SQLite is a database file, one of PostgreSQL an archive of ``pg_dump``. What is put back has new epochs: the
devices have seen changes that it does not have.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from pathlib import Path

from sync.database import postgresql, sqlite
from sync.database.driver_errors import told_of
from sync.database.engine import Database
from sync.errors import Conflict, DatabaseUnavailable, InvalidInput
from sync.revisions.address_books import begin_new_epoch

_IN_USE = "A server, or another command, uses this database; stop it first."

_POOLED = (
    "Copies cannot be made through a pooler, whose connections would be of no use to the server afterwards; for this"
    " command, set EVERCARD_DATABASE_URL to PostgreSQL's own address, and EVERCARD_POOLER to none."
)


def save(database: Database, file: Path) -> None:
    """
    Copy one state of the database into an empty *file*, whoever reads and writes it meanwhile.

    Raises:
        DatabaseUnavailable: The database cannot be read, or there is no room for the copy.
        InvalidInput: PostgreSQL's programs are not installed here, or the database is reached through a pooler.
    """
    _require_own_connections(database)
    if not database.is_sqlite:
        postgresql.dump(database.url, file)
        return
    try:
        with contextlib.closing(sqlite3.connect(database.file, isolation_level=None)) as connection:
            connection.execute("VACUUM INTO ?", (str(file),))
    except sqlite3.Error as error:
        raise told_of(error) from error


def restore(database: Database, file: Path) -> None:
    """
    Make the database what it was when `save` wrote *file*, brought up to date, with new epochs.

    Until the last moment the database is what it was; *file* is changed on the way.

    Raises:
        Conflict: Somebody uses the database.
        DatabaseUnavailable: It cannot be reached or written.
        InvalidInput: This is no copy of such a database, PostgreSQL's programs are not installed here, or the database
            is reached through a pooler.
    """
    _require_own_connections(database)
    if database.is_sqlite:
        _require_sound(file)
        _renew(Database(f"sqlite:///{file}", database.settings))
        _replace(database.file, file)
        return
    if postgresql.is_used(database.url):
        raise Conflict(_IN_USE)
    postgresql.restore(database.url, file)
    database.ask_anew()
    _renew(database)


def _require_own_connections(database: Database) -> None:
    # PostgreSQL's programs leave a connection without a path by which tables are found, and it is somebody else's next.
    if database.settings.pooler:
        raise InvalidInput(_POOLED)


def _renew(database: Database) -> None:
    try:
        database.migrate()
        database.write(begin_new_epoch)
    finally:
        database.dispose()


def _require_sound(file: Path) -> None:
    try:
        with contextlib.closing(sqlite3.connect(file)) as connection:
            sound = connection.execute("PRAGMA quick_check").fetchone() == ("ok",)
    except sqlite3.DatabaseError:
        sound = False
    if not sound:
        raise InvalidInput("The copy of the database is damaged.")


def _replace(target: Path, file: Path) -> None:
    # Written through SQLite, in one transaction: what a server that was killed has left beside the file is taken
    # into account, and whoever interrupts this leaves what was there.
    sqlite.create(target)
    try:
        with contextlib.closing(sqlite3.connect(target, timeout=1, isolation_level=None)) as into:
            into.execute("PRAGMA locking_mode = EXCLUSIVE")
            into.execute("PRAGMA journal_mode = DELETE").fetchone()
            into.execute("BEGIN EXCLUSIVE")
            into.execute("COMMIT")
            with contextlib.closing(sqlite3.connect(file)) as new:
                new.backup(into)
    except sqlite3.Error as error:
        told = _told(error)
        if told is not None:
            raise told from error
        # It cannot even be opened as a database. It is kept, with what is beside it, for whoever wants to save more.
        _set_aside(target)
        file.replace(target)


def _told(error: sqlite3.Error) -> Exception | None:
    name = getattr(error, "sqlite_errorname", "")
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return Conflict(_IN_USE)
    told: DatabaseUnavailable = told_of(error)
    return None if name.startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT")) else told


def _set_aside(target: Path) -> None:
    moment = time.strftime("%Y%m%d-%H%M%S")
    for ending in ("", "-wal", "-shm", "-journal"):
        each = target.with_name(target.name + ending)
        if each.exists():
            each.replace(each.with_name(f"{each.name}.damaged-{moment}"))
