"""A contact of a shared address book changed field by field, for everybody."""

from __future__ import annotations

from typing import Any

from flask import Response, url_for

from radicale_plugin.web import pictures
from radicale_plugin.web.contact_editor import Editor, Words
from radicale_plugin.web.language import gettext as _
from radicale_plugin.web.pages.shared_books.area import blueprint, book_to_write, change


@blueprint.get("/<int:book_id>/contacts/<int:entry_id>/edit")
def edit(book_id: int, entry_id: int) -> Response:
    """Show a contact with its fields as forms."""
    return _editor(book_id, entry_id).edit()


@blueprint.route("/<int:book_id>/contacts/<int:entry_id>/add/<kind>", methods=["GET", "POST"])
def add(book_id: int, entry_id: int, kind: str) -> Response:
    """Add a field to a contact."""
    return _editor(book_id, entry_id).add(kind)


@blueprint.route("/<int:book_id>/contacts/<int:entry_id>/fields/<int:place>", methods=["GET", "POST"])
def save(book_id: int, entry_id: int, place: int) -> Response:
    """Give a field of a contact another value, for everybody."""
    return _editor(book_id, entry_id).save(place)


@blueprint.post("/<int:book_id>/contacts/<int:entry_id>/fields/<int:place>/remove")
def remove(book_id: int, entry_id: int, place: int) -> Response:
    """Take a field off a contact, for everybody."""
    return _editor(book_id, entry_id).remove(place)


def _editor(book_id: int, entry_id: int) -> Editor:
    values: dict[str, Any] = {"book_id": book_id, "entry_id": entry_id}
    return Editor(
        viewer_id=book_id,
        entry_id=entry_id,
        require=lambda session: book_to_write(session, book_id),
        change=lambda act, then: change(book_id, act, then),
        endpoints="shared_books",
        values=values,
        back=url_for("shared_books.contact", **values),
        photo=url_for("shared_books.photo", **values),
        pictures=pictures.at("shared_books.picture", **values),
        words=Words(
            about=_("Everybody who sees this address book sees this contact."),
            changed=lambda title: _("%(title)s is changed for everybody.", title=title),
            removed=_("It is taken off the contact, which can be brought back as it was from the history."),
        ),
    )
