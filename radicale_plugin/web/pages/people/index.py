"""The list of everybody to whom somebody is connected, and their pictures."""

from __future__ import annotations

from itertools import chain

from flask import Response, request

from radicale_plugin.web import people, pictures
from radicale_plugin.web.ids import as_id
from radicale_plugin.web.page import page
from radicale_plugin.web.pages.people.area import blueprint
from radicale_plugin.web.signed_in import current_person, database
from sync.books import doubts, held_cards
from sync.organisations import members
from sync.queries import arrivals, connected_people
from sync.queries.connected_people import Wanted
from sync.sharing.cards import content_of
from sync.vcard import photos

#: Pixels a side of a picture in a list, twice what it takes there, for screens with many.
_SMALL = 112


@blueprint.get("/")
def index() -> Response:
    """Show everybody, or a group, page by page, in which groups they are and whether they have the card as it is."""
    me, text = current_person().account_id, people.sought()
    group_id = as_id(request.args.get("group", ""))
    with database().reading() as session:
        own = people.own_groups(session, me)
        group = next((each for each in own if each.id == group_id), None)
        wanted = Wanted(text, reached=True, by_number=people.is_by_number(), inside=group.id if group else None)
        listed = connected_people.page_of(session, me, wanted, people.place_of_page())
        ids = [each.account_id for each in listed.people]
        return page(
            "people/index.html",
            organisations=members.joined(session, me),
            listed=listed,
            lettered=people.in_order(listed.people),
            text=text,
            groups=own,
            group=group,
            held=held_cards.listed(session, me, ids),
            arrivals=arrivals.of(session, me, ids),
        )


@blueprint.get("/<int:account_id>/photo")
def photo(account_id: int) -> Response:
    """Answer with the picture in one's own entry of somebody, or on their card; ``size=small``, as a list shows it."""
    me = current_person().account_id
    with database().reading() as session:
        if pictures.asked():
            held = held_cards.of(session, me, account_id)
            theirs = (content_of(field) for field in doubts.held_fields(session, me, account_id))
            return pictures.answer(chain(pictures.of_card(held.text), pictures.of_fields(theirs)))
        picture = held_cards.photo(session, me, account_id)
    if picture is not None and request.args.get("size") == "small":
        picture = photos.thumbnail(picture, _SMALL)
    return pictures.answer_one(picture)
