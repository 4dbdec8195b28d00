"""Inviting many people at once, by the addresses and numbers that somebody pastes."""

from __future__ import annotations

from flask import Blueprint, Response
from wtforms import TextAreaField
from wtforms.validators import InputRequired, Length

from radicale_plugin.web import people, signed_in
from radicale_plugin.web.error_messages import explained
from radicale_plugin.web.forms import Form, SelectField, choice
from radicale_plugin.web.ids import as_id
from radicale_plugin.web.language import gettext as _
from radicale_plugin.web.language import lazy, ngettext
from radicale_plugin.web.page import go, page, say
from radicale_plugin.web.signed_in import current_person, database
from sync.accounts.addresses import CHANNELS
from sync.database.engine import settings_of
from sync.errors import InvalidInput, NotFound
from sync.meeting import mass_invitations
from sync.meeting.mass_invitations import Invited
from sync.meeting.requests import MESSAGE_LENGTH

blueprint = Blueprint("invite_many", __name__, url_prefix="/find/invite/many")

_LONGEST = 60_000


class InviteMany(Form):
    """Whom, with which words, and where those land who accept."""

    addresses = TextAreaField(
        lazy("E-mail addresses and phone numbers"),
        [InputRequired()],
        description=lazy("One a line, or with commas between. Phone numbers with their country code, such as +86."),
        render_kw={"rows": 8, "maxlength": _LONGEST, "autocomplete": "off", "spellcheck": "false"},
    )
    group = SelectField(
        lazy("Who accepts lands in the group"),
        validate_choice=False,
        description=lazy("They see what this group sees, and never its name."),
    )
    message = TextAreaField(
        lazy("Message"),
        [Length(max=MESSAGE_LENGTH)],
        description=lazy("Say who you are. It is sent once, with your name as strangers may see it."),
        render_kw={"rows": 3},
    )


@blueprint.route("/", methods=["GET", "POST"])
def index() -> Response:
    """Take the addresses, and say what becomes of them."""
    me, form = current_person().account_id, _form()
    if not form.accepted():
        return _show(form, form.status)
    try:
        found = mass_invitations.invite_many(
            database(),
            me,
            mass_invitations.split(form.addresses.data or ""),
            form.message.data or "",
            source=signed_in.source(),
            group_id=as_id(form.group.data or ""),
        )
    except (InvalidInput, NotFound) as error:
        form.refuse("addresses", error)
        return _show(form, 400)
    _tell(found)
    if not found.left_out:
        return go("invite.index")
    # What could not be sent stays, to be corrected.
    form.addresses.data = "\n".join(text for text, _error in found.left_out)
    return _show(form, 400, [(text, explained(error)) for text, error in found.left_out])


def _form() -> InviteMany:
    form = InviteMany()
    with database().reading() as session:
        own = people.own_groups(session, current_person().account_id)
    form.group.choices = [
        choice("", _("The one for new connections")),
        *(choice(str(each.id), each.name) for each in own),
    ]
    return form


def _tell(found: Invited) -> None:
    if found.sent:
        say(ngettext("%(num)s invitation is on its way.", "%(num)s invitations are on their way.", found.sent))
    if found.waiting:
        say(
            ngettext(
                "%(num)s invitation waits because only so many are sent in a day. It goes out by itself.",
                "%(num)s invitations wait because only so many are sent in a day. They go out by themselves.",
                found.waiting,
            )
        )


def _show(form: InviteMany, status: int, left_out: list[tuple[str, str]] | None = None) -> Response:
    with database().reading() as session:
        settings = settings_of(session)
    can_send = bool(settings.base_url) and any(settings.sending.can_send(channel) for channel in CHANNELS)
    a_day = settings.limits.requests_a_day
    return page("invite/many.html", status, form=form, can_send=can_send, a_day=a_day, left_out=left_out or [])
