"""
Several statements on their way to PostgreSQL at once: one round trip for all of them, and one wait.

A `Line` stands beside a connection of the driver's, which it uses as the driver does, by libpq's pipelines. What is put
into it goes to the server in its order, together with whatever is waited for next: BEGIN before it where no transaction
has begun yet, COMMIT behind it where that is it. When one of them fails the server skips those behind it, COMMIT
included. Each statement is prepared once for the connection.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from psycopg import Connection, Error, OperationalError, errors, generators
from psycopg.abc import PQGen
from psycopg.adapt import PyFormat
from psycopg.errors import Diagnostic
from psycopg.pq import DiagnosticField, ExecStatus, TransactionStatus
from psycopg.pq.abc import PGconn, PGresult

from sync.pipeline import held_back
from sync.pipeline.answers import Answer, Rows
from sync.pipeline.failed import FailedError
from sync.pipeline.statements import Key, Statements

#: Commands that wait at most, however little anybody needs to know of them.
MOST = 50
_COMMIT = "COMMIT"
#: SQLSTATE of what PostgreSQL says of a commit that somebody kept from waiting for a standby: it is made here alone.
_WARNING = "01000"
#: SQLSTATE of a statement that is not prepared any more.
_NOT_PREPARED = b"26000"


class _Command(NamedTuple):
    """
    One step of the protocol for a statement, which *send* hands to libpq; *key* is what it prepares, if it does.

    *answer* is told the rows that it returns.
    """

    text: str
    send: Callable[[], None]
    key: Key | None = None
    answer: Answer | None = None


class HeldBackError(OperationalError):
    """A commit waits for a standby, or was made without it: whether it will last nobody knows."""

    is_held_back = True


class Line:
    """What waits to be sent on one connection; it is given statements as a cursor is."""

    def __init__(self, driver: Connection[Any], *, prepares: bool, is_held_back: Callable[[], bool]) -> None:
        """
        Stand beside *driver*; *prepares* says that it is one connection to the server for good.

        *is_held_back* says of a commit that takes long whether changes wait for a standby.
        """
        self.connection = driver
        self._is_held_back, self._is_warned = is_held_back, False
        driver.add_notice_handler(self._hear)
        self._statements = Statements(driver, prepares=prepares, form=PyFormat.AUTO)
        self._waiting: list[_Command] = []

    def execute(
        self, text: str, values: Mapping[str, Any], *, prepare: bool = True, answer: Answer | None = None
    ) -> None:
        """
        Take a statement as the driver's cursor does, and let it wait; *prepare* says that its plan may be kept.

        *answer* is told its rows once it was sent.

        Raises:
            FailedError: Very much waited and was sent, and something of it failed.
        """
        if len(self._waiting) >= MOST:
            # Before and not behind it: whoever sends it gets its rows.
            self.send()
        given = self._statements.given(text, values)
        name = self._name(text, given.key) if prepare else None
        pgconn = self.connection.pgconn
        if name is None:
            send = partial(pgconn.send_query_params, given.key.text, given.values, given.key.types, given.formats)
        else:
            send = partial(pgconn.send_query_prepared, name, given.values, given.formats)
        self._waiting.append(_Command(text, send, answer=answer))

    def executemany(self, text: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """Take a statement as `execute` does, once for each of *rows*."""
        for values in rows:
            self.execute(text, values)

    def send(self, *, and_commit: bool = False) -> Rows:
        """
        Send what waits, if anything does, and return the rows of the last of it.

        Raises:
            FailedError: Something of it failed, or the connection is lost.
        """
        commands, self._waiting = self._waiting, []
        status = self.connection.pgconn.transaction_status
        if and_commit and status == TransactionStatus.INERROR:
            # The server would take it for a rollback, and say nothing of it.
            raise FailedError(errors.InFailedSqlTransaction("an error was passed over, after which nothing stays"), "")
        if not commands and not (and_commit and status == TransactionStatus.INTRANS):
            return []
        self._is_warned = False
        if status == TransactionStatus.IDLE and not self.connection.autocommit:
            commands.insert(0, self._control(self._beginning()))
        if and_commit:
            commands.append(self._control(_COMMIT))
        found: list[PGresult] = []
        try:
            error: Error | None = None
            self._exchange(commands, found)
        except Error as lost:
            error = lost
        self._require(commands, found, error)
        if and_commit and self._is_warned:
            raise FailedError(HeldBackError("it is committed without its standby"), None)
        for command, result in zip(commands, found, strict=True):
            if command.answer is not None:
                command.answer.take(self._statements.rows(result))
        return self._statements.rows(found[-1])

    def forget(self) -> None:
        """Let go of what waits."""
        self._unprepare(self._waiting)
        self._waiting = []

    def prepare_anew(self) -> None:
        """Prepare everything again when it is needed: the driver lets go of it, for reasons of its own."""
        self._statements.clear()

    def roll_back(self) -> None:
        """
        Let nothing stay of what the transaction did, but what was prepared in it.

        With a rollback of its own the driver lets go of that, since tables may be gone by it, and each statement that
        follows would be read and planned anew.
        """
        self.forget()
        pgconn = self.connection.pgconn
        if pgconn.transaction_status in (TransactionStatus.INTRANS, TransactionStatus.INERROR):
            pgconn.exec_(b"ROLLBACK")

    def roll_back_to(self, savepoint: str) -> None:
        """Let nothing stay of a part of the transaction in which something failed, but what was prepared in it."""
        self.forget()
        pgconn = self.connection.pgconn
        if pgconn.transaction_status == TransactionStatus.INERROR:
            pgconn.exec_(f"ROLLBACK TO SAVEPOINT {savepoint}".encode())

    def _name(self, text: str, key: Key) -> bytes | None:
        """Return the name under which a statement is prepared once what waits is sent, None where it is not."""
        name = self._statements.name(key)
        if name is None and (name := self._statements.new_name(key)) is not None:
            self._waiting.append(_Command(text, partial(self.connection.pgconn.send_prepare, name, *key), key))
        return name

    def _beginning(self) -> str:
        level = self.connection.isolation_level
        return "BEGIN" if level is None else f"BEGIN ISOLATION LEVEL {level.name.replace('_', ' ')}"

    def _control(self, text: str) -> _Command:
        return _Command(text, partial(self.connection.pgconn.send_query_params, text.encode(), None))

    def _exchange(self, commands: Sequence[_Command], found: list[PGresult]) -> None:
        """Send *commands* and add the result of each to what is *found*."""
        pgconn = self.connection.pgconn
        try:
            pgconn.enter_pipeline_mode()
            for command in commands:
                command.send()
            pgconn.pipeline_sync()
            waiting = _results(pgconn, len(commands), found)
            self.connection.wait(_in_time(waiting, self._is_held_back) if commands[-1].text == _COMMIT else waiting)
            pgconn.exit_pipeline_mode()
        except BaseException:
            # It is in the middle of something, which nobody else shall get.
            pgconn.finish()
            raise

    def _hear(self, said: Diagnostic) -> None:
        self._is_warned = self._is_warned or said.sqlstate == _WARNING

    def _require(self, commands: Sequence[_Command], found: Sequence[PGresult], lost: Error | None) -> None:
        """Make sure that all of *commands* were done; *lost* says that the connection is."""
        refused = next((place for place, each in enumerate(found) if _is_refusal(each)), None)
        if refused is None and lost is None and len(found) == len(commands):
            return
        self._unprepare(commands[len(found) if refused is None else refused :])
        if refused is not None:
            if found[refused].error_field(DiagnosticField.SQLSTATE) == _NOT_PREPARED:
                self.prepare_anew()
            # What the server says of a statement before COMMIT, it says instead of committing.
            text = commands[refused].text
            raise FailedError(errors.error_from_result(found[refused]), None if text == _COMMIT else text) from lost
        text = commands[min(len(found), len(commands) - 1)].text
        error = lost or OperationalError("the connection is lost")
        raise FailedError(error, None if commands[-1].text == _COMMIT else text) from lost

    def _unprepare(self, commands: Sequence[_Command]) -> None:
        """Note that what these would have prepared is not."""
        for command in commands:
            if command.key is not None:
                self._statements.forget(command.key)


def _is_refusal(result: PGresult) -> bool:
    """Whether the server said that something failed, and not libpq that there is no server any more."""
    return result.status == ExecStatus.FATAL_ERROR and result.error_field(DiagnosticField.SQLSTATE) is not None


def _in_time(results: PQGen[None], is_held_back: Callable[[], bool]) -> PQGen[None]:
    """Wait for *results*, of which the last is a commit's, for as long as that does not wait for a standby."""
    until, wanted = time.monotonic() + held_back.LATE, next(results)
    while True:
        ready = yield wanted
        if not ready and time.monotonic() > until:
            if is_held_back():
                raise HeldBackError("it waits for a standby that does not answer")
            until = time.monotonic() + held_back.LATE
        try:
            wanted = results.send(ready)
        except StopIteration:
            return


def _results(pgconn: PGconn, count: int, found: list[PGresult]) -> PQGen[None]:
    """Wait for the results of *count* commands that were handed to libpq, and for the sync behind them."""
    yield from generators.send(pgconn)
    for _ in range(count):
        found += yield from generators.fetch_many(pgconn)
    yield from generators.fetch_many(pgconn)
