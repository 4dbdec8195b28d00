"""The account: its password, and the browsers that are signed in to it."""

from __future__ import annotations

from flask import Blueprint, Response
from wtforms import PasswordField
from wtforms.validators import InputRequired, Length

from radicale_plugin.web import signed_in
from radicale_plugin.web.forms import Form
from radicale_plugin.web.language import gettext as _
from radicale_plugin.web.language import lazy
from radicale_plugin.web.page import attempt, go, page, say
from radicale_plugin.web.signed_in import current_person, database
from sync.errors import InvalidInput, TooManyTries, WrongPassword
from sync.sign_in import organisation, sessions, signing_in
from sync.sign_in.credentials import MAXIMUM_LENGTH, MINIMUM_LENGTH

blueprint = Blueprint("account", __name__, url_prefix="/account")


class ChangePassword(Form):
    """The password of before, and the one from now on."""

    old = PasswordField(lazy("Password until now"), [InputRequired()])
    new = PasswordField(
        lazy("New password"),
        [InputRequired(), Length(min=MINIMUM_LENGTH, max=MAXIMUM_LENGTH)],
        description=lazy("At least 10 characters. A few words that nobody else would put together are best."),
    )


@blueprint.get("/")
def index() -> Response:
    """Show the browsers, and what can be done."""
    return _show(ChangePassword(), 200)


@blueprint.post("/password")
def change_password() -> Response:
    """Change the password and sign out everywhere else."""
    person = current_person()
    form = ChangePassword()
    if not form.accepted():
        return _show(form, 400)
    old, new = form.old.data or "", form.new.data or ""
    try:
        token = signing_in.change_password(
            database(), person.account_id, person.login, old=old, new=new, browser=signed_in.browser()
        )
    except (WrongPassword, TooManyTries) as error:
        form.refuse("old", error)
        return _show(form, 429 if isinstance(error, TooManyTries) else 400)
    except InvalidInput as error:
        form.refuse("new", error)
        return _show(form, 400)
    signed_in.sign_in(token)
    say(_("Your password was changed. All other browsers are signed out; your devices stay as they are."))
    return go("account.index")


@blueprint.post("/browsers/<int:session_id>/end")
def end(session_id: int) -> Response:
    """Sign a browser out."""
    person = current_person()
    if session_id == person.id:
        signed_in.sign_out()
        return go("home.index")
    if attempt(lambda: database().write(lambda session: sessions.end(session, person.account_id, session_id))):
        say(_("That browser is signed out."))
    return go("account.index")


@blueprint.post("/browsers/end")
def end_others() -> Response:
    """Sign every other browser out."""
    person = current_person()
    database().write(lambda session: sessions.end_all(session, person.account_id, but=person.id))
    say(_("All other browsers are signed out."))
    return go("account.index")


def _show(form: ChangePassword, status: int) -> Response:
    with database().reading() as session:
        browsers = sessions.sessions_of(session, current_person().account_id)
        is_linked = organisation.is_linked(session, current_person().account_id)
    return page("account/index.html", status, form=form, browsers=browsers, is_linked=is_linked)
