"""A person's own invitation links, and the QR codes of them."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, url_for
from wtforms import BooleanField, IntegerField, StringField
from wtforms.validators import InputRequired, Length, NumberRange, Optional

from radicale_plugin.web import people
from radicale_plugin.web.forms import Form, SelectField
from radicale_plugin.web.language import gettext as _
from radicale_plugin.web.language import lazy
from radicale_plugin.web.once import once
from radicale_plugin.web.page import attempt, go, page, say
from radicale_plugin.web.qr import code_of
from radicale_plugin.web.signed_in import current_person, database
from sync.database.engine import settings_of
from sync.errors import InvalidInput, LimitExceeded, NotFound
from sync.meeting import invitation_links
from sync.meeting.invitation_links import MOST_DAYS, MOST_USES

blueprint = Blueprint("links", __name__, url_prefix="/find/links")


class NewLink(Form):
    """What a link allows."""

    label = StringField(
        lazy("What it is for"), [Length(max=100)], description=lazy("For yourself, such as “school reunion”.")
    )
    days = IntegerField(lazy("Days that it is valid"), [InputRequired(), NumberRange(1, MOST_DAYS)], default=30)
    uses = IntegerField(
        lazy("How many people may use it"),
        [Optional(), NumberRange(1, MOST_USES)],
        description=lazy("Empty for any number."),
    )
    group_id = SelectField(lazy("Group for who comes by it"), validate_choice=False)
    at_once = BooleanField(lazy("Connect at once, without asking me"))


@blueprint.route("/", methods=["GET", "POST"])
def index() -> Response:
    """Show the links, and make one."""
    me = current_person().account_id
    form = NewLink(days=30)
    with database().reading() as session:
        groups = people.own_groups(session, me)
    form.group_id.choices = [("", _("The one for new connections")), *((str(group.id), group.name) for group in groups)]
    if form.accepted():
        group_id = next((group.id for group in groups if str(group.id) == form.group_id.data), None)
        wanted: dict[str, Any] = {"label": form.label.data or "", "at_once": bool(form.at_once.data)}
        wanted.update(days=form.days.data, uses=form.uses.data, group_id=group_id)
        try:
            make = once(lambda session: invitation_links.create(session, me, **wanted), url_for("links.index"))
            link_id = database().write(make)
        except (InvalidInput, LimitExceeded, NotFound) as error:
            form.refuse("label", error)
            return _show(form, 400)
        say(_("Your link is made. Whoever has it may use it, so give it only to those whom you mean."))
        return go("links.one", link_id=link_id)
    return _show(form, form.status)


@blueprint.get("/<int:link_id>")
def one(link_id: int) -> Response:
    """Show a link, to be copied, or scanned from the screen."""
    me = current_person().account_id
    link, address = database().write(
        lambda session: (invitation_links.link_of(session, me, link_id), _address(session, link_id))
    )
    return page("links/one.html", link=link, address=address, works=invitation_links.works(link))


@blueprint.get("/<int:link_id>/code.svg")
def code(link_id: int) -> Response:
    """Answer with a link as a QR code."""
    me = current_person().account_id

    def read(session: Any) -> str:
        invitation_links.link_of(session, me, link_id)
        return invitation_links.address_of(session, me, link_id)

    return code_of(database().write(read))


@blueprint.get("/<int:link_id>/sheet")
def sheet(link_id: int) -> Response:
    """Show a link as a sheet for a wall."""
    me = current_person().account_id
    link, address = database().write(
        lambda session: (invitation_links.link_of(session, me, link_id), _address(session, link_id))
    )
    if not address or not invitation_links.works(link):
        return go("links.one", link_id=link_id)
    return page("links/sheet.html", link=link, address=address)


@blueprint.post("/<int:link_id>/end")
def end(link_id: int) -> Response:
    """Take a link back."""
    me = current_person().account_id
    if attempt(lambda: database().write(lambda session: invitation_links.revoke(session, me, link_id))):
        say(_("The link is taken back. Who came by it stays connected."))
    return go("links.index")


def _address(session: Any, link_id: int) -> str:
    return (
        invitation_links.address_of(session, current_person().account_id, link_id)
        if settings_of(session).base_url
        else ""
    )


def _show(form: NewLink, status: int) -> Response:
    with database().reading() as session:
        made = invitation_links.links_of(session, current_person().account_id)
        can_make = bool(settings_of(session).base_url)
    listed = [(link, invitation_links.works(link)) for link in made]
    newest = next((link for link, works in listed if works and can_make), None)
    address = database().write(lambda session: _address(session, newest.id)) if newest is not None else ""
    return page("links/index.html", status, form=form, made=listed, can_make=can_make, newest=newest, address=address)
