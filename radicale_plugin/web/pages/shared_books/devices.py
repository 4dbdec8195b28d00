"""Which of one's devices are shown the shared address books."""

from __future__ import annotations

from flask import Response
from wtforms import RadioField

from radicale_plugin.web.forms import Form, choice
from radicale_plugin.web.language import gettext as _
from radicale_plugin.web.language import lazy
from radicale_plugin.web.page import attempt, go, page, say
from radicale_plugin.web.pages.shared_books.area import blueprint
from radicale_plugin.web.signed_in import current_person, database
from sync.shared_books import access
from sync.sign_in import credentials

_ON, _OFF, _AUTO = "on", "off", "auto"
#: What is chosen, as the engine has it.
_SHOWN = {_ON: True, _OFF: False, _AUTO: None}


class ShownForm(Form):
    """Whether a device is shown the shared address books."""

    shown = RadioField(
        lazy("Shared address books on this device"),
        choices=[
            choice(_AUTO, lazy("As its program can: everywhere but on a Mac")),
            choice(_ON, lazy("Shown, on a Mac as well")),
            choice(_OFF, lazy("Not shown")),
        ],
    )


@blueprint.route("/on/<int:device_id>", methods=["GET", "POST"])
def device(device_id: int) -> Response:
    """Choose whether a device is shown the shared address books."""
    me = current_person().account_id
    with database().reading() as session:
        found = credentials.in_use(session, me, device_id)
        label, now = found.label, found.shared_books
    form = ShownForm(shown=next(name for name, value in _SHOWN.items() if value is now))
    if not form.accepted():
        return page("shared_books/device.html", form.status, form=form, label=label, device_id=device_id)
    chosen = _SHOWN[form.shown.data]
    if attempt(lambda: database().write(lambda session: access.show(session, me, device_id, choice=chosen))):
        say(_("The device notices when it looks for address books next."))
    return go("devices.index")
