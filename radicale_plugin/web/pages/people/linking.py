"""Making one's own contacts one with the cards of people, so that the phone shows each of them once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Response, request

from radicale_plugin.web import people
from radicale_plugin.web.language import gettext as _
from radicale_plugin.web.page import attempt, go, page, say
from radicale_plugin.web.pages.people.area import blueprint
from radicale_plugin.web.signed_in import current_person, database
from sync.books import linking
from sync.books.linking import Link, Suggestion
from sync.sharing import connected_people

#: Proposals, or links, on one page.
COUNT = 25


@dataclass(frozen=True, slots=True)
class Part:
    """Some of a list: page *number*, counted from 1, of *pages*; *total* are all."""

    items: Sequence[Suggestion] | Sequence[Link]
    number: int
    pages: int
    total: int


@blueprint.get("/linking")
def link() -> Response:
    """Propose contacts that may be about a connection."""
    me = current_person().account_id
    with database().reading() as session:
        part = _part(linking.suggestions(session, me))
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


@blueprint.get("/linking/done")
def linked() -> Response:
    """Show what was made one."""
    me = current_person().account_id
    with database().reading() as session:
        part = _part(linking.links_of(session, me))
        known = connected_people.some(session, me, [each.owner_id for each in part.items])
    return page("people/linked.html", part=part, known=known)


@blueprint.post("/linking/<int:entry_id>/apart")
def take_apart(entry_id: int) -> Response:
    """Take a contact and a card apart again."""
    me = current_person().account_id
    if attempt(lambda: database().write(lambda session: linking.unlink(session, me, entry_id))):
        say(_("They are two again: your contact is back as it was."))
    return go("people.linked" if request.form.get("from") == "done" else "people.link")


def _part(found: Sequence[Suggestion] | Sequence[Link]) -> Part:
    pages = max(1, -(-len(found) // COUNT))
    number = min(people.number_of_page(), pages)
    return Part(found[(number - 1) * COUNT : number * COUNT], number, pages, len(found))
