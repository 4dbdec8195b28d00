"""One connection: their card, in which groups they are, what they see of one, and whether it has reached them."""

from __future__ import annotations

from flask import Response

from radicale_plugin.web import people, pictures
from radicale_plugin.web.field_display import card_of, shown, shown_card
from radicale_plugin.web.ids import posted_ticks
from radicale_plugin.web.language import gettext as _
from radicale_plugin.web.page import attempt, go, page, say
from radicale_plugin.web.pages.people.area import blueprint
from radicale_plugin.web.signed_in import current_person, database
from sync.books import held_cards
from sync.database.engine import Session
from sync.ends import setting
from sync.ends.targets import Target
from sync.errors import NotFound
from sync.meeting import introductions
from sync.queries import connected_people, previews
from sync.queries.connected_people import ConnectedPerson
from sync.sharing import connections, groups
from sync.sharing.cards import content_of
from sync.sharing.visibility import composition_of, fields_of


@blueprint.get("/<int:account_id>")
def one(account_id: int) -> Response:
    """Show everything about a connection."""
    me = current_person()
    with database().reading() as session:
        who = connected_person(session, account_id)
        held = held_cards.of(session, me.account_id, account_id)
        kind = composition_of(session, me.account_id, account_id)
        own = {field.id: content_of(field) for field in fields_of(session, me.account_id)}
        (holder,) = previews.holders(session, me.account_id, [account_id])
        values = {
            "groups": people.own_groups(session, me.account_id),
            "preview": shown_card(previews.for_person(session, me.account_id, account_id), me.login),
            "end": setting.end_of(session, me.account_id, Target(viewer_id=account_id)),
            "is_public": account_id in introductions.published(session, me.account_id, [account_id]),
        }
    return page(
        "people/one.html",
        who=who,
        held=held,
        card=shown_card(held.text, who.login, pictures.at("people.photo", account_id=account_id)),
        added=card_of(held.added, who.login).lines,
        chosen=kind.groups,
        always=[shown(content) for field_id, content in own.items() if field_id in kind.allowed],
        never=[shown(content) for field_id, content in own.items() if field_id in kind.withheld],
        holder=holder,
        **values,
    )


@blueprint.post("/<int:account_id>/groups")
def sort(account_id: int) -> Response:
    """Put somebody into the groups that are ticked, and out of those that were and are not."""
    me = current_person().account_id
    into, out_of = posted_ticks("group")

    def change(session: Session) -> None:
        groups.sort(session, me, account_id, into=into, out_of=out_of)

    if attempt(lambda: database().write(change)):
        say(_("Saved. They see from now on what these groups see."))
        return go("people.one", account_id=account_id)
    return _back(account_id)


@blueprint.post("/<int:account_id>/hide")
def hide(account_id: int) -> Response:
    """Take somebody's card off one's own devices."""
    me = current_person().account_id
    if attempt(lambda: database().write(lambda session: connections.hide(session, me, account_id))):
        say(_("The card goes from your devices. You stay connected, and can show it again."))
    return _back(account_id)


@blueprint.post("/<int:account_id>/show")
def show(account_id: int) -> Response:
    """Bring somebody's card back to one's own devices."""
    me = current_person().account_id
    if attempt(lambda: database().write(lambda session: connections.show(session, me, account_id))):
        say(_("The card comes back to your devices."))
    return _back(account_id)


def connected_person(session: Session, account_id: int) -> ConnectedPerson:
    """
    Return somebody whom the person is connected to.

    Raises:
        NotFound: They are not.
    """
    found = connected_people.find(session, current_person().account_id, account_id)
    if found is None or not connections.is_connected(session, current_person().account_id, account_id):
        raise NotFound("These two are not connected.")
    return found


def _back(account_id: int) -> Response:
    """Return to the page of somebody, or to the list where there is none any more."""
    me = current_person().account_id
    with database().reading() as session:
        is_there = connections.is_connected(session, me, account_id)
    return go("people.one", account_id=account_id) if is_there else go("people.index")
