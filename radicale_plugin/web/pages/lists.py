"""Groups as lists on one's devices: which show them, and what they made of them that the person is asked about."""

from __future__ import annotations

from flask import Blueprint, Response
from wtforms import RadioField

from radicale_plugin.web.forms import Form, choice
from radicale_plugin.web.language import gettext as _
from radicale_plugin.web.language import lazy
from radicale_plugin.web.page import attempt, go, page, say
from radicale_plugin.web.signed_in import current_person, database
from sync.queries import connected_people
from sync.sharing import phone_lists
from sync.sign_in import credentials

blueprint = Blueprint("lists", __name__, url_prefix="/lists")

_OFF = "off"


class ListsForm(Form):
    """As what a device shows the person's groups."""

    shown = RadioField(
        lazy("Your groups on this device"),
        choices=[
            choice(_OFF, lazy("Not at all")),
            choice("lists", lazy("As lists: for iPhone, Mac, and DAVx⁵ as it comes")),
            choice("categories", lazy("As categories of each card: for DAVx⁵ if you set it so, and other programs")),
        ],
    )


@blueprint.get("/")
def index() -> Response:
    """Show what one's devices propose."""
    me = current_person().account_id
    with database().reading() as session:
        found = phone_lists.proposals(session, me)
        names = connected_people.some(session, me, [each.person_id for each in found])
    rows = [(each, names[each.person_id].name) for each in found if each.person_id in names]
    return page("lists/index.html", proposals=rows)


@blueprint.post("/<int:group_id>/<int:person_id>/accept")
def accept(group_id: int, person_id: int) -> Response:
    """Do what a device proposed."""
    me = current_person().account_id
    if attempt(lambda: database().write(lambda session: phone_lists.accept(session, me, group_id, person_id))):
        say(_("It is done. What they see of you is what their groups see."))
    return go("lists.index")


@blueprint.post("/<int:group_id>/<int:person_id>/dismiss")
def dismiss(group_id: int, person_id: int) -> Response:
    """Leave a group as it is."""
    me = current_person().account_id
    if attempt(lambda: database().write(lambda session: phone_lists.dismiss(session, me, group_id, person_id))):
        say(_("The group stays as it is. Your phone shows it so again when it looks next."))
    return go("lists.index")


@blueprint.route("/of/<int:device_id>", methods=["GET", "POST"])
def device(device_id: int) -> Response:
    """Choose whether a device shows one's groups, and as what."""
    me = current_person().account_id
    with database().reading() as session:
        found = credentials.in_use(session, me, device_id)
        label, now = found.label, found.lists
    form = ListsForm(shown=now or _OFF)
    if not form.accepted():
        return page("lists/device.html", form.status, form=form, label=label, device_id=device_id)
    chosen = None if form.shown.data == _OFF else form.shown.data
    if attempt(lambda: database().write(lambda session: phone_lists.choose(session, me, device_id, chosen))):
        say(_("That is what the device shows when it looks next."))
    return go("devices.index")
