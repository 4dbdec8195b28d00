"""Parting: disconnecting from somebody, or wanting nothing to do with them any more."""

from __future__ import annotations

from flask import Response, request

from radicale_plugin.web.language import gettext as _
from radicale_plugin.web.page import attempt, go, page, say
from radicale_plugin.web.pages.people.area import blueprint
from radicale_plugin.web.pages.people.person import connected_person
from radicale_plugin.web.signed_in import current_person, database
from sync import meeting


@blueprint.route("/<int:account_id>/disconnect", methods=["GET", "POST"])
def disconnect(account_id: int) -> Response:
    """Say what disconnecting means, and do it."""
    me = current_person().account_id
    if request.method == "POST":
        keep = request.form.get("keep") == "yes"
        if attempt(lambda: database().write(lambda session: meeting.disconnect(session, me, account_id, keep=keep))):
            kept = _("You are not connected any more. The card as it was is kept as a contact of your own.")
            say(kept if keep else _("You are not connected any more."))
        return go("people.index")
    with database().reading() as session:
        who = connected_person(session, account_id)
    return page("people/disconnect.html", who=who)


@blueprint.route("/<int:account_id>/block", methods=["GET", "POST"])
def block(account_id: int) -> Response:
    """Say what blocking means, and do it."""
    me = current_person().account_id
    if request.method == "POST":
        if attempt(lambda: database().write(lambda session: meeting.block(session, me, account_id))):
            say(_("This person is blocked, and is not told."))
        return go("people.index")
    with database().reading() as session:
        who = connected_person(session, account_id)
    return page("people/block.html", who=who)
