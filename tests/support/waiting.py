"""Waiting for what happens in the background."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import Select

from sync.database.engine import Database


def until(claim: Callable[[], bool], seconds: float = 30.0) -> None:
    """Wait until *claim* is true, which must be so after some *seconds*."""
    deadline, pause = time.monotonic() + seconds, threading.Event()
    while not claim():
        assert time.monotonic() < deadline, "it did not come true"
        pause.wait(0.05)


def one(database: Database, statement: Select[Any]) -> Any:
    """Return the one value that *statement* finds."""
    with database.reading() as session:
        return session.scalars(statement).one()
