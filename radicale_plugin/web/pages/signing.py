"""Coming and going: signing in, up and out."""

from __future__ import annotations

from flask import Blueprint, Response, request, url_for
from wtforms import PasswordField, StringField
from wtforms.validators import InputRequired, Length

from radicale_plugin.web import kept_forms, language, newcomers, organisation, signed_in
from radicale_plugin.web.doors import open_door
from radicale_plugin.web.forms import Form
from radicale_plugin.web.kept_forms import Kept
from radicale_plugin.web.language import gettext as _
from radicale_plugin.web.language import lazy
from radicale_plugin.web.page import go, go_to, page, say
from radicale_plugin.web.pages.organisation import signed_out_page
from radicale_plugin.web.signed_in import SignedOut, database, open_to_all
from sync.errors import LdapUnavailable, Refused, TooManyTries, WrongPassword
from sync.ldap import arriving
from sync.sign_in import signing_in, signing_up

blueprint = Blueprint("signing", __name__)

#: What it means that somebody could not sign in, where it is not that something was wrong.
STATUS: dict[type, int] = {TooManyTries: 429, LdapUnavailable: 503}


class SignIn(Form):
    """Who comes back."""

    login = StringField(lazy("Login or e-mail address"), [InputRequired(), Length(max=300)])
    password = PasswordField(lazy("Password"), [InputRequired()])


@blueprint.route("/sign-in", methods=["GET", "POST"])
@open_to_all
def sign_in() -> Response:
    """Ask for login and password, and go to the page that was wanted."""
    wanted, kept = request.args.get("next"), kept_forms.carried()
    if signed_in.visitor() is not None:
        return _in(wanted, kept)
    form = SignIn()
    if form.accepted():
        try:
            token = _session(form.login.data or "", form.password.data or "")
        except (LdapUnavailable, Refused, WrongPassword, TooManyTries) as error:
            form.refuse("password", error)
            return _sign_in_page(form, wanted, STATUS.get(type(error), 400), kept)
        signed_in.sign_in(token)
        language.keep()
        return _in(wanted, kept)
    return _sign_in_page(form, wanted, form.status, kept)


@blueprint.app_errorhandler(SignedOut)
def sign_in_first(_error: SignedOut) -> Response:
    """Send the browser to sign in; a form that it sent goes along."""
    kept, is_part = kept_forms.sent(), request.headers.get("HX-Request")
    if kept is not None:
        form = SignIn()
        form.process(None)
        return kept_forms.plainly() if is_part else _sign_in_page(form, None, 200, kept)
    if is_part:
        return Response(status=204, headers={"HX-Redirect": url_for("signing.sign_in")})
    here = request.script_root + request.full_path.rstrip("?")
    return go("signing.sign_in", next=here if request.method in ("GET", "HEAD") else None)


@blueprint.route("/sign-up", methods=["GET", "POST"])
@open_to_all
def sign_up() -> Response:
    """Make an account, in two steps."""
    if signed_in.visitor() is not None:
        return go("home.index")
    door = open_door()
    if not newcomers.is_open(door):
        raise Refused("Nobody can sign up here by themselves; ask whoever runs this server.")
    if request.method == "GET":
        return newcomers.first_page(door)
    return newcomers.come_in(door) or go("home.index")


@blueprint.post("/sign-out")
def sign_out() -> Response:
    """End this session."""
    answer = signed_out_page()
    if answer is None:
        signed_in.sign_out()
        say(_("You are signed out."))
        answer = go("home.index")
    # Pictures that the browser keeps are somebody's.
    answer.headers["Clear-Site-Data"] = '"cache"'
    return answer


def _in(wanted: str | None, kept: Kept | None) -> Response:
    """Go to the page that was wanted, or show the form that went along."""
    if kept is None:
        return go_to(wanted, "home.index")
    return kept_forms.shown(kept, why=kept_forms.meanwhile())


def _session(login: str, password: str) -> str:
    source, browser, directory = signed_in.source(), signed_in.browser(), organisation.ldap()
    if directory is None:
        return signing_in.sign_in(database(), login, password, source=source, browser=browser)
    spoken = language.current()
    return arriving.sign_in(database(), directory, login, password, source=source, browser=browser, language=spoken)


def _sign_in_page(form: SignIn, wanted: str | None, status: int, kept: Kept | None = None) -> Response:
    with database().reading() as session:
        is_open = signing_up.is_open(session)
    here = url_for("signing.sign_in", next=wanted)
    return page("signing/sign_in.html", status, form=form, here=here, is_open=is_open, kept=kept)
