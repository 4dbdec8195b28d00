"""
Clocks are put back and forward, and what they were is in the database.

No moment in the database is trusted beyond a bound: what began later than this clock can be wrong is not running, and
what is due later than its own delay is due (`sync.revisions.fan_out`, `sync.notify.outbox`).
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_
from sqlalchemy.orm import InstrumentedAttribute

#: By how many seconds a clock that was put back may have been ahead.
ASTRAY = 24 * 3600


def is_running(begins: InstrumentedAttribute[int], ends: InstrumentedAttribute[int], at: int) -> ColumnElement[bool]:
    """Whether what begins and ends at these moments has not ended, and can have begun."""
    return and_(ends > at, begins <= at + ASTRAY)
