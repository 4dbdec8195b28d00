"""The members of somebody's organisations, as their devices have them: a list for each organisation, and the cards."""

from __future__ import annotations

from flask import Blueprint, Response

from radicale_plugin.web import people
from radicale_plugin.web.field_display import shown_card
from radicale_plugin.web.page import page
from radicale_plugin.web.signed_in import current_person, database
from sync.books import roster_entries
from sync.database import accounts
from sync.errors import NotFound
from sync.organisations import organisations, roster_rows
from sync.queries import member_list
from sync.revisions import address_books
from sync.revisions.address_books import CONTACTS_PATH

blueprint = Blueprint("members", __name__, url_prefix="/members")


@blueprint.get("/<int:organisation_id>/")
def of(organisation_id: int) -> Response:
    """List the members of an organisation, page by page, by name."""
    me, text = current_person().account_id, people.sought()
    with database().reading() as session:
        listed = member_list.page_of(session, me, organisation_id, text, people.place_of_page())
        found = organisations.asked(session, organisation_id)
    lettered = people.by_letter(listed.people)
    return page("members/of.html", found=found, listed=listed, lettered=lettered, text=text)


@blueprint.get("/person/<int:account_id>")
def one(account_id: int) -> Response:
    """Show the card that a member's organisation shows, with what was added to it."""
    me = current_person().account_id
    with database().reading() as session:
        book = address_books.find_book(session, me, CONTACTS_PATH)
        member = roster_rows.of_owner(session, book, account_id) if book is not None else None
        if book is None or member is None:
            raise NotFound("There is no such member.")
        (entry,) = roster_entries.texts(session, book, "3.0", hrefs=[member.href])
        login = accounts.logins(session, [account_id])[account_id]
    return page("members/one.html", card=shown_card(entry.text, login), login=login)
