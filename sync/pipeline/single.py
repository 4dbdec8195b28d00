"""
One statement after the other to PostgreSQL, each with its answer at once, on a connection that commits by itself.

A `Single` asks libpq once for each, which sends, waits and takes in the answer by itself. The driver's cursor does that
in steps, and each of them lets go of the interpreter and waits for it again, behind all the others who have work.
"""

from __future__ import annotations

from typing import Any

from psycopg import Connection, errors
from psycopg.adapt import PyFormat
from psycopg.pq import ExecStatus, Format
from psycopg.pq.abc import PGresult

from sync.pipeline.answers import Rows
from sync.pipeline.statements import Given, Statements, Values

_DONE = (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK)


class Single:
    """A connection of the driver's of its own, that nothing else uses meanwhile; after an error it is to be closed."""

    def __init__(self, driver: Connection[Any], *, prepares: bool) -> None:
        """Stand beside *driver*; *prepares* says that it is one connection to the server for good."""
        self.connection = driver
        # Values in binary form both ways: they are neither written nor read as text.
        self._statements = Statements(driver, prepares=prepares, form=PyFormat.BINARY)

    def fetch(self, text: str, values: Values, *, prepare: bool = True) -> Rows:
        """
        Return all rows of a statement; *prepare* says that its plan may be kept.

        Raises:
            psycopg.Error: It failed.
        """
        given, pgconn = self._statements.given(text, values), self.connection.pgconn
        name = self._prepared(given) if prepare else None
        if name is None:
            args = (given.key.text, given.values, given.key.types, given.formats)
            return self._statements.rows(_required(pgconn.exec_params(*args, Format.BINARY)))
        result = pgconn.exec_prepared(name, given.values, given.formats, Format.BINARY)
        return self._statements.rows(_required(result))

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()

    def _prepared(self, given: Given) -> bytes | None:
        """Return the name under which a statement is prepared by now, None where it is not."""
        name = self._statements.name(given.key)
        if name is None and (name := self._statements.new_name(given.key)) is not None:
            _required(self.connection.pgconn.prepare(name, *given.key))
        return name


def _required(result: PGresult) -> PGresult:
    if result.status not in _DONE:
        raise errors.error_from_result(result)
    return result
