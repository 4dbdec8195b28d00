"""
Ends as their owner's clock shows them.

No time zone of anybody's is stored. Whoever sets an end says by how much their clock is ahead of UTC then, which a
browser and a computer know; so it is kept with the end, and said in it ever after.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from sync.errors import InvalidInput

#: When a day ends on which something ends.
LAST_MINUTE = time(23, 59)


def moment(day: date, at: time | None, utc_offset: int) -> int:
    """
    Return the seconds since 1970 of a time of day, or else of the last minute, by a clock ahead by so many minutes.

    Raises:
        InvalidInput: There is no such time.
    """
    local = datetime.combine(day, (at or LAST_MINUTE).replace(second=0, microsecond=0), UTC)
    try:
        return int((local - timedelta(minutes=utc_offset)).timestamp())
    except OverflowError as error:
        raise InvalidInput("There is no such time.") from error


def local(at: int, utc_offset: int) -> datetime:
    """Return what a clock shows at a moment that is ahead of UTC by so many minutes."""
    return datetime.fromtimestamp(at + utc_offset * 60, UTC).replace(tzinfo=None)


def zone(utc_offset: int) -> str:
    """Name how far a clock is ahead of UTC."""
    sign, apart = "+" if utc_offset >= 0 else "-", abs(utc_offset)
    return f"UTC{sign}{apart // 60:02}:{apart % 60:02}" if utc_offset else "UTC"


def said(at: int, utc_offset: int) -> str:
    """Write a time as its owner's clock shows it, the same in every language."""
    return f"{local(at, utc_offset):%Y-%m-%d %H:%M} ({zone(utc_offset)})"
