"""The account: its password, and the browsers that are signed in to it."""

from __future__ import annotations

from flask import Blueprint, Response, abort
from wtforms import PasswordField, StringField
from wtforms.validators import InputRequired, Length

from radicale_plugin.web import organisation, signed_in
from radicale_plugin.web.forms import Form
from radicale_plugin.web.language import gettext as _
from radicale_plugin.web.language import lazy
from radicale_plugin.web.page import attempt, go, page, say
from radicale_plugin.web.signed_in import current_person, database
from sync.errors import AlreadyExists, InvalidInput, LdapUnavailable, TooManyTries, WrongPassword
from sync.ldap import arriving
from sync.sign_in import identities, sessions, signing_in
from sync.sign_in.credentials import MAXIMUM_LENGTH, MINIMUM_LENGTH
from sync.sign_in.told import LDAP, OIDC

blueprint = Blueprint("account", __name__, url_prefix="/account")

#: What it means that a password was not taken, where it is not that it was wrong.
STATUS: dict[type, int] = {TooManyTries: 429, LdapUnavailable: 503}


class ChangePassword(Form):
    """The password of before, and the one from now on."""

    old = PasswordField(lazy("Password until now"), [InputRequired()])
    new = PasswordField(
        lazy("New password"),
        [InputRequired(), Length(min=MINIMUM_LENGTH, max=MAXIMUM_LENGTH)],
        description=lazy("At least 10 characters. A few words that nobody else would put together are best."),
    )


class LinkDirectory(Form):
    """Who somebody is in the directory of their organisation."""

    login = StringField(lazy("Login there"), [InputRequired(), Length(max=300)])
    password = PasswordField(lazy("Password there"), [InputRequired()])


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


@blueprint.route("/directory", methods=["GET", "POST"])
def link_directory() -> Response:
    """Link the account with who has a password in the organisation's directory."""
    directory, form = organisation.ldap(), LinkDirectory()
    if directory is None:
        abort(404)
    if form.accepted():
        mine, given = current_person().account_id, (form.login.data or "", form.password.data or "")
        try:
            arriving.link(database(), directory, mine, *given)
        except (AlreadyExists, LdapUnavailable, TooManyTries, WrongPassword) as error:
            form.refuse("password", error)
            return page("account/directory.html", STATUS.get(type(error), 400), form=form)
        say(_("From now on you can sign in by your organisation."))
        return go("account.index")
    return page("account/directory.html", form.status, form=form)


def _show(form: ChangePassword, status: int) -> Response:
    with database().reading() as session:
        browsers = sessions.sessions_of(session, current_person().account_id)
        mine = current_person().account_id
        linked = {kind: identities.is_linked(session, mine, kind) for kind in (OIDC, LDAP)}
    return page("account/index.html", status, form=form, browsers=browsers, linked=linked)
