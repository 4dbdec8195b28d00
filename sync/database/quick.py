"""
Single reading statements on bare driver connections: the hottest paths.

Each is complete in itself, so it needs no transaction. Nobody else uses these connections, and each of them is used by
one thread at a time: there are as many as statements ran at once, however many threads there are.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from sqlalchemy import URL, Dialect, Select

from sync.database import sqlite
from sync.database.driver_errors import told_of
from sync.database.prepared import compiled
from sync.pipeline.answers import Rows


class Reader(Protocol):
    """A connection of the driver's that commits by itself."""

    connection: Any

    def fetch(self, text: str, values: Any, *, prepare: bool = True) -> Rows:
        """Return all rows of a statement; *prepare* says that PostgreSQL may keep its plan."""

    def close(self) -> None:
        """Close the connection."""


class _File:
    """A connection to SQLite."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection, self._cursor = connection, connection.cursor()

    def fetch(self, text: str, values: Any, *, prepare: bool = True) -> Rows:
        del prepare
        # All rows are fetched, because a statement that is not at its end keeps SQLite's snapshot open.
        return self._cursor.execute(text, values).fetchall()

    def close(self) -> None:
        self.connection.close()


def connect(url: URL, dialect: Dialect) -> Any:
    """Connect the driver to PostgreSQL, to commit by itself."""
    import psycopg

    arguments: Any = dialect.create_connect_args(url)
    return psycopg.connect(*arguments[0], **arguments[1], autocommit=True)


def open_reader(url: URL, dialect: Dialect, *, prepares: bool) -> Reader:
    """
    Open a connection of its own.

    PostgreSQL *prepares* each statement once for it, where that is one connection to the server for good.
    """
    if dialect.name == "sqlite":
        connection = sqlite3.connect(
            str(url.database),
            timeout=sqlite.BUSY_MILLISECONDS / 1000,
            isolation_level=None,
            check_same_thread=False,
        )
        sqlite.configure(connection)
        return _File(connection)
    # SQLite needs no driver but Python's.
    from sync.pipeline.single import Single

    return Single(connect(url, dialect), prepares=prepares)


class Quick:
    """The connections of this process."""

    def __init__(self, dialect: Dialect, open_one: Callable[[], Reader]) -> None:
        """Use what *open_one* opens."""
        self._dialect = dialect
        self._open = open_one
        #: The last that was used is the next: it has its statements prepared and its pages at hand. Taking one away and
        #: giving it back are single steps of the interpreter.
        self._idle: list[Reader] = []
        #: Is told the seconds of each statement.
        self.observer: Callable[[float], object] = lambda _: None

    def fetch(self, statement: str, values: Any, *, prepare: bool = True) -> Rows:
        """
        Fetch all rows of a statement in the driver's own words; *prepare* says that PostgreSQL may keep its plan.

        Raises:
            DatabaseUnavailable: The database could not be reached, twice in a row.
        """
        for attempt in (1, 2):
            reader = None
            try:
                reader = self._take()
                began = time.perf_counter()
                rows = reader.fetch(statement, values, prepare=prepare)
                self.observer(time.perf_counter() - began)
            except Exception as error:
                _close(reader)
                dbapi = self._dialect.dbapi
                if dbapi is None or not isinstance(error, dbapi.Error):
                    raise
                # What broke this connection has broken the others as well.
                self.close()
                if attempt == 2:
                    raise told_of(error) from error
            else:
                self._idle.append(reader)
                return rows
        raise AssertionError

    def _take(self) -> Reader:
        try:
            return self._idle.pop()
        except IndexError:
            return self._open()

    def fetch_selected(self, statement: Select[*tuple[Any, ...]], values: Mapping[str, object]) -> Rows:
        """Fetch as `fetch` does, with *values* for its parameters. The statement is compiled once and kept."""
        found = compiled(statement, self._dialect)
        return self.fetch(found.text, found.taken(values), prepare=not found.is_planned_anew)

    def close(self) -> None:
        """Close the connections that nobody uses just now; the next statement opens another."""
        idle, self._idle = self._idle, []
        for reader in idle:
            _close(reader)


def _close(reader: Reader | None) -> None:
    if reader is not None:
        with contextlib.suppress(Exception):
            reader.close()
