"""The first page: what Evercard is for who does not know it, and what is to be done for who is signed in."""

from __future__ import annotations

from flask import Blueprint, Response

from radicale_plugin.web.page import page
from radicale_plugin.web.signed_in import current_person, database, open_to_all, visitor
from sync.accounts import preference_changes, signing_up
from sync.books import activity, connected_people
from sync.meeting import overview

blueprint = Blueprint("home", __name__)

#: How many people whose cards changed are named; the others are under Activity.
_CHANGES = 3


@blueprint.get("/")
@open_to_all
def index() -> Response:
    """Greet."""
    if visitor() is None:
        with database().reading() as session:
            return page("home/welcome.html", is_open=signing_up.is_open(session))
    account_id = current_person().account_id
    with database().reading() as session:
        found = overview.of(session, account_id)
        asks = preference_changes.is_asked_about_number(session, account_id)
        changes = activity.latest(session, account_id, count=_CHANGES)
        names = connected_people.some(session, account_id, [change.owner_id for change in changes])
    told = [(names[change.owner_id].name, change.at) for change in changes if change.owner_id in names]
    return page("home/index.html", overview=found, changes=told, asks=asks)
