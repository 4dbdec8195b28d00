"""Links that were sent by e-mail: to choose a new password, and to prove an address."""

from __future__ import annotations

from flask import Blueprint, Response, request
from wtforms import PasswordField, StringField
from wtforms.validators import InputRequired, Length

from radicale_plugin.web import language, signed_in
from radicale_plugin.web.forms import Form
from radicale_plugin.web.language import gettext as _
from radicale_plugin.web.language import lazy
from radicale_plugin.web.page import go, page, say
from radicale_plugin.web.signed_in import database, open_to_all
from sync.accounts import addresses
from sync.errors import InvalidInput, TooManyTries
from sync.sign_in import password_reset
from sync.sign_in.credentials import MAXIMUM_LENGTH, MINIMUM_LENGTH

blueprint = Blueprint("password_reset", __name__)


class Ask(Form):
    """Who forgot their password."""

    name = StringField(lazy("Login or e-mail address"), [InputRequired(), Length(max=300)])


class NewPassword(Form):
    """The password from now on."""

    new = PasswordField(
        lazy("New password"),
        [InputRequired(), Length(min=MINIMUM_LENGTH, max=MAXIMUM_LENGTH)],
        description=lazy("At least 10 characters. A few words that nobody else would put together are best."),
    )


@blueprint.route("/forgotten", methods=["GET", "POST"])
@open_to_all
def ask() -> Response:
    """Send a link. What is said afterwards does not depend on whether anybody has the name."""
    with database().reading() as session:
        if not password_reset.is_possible(session):
            return page("password_reset/none.html")
    form = Ask()
    if form.accepted():
        try:
            name = form.name.data or ""
            password_reset.ask(database(), name, source=signed_in.source(), language=language.current())
        except TooManyTries as error:
            form.refuse("name", error)
            return page("password_reset/ask.html", 429, form=form)
        return go("password_reset.sent")
    return page("password_reset/ask.html", form.status, form=form)


@blueprint.get("/forgotten/sent")
@open_to_all
def sent() -> Response:
    """Say what happens now, and what else there is where nothing comes."""
    return page("password_reset/asked.html")


@blueprint.route("/reset", methods=["GET", "POST"])
@open_to_all
def reset() -> Response:
    """Choose a password by a link."""
    token = request.args.get("token", "")
    form = NewPassword()
    if not form.accepted():
        database().write(lambda session: password_reset.require_open(session, token))
        return page("password_reset/reset.html", form.status, form=form, token=token)
    try:
        inside = password_reset.reset(database(), token, form.new.data or "", browser=signed_in.browser())
    except InvalidInput as error:
        form.refuse("new", error)
        return page("password_reset/reset.html", 400, form=form, token=token)
    signed_in.sign_in(inside)
    say(_("Your password was changed. All other browsers are signed out; your devices stay as they are."))
    return go("home.index")


@blueprint.route("/confirm", methods=["GET", "POST"])
@open_to_all
def confirm() -> Response:
    """Prove an e-mail address by a link, which programs that look into e-mail open as well: so there is a button."""
    token = request.args.get("token", "")
    if request.method == "POST":
        database().write(lambda session: addresses.verify_link(session, token))
        say(_("Thank you. The e-mail address is confirmed."))
        return go("home.index")
    return page("password_reset/confirm.html", token=token)
