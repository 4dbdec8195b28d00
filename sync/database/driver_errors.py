"""What a driver's error means: whether trying again may help, and what is to be said of it."""

from __future__ import annotations

import sqlite3

from sqlalchemy.exc import DatabaseError, DBAPIError, OperationalError

from sync.errors import DatabaseFull, DatabaseHeldBack, DatabaseReadOnly, DatabaseUnavailable
from sync.pipeline.failed import FailedError

#: SQLSTATEs after which the same transaction may well succeed: serialization failure, deadlock, lock not available, and
#: a statement that is not prepared any more.
RETRYABLE = {"40001", "40P01", "55P03", "26000"}
#: SQLSTATEs of a disk that is full, and of a server that takes no changes.
_FULL, _READ_ONLY = "53100", "25006"
#: SQLSTATE of what this user may not do: the database is somebody else's.
_FORBIDDEN = "42501"
#: What SQLite calls a disk that takes nothing more; a quota or a limit of file sizes is told as a failed write.
_SQLITE_FULL = ("SQLITE_FULL", "SQLITE_IOERR_WRITE", "SQLITE_IOERR_FSYNC", "SQLITE_IOERR_SHMSIZE")


def is_retryable(error: DBAPIError) -> bool:
    """Whether running the whole transaction again may succeed."""
    error = first_of(error)
    if error.connection_invalidated:
        return True
    if isinstance(error.orig, sqlite3.OperationalError):
        return error.orig.sqlite_errorname.startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))
    state: str | None = getattr(error.orig, "sqlstate", None)
    if state is None:
        return isinstance(error, OperationalError)
    return state in RETRYABLE or state.startswith(("08", "57P"))


def first_of(error: DBAPIError) -> DBAPIError:
    """
    Return the error that an *error* about a savepoint followed from.

    When SQLite has no room it ends the whole transaction by itself, and what goes back to a savepoint then finds none.
    """
    found: BaseException | None = error
    while found is not None and (not isinstance(found, DBAPIError) or "no such savepoint" in str(found.orig)):
        found = found.__context__
    return found if isinstance(found, DBAPIError) else error


def may_have_committed(error: DBAPIError) -> bool:
    """Whether a commit that failed so may have been done all the same: its answer was lost, not its lock."""
    failed = error.orig.__cause__ if error.orig is not None else None
    is_before = isinstance(failed, FailedError) and failed.text is not None
    if isinstance(error.orig, sqlite3.Error) or is_before:
        return False
    return getattr(error.orig, "sqlstate", None) not in RETRYABLE


def unavailable(error: DBAPIError) -> DatabaseUnavailable | None:
    """
    Return what to tell of an error because of which the database cannot be used, or None for a bug, which it stays.

    An error of the base class is what SQLite says about a file that is no database; SQLITE_ERROR is about the
    statement.
    """
    error = first_of(error)
    about_statement = getattr(error.orig, "sqlite_errorname", "") == "SQLITE_ERROR"
    told = told_of(error.orig)
    is_of_database = isinstance(error, OperationalError) or type(error) is DatabaseError
    is_of_database = is_of_database or getattr(error.orig, "sqlstate", None) == _FORBIDDEN
    return told if type(told) is not DatabaseUnavailable or (is_of_database and not about_statement) else None


def told_of(error: BaseException | None) -> DatabaseUnavailable:
    """Return what to tell of a driver's own error, which is about the database as a whole."""
    reason = str(error).strip().partition("\n")[0]
    name, state = getattr(error, "sqlite_errorname", ""), getattr(error, "sqlstate", None)
    if name in _SQLITE_FULL or state == _FULL:
        return DatabaseFull(reason)
    if name.startswith("SQLITE_READONLY") or state == _READ_ONLY:
        return DatabaseReadOnly(reason)
    if getattr(error, "is_held_back", False):
        return DatabaseHeldBack(reason)
    return DatabaseUnavailable(reason)
