"""Calendars of birthdays: making one, ending one, and the calendar itself for whoever has its secret address."""

from __future__ import annotations

from flask import Blueprint, Response, abort, g, make_response, request, url_for
from wtforms import BooleanField, StringField
from wtforms.validators import InputRequired, Length

from radicale_plugin.web import icalendar, language
from radicale_plugin.web.language import gettext as _
from radicale_plugin.web.language import lazy
from radicale_plugin.web.once import SecretForm, once_or_again
from radicale_plugin.web.page import attempt, go, page, say
from radicale_plugin.web.signed_in import current_person, database, open_to_all, portal
from sync.calendars import feeds
from sync.database.engine import Session
from sync.errors import InvalidInput, LimitExceeded, NotFound

blueprint = Blueprint("calendars", __name__, url_prefix="/calendars")


class NewCalendar(SecretForm):
    """What a calendar is called, and whose days are in it."""

    label = StringField(
        lazy("Name of the calendar"),
        [InputRequired(), Length(max=100)],
        description=lazy("The phone or program that it is for, so that you can end it alone."),
    )
    with_private = BooleanField(lazy("My own contacts, too"))
    with_members = BooleanField(lazy("The members of my organisations, too"))


@blueprint.route("/", methods=["GET", "POST"])
def index() -> Response:
    """List the calendars, and make one, whose address is shown once."""
    me = current_person().account_id
    form = NewCalendar(label=_("Birthdays"))
    if form.accepted():
        try:
            secret = _made(me, form)
        except (InvalidInput, LimitExceeded, NotFound) as error:
            form.refuse("label", error)
        else:
            address = portal().place.origin + url_for("calendars.read", secret=secret)
            return page("calendars/made.html", label=form.label.data, address=address, subscribe=_for_programs(address))
    with database().reading() as session:
        mine = feeds.feeds(session, me)
    return page("calendars/index.html", 400 if form.errors else form.status, form=form, calendars=mine)


@blueprint.post("/<int:feed_id>/end")
def end(feed_id: int) -> Response:
    """End a calendar."""
    me = current_person().account_id
    if attempt(lambda: database().write(lambda session: feeds.end(session, me, feed_id))):
        say(_("The calendar is ended: its address opens nothing any more."))
    return go("calendars.index")


@blueprint.get("/<secret>.ics")
@open_to_all
def read(secret: str) -> Response:
    """Answer with the calendar that *secret* opens, or with 304 while nothing has changed."""
    feed = feeds.opened(database(), secret) or abort(404)
    if portal().watch.settle(feed.viewer_id):
        feed = feeds.opened(database(), secret) or abort(404)
    g.language = feed.language if feed.language in language.LANGUAGES else language.DEFAULT
    answer = make_response()
    answer.set_etag(feed.state)
    answer.headers["Cache-Control"] = "private, no-cache"
    answer.headers["Content-Type"] = icalendar.CONTENT_TYPE
    if not request.if_none_match.contains(feed.state):
        with database().reading() as session:
            days = list(feeds.occasions(session, feed))
        answer.set_data(icalendar.written(days, _("Birthdays")))
    answer.make_conditional(request)
    return answer


def _made(me: int, form: NewCalendar) -> str:
    """Return the secret of the calendar that the form makes, or made when it was sent before."""
    label, seed = form.label.data or "", form.seed
    chosen = {name: bool(form[name].data) for name in ("with_private", "with_members")}

    def make(session: Session) -> str:
        return feeds.create(session, me, label, language.current(), **chosen, seed=seed)[1]

    # One that was ended meanwhile is not made again.
    return once_or_again(make, lambda session: feeds.made_with(session, me, seed), url_for("calendars.index"))


def _for_programs(address: str) -> str:
    """Return *address* as what phones take for a calendar to subscribe to."""
    return "webcal://" + address.partition("://")[2]
