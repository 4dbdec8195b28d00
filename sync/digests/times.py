"""When a digest is due: at an hour of the reader's, in their time zone, and never sooner than a day after the last."""

from __future__ import annotations

import functools
from datetime import UTC, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

#: What counts where nothing was chosen.
HOUR, TIME_ZONE = 8, "UTC"
#: Seconds that lie between two digests at least; less than a day, or the hour would move where clocks are put forward.
GAP = 20 * 3600
#: No digest is ever due later than this many seconds from now; one that is was planned by a clock that was wrong.
LONGEST = GAP + 26 * 3600
#: Names that stand for no place, or for another name.
_OTHERS = ("Etc/", "SystemV/", "US/", "posix/", "right/")


@functools.cache
def time_zones() -> tuple[str, ...]:
    """Return the names of the time zones that can be chosen: places, and UTC."""
    places = (name for name in available_timezones() if "/" in name and not name.startswith(_OTHERS))
    return (TIME_ZONE, *sorted(places))


def next_time(hour: int, time_zone: str, at: int, sent_at: int | None = None) -> int:
    """
    Return the next moment after *at* at which it is *hour* in *time_zone*, and long enough after the last at *sent_at*.

    Where there is no such hour that day, because clocks are put forward, it is the one after it.
    """
    # A last one that lies ahead was sent by a clock that was wrong.
    earliest = max(at, sent_at + GAP) if sent_at is not None and sent_at <= at else at
    zone = _zone(time_zone)
    day = datetime.fromtimestamp(earliest, UTC).astimezone(zone).date()
    while True:
        moment = int(datetime.combine(day, time(hour), zone).timestamp())
        if moment > earliest:
            return moment
        day += timedelta(days=1)


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        # It was chosen on a machine that knew more of them.
        return UTC
