"""Birthdays and other days of every year as iCalendar (RFC 5545), in the language of the answer."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import vobject
from vobject.icalendar import utc

from radicale_plugin.web.language import gettext as _
from sync.calendars.occasions import ANNIVERSARY, BIRTHDAY, Occasion

CONTENT_TYPE = "text/calendar; charset=utf-8"
#: How often programs are asked to look (RFC 7986, 5.7). Many have an interval of their own.
_INTERVAL = "PT1H"


def written(occasions: Iterable[Occasion], title: str) -> str:
    """Return the calendar of *occasions*: whole days that come back every year and take nobody's time."""
    calendar = vobject.iCalendar()
    calendar.add("prodid").value = "-//Evercard//Birthdays//EN"
    # What programs before RFC 7986 read is said as well.
    for name in ("name", "x-wr-calname"):
        calendar.add(name).value = title
    interval = calendar.add("refresh-interval")
    interval.value, interval.params = _INTERVAL, {"VALUE": ["DURATION"]}
    calendar.add("x-published-ttl").value = _INTERVAL
    for occasion in occasions:
        _add(calendar.add("vevent").add, occasion)
    text: str = calendar.serialize()
    return text


def _add(add: Any, occasion: Occasion) -> None:
    add("uid").value = occasion.uid
    add("dtstamp").value = datetime.fromtimestamp(occasion.changed_at, utc)
    add("dtstart").value = occasion.first
    add("rrule").value = _rule(occasion)
    add("summary").value = _summary(occasion)
    add("transp").value = "TRANSPARENT"
    add("class").value = "PRIVATE"
    if occasion.has_year:
        add("description").value = str(occasion.first.year)


def _rule(occasion: Occasion) -> str:
    # Nobody's birthday is missing for three years out of four.
    leap = (occasion.first.month, occasion.first.day) == (2, 29)
    return "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=-1" if leap else "FREQ=YEARLY"


def _summary(occasion: Occasion) -> str:
    if occasion.kind == BIRTHDAY:
        return _("%(name)s’s birthday", name=occasion.name)
    label = occasion.label or (_("Anniversary") if occasion.kind == ANNIVERSARY else _("Day to remember"))
    return _("%(name)s: %(what)s", name=occasion.name, what=label)
