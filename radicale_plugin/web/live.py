"""
What a page needs to keep itself up to date: how things stood when it was made.

It is read before the page is, so that nothing that changes meanwhile is taken for known (see ``static/live.js``).
"""

from __future__ import annotations

from typing import Any, cast

from flask import g, request

from radicale_plugin.web.portal import Portal
from radicale_plugin.web.signed_in import database, session_token, visitor
from sync.meeting import open_pages
from sync.meeting.open_pages import Standing

#: Says in its target that a request is for the parts of an open page that may have changed.
TARGET = "live"


def install(portal: Portal) -> None:
    """Note before each page how things stand, and let templates ask for it as ``live``."""
    portal.before_request(_look)
    portal.context_processor(_values)


def standing() -> Standing | None:
    """Return how things stand for the session of this browser, None where there is none any more."""
    token = session_token()
    return open_pages.read(database(), token) if token else None


def told(found: Standing) -> dict[str, Any]:
    """Return what the script of a page compares."""
    return {"who": found.who, "asking": found.asking, "requests": found.requests, "cards": found.cards}


def _look() -> None:
    if request.method == "GET" and request.endpoint not in ("static", "live.look", None) and visitor() is not None:
        g.live = standing()


def _values() -> dict[str, Any]:
    found = cast("Standing | None", g.get("live"))
    is_part = request.headers.get("HX-Target") == TARGET
    return {"live": found, "live_state": told(found) if found else {}, "is_live_part": is_part}
