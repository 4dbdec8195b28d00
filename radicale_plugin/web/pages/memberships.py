"""The organisations that somebody is in, or invited into: what each asks for, what it sees, joining and leaving."""

from __future__ import annotations

from flask import Blueprint, Response, request

from radicale_plugin.web.field_display import kind_title, shown
from radicale_plugin.web.ids import posted_ids
from radicale_plugin.web.language import gettext as _
from radicale_plugin.web.page import attempt, go, page, say
from radicale_plugin.web.signed_in import current_person, database
from sync.database.engine import Session
from sync.errors import NotFound
from sync.organisations import members
from sync.organisations.members import Belonging
from sync.sharing.cards import content_of
from sync.sharing.visibility import fields_of, grants_of

blueprint = Blueprint("memberships", __name__, url_prefix="/organisations")


@blueprint.get("/")
def index() -> Response:
    """Show the organisations of whoever is signed in."""
    me = current_person().account_id
    with database().reading() as session:
        found = members.belongings(session, me)
        granted = grants_of(session, me).by_group
    seen = {each.group_id: len(granted.get(each.group_id or 0, ())) for each in found}
    return page("memberships/index.html", found=found, seen=seen)


@blueprint.route("/<int:organisation_id>/join", methods=["GET", "POST"])
def join(organisation_id: int) -> Response:
    """Show what an organisation asks for, and let it see what is ticked."""
    me = current_person().account_id
    ticked = posted_ids("field") if request.method == "POST" else []
    if request.method == "POST" and attempt(
        lambda: database().write(lambda session: members.join(session, organisation_id, me, ticked))
    ):
        say(_("You are a member now. The others have your card, with what you ticked."))
        return go("memberships.index")
    with database().reading() as session:
        asked = _invitation(session, me, organisation_id)
        rows = [(each.id, shown(content_of(each))) for each in fields_of(session, me)]
    kinds = [kind_title(kind) for kind in asked.organisation.minimum]
    status = 409 if request.method == "POST" else 200
    return page("memberships/join.html", status, asked=asked, rows=rows, kinds=kinds, ticked=ticked)


@blueprint.route("/<int:organisation_id>/leave", methods=["GET", "POST"])
def leave(organisation_id: int) -> Response:
    """Say what leaving means, and do it."""
    me = current_person().account_id
    if request.method == "POST":
        if attempt(lambda: database().write(lambda session: members.leave(session, organisation_id, me))):
            say(_("Nobody there has your card by this organisation any more, and you have nobody's."))
        return go("memberships.index")
    with database().reading() as session:
        return page("memberships/leave.html", asked=_found(session, me, organisation_id))


def _invitation(session: Session, me: int, organisation_id: int) -> Belonging:
    found = _found(session, me, organisation_id)
    if found.joined_at is not None:
        raise NotFound("You are a member of this organisation already.")
    return found


def _found(session: Session, me: int, organisation_id: int) -> Belonging:
    for each in members.belongings(session, me):
        if each.organisation.id == organisation_id:
            return each
    raise NotFound("There is no such organisation.")
