"""The contacts of a shared address book as a file: taken over by writers, and given to whoever sees it."""

from __future__ import annotations

from flask import Response, make_response

from radicale_plugin.web.imports import ContactsForm
from radicale_plugin.web.page import page
from radicale_plugin.web.pages.shared_books.area import blueprint, book_of, book_to_write
from radicale_plugin.web.portal import takes_files
from radicale_plugin.web.signed_in import current_person, database
from sync.export import exporting
from sync.shared_books import past


@blueprint.route("/<int:book_id>/import", methods=["GET", "POST"])
@takes_files
def take_over(book_id: int) -> Response:
    """Take a file of contacts over, for everybody who sees the book."""
    me = current_person().account_id
    with database().reading() as session:
        # Before anything is counted, or looked at.
        book = book_to_write(session, book_id)
    form = ContactsForm()
    report = form.take_over(book_id, lambda session: past.writing(session, me, book_id))
    if isinstance(report, int):
        return page("shared_books/import.html", report, form=form, book=book)
    return page("shared_books/imported.html", report=report, book=book)


@blueprint.post("/<int:book_id>/all")
def everything(book_id: int) -> Response:
    """Give the contacts as one file, as one's devices have them."""
    with database().reading() as session:
        book = book_of(session, book_id)
    answer = make_response(exporting.shared_file(database(), book.viewer_id, book_id))
    answer.headers["Content-Type"] = "text/vcard; charset=utf-8"
    answer.headers.set("Content-Disposition", "attachment", filename=f"{book.title}.vcf")
    return answer
