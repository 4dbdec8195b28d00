"""What ends by itself: all of it, setting an end, keeping what was to end, and letting it end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from flask import Blueprint, Response, request
from wtforms import DateField, IntegerField, TimeField
from wtforms.validators import InputRequired, Optional

from radicale_plugin.web import ends
from radicale_plugin.web.forms import Form, SelectField, choice
from radicale_plugin.web.ids import as_id
from radicale_plugin.web.language import gettext as _
from radicale_plugin.web.language import lazy
from radicale_plugin.web.page import attempt, go, page, say
from radicale_plugin.web.signed_in import current_person, database
from sync.database.engine import Session
from sync.ends import local_time, setting
from sync.ends.targets import Target
from sync.errors import InvalidInput, NotFound, Refused

blueprint = Blueprint("ends", __name__, url_prefix="/ends")


class EndForm(Form):
    """What is to end, and when: on a day, by the clock of the browser, or at a time of it."""

    what = SelectField(lazy("What ends"), [InputRequired()], validate_choice=False)
    day = DateField(lazy("Last day"), [InputRequired()])
    time = TimeField(
        lazy("At"),
        [Optional()],
        description=lazy("Leave it blank for the end of the day, by the clock of this device."),
    )
    offset = IntegerField(default=0)


@blueprint.route("/", methods=["GET", "POST"])
def index() -> Response:
    """Show what ends and when, and set an end."""
    me = current_person().account_id
    form = EndForm()
    if form.accepted():
        try:
            database().write(lambda session: _set(session, me, form))
        except (InvalidInput, NotFound, Refused) as error:
            form.refuse("day", error)
        else:
            say(_("Saved. It ends by itself; a day before, you are asked once."))
            return go("ends.index", person=request.args.get("person"), group=request.args.get("group"))
    return _shown(form)


@blueprint.post("/keep")
def keep() -> Response:
    """Let something go on for good."""
    if _done(setting.keep):
        say(_("It is kept, without an end."))
    return go("ends.index")


@blueprint.post("/let")
def let_end() -> Response:
    """Let something end as it was to."""
    if _done(setting.let_end):
        say(_("It ends when you said."))
    return go("ends.index")


def _shown(form: EndForm) -> Response:
    me = current_person().account_id
    person, group = as_id(request.args.get("person", "")), as_id(request.args.get("group", ""))
    with database().reading() as session:
        found = ends.of_owner(session, me)
        offered = ends.offered(session, me, person, group)
    # Nothing is chosen before somebody does: what stands first is not what they mean.
    form.what.choices = [choice("", _("Choose")), *(choice(each.key, each.text) for each in offered)]
    return page("ends/index.html", 400 if form.errors else form.status, form=form, ends=found, offered=offered)


def _set(session: Session, owner_id: int, form: EndForm) -> None:
    offset = form.offset.data or 0
    at = local_time.moment(form.day.data or date.min, form.time.data, max(-_DAY, min(_DAY, offset)))
    setting.set_end(session, owner_id, ends.target_of(form.what.data or ""), at, offset)


def _done(change: Callable[[Session, int, Target], None]) -> bool:
    me, key = current_person().account_id, request.form.get("what", "")
    return attempt(lambda: database().write(lambda session: change(session, me, ends.target_of(key))))


#: Minutes of a day: no clock is further apart from another.
_DAY = 24 * 60
