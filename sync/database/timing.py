"""Timing every statement that a process sends to the database, for whoever wants to know."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import event

from sync.database.engine import Database

#: Gets the path that a statement took, ``session`` or ``quick``, and the seconds that it took there.
Observer = Callable[[str, float], object]


def observe(database: Database, observer: Observer) -> None:
    """Tell *observer* of every statement of *database* from now on; never of what it says."""

    def before(_connection: Any, _cursor: Any, _statement: Any, _parameters: Any, context: Any, _many: Any) -> None:
        context.begun_at = time.perf_counter()

    def after(_connection: Any, _cursor: Any, _statement: Any, _parameters: Any, context: Any, _many: Any) -> None:
        observer("session", time.perf_counter() - context.begun_at)

    event.listen(database.engine, "before_cursor_execute", before)
    event.listen(database.engine, "after_cursor_execute", after)
    database.observe_quick(lambda seconds: observer("quick", seconds))
