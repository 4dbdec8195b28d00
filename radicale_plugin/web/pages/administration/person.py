"""One account: what is known of it without its card, and what an administrator can do with it."""

from __future__ import annotations

from flask import Response
from wtforms import StringField
from wtforms.validators import InputRequired, Length

from radicale_plugin.web import language
from radicale_plugin.web.forms import Form
from radicale_plugin.web.language import gettext as _
from radicale_plugin.web.language import lazy
from radicale_plugin.web.page import attempt, go, page, say
from radicale_plugin.web.pages.administration.area import blueprint
from radicale_plugin.web.people import number_of_page
from radicale_plugin.web.signed_in import current_person, database
from sync.accounts import acts
from sync.accounts.rate_limits import DAY
from sync.errors import InvalidInput, Refused
from sync.sign_in import administrators, people_list
from sync.sign_in.people_list import ListedPerson


class Deleting(Form):
    """The login once more, because this cannot be undone."""

    login = StringField(lazy("Login of this account"), [InputRequired(), Length(max=64)])


@blueprint.get("/people/<int:account_id>")
def person(account_id: int) -> Response:
    """Show an account."""
    with database().reading() as session:
        who = people_list.one(session, account_id)
        done = acts.about(session, account_id, number_of_page())
    return page("administration/person.html", who=who, listed=done)


@blueprint.post("/people/<int:account_id>/disable")
def disable(account_id: int) -> Response:
    """Close an account."""
    me = current_person().account_id
    if attempt(lambda: database().write(lambda session: administrators.disable(session, account_id, me))):
        say(_("The account is closed. Devices and browsers of this person are shut out."))
    return go("administration.person", account_id=account_id)


@blueprint.post("/people/<int:account_id>/enable")
def enable(account_id: int) -> Response:
    """Open an account again."""
    me = current_person().account_id
    if attempt(lambda: database().write(lambda session: administrators.enable(session, account_id, me))):
        say(_("The account is open again, as it was."))
    return go("administration.person", account_id=account_id)


@blueprint.post("/people/<int:account_id>/reset")
def reset(account_id: int) -> Response:
    """Send somebody a link for a new password."""
    me, spoken = current_person().account_id, language.current()
    if attempt(lambda: database().write(lambda session: administrators.send_reset(session, account_id, me, spoken))):
        say(_("A link for a new password is on its way to this person."))
    return go("administration.person", account_id=account_id)


@blueprint.route("/people/<int:account_id>/delete", methods=["GET", "POST"])
def delete(account_id: int) -> Response:
    """Tell what deleting an account means, and do it."""
    with database().reading() as session:
        who = people_list.one(session, account_id)
    form = Deleting()
    if form.accepted():
        me, typed = current_person().account_id, form.login.data or ""
        try:
            administrators.delete(database(), account_id, typed=typed, by=me)
        except (InvalidInput, Refused) as error:
            form.refuse("login", error)
            return _asked(form, 400, who)
        say(_("The account is deleted. Everybody who has the card loses it at the next synchronization."))
        return go("administration.index")
    return _asked(form, form.status, who)


def _asked(form: Deleting, status: int, who: ListedPerson) -> Response:
    days = acts.KEPT_AFTER_DELETION // DAY
    return page("administration/delete.html", status, who=who, form=form, days=days)
