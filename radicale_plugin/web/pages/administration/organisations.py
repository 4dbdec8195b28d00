"""The organisations of this server: made, renamed, asking for a minimum, ended."""

from __future__ import annotations

from collections.abc import Collection

from flask import Response, request
from wtforms import StringField
from wtforms.validators import InputRequired, Length

from radicale_plugin.web.field_display import kind_title
from radicale_plugin.web.forms import StoredForm
from radicale_plugin.web.language import gettext as _
from radicale_plugin.web.language import lazy
from radicale_plugin.web.page import attempt, go, page, say
from radicale_plugin.web.pages.administration.area import blueprint
from radicale_plugin.web.signed_in import current_person, database
from sync.database.engine import Session
from sync.errors import InvalidInput
from sync.organisations import organisations
from sync.organisations.organisations import NAME_LENGTH
from sync.sign_in import organisation_administrators

#: What an organisation usually asks for; whatever else it asks for already is offered as well.
USUAL = ("name", "photo", "mobile", "home-phone", "office-phone", "email", "organization", "title", "address")


class Naming(StoredForm):
    """What an organisation is called."""

    name = StringField(lazy("Name of the organisation"), [InputRequired(), Length(max=NAME_LENGTH)])


@blueprint.route("/organisations", methods=["GET", "POST"])
def organisations_list() -> Response:
    """List all organisations, and make one more."""
    form, me = Naming(), current_person().account_id
    if form.accepted():
        name, minimum = form.name.data or "", request.form.getlist("kind")
        try:
            made = database().write(lambda session: organisation_administrators.create(session, me, name, minimum))
        except InvalidInput as error:
            form.refuse("name", error)
            return _listed(form, 400)
        say(_("The organisation is made. Invite people into it."))
        return go("memberships.people", organisation_id=made)
    return _listed(form, form.status)


@blueprint.route("/organisations/<int:organisation_id>", methods=["GET", "POST"])
def organisation(organisation_id: int) -> Response:
    """Show what an organisation is called and asks for, and change it."""
    me = current_person().account_id
    with database().reading() as session:
        found = organisations.about(session, organisation_id)
    form = Naming(name=found.name)
    ticked, had = set(request.form.getlist("kind")), set(request.form.getlist("had"))
    if form.accepted():

        def change(session: Session) -> None:
            now = organisations.about(session, organisation_id)
            minimum = {*now.minimum, *(ticked - had)} - (had - ticked)
            name = form.changed().get("name", now.name)
            organisation_administrators.change(session, me, organisation_id, name, minimum)

        try:
            database().write(change)
        except InvalidInput as error:
            form.refuse("name", error)
        else:
            say(_("Saved. Whoever joins from now on is asked for this."))
            return go("administration.organisation", organisation_id=organisation_id)
    status = 400 if form.errors else form.status
    if request.method == "GET":
        ticked = had = set(found.minimum)
    values = {"ticked": ticked, "had": had, "kinds": _offered(found.minimum)}
    return page("administration/organisation.html", status, found=found, form=form, **values)


@blueprint.route("/organisations/<int:organisation_id>/end", methods=["GET", "POST"])
def end_organisation(organisation_id: int) -> Response:
    """Tell what ending an organisation means, and do it."""
    me = current_person().account_id
    if request.method == "POST":
        if attempt(
            lambda: database().write(lambda session: organisation_administrators.end(session, me, organisation_id))
        ):
            say(_("The organisation has ended. Nobody has anybody's card by it any more."))
        return go("administration.organisations_list")
    with database().reading() as session:
        return page("administration/end_organisation.html", found=organisations.about(session, organisation_id))


def _listed(form: Naming, status: int) -> Response:
    with database().reading() as session:
        found = organisations.everything(session)
    ticked = set(request.form.getlist("kind"))
    return page("administration/organisations.html", status, found=found, form=form, kinds=_offered(()), ticked=ticked)


def _offered(asked: Collection[str]) -> list[tuple[str, str]]:
    kinds = [*USUAL, *(kind for kind in asked if kind not in USUAL)]
    return [(kind, kind_title(kind)) for kind in kinds]
