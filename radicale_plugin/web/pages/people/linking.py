"""Making one's own contacts one with the cards of people, so that the phone shows each of them once."""

from __future__ import annotations

from flask import Response, request

from radicale_plugin.web import people
from radicale_plugin.web.language import gettext as _
from radicale_plugin.web.page import attempt, go, page, say
from radicale_plugin.web.pages.people.area import blueprint
from radicale_plugin.web.signed_in import current_person, database
from sync.contacts import apart, linking
from sync.queries import connected_people

#: Proposals, or links, on one page.
COUNT = 25


@blueprint.get("/linking")
def link() -> Response:
    """Propose contacts that may be about a connection."""
    me = current_person().account_id
    with database().reading() as session:
        part = people.part_of(linking.suggestions(session, me), COUNT)
        known = connected_people.some(session, me, [each.owner_id for each in part.items])
        count = len(linking.links_of(session, me))
    return page("people/linking.html", part=part, known=known, count=count)


@blueprint.post("/linking/<int:entry_id>/<int:account_id>")
def make_one(entry_id: int, account_id: int) -> Response:
    """Make a contact one with a connection's card."""
    me = current_person().account_id
    if attempt(lambda: database().write(lambda session: linking.link(session, me, entry_id, account_id))):
        say(_("They are one card now. You can take them apart again at any time."))
    return go("people.link")


@blueprint.post("/linking/<int:entry_id>/<int:account_id>/no")
def keep_apart(entry_id: int, account_id: int) -> Response:
    """Remember that a contact and a connection are two people."""
    me = current_person().account_id
    if attempt(lambda: database().write(lambda session: apart.keep(session, me, entry_id, account_id))):
        say(_("They stay two. You will not be asked about them again."))
    return go("people.link")


@blueprint.get("/linking/done")
def linked() -> Response:
    """Show what was made one."""
    me = current_person().account_id
    with database().reading() as session:
        part = people.part_of(linking.links_of(session, me), COUNT)
        known = connected_people.some(session, me, [each.owner_id for each in part.items])
    return page("people/linked.html", part=part, known=known)


@blueprint.post("/linking/<int:entry_id>/apart")
def take_apart(entry_id: int) -> Response:
    """Take a contact and a card apart again."""
    me = current_person().account_id
    if attempt(lambda: database().write(lambda session: linking.unlink(session, me, entry_id))):
        say(_("They are two again: your contact is back as it was."))
    return go("people.linked" if request.form.get("from") == "done" else "people.link")
