"""Until when something is given, as a command takes it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import click
from typing_extensions import override

from sync.ends.local_time import LAST_MINUTE

UNTIL = "A day, at whose end it is over, such as 2026-11-29; or a time, such as 2026-11-29T18:00."
#: A moment, and the minutes by which the clock that it was said by is ahead of UTC then.
Until = tuple[int, int]


class When(click.ParamType[Until]):
    """A time by this computer's clock, unless it is said how far another is ahead of UTC."""

    name = "time"

    @override
    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> Until:
        try:
            is_day = len(value) == len("2026-11-29")
            at = datetime.combine(date.fromisoformat(value), LAST_MINUTE) if is_day else datetime.fromisoformat(value)
            there = at if at.tzinfo is not None else at.astimezone()
            return int(there.astimezone(UTC).timestamp()), (there.utcoffset() or timedelta()) // timedelta(minutes=1)
        except (ValueError, OverflowError):
            return self.fail(f"{value!r} is no time; write it as 2026-11-29 or as 2026-11-29T18:00", param, ctx)
