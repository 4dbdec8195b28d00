"""Who changed what in a shared address book, and bringing back what it was."""

from __future__ import annotations

from flask import Response

from radicale_plugin.web import people, pictures
from radicale_plugin.web.language import gettext as _
from radicale_plugin.web.page import attempt, go, page, say
from radicale_plugin.web.pages.contacts import contents_of, read
from radicale_plugin.web.pages.shared_books.area import blueprint, book_of, book_to_write
from radicale_plugin.web.signed_in import current_person, database
from sync.database import accounts
from sync.database.engine import Session
from sync.shared_books import access, past

#: Changes on one page of the history.
_PAGE = 50


@blueprint.get("/<int:book_id>/history")
def history(book_id: int) -> Response:
    """Show who changed what."""
    number = people.number_of_page()
    with database().reading() as session:
        book = book_of(session, book_id)
        pages = max(1, -(-past.number(session, book_id) // _PAGE))
        number = min(number, pages)
        found = past.changes(session, book_id, count=_PAGE, offset=(number - 1) * _PAGE)
        names = accounts.logins(session, {each.account_id for each in found})
    said = {"added": _("added"), "changed": _("changed"), "removed": _("deleted")}
    values = {
        "found": found,
        "names": names,
        "said": said,
        "number": number,
        "pages": pages,
        "nobody": past.ADMINISTRATOR,
    }
    return page("shared_books/history.html", book=book, **values)


@blueprint.get("/<int:book_id>/history/<int:entry_id>/<int:revision>")
def version(book_id: int, entry_id: int, revision: int) -> Response:
    """Show what a contact was before a change."""
    with database().reading() as session:
        book = book_of(session, book_id)
        text = past.text_before(session, book_id, entry_id, revision)
    values = {"book_id": book_id, "entry_id": entry_id, "revision": revision}
    card = read(text, pictures.at("shared_books.past_picture", **values))
    return page("shared_books/version.html", book=book, card=card, entry_id=entry_id, revision=revision)


@blueprint.get("/<int:book_id>/history/<int:entry_id>/<int:revision>/picture")
def past_picture(book_id: int, entry_id: int, revision: int) -> Response:
    """Answer with a picture that a contact had before a change."""
    with database().reading() as session:
        book_of(session, book_id)
        text = past.text_before(session, book_id, entry_id, revision)
    return pictures.answer(pictures.of_fields(contents_of(text) or ()))


@blueprint.post("/<int:book_id>/history/<int:entry_id>/<int:revision>")
def restore(book_id: int, entry_id: int, revision: int) -> Response:
    """Give a contact back what it was, for everybody."""
    me = current_person().account_id

    def act(session: Session) -> None:
        book = book_to_write(session, book_id)
        past.restore(session, access.base_of(book), me, entry_id, revision)

    if attempt(lambda: database().write(act)):
        say(_("It is as it was, for everybody who sees this address book."))
    return go("shared_books.history", book_id=book_id)
