"""Taking everything along, and leaving for good."""

from __future__ import annotations

from flask import Response, make_response
from wtforms import PasswordField, StringField
from wtforms.validators import InputRequired, Length

from radicale_plugin.web import signed_in
from radicale_plugin.web.forms import Form
from radicale_plugin.web.language import gettext as _
from radicale_plugin.web.language import lazy
from radicale_plugin.web.page import go, page, say
from radicale_plugin.web.pages.settings.area import blueprint
from radicale_plugin.web.signed_in import current_person, database
from sync.errors import InvalidInput, TooManyTries, WrongPassword
from sync.export import exporting
from sync.sharing import connections
from sync.sign_in import deletion, signing_in


class LeavingForm(Form):
    """The password, because this cannot be undone."""

    password = PasswordField(lazy("Your password"), [InputRequired()])


class LeavingWithoutPassword(Form):
    """The login, from whoever has no password here."""

    login = StringField(lazy("Your login"), [InputRequired(), Length(max=64)])


@blueprint.post("/export")
def export() -> Response:
    """Give the person everything that is theirs, in one file."""
    person = current_person()
    answer = make_response(exporting.take_along(database(), person.account_id))
    answer.headers["Content-Type"] = "application/zip"
    answer.headers["Content-Disposition"] = f'attachment; filename="evercard-{person.login}.zip"'
    return answer


@blueprint.route("/leave", methods=["GET", "POST"])
def leave() -> Response:
    """Tell what leaving means, and delete the account."""
    person = current_person()
    with database().reading() as session:
        form = LeavingForm() if signing_in.has_password(session, person.account_id) else LeavingWithoutPassword()
    status = form.status
    if form.accepted():
        try:
            _require(form)
        except (InvalidInput, WrongPassword, TooManyTries) as error:
            form.refuse(next(iter(form)).name, error)
            status = 429 if isinstance(error, TooManyTries) else 400
        else:
            deletion.leave(database(), person.account_id)
            signed_in.sign_out()
            say(_("Your account is deleted. Everybody who has your card loses it at the next synchronization."))
            return go("home.index")
    with database().reading() as session:
        holders = connections.how_many(session, person.account_id)
    return page("settings/leave.html", status, form=form, holders=holders)


def _require(form: LeavingForm | LeavingWithoutPassword) -> None:
    person = current_person()
    if isinstance(form, LeavingForm):
        signing_in.require_password(database(), person.account_id, person.login, form.password.data or "")
    elif (form.login.data or "").strip().lower() != person.login:
        raise InvalidInput("This is not the login of the account that is to be deleted.")
