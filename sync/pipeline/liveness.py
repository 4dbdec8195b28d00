"""
Whether a connection to PostgreSQL that lay in the pool can be used still.

A server that ends a connection says so on it, and then there is something to be read. One on which there is nothing is
as it was left, which a look at the socket tells; to ask the server would take another round trip for each transaction.
"""

from __future__ import annotations

import select
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.exc import InvalidatePoolError


def watch(engine: Engine) -> None:
    """Let every connection of *engine* be looked at before it is used again, and the lost ones be replaced."""
    dialect: Any = engine.dialect

    def look(connection: Any, _record: object, _proxy: object) -> None:
        if not connection.closed and not _is_spoken_to(connection.fileno()):
            return
        try:
            dialect.do_ping(connection)
        except dialect.loaded_dbapi.Error as error:
            raise InvalidatePoolError from error

    event.listen(engine, "checkout", look)


def _is_spoken_to(socket: int) -> bool:
    """Whether there is something to be read that nobody has asked for: an end, or a notice."""
    poll = select.poll()
    poll.register(socket, select.POLLIN)
    return bool(poll.poll(0))
