"""Whether somebody is told by e-mail, once a day at most, whose cards changed, and at which hour."""

from __future__ import annotations

from flask import Response
from wtforms import BooleanField

from radicale_plugin.web.forms import SelectField, StoredForm, choice
from radicale_plugin.web.language import gettext as _
from radicale_plugin.web.language import lazy
from radicale_plugin.web.page import go, page, say
from radicale_plugin.web.pages.settings.area import blueprint
from radicale_plugin.web.signed_in import current_person, database
from sync.accounts import addresses
from sync.database.engine import Session
from sync.digests import choices, times


class DigestForm(StoredForm):
    """Whether and when."""

    is_wanted = BooleanField(
        lazy("Tell me by e-mail when people changed their cards"),
        description=lazy("Once a day at most, and only of what you can see and have not looked at yet."),
    )
    hour = SelectField(lazy("Not before"), choices=[choice(str(hour), f"{hour}:00") for hour in range(24)])
    time_zone = SelectField(lazy("Time zone"), description=lazy("The place whose clocks are meant."))


@blueprint.route("/digest", methods=["GET", "POST"])
def digest() -> Response:
    """Show what was decided, and decide anew."""
    me = current_person().account_id
    with database().reading() as session:
        chosen = choices.choice_of(session, me)
        proved = [value for channel, value in addresses.addresses_of(session, me) if channel == addresses.EMAIL]
    form = DigestForm(is_wanted=chosen.is_wanted, hour=str(chosen.hour), time_zone=chosen.time_zone)
    form.time_zone.choices = [choice(name, name.replace("_", " ")) for name in times.time_zones()]
    if form.accepted():
        database().write(lambda session: _decide(session, me, form))
        say(_("Saved. It holds from now on."))
        return go("settings.digest")
    can_send = database().settings.sending.can_send(addresses.EMAIL) and bool(database().settings.base_url)
    return page("settings/digest.html", form.status, form=form, address=proved[0] if proved else "", can_send=can_send)


def _decide(session: Session, viewer_id: int, form: DigestForm) -> None:
    now, changed = choices.choice_of(session, viewer_id), form.changed()
    if changed.get("is_wanted", now.is_wanted):
        choices.want(session, viewer_id, int(changed.get("hour", now.hour)), changed.get("time_zone", now.time_zone))
    else:
        choices.stop(session, viewer_id)
