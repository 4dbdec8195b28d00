"""
Statements of hot paths: put together once, compiled once for each kind of database, and handed to the driver.

SQLAlchemy hashes a statement each time that it is executed, looks it up, and converts every value and every row; that
takes many times as long as a small statement runs. So those of which every request that writes sends some are objects
of their modules, in SQLAlchemy's language like any other, and run by `execute` in the transaction of the session.
Whoever listens for the statements of the engine hears of these as well, and what goes wrong is raised as SQLAlchemy
raises it. The ORM is for what is done once in a while; for reading alone, without a transaction, there is
`sync.database.quick`.

A statement of which nobody needs to know what came of it is run `later`. On PostgreSQL it waits (`sync.pipeline`) until
something of the transaction is to be known, or the transaction is committed, and goes to the server with that. It is
done before whatever the transaction does afterwards, by whichever way; only what goes wrong with it is told there. A
savepoint takes along what waits before it and ends with what waits inside of it, so what fails in it is told in it. On
SQLite nothing waits, for there is no way to it. Whoever needs to know, but has more to do before, may `ask`, and look
at the `Answer` then.
"""

from __future__ import annotations

import contextlib
import functools
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy import Connection, Delete, Dialect, Engine, Insert, Select, Update, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from sync.database.lists import SQLITE, ids
from sync.pipeline.answers import Answer, Rows
from sync.pipeline.failed import FailedError

Statement: TypeAlias = Select[*tuple[Any, ...]] | Insert | Update | Delete
Made: TypeAlias = Statement | Callable[[str], Statement]
#: The execution option in which whoever watches the engine finds the statement of a text.
STATEMENT = "statement"
#: The execution option of a statement whose best plan depends on its values, such as whether a book is large:
#: PostgreSQL plans it each time, and keeps no plan for the average.
ANEW = "planned_anew"
#: Behind these the driver lets go of all that is prepared, since the tables may be others.
_LETS_GO = re.compile(r"(?:^|;)\s*(?:DROP|ALTER|ROLLBACK|DISCARD|DEALLOCATE)\b", re.IGNORECASE)
#: Where a connection to PostgreSQL has its line.
LINE = "line"


@dataclass(frozen=True, slots=True)
class Compiled:
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


_COMPILED: dict[tuple[str, Statement], Compiled] = {}


def execute(session: Session, statement: Statement, values: Mapping[str, object]) -> Rows:
    """
    Run a *statement* that is used again and again; *values* are those of its parameters, each a single one.

    Returns all rows, none where the statement has none, as the driver makes them. No object of the session's is brought
    up to date.
    """
    connection = session.connection()
    found = compiled(statement, connection.dialect)
    return _run(connection, found, found.taken(values))


def ask(
    session: Session,
    statement: Statement,
    values: Mapping[str, object],
    then: Callable[[Rows], object] | None = None,
) -> Answer:
    """
    Run a *statement* as `execute` does, for whoever needs to know only in a while what came of it; *then* is told.

    What goes wrong with it is raised when that is looked at, or by whatever the session does before, as of `later`.
    """
    connection = session.connection()
    found, answer = compiled(statement, connection.dialect), Answer(functools.partial(_send, connection), then)
    _run(connection, found, found.taken(values), answer)
    return answer


def later(session: Session, statement: Statement, values: Mapping[str, object]) -> None:
    """
    Run a *statement* as `execute` does, before whatever the session does afterwards, for whoever needs no answer.

    What goes wrong with it is raised by one of those, the commit included.
    """
    ask(session, statement, values)


def finish(session: Session) -> None:
    """Let what was run `later` be done now, for whoever wants to know how long it takes."""
    connection = session.connection()
    if LINE in connection.info:
        _send(connection)


def read(session: Session, what: Made, values: Mapping[str, object], **lists: Collection[int]) -> Rows:
    """
    Run *what* is one statement, or makes and keeps one for a kind of database, for whoever may have changed objects.

    Each of *lists* is the ids of an `among_parameter` of this name. What the session holds back is written before.
    """
    session.flush()
    dialect = session.get_bind().dialect.name
    statement = what(dialect) if callable(what) else what
    return execute(session, statement, {**values, **{name: ids(dialect, each) for name, each in lists.items()}})


def value(session: Session, statement: Statement, values: Mapping[str, object]) -> Any:
    """Run a *statement* as `execute` does, and return the first value of its first row, None where it has no row."""
    return next((row[0] for row in execute(session, statement, values)), None)


def execute_all(session: Session, statement: Statement, rows: Sequence[Mapping[str, object]]) -> None:
    """Run a *statement* `later`, once for each of *rows*, which are values as that takes them."""
    if len(rows) > 1:
        connection = session.connection()
        found = compiled(statement, connection.dialect)
        _run(connection, found, [found.taken(values) for values in rows], many=True)
    elif rows:
        # What drivers do for several takes longer than one.
        later(session, statement, rows[0])


def roll_back(session: Session) -> None:
    """Let nothing stay of what a transaction did, but what was prepared in it."""
    if session.get_bind().dialect.name == SQLITE or not session.in_transaction():
        return
    connection = session.connection()
    if not connection.invalidated:
        connection.info[LINE].roll_back()


def watch(engine: Engine, *, prepares: bool, is_held_back: Callable[[], bool]) -> None:
    """
    Give each connection of a PostgreSQL *engine* a line, and let what waits in it go before anything else.

    *prepares* says that each is one connection to the server for good. A commit that takes long
    fails where *is_held_back* says that changes wait for a standby.
    """
    # SQLite needs no driver but Python's.
    from sync.pipeline.line import Line

    dialect: Any = engine.dialect
    end = dialect.do_commit

    def open_line(driver: Any, record: Any) -> None:
        record.info[LINE] = Line(driver, prepares=prepares, is_held_back=is_held_back)

    def send_first(_cursor: Any, text: str, _values: Any, context: Any) -> None:
        # That by which SQLAlchemy looks at a new server keeps nothing, and nothing waits on it.
        with contextlib.suppress(NotImplementedError):
            _send(context.root_connection)
            if _LETS_GO.search(text):
                context.root_connection.info[LINE].prepare_anew()

    def commit(connection: Any) -> None:
        try:
            connection.info[LINE].send(and_commit=True)
        except FailedError as failed:
            raise failed.error from failed
        end(connection)

    def roll_back_all(connection: Connection) -> None:
        if not connection.closed and not connection.invalidated:
            connection.info[LINE].roll_back()

    def roll_back_to(connection: Connection, _name: str, _context: object) -> None:
        if not connection.closed and not connection.invalidated:
            connection.info[LINE].forget()
            # It is what the driver does.
            connection.info[LINE].prepare_anew()

    dialect.do_commit = commit
    dialect.do_savepoint = _set_savepoint
    dialect.do_release_savepoint = _release_savepoint
    event.listen(engine, "connect", open_line)
    event.listen(engine, "do_execute", send_first)
    event.listen(engine, "do_executemany", send_first)
    event.listen(engine, "rollback", roll_back_all)
    event.listen(engine, "rollback_savepoint", roll_back_to)


def compiled(statement: Statement, dialect: Dialect) -> Compiled:
    """Return a statement in the words of a kind of database's driver; it is compiled once and kept."""
    found = _COMPILED.get((dialect.name, statement))
    if found is None:
        made: Any = statement.compile(dialect=dialect)
        has_rows = isinstance(statement, Select) or bool(made.effective_returning)
        is_anew = dialect.name != SQLITE and bool(statement.get_execution_options().get(ANEW))
        found = Compiled(made.string, made.params, made.positiontup, has_rows, is_anew, {STATEMENT: statement})
        _COMPILED[dialect.name, statement] = found
    return found


def _run(
    connection: Connection, compiled: Compiled, given: Any, answer: Answer | None = None, *, many: bool = False
) -> Rows:
    """Run a statement; where it is for *many*, or an *answer* is to be told what came of it, it may wait."""
    dialect: Any = connection.dialect
    line = connection.info.get(LINE)
    cursor: Any = connection.connection.cursor() if line is None else line
    # Nobody listens to a single connection; and to go through those who might takes longer than to see that none does.
    context, heard = _Context(compiled.options), connection.engine.dispatch
    for told in heard.before_cursor_execute or ():
        told(connection, cursor, compiled.text, given, context, many)
    rows: Rows
    try:
        if many:
            dialect.do_executemany(cursor, compiled.text, given, context)
        elif line is None:
            dialect.do_execute(cursor, compiled.text, given, context)
        else:
            line.execute(compiled.text, given, prepare=not compiled.is_planned_anew, answer=answer)
        if line is not None:
            rows = [] if many or answer is not None else line.send()
        else:
            rows = cursor.fetchall() if compiled.has_rows else []
            if answer is not None:
                answer.take(rows)
    except dialect.loaded_dbapi.Error as error:
        raise _raised(connection, compiled.text, error) from error
    except FailedError as failed:
        raise _raised(connection, failed.text, failed.error) from failed
    for told in heard.after_cursor_execute or ():
        told(connection, cursor, compiled.text, given, context, many)
    return rows


def _set_savepoint(connection: Connection, name: str) -> None:
    connection.info[LINE].execute(f"SAVEPOINT {name}", {}, prepare=False)
    _send(connection)


def _release_savepoint(connection: Connection, name: str) -> None:
    line = connection.info[LINE]
    line.execute(f"RELEASE SAVEPOINT {name}", {}, prepare=False)
    try:
        _send(connection)
    except DBAPIError:
        # To SQLAlchemy it has ended, and nothing is left to go back on.
        if not connection.invalidated:
            line.roll_back_to(name)
        raise


def _send(connection: Connection) -> None:
    """Send what waits on a connection, if anything does."""
    try:
        connection.info[LINE].send()
    except FailedError as failed:
        raise _raised(connection, failed.text, failed.error) from failed


def _raised(connection: Connection, text: str | None, error: Exception) -> BaseException:
    """Return what SQLAlchemy makes of an *error* of the driver's; a connection that is lost is not used again."""
    dialect: Any = connection.dialect
    is_lost = dialect.is_disconnect(error, connection.connection.dbapi_connection, None)
    if is_lost:
        connection.invalidate(error)
    base, hidden = dialect.loaded_dbapi.Error, connection.engine.hide_parameters
    return DBAPIError.instance(
        text, None, error, base, hide_parameters=hidden, connection_invalidated=is_lost, dialect=dialect
    )
