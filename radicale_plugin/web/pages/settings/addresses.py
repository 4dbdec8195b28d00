"""E-mail addresses and phone numbers that are the person's: to be found by them, and to be written to."""

from __future__ import annotations

from flask import Response, request, session, url_for
from wtforms import StringField
from wtforms.validators import InputRequired, Length

from radicale_plugin.web import signed_in
from radicale_plugin.web.forms import Form
from radicale_plugin.web.language import gettext as _
from radicale_plugin.web.language import lazy
from radicale_plugin.web.once import once
from radicale_plugin.web.page import attempt, go, page, say
from radicale_plugin.web.pages.settings.area import blueprint
from radicale_plugin.web.signed_in import current_person, database
from sync.accounts import addresses, preference_changes
from sync.accounts.addresses import CHANNELS, EMAIL, SMS
from sync.errors import InvalidInput, LimitExceeded, Refused, TooManyTries

#: Where in the browser's session it is to which number a code was sent.
_PROVING = "proving"


class AddressForm(Form):
    """An address to be proved."""

    address = StringField(lazy("E-mail address or phone number"), [InputRequired(), Length(max=254)])


class CodeForm(Form):
    """The code that came by text message."""

    code = StringField(lazy("Code from the message"), [InputRequired(), Length(max=20)])


@blueprint.route("/addresses", methods=["GET", "POST"])
def own_addresses() -> Response:
    """List them, and begin to add one."""
    form = AddressForm()
    if not form.accepted():
        return _show(form, form.status)
    me, text = current_person().account_id, form.address.data or ""
    with database().reading() as transaction:
        meant = addresses.meant_by(transaction, text)
    # What looks like neither gets told what is wrong with it.
    channel = meant[0] if meant else EMAIL if "@" in text else SMS
    # Whoever presses twice gets one message.
    database().write(once(lambda _session: None, url_for("settings.own_addresses")))
    try:
        value = addresses.verify_start(database(), me, channel, text, source=signed_in.source())
    except (InvalidInput, LimitExceeded, Refused, TooManyTries) as error:
        form.refuse("address", error)
        return _show(form, 429 if isinstance(error, TooManyTries) else 400)
    if channel == SMS:
        session[_PROVING] = value
        return go("settings.confirm_number")
    say(_("A link is on its way to %(address)s. Follow it to confirm that the address is yours.", address=value))
    return go("settings.own_addresses")


@blueprint.route("/addresses/code", methods=["GET", "POST"])
def confirm_number() -> Response:
    """Prove a phone number by the code that was sent to it."""
    me, number = current_person().account_id, str(request.form.get("number") or session.get(_PROVING) or "")[:40]
    form = CodeForm()
    if request.method == "GET":
        return page("settings/code.html", form=form, number=number) if number else go("settings.own_addresses")
    if form.accepted():
        try:
            code = form.code.data or ""
            right = database().write(lambda transaction: addresses.verify_code(transaction, me, number, code))
        except (InvalidInput, LimitExceeded) as error:
            form.refuse("code", error)
        else:
            if right:
                session.pop(_PROVING, None)
                say(_("Thank you. The number is confirmed."))
                return go("settings.own_addresses")
            form.code.errors = [_("This code is wrong or too old. Try again, or have another one sent.")]
    return page("settings/code.html", 400, form=form, number=number)


@blueprint.post("/addresses/remove")
def remove_address() -> Response:
    """Take one off the list."""
    me = current_person().account_id
    channel, value = request.form.get("channel", ""), request.form.get("value", "")
    if attempt(lambda: database().write(lambda transaction: addresses.remove(transaction, me, channel, value))):
        say(_("The address is removed. Nobody finds you by it any more."))
    return go("settings.own_addresses")


def _show(form: AddressForm, status: int) -> Response:
    with database().reading() as transaction:
        proved = addresses.addresses_of(transaction, current_person().account_id)
        asks = preference_changes.is_asked_about_number(transaction, current_person().account_id)
    sent = [channel for channel in CHANNELS if database().settings.sending.can_send(channel)]
    if not database().settings.base_url and EMAIL in sent:
        sent.remove(EMAIL)
    return page("settings/addresses.html", status, form=form, proved=proved, sent=sent, asks=asks)
