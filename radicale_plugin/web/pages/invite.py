"""Inviting somebody by their address, who may have no account yet."""

from __future__ import annotations

from flask import Blueprint, Response, request, url_for
from wtforms import StringField, TextAreaField
from wtforms.validators import InputRequired, Length

from radicale_plugin.web import signed_in
from radicale_plugin.web.forms import Form
from radicale_plugin.web.language import gettext as _
from radicale_plugin.web.language import lazy
from radicale_plugin.web.page import go, page, say
from radicale_plugin.web.signed_in import current_person, database
from sync.accounts.addresses import CHANNELS
from sync.database.engine import settings_of
from sync.errors import AlreadyExists, InvalidInput, Refused, TooManyTries
from sync.meeting import invitations
from sync.meeting.requests import MESSAGE_LENGTH

blueprint = Blueprint("invite", __name__, url_prefix="/find/invite")


class Invite(Form):
    """Whom, and with which words."""

    address = StringField(
        lazy("E-mail address or phone number"),
        [InputRequired(), Length(max=254)],
        description=lazy("A phone number with its country code, such as +86."),
    )
    message = TextAreaField(
        lazy("Message"),
        [Length(max=MESSAGE_LENGTH)],
        description=lazy("Say who you are. It is sent once, with your name as strangers may see it."),
    )


@blueprint.route("/", methods=["GET", "POST"])
def index() -> Response:
    """Invite somebody. What is said does not depend on who has the address."""
    form = Invite(address=request.args.get("address", ""))
    if form.accepted():
        try:
            invitations.invite(
                database(),
                current_person().account_id,
                form.address.data or "",
                form.message.data or "",
                source=signed_in.source(),
            )
        except (AlreadyExists, InvalidInput, Refused, TooManyTries) as error:
            form.refuse("address", error)
            return _show(form, 429 if isinstance(error, TooManyTries) else 400)
        say(_("Your invitation is on its way. Nobody is reminded of it."))
        return go("invite.index")
    return _show(form, form.status)


def _show(form: Invite, status: int) -> Response:
    with database().reading() as session:
        sent = invitations.invitations_of(session, current_person().account_id)
        settings = settings_of(session)
    can_send = bool(settings.base_url) and any(settings.sending.can_send(channel) for channel in CHANNELS)
    here = url_for("invite.index")
    return page("invite/index.html", status, form=form, sent=sent, can_send=can_send, here=here)
