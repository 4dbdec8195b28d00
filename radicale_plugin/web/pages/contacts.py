"""One's own contacts, which nobody else sees: listed beside the people, looked for, looked at, and deleted."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, request

from radicale_plugin.web import people, pictures
from radicale_plugin.web.field_display import ShownCard, card_of
from radicale_plugin.web.language import gettext as _
from radicale_plugin.web.page import attempt, go, page, say
from radicale_plugin.web.pictures import Address
from radicale_plugin.web.signed_in import current_person, database
from sync import fields
from sync.contacts import duplicates, linking, own_contacts, proposing
from sync.errors import InvalidInput
from sync.export import exporting
from sync.fields import FieldContent
from sync.vcard import parse_one

blueprint = Blueprint("contacts", __name__, url_prefix="/contacts")


@blueprint.get("/")
def index() -> Response:
    """Show the contacts, page by page."""
    me, text = current_person().account_id, people.sought()
    with database().reading() as session:
        listed = own_contacts.page_of(session, me, text, people.place_of_page(), by_number=people.is_by_number())
        linked = len(linking.links_of(session, me))
        merged = len(duplicates.merges_of(session, me))
    lettered = people.in_order(listed.contacts)
    return page("contacts/index.html", listed=listed, lettered=lettered, text=text, linked=linked, merged=merged)


@blueprint.get("/found")
def found() -> Response:
    """Say how many contacts are there twice. Every card is compared, so the list does not wait for it."""
    me = current_person().account_id
    with database().reading() as session:
        twice = len({each.entry_id for each in linking.suggestions(session, me)})
        alike = len(proposing.proposals(session, me))
    return page("contacts/found.html", twice=twice, alike=alike)


@blueprint.get("/<int:entry_id>")
def one(entry_id: int) -> Response:
    """Show a contact."""
    with database().reading() as session:
        text, seen = own_contacts.text_of(session, current_person().account_id, entry_id)
    card = read(text, pictures.at("contacts.picture", entry_id=entry_id))
    return page("contacts/one.html", card=card, entry_id=entry_id, seen=seen)


@blueprint.get("/<int:entry_id>/picture")
def picture(entry_id: int) -> Response:
    """Answer with a picture of a contact."""
    with database().reading() as session:
        text, _seen = own_contacts.text_of(session, current_person().account_id, entry_id)
    return pictures.answer(pictures.of_fields(contents_of(text) or ()))


@blueprint.get("/<int:entry_id>/card")
def card(entry_id: int) -> Response:
    """Give a contact as a file."""
    with database().reading() as session:
        text, _seen = own_contacts.text_of(session, current_person().account_id, entry_id)
    answer = make_response(text)
    answer.headers["Content-Type"] = "text/vcard; charset=utf-8"
    answer.headers["Content-Disposition"] = 'attachment; filename="contact.vcf"'
    return answer


@blueprint.post("/all")
def everybody() -> Response:
    """Give everybody in the address book as one file, which a phone takes whole."""
    person = current_person()
    answer = make_response(exporting.contacts_file(database(), person.account_id))
    answer.headers["Content-Type"] = "text/vcard; charset=utf-8"
    answer.headers["Content-Disposition"] = f'attachment; filename="{person.login}-contacts.vcf"'
    return answer


@blueprint.post("/<int:entry_id>/delete")
def delete(entry_id: int) -> Response:
    """Delete a contact from here and from one's devices."""
    me, seen = current_person().account_id, request.form.get("seen", "")
    if attempt(lambda: database().write(lambda session: own_contacts.delete(session, me, entry_id, seen))):
        say(_("The contact is deleted, and goes from your devices. It can be brought back under Activity."))
    return go("contacts.index")


def read(text: str, address: Address) -> ShownCard:
    """Return a contact as it is read, with its pictures at *address*; of one that is not quite a card, what can be."""
    unnamed, contents = _("Contact without a name"), contents_of(text)
    return ShownCard(unnamed, "", []) if contents is None else card_of(contents, unnamed, address)


def contents_of(text: str) -> list[FieldContent] | None:
    """Return the fields of a contact, None of one that is not quite a card."""
    try:
        return fields.fields_of(fields.without_broken_photos(parse_one(text))[0])
    except InvalidInput:
        return None
