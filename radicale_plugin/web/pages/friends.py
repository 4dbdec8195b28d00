"""Public friends: whom of one's connections one shows to the others, whom they show, and bringing two together."""

from __future__ import annotations

from flask import Blueprint, Response, request

from radicale_plugin.web import people
from radicale_plugin.web.ids import as_id
from radicale_plugin.web.language import gettext as _
from radicale_plugin.web.page import attempt, go, go_to, page, say
from radicale_plugin.web.signed_in import current_person, database
from sync.database.engine import Session
from sync.discovery.public_profiles import public_profiles
from sync.errors import NotFound
from sync.meeting import introductions
from sync.queries import connected_people
from sync.queries.connected_people import ConnectedPerson

blueprint = Blueprint("friends", __name__, url_prefix="/friends")


@blueprint.get("/")
def index() -> Response:
    """Choose whom to show."""
    me, text = current_person().account_id, people.sought()
    with database().reading() as session:
        listed = connected_people.page_of(session, me, text, people.place_of_page())
        ids = [each.account_id for each in listed.people]
        return page(
            "friends/index.html",
            listed=listed,
            text=text,
            public=set(introductions.published(session, me, ids)),
            shown=public_profiles(session, ids),
        )


@blueprint.post("/<int:account_id>/publish")
def publish(account_id: int) -> Response:
    """Show somebody to one's other connections."""
    me = current_person().account_id
    if attempt(lambda: database().write(lambda session: introductions.publish(session, me, account_id))):
        say(_("Your other connections can see now that you know this person."))
    return go_to(people.back("friends.index"), "friends.index")


@blueprint.post("/<int:account_id>/unpublish")
def unpublish(account_id: int) -> Response:
    """Show somebody no longer."""
    me = current_person().account_id
    if attempt(lambda: database().write(lambda session: introductions.unpublish(session, me, account_id))):
        say(_("Nobody can see any more that you know this person."))
    return go_to(people.back("friends.index"), "friends.index")


@blueprint.get("/<int:account_id>")
def of(account_id: int) -> Response:
    """Show whom a connection knows and shows."""
    with database().reading() as session:
        found = introductions.public_friends(session, current_person().account_id, account_id)
        return page("friends/of.html", found=found, owner=_connected_person(session, account_id))


@blueprint.route("/<int:account_id>/introduce", methods=["GET", "POST"])
def introduce(account_id: int) -> Response:
    """Bring a connection together with another one."""
    me, text = current_person().account_id, people.sought()
    if request.method == "POST":
        other, message = as_id(request.form.get("other", "")) or 0, request.form.get("message", "")
        change = database().write
        if attempt(lambda: change(lambda session: introductions.introduce(session, me, account_id, other, message))):
            say(_("Both are asked now. They are connected when both have confirmed."))
            return go("friends.index")
        return go("friends.introduce", account_id=account_id)
    with database().reading() as session:
        return page(
            "friends/introduce.html",
            one=_connected_person(session, account_id),
            listed=connected_people.page_of(session, me, text, people.place_of_page()),
            text=text,
        )


def _connected_person(session: Session, account_id: int) -> ConnectedPerson:
    found = connected_people.find(session, current_person().account_id, account_id)
    if found is None:
        raise NotFound("These two are not connected.")
    return found
