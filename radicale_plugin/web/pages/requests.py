"""Who asks to be connected, whom one asked, and with whom one wants nothing to do."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response

from radicale_plugin.web import people
from radicale_plugin.web.ids import posted_ids
from radicale_plugin.web.language import gettext as _
from radicale_plugin.web.page import attempt, go, page, say
from radicale_plugin.web.signed_in import current_person, database
from sync import meeting
from sync.database.engine import Session
from sync.sharing.preferences import preferences_of

blueprint = Blueprint("requests", __name__, url_prefix="/requests")


@blueprint.get("/")
def index() -> Response:
    """Show what waits for whom."""
    me = current_person().account_id
    with database().reading() as session:
        asked = meeting.requests_of(session, me)
        return page(
            "requests/index.html",
            received=[each for each in asked if each.direction == "in"],
            sent=[each for each in asked if each.direction == "out"],
            blocked=meeting.blocked(session, me),
            refused=meeting.refused(session, me),
            groups=people.own_groups(session, me),
            newcomers=preferences_of(session, me).newcomers_group_id,
        )


@blueprint.post("/<int:account_id>/confirm")
def confirm(account_id: int) -> Response:
    """Say yes, and sort the other into groups."""
    me = current_person().account_id
    chosen = posted_ids("group")
    connected: list[bool] = []

    def change(session: Session) -> bool:
        return meeting.confirm(session, me, account_id, chosen)

    if attempt(lambda: connected.append(database().write(change))):
        yes = _("You are connected now. The card is in your address book.")
        say(yes if connected == [True] else _("You have confirmed. You are connected as soon as the other does, too."))
    return go("requests.index")


@blueprint.post("/<int:account_id>/decline")
def decline(account_id: int) -> Response:
    """Say no."""
    return _decided(account_id, meeting.decline, _("You have declined. They may ask again."))


@blueprint.post("/<int:account_id>/refuse")
def refuse(account_id: int) -> Response:
    """Say no for ever."""
    return _decided(account_id, meeting.refuse, _("You have declined for ever. They are not told, and wait."))


@blueprint.post("/<int:account_id>/allow")
def allow(account_id: int) -> Response:
    """Let somebody ask again."""
    return _decided(account_id, meeting.allow_again, _("They may ask you again."))


@blueprint.post("/<int:account_id>/withdraw")
def withdraw(account_id: int) -> Response:
    """Take back what one asked."""
    return _decided(account_id, meeting.withdraw, _("Your request is taken back."))


@blueprint.post("/<int:account_id>/block")
def block(account_id: int) -> Response:
    """Have nothing to do with somebody any more."""
    return _decided(account_id, meeting.block, _("This person is blocked, and is not told."))


@blueprint.post("/<int:account_id>/unblock")
def unblock(account_id: int) -> Response:
    """Be a stranger to somebody again."""
    return _decided(account_id, meeting.unblock, _("This person is not blocked any more."))


def _decided(account_id: int, decide: Callable[[Session, int, int], object], done: str) -> Response:
    me = current_person().account_id
    if attempt(lambda: database().write(lambda session: decide(session, me, account_id))):
        say(done)
    return go("requests.index")
