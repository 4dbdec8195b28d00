"""What state the database is in, for whoever looks after the server."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text, update
from sqlalchemy.orm import Session

from sync.database import schema
from sync.database.engine import Database
from sync.models import ServerSecret


@dataclass(frozen=True, slots=True)
class State:
    """
    Whether the database *is_made* and *is_newest*, and what it can do.

    *encoding* is how it keeps text, *connections* how many it can have at once, where that is limited.
    """

    is_made: bool
    is_newest: bool
    encoding: str
    connections: int | None


def of(database: Database) -> State:
    """
    Return the state of the database, which was read and, where it is made, written.

    Raises:
        DatabaseUnavailable: It could not be.
        WrongSchema: It is of a newer version than this code.
    """
    if database.is_sqlite and not Path(str(database.url.database)).exists():
        return State(is_made=False, is_newest=False, encoding="UTF-8", connections=None)
    with database.reading() as session:
        revision = schema.current(session.connection())
        encoding, connections = _server(session, is_sqlite=database.is_sqlite)
    schema.require_known(revision)
    if revision is not None:
        database.write(_write_nothing)
    return State(revision is not None, revision == schema.newest(), encoding, connections)


def _server(session: Session, *, is_sqlite: bool) -> tuple[str, int | None]:
    if is_sqlite:
        return str(session.execute(text("PRAGMA encoding")).scalar_one()), None
    encoding = session.execute(text("SHOW server_encoding")).scalar_one()
    return str(encoding), int(session.execute(text("SHOW max_connections")).scalar_one())


def _write_nothing(session: Session) -> None:
    # A database that may only be read refuses it all the same.
    session.execute(update(ServerSecret).where(ServerSecret.name == "").values(value=b""))
