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
from typing import Any

from sqlalchemy import URL, Dialect, Select

from sync.database import sqlite
from sync.database.driver_errors import told_of


def open_cursor(url: URL, dialect: Dialect, *, prepares: bool) -> Any:
    """
    Open a cursor of the driver's, on a connection of its own that commits by itself.

    PostgreSQL *prepares* each statement once for the connection, where that is one connection to the server for good.
    """
    if dialect.name == "sqlite":
        connection = sqlite3.connect(
            str(url.database),
            timeout=sqlite.BUSY_MILLISECONDS / 1000,
            isolation_level=None,
            check_same_thread=False,
        )
        sqlite.configure(connection)
        return connection.cursor()
    import psycopg

    arguments: Any = dialect.create_connect_args(url)
    threshold = 0 if prepares else None
    connected = psycopg.connect(*arguments[0], **arguments[1], autocommit=True, prepare_threshold=threshold)
    # One cursor for good, and values in binary form: a third less to do for each poll.
    return connected.cursor(binary=True)


class Quick:
    """The connections of this process."""

    def __init__(self, dialect: Dialect, connect: Callable[[], Any]) -> None:
        """Use what *connect* makes: a cursor of the driver's, on a connection that commits by itself."""
        self._dialect = dialect
        self._connect = connect
        #: The last that was used is the next: it has its statements prepared and its pages at hand. Taking one away and
        #: giving it back are single steps of the interpreter.
        self._idle: list[Any] = []
        #: Is told the seconds of each statement.
        self.observer: Callable[[float], object] = lambda _: None
        self._compiled: dict[Select[*tuple[Any, ...]], Any] = {}

    def fetch(self, statement: str, parameters: Any, **options: bool) -> list[tuple[Any, ...]]:
        """
        Fetch all rows of a statement in the driver's own words; *options* are for the driver.

        Raises:
            DatabaseUnavailable: The database could not be reached, twice in a row.
        """
        for attempt in (1, 2):
            cursor = None
            try:
                cursor = self._take()
                began = time.perf_counter()
                # All rows are fetched, because a statement that is not at its end keeps SQLite's snapshot open.
                rows: list[tuple[Any, ...]] = cursor.execute(statement, parameters, **options).fetchall()
                self.observer(time.perf_counter() - began)
            except Exception as error:
                _close(cursor)
                dbapi = self._dialect.dbapi
                if dbapi is None or not isinstance(error, dbapi.Error):
                    raise
                # What broke this connection has broken the others as well.
                self.close()
                if attempt == 2:
                    raise told_of(error) from error
            else:
                self._idle.append(cursor)
                return rows
        raise AssertionError

    def _take(self) -> Any:
        try:
            return self._idle.pop()
        except IndexError:
            return self._connect()

    def fetch_selected(
        self, statement: Select[*tuple[Any, ...]], values: Mapping[str, object], *, is_by_key: bool = False
    ) -> list[tuple[Any, ...]]:
        """
        Fetch as `fetch` does, with *values* for its parameters. The statement is compiled once and kept.

        *is_by_key* says that it asks for one row by a key.
        """
        compiled = self._compiled.get(statement)
        if compiled is None:
            compiled = self._compiled[statement] = statement.compile(dialect=self._dialect)
        parameters = {**compiled.params, **values}
        order = compiled.positiontup
        if order is not None:
            return self.fetch(compiled.string, tuple(parameters[name] for name in order))
        # A plan that PostgreSQL keeps is one for a book of average size, in which all of a large one may be read for
        # ten entries. For one row there is one plan.
        return self.fetch(compiled.string, parameters, prepare=is_by_key)

    def close(self) -> None:
        """Close the connections that nobody uses just now; the next statement opens another."""
        idle, self._idle = self._idle, []
        for cursor in idle:
            _close(cursor)


def _close(cursor: Any) -> None:
    if cursor is not None:
        with contextlib.suppress(Exception):
            cursor.connection.close()
