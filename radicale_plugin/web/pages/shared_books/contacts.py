"""A contact of a shared address book: looked at, made, deleted for everybody, and brought back for oneself."""

from __future__ import annotations

from flask import Response, request, url_for

from radicale_plugin.web import pictures
from radicale_plugin.web.contact_editor import NewContact
from radicale_plugin.web.language import gettext as _
from radicale_plugin.web.page import attempt, go, page, say
from radicale_plugin.web.pages.contacts import contents_of, read
from radicale_plugin.web.pages.shared_books.area import blueprint, book_of, change, may_write
from radicale_plugin.web.signed_in import database
from sync.contacts import editing, own_contacts
from sync.database import accounts
from sync.database.engine import Session
from sync.errors import InvalidInput
from sync.revisions.address_books import Book
from sync.shared_books import layers, past, view, writes


@blueprint.route("/<int:book_id>/new", methods=["GET", "POST"])
def new(book_id: int) -> Response:
    """Make a contact, for everybody who sees the book."""
    form = NewContact()
    with database().reading() as session:
        book = book_of(session, book_id)
    if form.accepted():
        then = url_for("shared_books.one", book_id=book_id)
        try:
            said = form.contents()
            entry_id = change(book_id, lambda session: editing.add(session, book_id, said), then)
        except InvalidInput as error:
            form.refuse("name", error)
            return page("shared_books/new.html", 400, form=form, book=book)
        say(_("The contact is made, for everybody who sees this address book."))
        return go("shared_books.contact", book_id=book_id, entry_id=entry_id)
    return page("shared_books/new.html", form.status, form=form, book=book)


@blueprint.get("/<int:book_id>/contacts/<int:entry_id>")
def contact(book_id: int, entry_id: int) -> Response:
    """Show a contact as one's devices have it."""
    with database().reading() as session:
        book = book_of(session, book_id)
        text, seen = own_contacts.text_of(session, book_id, entry_id)
        is_hidden = entry_id in layers.hidden(session, book) and not may_write(book)
        mine = _as_one_has_it(session, book, entry_id, text)
        changes = past.of_contact(session, book_id, entry_id)[:1]
        names = accounts.logins(session, {each.account_id for each in changes})
    address = pictures.at("shared_books.picture", book_id=book_id, entry_id=entry_id)
    values = {"card": read(mine, address), "entry_id": entry_id, "seen": seen, "is_hidden": is_hidden}
    return page(
        "shared_books/contact.html", book=book, changes=changes, names=names, nobody=past.ADMINISTRATOR, **values
    )


@blueprint.get("/<int:book_id>/contacts/<int:entry_id>/picture")
def picture(book_id: int, entry_id: int) -> Response:
    """Answer with a picture of a contact as one's devices have it; to writers, who change that, as everybody has it."""
    with database().reading() as session:
        book = book_of(session, book_id)
        text, _seen = own_contacts.text_of(session, book_id, entry_id)
        texts = {_as_one_has_it(session, book, entry_id, text), *([text] if may_write(book) else [])}
    return pictures.answer(each for text in texts for each in pictures.of_fields(contents_of(text) or ()))


@blueprint.post("/<int:book_id>/contacts/<int:entry_id>/delete")
def delete(book_id: int, entry_id: int) -> Response:
    """Delete a contact for everybody."""
    seen = request.form.get("seen", "")
    if attempt(lambda: change(book_id, lambda session: own_contacts.delete(session, book_id, entry_id, seen))):
        say(_("The contact is deleted for everybody. It can be brought back from the history."))
    return go("shared_books.one", book_id=book_id)


@blueprint.post("/<int:book_id>/contacts/<int:entry_id>/show")
def show(book_id: int, entry_id: int) -> Response:
    """Bring a contact back that one took off one's devices."""
    if attempt(lambda: database().write(lambda s: writes.bring_back(s, book_of(s, book_id), entry_id))):
        say(_("It is back. Your devices fetch it when they look next."))
    return go("shared_books.contact", book_id=book_id, entry_id=entry_id)


def _as_one_has_it(session: Session, book: Book, entry_id: int, text: str) -> str:
    """Return the card of a contact with what one laid over it; *text* is what everybody has."""
    href = layers.names_of(session, book, [entry_id])[entry_id]
    return next((each.text for each in view.texts(session, book, hrefs=[href])), text)
