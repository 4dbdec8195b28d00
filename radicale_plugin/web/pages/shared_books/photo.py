"""The photo of a contact in a shared address book, given and changed for everybody."""

from __future__ import annotations

from flask import Response, url_for

from radicale_plugin.web import pictures
from radicale_plugin.web.language import gettext as _
from radicale_plugin.web.page import go, say
from radicale_plugin.web.pages import contact_photo
from radicale_plugin.web.pages.shared_books.area import blueprint, book_to_write, change
from radicale_plugin.web.portal import takes_files
from radicale_plugin.web.signed_in import database
from sync.contacts import editing
from sync.fields import FieldContent


@blueprint.route("/<int:book_id>/contacts/<int:entry_id>/photo", methods=["GET", "POST"])
@takes_files
def photo(book_id: int, entry_id: int) -> Response:
    """Show the photo, and take another."""

    def put(sent: FieldContent, seen: str) -> None:
        change(book_id, lambda session: editing.set_photo(session, book_id, entry_id, sent, seen=seen))

    def remove(place: int) -> str:
        return url_for("shared_books.remove", book_id=book_id, entry_id=entry_id, place=place)

    with database().reading() as session:
        book_to_write(session, book_id)
        fields = editing.fields_of(session, book_id, entry_id)
    edit = url_for("shared_books.edit", book_id=book_id, entry_id=entry_id)
    address = pictures.at("shared_books.picture", book_id=book_id, entry_id=entry_id)
    shown = contact_photo.chosen(fields, put, remove, edit, address, is_shared=True)
    if shown is not None:
        return shown
    say(_("The photo is saved, for everybody who sees this address book."))
    return go("shared_books.edit", book_id=book_id, entry_id=entry_id)
