"""The organisations that somebody is in, or invited into: what each asks for, what it sees, joining and leaving."""

from __future__ import annotations

from flask import Blueprint, Response, request
from wtforms import BooleanField, StringField
from wtforms.validators import InputRequired, Length

from radicale_plugin.web.field_display import kind_title, shown
from radicale_plugin.web.forms import Form, StoredForm
from radicale_plugin.web.ids import posted_ids
from radicale_plugin.web.language import gettext as _
from radicale_plugin.web.language import lazy
from radicale_plugin.web.page import attempt, go, page, say
from radicale_plugin.web.people import number_of_page, sought
from radicale_plugin.web.signed_in import current_person, database, source
from sync.database.engine import Session
from sync.errors import InvalidInput, NotFound
from sync.meeting import organisation_invitations
from sync.organisations import members
from sync.organisations.members import Belonging
from sync.queries import told_members
from sync.sharing.cards import content_of
from sync.sharing.visibility import fields_of, grants_of
from sync.sign_in import organisation_administrators
from sync.sign_in.organisation_administrators import MEMBERS, STATES

blueprint = Blueprint("memberships", __name__, url_prefix="/organisations")


class News(StoredForm):
    """Whether a member is told of what the others change."""

    by_digest = BooleanField(
        lazy("Tell me in the daily e-mail when members changed their cards"),
        description=lazy("With the news of those you are connected to, where you chose to have that e-mail."),
    )
    in_browsers = BooleanField(
        lazy("Tell me in my browsers when members change their cards"),
        description=lazy("In those where you switched notifications on."),
    )


class Inviting(Form):
    """Who is invited."""

    who = StringField(
        lazy("Whom to invite"),
        [InputRequired(), Length(max=254)],
        description=lazy("A login; or an address, number or name by which you can find them."),
    )


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


@blueprint.route("/<int:organisation_id>/news", methods=["GET", "POST"])
def news(organisation_id: int) -> Response:
    """Show whether a member is told of what the others change, and decide anew."""
    me = current_person().account_id
    with database().reading() as session:
        asked, chosen = _found(session, me, organisation_id), told_members.choice_of(session, me, organisation_id)
    form = News(by_digest=chosen.by_digest, in_browsers=chosen.in_browsers)
    if form.accepted():
        database().write(lambda session: told_members.choose(session, me, organisation_id, **form.changed()))
        say(_("Saved. It holds from now on."))
        return go("memberships.news", organisation_id=organisation_id)
    return page("memberships/news.html", form.status, form=form, asked=asked)


@blueprint.get("/<int:organisation_id>/people")
def people(organisation_id: int) -> Response:
    """List who is in an organisation, for whoever looks after it."""
    return _people(organisation_id, Inviting(), 200)


@blueprint.post("/<int:organisation_id>/people")
def invite(organisation_id: int) -> Response:
    """Invite somebody, for whoever looks after the organisation."""
    form = Inviting()
    if not form.accepted():
        return _people(organisation_id, form, 400)
    try:
        is_new = _invite(organisation_id, form.who.data or "")
    except (InvalidInput, NotFound) as error:
        form.refuse("who", error)
        return _people(organisation_id, form, 400)
    say(_("The invitation is there. They decide whether they join.") if is_new else _("They are in it, or invited."))
    return go("memberships.people", organisation_id=organisation_id)


@blueprint.get("/<int:organisation_id>/people/<int:account_id>")
def person(organisation_id: int, account_id: int) -> Response:
    """Show what can be done with somebody's membership."""
    me = current_person().account_id
    with database().reading() as session:
        found = organisation_administrators.require_managed(session, me, organisation_id)
        who = organisation_administrators.member(session, organisation_id, account_id)
        of_server = organisation_administrators.is_of_server(session, me)
    return page("memberships/person.html", found=found, who=who, of_server=of_server)


@blueprint.post("/<int:organisation_id>/people/<int:account_id>/remove")
def remove(organisation_id: int, account_id: int) -> Response:
    """Take somebody out of an organisation, for whoever looks after it."""
    me = _manager(organisation_id)
    if attempt(
        lambda: database().write(
            lambda session: organisation_administrators.remove(session, me, organisation_id, account_id)
        )
    ):
        say(_("They are in the organisation no more."))
    return go("memberships.people", organisation_id=organisation_id)


@blueprint.post("/<int:organisation_id>/people/<int:account_id>/appoint")
def appoint(organisation_id: int, account_id: int) -> Response:
    """Let a member look after the organisation."""
    return _set_administrator(organisation_id, account_id, is_one=True)


@blueprint.post("/<int:organisation_id>/people/<int:account_id>/dismiss")
def dismiss(organisation_id: int, account_id: int) -> Response:
    """Let a member look after the organisation no more."""
    return _set_administrator(organisation_id, account_id, is_one=False)


def _manager(organisation_id: int) -> int:
    """Return who is signed in, who looks after the organisation; for others it is not there."""
    me = current_person().account_id
    with database().reading() as session:
        organisation_administrators.require_managed(session, me, organisation_id)
    return me


def _set_administrator(organisation_id: int, account_id: int, *, is_one: bool) -> Response:
    me = _manager(organisation_id)

    def change(session: Session) -> None:
        organisation_administrators.set_administrator(session, me, organisation_id, account_id, is_one=is_one)

    if attempt(lambda: database().write(change)):
        say(_("They look after the organisation now.") if is_one else _("They look after the organisation no more."))
    return go("memberships.person", organisation_id=organisation_id, account_id=account_id)


def _invite(organisation_id: int, text: str) -> bool:
    me = current_person().account_id
    if current_person().is_administrator:
        return database().write(lambda session: organisation_administrators.invite(session, me, organisation_id, text))
    return organisation_invitations.invite(database(), me, organisation_id, text, source())


def _people(organisation_id: int, form: Inviting, status: int) -> Response:
    me, text = current_person().account_id, sought()
    state = request.args.get("state", MEMBERS)
    state = state if state in STATES else MEMBERS
    with database().reading() as session:
        found = organisation_administrators.require_managed(session, me, organisation_id)
        of_server = organisation_administrators.is_of_server(session, me)
        listed = organisation_administrators.page_of(session, organisation_id, text, number_of_page(), state=state)
    values = {"listed": listed, "text": text, "state": state, "of_server": of_server}
    return page("memberships/people.html", status, found=found, form=form, **values)


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
