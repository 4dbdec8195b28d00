"""
Statements of hot paths: put together once, compiled once for each kind of database, and handed to the driver.

SQLAlchemy hashes a statement each time that it is executed, looks it up, and converts every value and every row; that
takes many times as long as a small statement runs. So those of which every request that writes sends some are objects
of their modules, in SQLAlchemy's language like any other, and run by `execute` in the transaction of the session.
Whoever listens for the statements of the engine hears of these as well, and what goes wrong is raised as SQLAlchemy
raises it. The ORM is for what is done once in a while; for reading alone, without a transaction, there is
`sync.database.quick`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy import Connection, Delete, Dialect, Insert, Select, Update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from sync.database.lists import SQLITE, ids

Statement: TypeAlias = Select[*tuple[Any, ...]] | Insert | Update | Delete
Rows: TypeAlias = list[tuple[Any, ...]]
#: The execution option in which whoever watches the engine finds the statement of a text.
STATEMENT = "statement"
#: The execution option of a statement whose best plan depends on its values, such as whether a book is large:
#: PostgreSQL plans it each time, and keeps no plan for the average.
ANEW = "planned_anew"
#: Where a connection keeps its cursor, and how many rows that may hold on to until the next statement.
CURSOR, _FEW = "prepared_cursor", 10


@dataclass(frozen=True, slots=True)
class _Compiled:
    """A statement in a driver's words; *order* is that of its values, None where they go by their names."""

    text: str
    given: Mapping[str, object]
    order: Sequence[str] | None
    has_rows: bool
    is_planned_anew: bool
    options: Mapping[str, Any]

    def taken(self, values: Mapping[str, object]) -> Any:
        """Return *values* as the driver takes them."""
        named = {**self.given, **values}
        return named if self.order is None else tuple([named[name] for name in self.order])


class _Context:
    """What whoever watches the engine is told of a statement beside its text; they may note things in it."""

    compiled = None

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.execution_options = options


_COMPILED: dict[tuple[str, Statement], _Compiled] = {}


def execute(session: Session, statement: Statement, values: Mapping[str, object]) -> Rows:
    """
    Run a *statement* that is used again and again; *values* are those of its parameters, each a single one.

    Returns all rows, none where the statement has none, as the driver makes them. No object of the session's is brought
    up to date.
    """
    connection = session.connection()
    compiled = _compiled(statement, connection.dialect)
    return _run(connection, compiled, compiled.taken(values), many=False)


def read(
    session: Session, make: Callable[[str], Statement], values: Mapping[str, object], **lists: Collection[int]
) -> Rows:
    """
    Run what *make* makes for a kind of database and keeps, as `execute` does, for whoever may have changed objects.

    Each of *lists* is the ids of an `among_parameter` of this name. What the session holds back is written before.
    """
    session.flush()
    dialect = session.get_bind().dialect.name
    return execute(session, make(dialect), {**values, **{name: ids(dialect, each) for name, each in lists.items()}})


def value(session: Session, statement: Statement, values: Mapping[str, object]) -> Any:
    """Run a *statement* as `execute` does, and return the first value of its first row, None where it has no row."""
    rows = execute(session, statement, values)
    return rows[0][0] if rows else None


def execute_all(session: Session, statement: Statement, rows: Sequence[Mapping[str, object]]) -> None:
    """Run a *statement* that changes something once for each of *rows*, which are values as `execute` takes them."""
    if not rows:
        return
    connection = session.connection()
    compiled = _compiled(statement, connection.dialect)
    given = [compiled.taken(values) for values in rows]
    # What drivers do for several takes longer than one.
    _run(connection, compiled, given if len(given) > 1 else given[0], many=len(given) > 1)


def roll_back(session: Session) -> None:
    """
    Let nothing stay of what a transaction did, but what was prepared in it.

    With a rollback of its own PostgreSQL's driver forgets that, since tables may be gone by it, and each statement that
    follows would be read and planned anew.
    """
    if session.get_bind().dialect.name == SQLITE or not session.in_transaction():
        return
    connection = session.connection()
    driver: Any = None if connection.invalidated else connection.connection.dbapi_connection
    if driver is not None and driver.info.transaction_status.name == "INTRANS":
        driver.pgconn.exec_(b"ROLLBACK")


def _compiled(statement: Statement, dialect: Dialect) -> _Compiled:
    found = _COMPILED.get((dialect.name, statement))
    if found is None:
        made: Any = statement.compile(dialect=dialect)
        has_rows = isinstance(statement, Select) or bool(made.effective_returning)
        is_planned_anew = dialect.name != SQLITE and bool(statement.get_execution_options().get(ANEW))
        options = {STATEMENT: statement}
        found = _Compiled(made.string, made.params, made.positiontup, has_rows, is_planned_anew, options)
        _COMPILED[dialect.name, statement] = found
    return found


def _run(connection: Connection, compiled: _Compiled, given: Any, *, many: bool) -> Rows:
    dialect: Any = connection.dialect
    cursor = _cursor(connection)
    context = _Context(compiled.options)
    for told in connection.dispatch.before_cursor_execute:
        told(connection, cursor, compiled.text, given, context, many)
    try:
        if compiled.is_planned_anew:
            cursor.execute(compiled.text, given, prepare=False)
        else:
            (dialect.do_executemany if many else dialect.do_execute)(cursor, compiled.text, given, context)
        rows: Rows = cursor.fetchall() if compiled.has_rows else []
    except dialect.loaded_dbapi.Error as error:
        raise _raised(connection, cursor, compiled, error) from error
    if len(rows) > _FEW:
        connection.info.pop(CURSOR, None)
    for told in connection.dispatch.after_cursor_execute:
        told(connection, cursor, compiled.text, given, context, many)
    return rows


def _cursor(connection: Connection) -> Any:
    """Return a cursor: on PostgreSQL, where one takes half as long to make as to use, that which a connection keeps."""
    if connection.dialect.name == SQLITE:
        return connection.connection.cursor()
    kept = connection.info
    if CURSOR not in kept:
        kept[CURSOR] = connection.connection.cursor()
    return kept[CURSOR]


def _raised(connection: Connection, cursor: Any, compiled: _Compiled, error: Exception) -> BaseException:
    """Return what SQLAlchemy makes of an *error* of the driver's; a connection that is lost is not used again."""
    dialect: Any = connection.dialect
    driver = connection.connection.dbapi_connection
    is_lost = dialect.is_disconnect(error, driver, cursor)
    if is_lost:
        connection.invalidate(error)
    base, hidden = dialect.loaded_dbapi.Error, connection.engine.hide_parameters
    return DBAPIError.instance(
        compiled.text, None, error, base, hide_parameters=hidden, connection_invalidated=is_lost, dialect=dialect
    )
