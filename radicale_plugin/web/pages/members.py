"""
The members of somebody's organisations, as their devices have them: a list for each organisation, and the cards.

Whom the person takes off their devices is in a list of their own, from which they come back.
"""

from __future__ import annotations

from itertools import chain

from flask import Blueprint, Response, request

from radicale_plugin.web import people, pictures
from radicale_plugin.web.field_display import shown_card
from radicale_plugin.web.language import gettext as _
from radicale_plugin.web.page import attempt, go, page, say
from radicale_plugin.web.signed_in import current_person, database
from sync.books import entry_texts, roster_entries, roster_writes
from sync.books.entry_texts import EntryText
from sync.database import accounts
from sync.database.engine import Session
from sync.discovery import directory
from sync.errors import NotFound
from sync.organisations import organisations, roster_rows
from sync.queries import member_list
from sync.revisions import address_books
from sync.revisions.address_books import CONTACTS_PATH
from sync.sharing import connections

blueprint = Blueprint("members", __name__, url_prefix="/members")


@blueprint.get("/<int:organisation_id>/")
def of(organisation_id: int) -> Response:
    """List the members of an organisation, page by page, by name; or those of them whom the person hides."""
    me, text, hidden = current_person().account_id, people.sought(), request.args.get("hidden") == "yes"
    with database().reading() as session:
        found = member_list.page_of(session, me, organisation_id, text, people.place_of_page(), hidden=hidden)
        club = organisations.asked(session, organisation_id)
    lettered = people.by_letter(found.people)
    return page("members/of.html", found=club, listed=found, lettered=lettered, text=text, hidden=hidden)


@blueprint.get("/person/<int:account_id>")
def one(account_id: int) -> Response:
    """Show the card that a member's organisation shows, with what was added to it, and how to get connected."""
    me = current_person().account_id
    with database().reading() as session:
        if connections.is_connected(session, me, account_id):
            return go("people.one", account_id=account_id)
        entry, hidden = _member(session, account_id)
        login = accounts.logins(session, [account_id])[account_id]
        found = directory.found_among(session, me, [account_id])
    card = shown_card(entry.text, login, pictures.at("members.picture", account_id=account_id))
    return page("members/one.html", card=card, login=login, account_id=account_id, hidden=hidden, found=found)


@blueprint.get("/person/<int:account_id>/picture")
def picture(account_id: int) -> Response:
    """Answer with a picture on the card that a member's organisation shows, as one has it, or as it is shown."""
    with database().reading() as session:
        entry, _hidden = _member(session, account_id)
        theirs = _as_shown(session, account_id, entry)
    return pictures.answer(chain(pictures.of_card(entry.text), pictures.of_card(theirs.text)))


@blueprint.post("/person/<int:account_id>/hide")
def hide(account_id: int) -> Response:
    """Take a member off one's own devices."""
    me = current_person().account_id
    if attempt(lambda: database().write(lambda session: roster_writes.hide_person(session, me, account_id))):
        say(_("The card goes from your devices. You can show it again."))
    return _back(account_id)


@blueprint.post("/person/<int:account_id>/show")
def show(account_id: int) -> Response:
    """Bring a member back to one's own devices."""
    me = current_person().account_id
    if attempt(lambda: database().write(lambda session: connections.show(session, me, account_id))):
        say(_("The card comes back to your devices."))
    return _back(account_id)


def _member(session: Session, account_id: int) -> tuple[EntryText, bool]:
    book = address_books.find_book(session, current_person().account_id, CONTACTS_PATH)
    member = roster_entries.of_owner(session, book, account_id) if book is not None else None
    if member is None:
        raise NotFound("There is no such member.")
    return member


def _as_shown(session: Session, account_id: int, entry: EntryText) -> EntryText:
    """Return the entry of a member without what the person added to it, which may hide a picture of theirs."""
    book = address_books.find_book(session, current_person().account_id, CONTACTS_PATH)
    rows = (find(session, book, account_id) for find in (roster_rows.of_owner, roster_rows.hidden) if book is not None)
    shown = next(filter(None, rows), None)
    return entry if shown is None else entry_texts.of_card(entry, None, shown.body, None)


def _back(account_id: int) -> Response:
    """Return to the page of a member, or to the organisations where nobody shows them any more."""
    me = current_person().account_id
    with database().reading() as session:
        book = address_books.find_book(session, me, CONTACTS_PATH)
        is_there = book is not None and roster_entries.of_owner(session, book, account_id) is not None
    return go("members.one", account_id=account_id) if is_there else go("memberships.index")
