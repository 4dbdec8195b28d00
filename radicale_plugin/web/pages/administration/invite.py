"""Making an account for somebody, who chooses a password by a letter."""

from __future__ import annotations

from flask import Response
from wtforms import StringField
from wtforms.validators import InputRequired, Length

from radicale_plugin.web import language
from radicale_plugin.web.forms import Form, SelectField, choice
from radicale_plugin.web.language import gettext as _
from radicale_plugin.web.language import lazy
from radicale_plugin.web.page import go, page, say
from radicale_plugin.web.pages.administration.area import blueprint
from radicale_plugin.web.signed_in import current_person, database
from sync.database import accounts
from sync.errors import AlreadyExists, InvalidInput, Refused
from sync.sign_in import administrators


class Invite(Form):
    """Who comes."""

    login = StringField(
        lazy("Login"),
        [InputRequired(), Length(max=64)],
        description=lazy("Small letters and digits, such as anna.berg. It cannot be changed later."),
    )
    email = StringField(lazy("E-mail address"), [InputRequired(), Length(max=254)])
    language = SelectField(
        lazy("Language of the letter, the groups and the pages"),
        choices=[choice(tag, name) for tag, name in language.LANGUAGES.items()],
    )


@blueprint.route("/invite", methods=["GET", "POST"])
def invite() -> Response:
    """Ask for login and address, and send the letter."""
    form = Invite(language=language.current())
    if not form.accepted():
        return page("administration/invite.html", form.status, form=form)
    me, given = current_person().account_id, (form.login.data or "", form.email.data or "", form.language.data or "")
    try:
        account_id = database().write(lambda session: administrators.invite(session, me, *given))
    except (AlreadyExists, InvalidInput) as error:
        form.refuse("email" if _is_possible(given[0]) and isinstance(error, InvalidInput) else "login", error)
        return page("administration/invite.html", 400, form=form)
    except Refused as error:
        form.refuse("email", error)
        return page("administration/invite.html", 400, form=form)
    say(_("The account is made, and a letter with a link to choose a password is on its way."))
    return go("administration.person", account_id=account_id)


def _is_possible(login: str) -> bool:
    return accounts.is_possible(login.strip().lower())
