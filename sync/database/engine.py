"""
The database: one engine per process, and transactions that are functions.

`Database.write` runs a function in one writing transaction and runs it again from the start when the database asks
for that (a deadlock, a serialization failure, a lock that did not come, a lost connection), so such a function has no
side effect but through its session. `Database.reading` gives one consistent snapshot. `Database.quick` gives the bare
driver connection for a single statement on the hottest path.
"""

from __future__ import annotations

import contextlib
import functools
import random
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Column, Engine, MetaData, Select, String, Table, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from sync.database import sqlite
from sync.database.condition import Condition
from sync.database.distribution import DISTRIBUTED, OUTBOX, QUICK_ROWS, buckets_as_kept, is_there, set_locally
from sync.database.driver_errors import first_of, is_retryable, may_have_committed, told_of, unavailable
from sync.database.hints import Bell, has_left
from sync.database.lists import among
from sync.database.prepared import roll_back, watch
from sync.database.quick import Quick, Reader, connect, open_reader
from sync.database.standby import Standby
from sync.database.url import parse_url
from sync.database.writers import LONG, Writers
from sync.errors import DatabaseHeldBack, DatabaseReadOnly, DatabaseUnavailable, InvalidInput
from sync.models.buckets import BY_ID, Buckets
from sync.pipeline import liveness
from sync.pipeline.held_back import HeldBack
from sync.settings import Settings

T = TypeVar("T")

#: How often a writing transaction is run before giving up, and for how many seconds another attempt is made.
ATTEMPTS = 12
PATIENCE = 10.0
#: For how many milliseconds a transaction waits for another that had better not wait.
HASTE = 200
#: For how many seconds a successful write tells that the next would succeed as well.
FRESH = 10.0
#: Says of a session that every error ends its transaction.
_WHOLE = "whole"


class Database:
    """
    Access to the one database of this server, for all threads of a process.

    Raises:
        InvalidInput: *url* is not the URL of a SQLite or PostgreSQL database, or PostgreSQL's driver is not installed.
    """

    def __init__(self, url: str, settings: Settings | None = None) -> None:
        """Prepare the engine; nothing is opened yet. Every session carries *settings* (see `settings_of`)."""
        self.settings = settings or Settings()
        self.condition = Condition()
        self._held_back = HeldBack(self.quick)
        self._endings: list[Callable[[], object]] = []
        pool_size = self.settings.pool_size
        self.url = parse_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        # The connection that was used last is the next: it has its statements prepared and its pages at hand.
        options: dict[str, Any] = {"pool_size": pool_size, "max_overflow": 2 * pool_size, "pool_use_lifo": True}
        # An error's text goes into the log, where no field's value may be.
        options["hide_parameters"] = True
        if self.is_sqlite:
            options["connect_args"] = {"timeout": sqlite.BUSY_MILLISECONDS / 1000, "check_same_thread": False}
        else:
            # As those who write want it; whoever reads says so.
            options["isolation_level"] = "READ COMMITTED"
            if self.settings.pooler:
                options["connect_args"] = {"prepare_threshold": None}
        try:
            self.engine = create_engine(self.url, **options)
        except ModuleNotFoundError as error:
            raise InvalidInput("PostgreSQL needs a driver; install evercard[postgresql].") from error
        if self.is_sqlite:
            event.listen(self.engine, "connect", sqlite.configure)
            event.listen(self.engine, "begin", sqlite.begin)
            self._writer: Engine = self.engine.execution_options(**{sqlite.WRITES: True})
            brief = {sqlite.WRITES: True, sqlite.PATIENCE: int(min(LONG * 1000, sqlite.BUSY_MILLISECONDS))}
            self._first: Engine = self.engine.execution_options(**brief)
            self._hasty: Engine = self.engine.execution_options(**{sqlite.WRITES: True, sqlite.PATIENCE: HASTE})
            self._reader: Engine = self.engine
        else:
            liveness.watch(self.engine)
            watch(self.engine, prepares=not self.settings.pooler, is_held_back=self._held_back.is_true)
            self._writer = self._first = self._hasty = self.engine
            self._reader = self.engine.execution_options(isolation_level="REPEATABLE READ")
        self._writers = Writers(self.file) if self.is_sqlite else None
        self._quick = Quick(self.engine.dialect, self._open_reader)
        #: Answers polls that find nothing new, where there is one.
        self.standby = self._standby()
        self._is_distributed: bool | None = None
        self._buckets: Buckets | None = BY_ID if self.is_sqlite else None
        failure = getattr(self.engine.dialect.dbapi, "Error", OSError)
        #: Tells workers of what is left to them, where the database can.
        self.bell = None if self.is_sqlite else Bell(functools.partial(connect, self.url, self.engine.dialect), failure)

    def write(self, change: Callable[[Session], T], *, whole: bool = False) -> T:
        """
        Run *change* in a writing transaction of its own and return what it returned, after the commit.

        *whole* says that *change* catches no error of what it does: the parts of it need no savepoints.

        Raises:
            DatabaseFull: There is no room for the change.
            DatabaseHeldBack: Changes wait for a standby, so that nobody knows whether this one will be made.
            DatabaseUnavailable: The database could not be reached, or stayed locked, for about ten seconds; or it was
                lost while it committed, so that nobody knows whether the change was made.
        """
        self._held_back.require_not()
        deadline = time.monotonic() + PATIENCE
        for attempt in range(1, ATTEMPTS + 1):
            in_doubt = False
            try:
                with self._turn(deadline - time.monotonic()) as came, self._session(self._first) as session:
                    if not came:
                        raise DatabaseUnavailable("Too many changes are waiting.")
                    session.info[_WHOLE] = whole
                    self._begin(session)
                    result = change(session)
                    session.flush()
                    try:
                        session.commit()
                    except DBAPIError as error:
                        # The connection may be in the middle of the transaction still; nobody else shall have it.
                        session.invalidate()
                        in_doubt = may_have_committed(error)
                        raise
                    self._written(session)
                    return result
            except DBAPIError as error:
                if not is_retryable(error):
                    self._tell(error)
                    raise
                if in_doubt or attempt == ATTEMPTS or time.monotonic() > deadline:
                    told = told_of(first_of(error).orig)
                    self.condition.failed(told)
                    raise told from error
                time.sleep(min(1.5, 0.01 * 2**attempt) * (0.5 + random.random()))  # noqa: S311 - a pause, no secret
        raise AssertionError

    def write_if_free(self, change: Callable[[Session], object]) -> bool:
        """
        Run *change* as `write` does, but once and hardly waiting for others; returns whether it was made.

        For what can as well be written another time, for which nobody shall wait or be refused: whatever is the matter
        with the database, nothing is raised.
        """
        try:
            self._held_back.require_not()
            with self._turn(HASTE / 1000) as came, self._session(self._hasty) as session, session.begin():
                if not came:
                    return False
                if not self.is_sqlite:
                    set_locally(session, {"lock_timeout": str(HASTE)})
                change(session)
        except DatabaseHeldBack:
            return False
        except DBAPIError as error:
            told = unavailable(error)
            if told is None and not is_retryable(error):
                raise
            self.condition.failed(told or told_of(error.orig))
            return False
        self._written(session)
        return True

    def check(self) -> None:
        """
        Make sure that the database can be read and written; it is tried, at most once in ten seconds.

        Raises:
            DatabaseUnavailable: It cannot, for the reason that the error's class says.
        """
        self.quick("SELECT 1", ())
        if not self.condition.is_fresh(FRESH):
            self.write_if_free(_write_nothing)
        if self.condition.wrong is not None:
            raise self.condition.wrong

    @contextlib.contextmanager
    def writing(self) -> Iterator[Session]:
        """
        Open a writing transaction that commits when the block ends well and is rolled back otherwise.

        For callers that cannot be run again, such as Radicale's lock; everybody else uses `write`.
        """
        self._held_back.require_not()
        with self._session(self._writer) as session:
            with session.begin():
                yield session
            self._ring(session)

    @contextlib.contextmanager
    def reading(self) -> Iterator[Session]:
        """
        Open a transaction that sees one state of the database, whatever is committed meanwhile.

        Raises:
            DatabaseUnavailable: The database could not be reached.
        """
        with self._telling(), self._session(self._reader) as session:
            yield session
            roll_back(session)

    def quick(self, statement: str, parameters: tuple[Any, ...]) -> tuple[Any, ...] | None:
        """
        Fetch the first row of one reading *statement* on a bare connection that is kept.

        *statement* uses ``?`` for SQLite's and ``%s`` for PostgreSQL's parameters (see `placeholders`). No SQLAlchemy
        is in the way: this is what a poll costs.

        Raises:
            DatabaseUnavailable: The database could not be reached, twice in a row.
        """
        rows = self._quick.fetch(statement, parameters)
        return rows[0] if rows else None

    def quick_rows(self, statement: Select[*tuple[Any, ...]], values: Mapping[str, object]) -> list[tuple[Any, ...]]:
        """
        Fetch all rows of one reading *statement* as `quick` does: no transaction, and one state of the database.

        *statement* is used again and again, for it is compiled once and kept; *values* are those of its parameters.
        PostgreSQL keeps its plan as well, as `sync.database.prepared` has it.

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
            DatabaseReadOnly: The database cannot be written.
            DatabaseUnavailable: The database could not be reached or changed.
            WrongSchema: It has a version that this code does not know.
        """
        from sync.database.schema import is_newest

        if self.is_sqlite:
            sqlite.require_writable(self.file)
            sqlite.create(self.file)
        with self._telling():
            if not is_newest(self):
                from sync.database.migrations import upgrade

                upgrade(self)
        self.write_if_free(_write_nothing)
        if isinstance(self.condition.wrong, DatabaseReadOnly):
            raise self.condition.wrong

    def require_newest(self) -> None:
        """
        Make sure that the schema is the one that this code needs; nothing is created or changed.

        Raises:
            DatabaseUnavailable: The database could not be reached.
            WrongSchema: It is older or newer, or there is none.
        """
        from sync.database.schema import require_newest

        with self._telling():
            require_newest(self)

    def before_disposal(self, end: Callable[[], object]) -> None:
        """Call *end*, which ends what uses the database in the background, each time before it is disposed of."""
        self._endings.append(end)

    def dispose(self) -> None:
        """Close every connection that nobody uses just now, once what works in the background has ended."""
        for end in self._endings:
            end()
        self._quick.close()
        if self.standby is not None:
            self.standby.close()
        if self.bell is not None:
            self.bell.close()
        self.engine.dispose()

    @property
    def is_distributed(self) -> bool:
        """Whether the tables are spread over several machines; a process asks once."""
        if self._is_distributed is None:
            self._is_distributed = not self.is_sqlite and is_there(self.quick)
        return self._is_distributed

    @property
    def buckets(self) -> Buckets:
        """In which buckets jobs and next ends are; a process asks once."""
        if self._buckets is None:
            self._buckets = buckets_as_kept(self.quick)
        return self._buckets

    def ask_anew(self) -> None:
        """Ask again where rows are and in which buckets: a step has changed it."""
        if not self.is_sqlite:
            self._is_distributed = self._buckets = None

    @property
    def file(self) -> Path:
        """The file of a SQLite database."""
        return Path(str(self.url.database))

    def _standby(self) -> Standby | None:
        if self.is_sqlite or not self.settings.standby_url:
            return None
        url, prepares = parse_url(self.settings.standby_url), not self.settings.pooler
        return Standby(url, self.engine.dialect, self._quick, prepares=prepares)

    def _open_reader(self) -> Reader:
        return open_reader(self.url, self.engine.dialect, prepares=not self.settings.pooler)

    def _written(self, session: Session) -> None:
        self.condition.written()
        self._ring(session)

    def _ring(self, session: Session) -> None:
        if has_left(session) and self.bell is not None:
            self.bell.ring()

    @contextlib.contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            self._tell(error)
            raise

    def _tell(self, error: DBAPIError) -> None:
        # That the database cannot be used is told in words, and a bug stays what it is.
        told = unavailable(error)
        if told is not None:
            self.condition.failed(told)
            raise told from error

    def _turn(self, patience: float) -> contextlib.AbstractContextManager[bool]:
        return self._writers.turn(max(0, patience)) if self._writers else contextlib.nullcontext(True)

    def _begin(self, session: Session) -> None:
        if self._writers is None:
            return
        # The engine says how long the first time is; to say so of the session takes longer than to begin.
        for options, closed in ((None, False), ({sqlite.PATIENCE: sqlite.BUSY_MILLISECONDS}, True)):
            with self._writers.gate(PATIENCE, closed=closed):
                try:
                    session.connection(execution_options=options)
                    return
                except DBAPIError as error:
                    if closed or not is_retryable(error):
                        raise
            session.rollback()

    def _session(self, engine: Engine) -> Session:
        try:
            # Both are asked before the transaction begins, which would hold a connection meanwhile.
            is_distributed, _ = self.is_distributed, self.buckets
        except DatabaseUnavailable:
            # What the session is asked to do fails as well, and is tried again.
            is_distributed = False
        info = {"settings": self.settings, DISTRIBUTED: is_distributed, QUICK_ROWS: self.quick_rows}
        info[OUTBOX] = lambda: self.buckets
        return Session(engine, expire_on_commit=False, info=info)


_VERSION = Table("alembic_version", MetaData(), Column("version_num", String(32)))


def _write_nothing(session: Session) -> None:
    # The database writes what is there already.
    session.execute(_VERSION.update().values(version_num=_VERSION.c.version_num))


@contextlib.contextmanager
def all_or_nothing(session: Session) -> Iterator[None]:
    """Let nothing stay of what the block does if it raises, whatever becomes of the error outside of it."""
    if session.info.get(_WHOLE):
        yield
        return
    with session.begin_nested():
        yield


def settings_of(session: Session) -> Settings:
    """Return the settings of the database that *session* belongs to."""
    settings: Settings = session.info["settings"]
    return settings


__all__ = ["Database", "Session", "all_or_nothing", "among", "is_retryable", "parse_url", "settings_of"]
