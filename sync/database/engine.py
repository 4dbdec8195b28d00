"""
The database: one engine per process, and transactions that are functions.

`Database.write` runs a function in one writing transaction and runs it again from the start when the database asks
for that (a deadlock, a serialization failure, a lock that did not come, a lost connection), so such a function has no
side effect but through its session. `Database.reading` gives one consistent snapshot. `Database.quick` gives the bare
driver connection for a single statement on the hottest path.
"""

from __future__ import annotations

import contextlib
import random
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Engine, Select, create_engine, event, make_url, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DatabaseError, DBAPIError, NoSuchModuleError, OperationalError
from sqlalchemy.orm import Session

from sync.database import sqlite
from sync.database.lists import among
from sync.database.quick import Quick
from sync.errors import DatabaseUnavailable, InvalidInput
from sync.settings import Settings

T = TypeVar("T")

#: How often a writing transaction is run before giving up, and for how many seconds another attempt is made.
ATTEMPTS = 12
PATIENCE = 10.0
#: For how many milliseconds a transaction waits for another that had better not wait.
HASTE = 200
#: SQLSTATEs after which the same transaction may well succeed: serialization failure, deadlock, lock not available.
RETRYABLE = {"40001", "40P01", "55P03"}


class Database:
    """
    Access to the one database of this server, for all threads of a process.

    Raises:
        InvalidInput: *url* is not the URL of a SQLite or PostgreSQL database, or PostgreSQL's driver is not installed.
    """

    def __init__(self, url: str, settings: Settings | None = None) -> None:
        """Prepare the engine; nothing is opened yet. Every session carries *settings* (see `settings_of`)."""
        self.settings = settings or Settings()
        pool_size = self.settings.pool_size
        self.url = parse_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        overflow, ping = 2 * pool_size, not self.is_sqlite
        options: dict[str, Any] = {"pool_size": pool_size, "max_overflow": overflow, "pool_pre_ping": ping}
        # An error's text goes into the log, where no field's value may be.
        options["hide_parameters"] = True
        if self.is_sqlite:
            options["connect_args"] = {"timeout": sqlite.BUSY_MILLISECONDS / 1000, "check_same_thread": False}
        try:
            self.engine = create_engine(self.url, **options)
        except ModuleNotFoundError as error:
            raise InvalidInput("PostgreSQL needs a driver; install evercard[postgresql].") from error
        if self.is_sqlite:
            event.listen(self.engine, "connect", sqlite.configure)
            event.listen(self.engine, "begin", sqlite.begin)
            self._writer = self.engine.execution_options(**{sqlite.WRITES: True})
            self._hasty = self.engine.execution_options(**{sqlite.WRITES: True, sqlite.PATIENCE: HASTE})
            self._reader = self.engine
        else:
            self._writer = self._hasty = self.engine.execution_options(isolation_level="READ COMMITTED")
            self._reader = self.engine.execution_options(isolation_level="REPEATABLE READ")
        self._quick = Quick(self.engine.dialect, self._open_quick)

    def write(self, change: Callable[[Session], T]) -> T:
        """
        Run *change* in a writing transaction of its own and return what it returned, after the commit.

        Raises:
            DatabaseUnavailable: The database could not be reached, or stayed locked, for about ten seconds; or it was
                lost while it committed, so that nobody knows whether the change was made.
        """
        deadline = time.monotonic() + PATIENCE
        for attempt in range(1, ATTEMPTS + 1):
            in_doubt = False
            try:
                with self._session(self._writer) as session:
                    result = change(session)
                    session.flush()
                    try:
                        session.commit()
                    except DBAPIError as error:
                        # The connection may be in the middle of the transaction still; nobody else shall have it.
                        session.invalidate()
                        in_doubt = may_have_committed(error)
                        raise
                    return result
            except DBAPIError as error:
                if not is_retryable(error):
                    _tell(error)
                    raise
                if in_doubt or attempt == ATTEMPTS or time.monotonic() > deadline:
                    raise DatabaseUnavailable(_reason(error)) from error
                time.sleep(min(1.5, 0.01 * 2**attempt) * (0.5 + random.random()))  # noqa: S311 - a pause, no secret
        raise AssertionError

    def write_if_free(self, change: Callable[[Session], object]) -> bool:
        """
        Run *change* as `write` does, but once and hardly waiting for others; returns whether it was made.

        For what can as well be written another time, for which nobody shall wait or be refused.
        """
        try:
            with self._session(self._hasty) as session, session.begin():
                if not self.is_sqlite:
                    session.execute(text(f"SET LOCAL lock_timeout = {HASTE}"))
                change(session)
        except DBAPIError as error:
            if not is_retryable(error):
                raise
            return False
        return True

    @contextlib.contextmanager
    def writing(self) -> Iterator[Session]:
        """
        Open a writing transaction that commits when the block ends well and is rolled back otherwise.

        For callers that cannot be run again, such as Radicale's lock; everybody else uses `write`.
        """
        with self._session(self._writer) as session, session.begin():
            yield session

    @contextlib.contextmanager
    def reading(self) -> Iterator[Session]:
        """
        Open a transaction that sees one state of the database, whatever is committed meanwhile.

        Raises:
            DatabaseUnavailable: The database could not be reached.
        """
        try:
            with self._session(self._reader) as session:
                yield session
        except DBAPIError as error:
            _tell(error)
            raise

    def quick(self, statement: str, parameters: tuple[Any, ...]) -> tuple[Any, ...] | None:
        """
        Fetch the first row of one reading *statement* on a bare connection that this thread keeps.

        *statement* uses ``?`` for SQLite's and ``%s`` for PostgreSQL's parameters (see `placeholders`). No SQLAlchemy
        is in the way: this is what a poll costs.

        Raises:
            DatabaseUnavailable: The database could not be reached, twice in a row.
        """
        rows = self._quick.fetch(statement, parameters)
        return rows[0] if rows else None

    def quick_rows(self, statement: Select[Any], values: Mapping[str, object]) -> list[tuple[Any, ...]]:
        """
        Fetch all rows of one reading *statement* as `quick` does: no transaction, and one state of the database.

        *statement* is used again and again, for it is compiled once and kept; *values* are those of its parameters.

        Raises:
            DatabaseUnavailable: The database could not be reached, twice in a row.
        """
        return self._quick.fetch_selected(statement, values)

    def observe_quick(self, observer: Callable[[float], object]) -> None:
        """Tell *observer* the seconds of every statement of `quick` and `quick_rows` from now on."""
        self._quick.observer = observer

    def placeholders(self, statement: str) -> str:
        """Rewrite ``?`` in *statement* to what this database's driver takes."""
        return statement if self.is_sqlite else statement.replace("?", "%s")

    def migrate(self) -> None:
        """
        Bring the schema to the newest version, from any older one or from nothing. Safe to run at every start.

        Raises:
            DatabaseUnavailable: The database could not be reached or changed.
            WrongSchema: It has a version that this code does not know.
        """
        from sync.database.migrations import upgrade

        try:
            upgrade(self)
        except DBAPIError as error:
            _tell(error)
            raise

    def require_newest(self) -> None:
        """
        Make sure that the schema is the one that this code needs; nothing is created or changed.

        Raises:
            DatabaseUnavailable: The database could not be reached.
            WrongSchema: It is older or newer, or there is none.
        """
        from sync.database.schema import require_newest

        try:
            require_newest(self)
        except DBAPIError as error:
            _tell(error)
            raise

    def dispose(self) -> None:
        """Close every connection of the pool; those of other threads' `quick` close with their threads."""
        self._quick.close()
        self.engine.dispose()

    def _session(self, engine: Engine) -> Session:
        return Session(engine, expire_on_commit=False, info={"settings": self.settings})

    def _open_quick(self) -> Any:
        if self.is_sqlite:
            connection = sqlite3.connect(
                str(self.url.database),
                timeout=sqlite.BUSY_MILLISECONDS / 1000,
                isolation_level=None,
                check_same_thread=False,
            )
            sqlite.configure(connection)
            return connection.cursor()
        import psycopg

        arguments = self.engine.dialect.create_connect_args(self.url)
        connected = psycopg.connect(*arguments[0], **arguments[1], autocommit=True, prepare_threshold=0)
        # One cursor for good, and values in binary form: a third less to do for each poll.
        return connected.cursor(binary=True)


def settings_of(session: Session) -> Settings:
    """Return the settings of the database that *session* belongs to."""
    settings: Settings = session.info["settings"]
    return settings


def parse_url(written: str) -> URL:
    """
    Read a database URL, taking ``postgresql:`` and ``postgres:`` for the driver that Evercard uses.

    Raises:
        InvalidInput: It is none, or names a database that Evercard does not know.
    """
    try:
        url = make_url(written)
        name = url.get_backend_name()
    except (ArgumentError, NoSuchModuleError, ValueError) as error:
        raise InvalidInput("The database URL is none; write sqlite:///FILE or postgresql://USER@HOST/NAME.") from error
    if name in ("postgresql", "postgres"):
        return url.set(drivername="postgresql+psycopg")
    if name != "sqlite" or not url.database or url.database == ":memory:":
        raise InvalidInput(
            "The database must be a SQLite file or PostgreSQL: sqlite:///FILE or postgresql://USER@HOST/NAME."
        )
    return url.set(drivername="sqlite", database=str(Path(url.database).absolute()))


def is_retryable(error: DBAPIError) -> bool:
    """Whether running the whole transaction again may succeed."""
    if error.connection_invalidated:
        return True
    if isinstance(error.orig, sqlite3.OperationalError):
        return error.orig.sqlite_errorname.startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))
    state: str | None = getattr(error.orig, "sqlstate", None)
    if state is None:
        return isinstance(error, OperationalError)
    return state in RETRYABLE or state.startswith(("08", "57P"))


def may_have_committed(error: DBAPIError) -> bool:
    """Whether a commit that failed so may have been done all the same: its answer was lost, not its lock."""
    if isinstance(error.orig, sqlite3.Error):
        return False
    return getattr(error.orig, "sqlstate", None) not in RETRYABLE


def _tell(error: DBAPIError) -> None:
    # That the database cannot be used is told in words, and a bug stays what it is. An error of the base class is
    # what SQLite says about a file that is no database; SQLITE_ERROR is about the statement.
    about_statement = getattr(error.orig, "sqlite_errorname", "") == "SQLITE_ERROR"
    if (isinstance(error, OperationalError) or type(error) is DatabaseError) and not about_statement:
        raise DatabaseUnavailable(_reason(error)) from error


def _reason(error: DBAPIError) -> str:
    return str(error.orig).strip().partition("\n")[0]


__all__ = ["Database", "Session", "among", "is_retryable", "parse_url", "settings_of"]
