"""
Statements of hot paths: put together once, compiled once for each kind of database, and run as the driver takes them.

SQLAlchemy hashes a statement each time that it is executed, looks it up, and converts every value and every row; that
takes longer than a small statement runs. So those of which every request that writes sends some are objects of their
modules, in SQLAlchemy's language like any other, and run by `execute` in the transaction of the session. The ORM is for
what is done once in a while; for reading alone, without a transaction, there is `sync.database.quick`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy import CursorResult, Delete, Dialect, Insert, Select, Update
from sqlalchemy.orm import Session

Statement: TypeAlias = Select[*tuple[Any, ...]] | Insert | Update | Delete
#: The execution option in which whoever watches the engine finds the statement of a text.
STATEMENT = "statement"


@dataclass(frozen=True, slots=True)
class _Compiled:
    """A statement in a driver's words; *order* is that of its values, None where they go by their names."""

    text: str
    given: Mapping[str, object]
    order: Sequence[str] | None
    options: Mapping[str, Any]

    def taken(self, values: Mapping[str, object]) -> Any:
        """Return *values* as the driver takes them."""
        named = {**self.given, **values}
        return named if self.order is None else tuple([named[name] for name in self.order])


_COMPILED: dict[tuple[str, Statement], _Compiled] = {}


def execute(session: Session, statement: Statement, values: Mapping[str, object]) -> CursorResult[*tuple[Any, ...]]:
    """
    Run a *statement* that is used again and again; *values* are those of its parameters, each a single one.

    Rows have what the driver makes of their columns, and no object of the session's is brought up to date.
    """
    connection = session.connection()
    compiled = _COMPILED.get((connection.dialect.name, statement)) or _compile(statement, connection.dialect)
    return connection.exec_driver_sql(compiled.text, compiled.taken(values), execution_options=compiled.options)


def execute_all(session: Session, statement: Statement, rows: Sequence[Mapping[str, object]]) -> None:
    """Run a *statement* that changes something once for each of *rows*, which are values as `execute` takes them."""
    if not rows:
        return
    connection = session.connection()
    compiled = _COMPILED.get((connection.dialect.name, statement)) or _compile(statement, connection.dialect)
    given = [compiled.taken(values) for values in rows]
    connection.exec_driver_sql(compiled.text, given, execution_options=compiled.options)


def _compile(statement: Statement, dialect: Dialect) -> _Compiled:
    made: Any = statement.compile(dialect=dialect)
    compiled = _Compiled(made.string, made.params, made.positiontup, {STATEMENT: statement})
    _COMPILED[dialect.name, statement] = compiled
    return compiled
