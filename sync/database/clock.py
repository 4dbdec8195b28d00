"""
Clocks are put back and forward, and what they were is in the database.

No moment in the database is trusted beyond a bound: what began later than this clock can be wrong is not running, and
what is due later than its own delay is due (`sync.revisions.fan_out`, `sync.notify.outbox`).
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import BindParameter, ColumnElement, and_, func, select, text
from sqlalchemy.orm import InstrumentedAttribute

from sync.database.engine import Database
from sync.models import Account

#: By how many seconds a clock that was put back may have been ahead.
ASTRAY = 24 * 3600


@dataclass(frozen=True, slots=True)
class Clock:
    """What time it is *there*, where the database has a clock of its own, and the *newest* moment that it knows."""

    there: float | None
    newest: int


def is_running(
    begins: InstrumentedAttribute[int], ends: InstrumentedAttribute[int], at: int | BindParameter[int]
) -> ColumnElement[bool]:
    """Whether what begins and ends at these moments has not ended, and can have begun."""
    return and_(ends > at, begins <= at + ASTRAY)


def read_clock(database: Database) -> Clock:
    """
    Return what the database knows of the time.

    Raises:
        DatabaseUnavailable: It could not be reached.
    """
    database.require_newest()
    with database.reading() as session:
        newest = session.scalars(select(func.max(Account.created_at))).one() or 0
        if database.is_sqlite:
            return Clock(None, newest)
        return Clock(float(session.execute(text("SELECT extract(epoch FROM clock_timestamp())")).scalar_one()), newest)
