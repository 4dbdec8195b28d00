"""How a time is said in a page: how long ago, with the exact time beside it."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from babel.dates import format_date, format_datetime, format_timedelta
from markupsafe import Markup

from radicale_plugin.web import language
from radicale_plugin.web.language import gettext as _
from radicale_plugin.web.portal import Portal

#: Seconds that nobody counts.
_NOW = 10


def install(portal: Portal) -> None:
    """Let templates say ``{{ moment|ago }}``, ``{{ moment|day }}`` and ``{{ seconds|duration }}``."""
    portal.jinja_env.filters["ago"] = ago
    portal.jinja_env.filters["day"] = day
    portal.jinja_env.filters["duration"] = duration


def ago(moment: int) -> Markup:
    """Say how long ago *moment* was, in seconds since 1970, or in how long it will be."""
    at = datetime.fromtimestamp(moment, UTC)
    apart = timedelta(seconds=moment - time.time())
    if -_NOW < apart.total_seconds() <= 0:
        said = _("just now")
    else:
        said = format_timedelta(apart, add_direction=True, locale=language.locale())
    exactly = f"{format_datetime(at, 'short', locale=language.locale())} UTC"
    return Markup('<time datetime="{}" title="{}">{}</time>').format(at.isoformat(), exactly, said)


def day(moment: int) -> str:
    """Return the day of *moment*, in seconds since 1970."""
    return format_date(datetime.fromtimestamp(moment, UTC), "long", locale=language.locale())


def duration(seconds: float) -> str:
    """Say how long something has been going on."""
    return format_timedelta(timedelta(seconds=int(seconds)), locale=language.locale())
