"""What forms say of other people: which groups they are to be in, and where to go afterwards."""

from __future__ import annotations

from flask import request, url_for

from radicale_plugin.web.ids import as_id
from radicale_plugin.web.page import is_own
from sync.database.engine import Session
from sync.sharing import groups
from sync.sharing.groups import GroupSummary
from sync.sharing.visibility import GROUP


def own_groups(session: Session, owner_id: int) -> list[GroupSummary]:
    """Return the groups that a person can put others into."""
    return [group for group in groups.groups_of(session, owner_id) if group.kind == GROUP]


def number_of_page() -> int:
    """Return which page of a list was asked for, 1 where that is nothing sensible."""
    return min(as_id(request.args.get("page", "")) or 1, 1_000_000)


def back(endpoint: str) -> str:
    """Return where a form wants to go back to afterwards, or the page of *endpoint*."""
    wanted = request.form.get("next", "")
    return wanted if is_own(wanted) else url_for(endpoint)
