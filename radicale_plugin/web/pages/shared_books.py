"""Address books that organisations share: looked at by their members, changed by writers, with who changed what."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from flask import Blueprint, Response, abort, request, url_for

from radicale_plugin.web import field_forms, people
from radicale_plugin.web.field_display import kind_title, shown
from radicale_plugin.web.field_forms import FieldForm
from radicale_plugin.web.language import gettext as _
from radicale_plugin.web.once import once
from radicale_plugin.web.page import attempt, go, page, say
from radicale_plugin.web.pages.contact_fields import FIRST_KINDS, NewContact, Typing
from radicale_plugin.web.pages.contacts import read
from radicale_plugin.web.signed_in import current_person, database
from sync.contacts import editing, own_contacts
from sync.contacts.editing import PlacedField
from sync.database import accounts
from sync.database.engine import Session
from sync.errors import InvalidInput
from sync.fields import FieldContent, field_from_text, full_name, parts
from sync.revisions.address_books import Book
from sync.shared_books import access, layers, past, view, writes

blueprint = Blueprint("shared_books", __name__, url_prefix="/shared-books")

T = TypeVar("T")
#: Changes on one page of the history.
_PAGE = 50


@blueprint.get("/")
def index() -> Response:
    """Show the shared address books of whoever is signed in."""
    with database().reading() as session:
        found = access.books_of(session, current_person().account_id)
    return page("shared_books/index.html", found=found)


@blueprint.get("/<int:book_id>/")
def one(book_id: int) -> Response:
    """Show the contacts of a book, page by page."""
    text = people.sought()
    with database().reading() as session:
        book = _book(session, book_id)
        place, by_number = people.place_of_page(), people.is_by_number()
        listed = own_contacts.page_of(session, book_id, text, place, by_number=by_number)
    lettered = people.in_order(listed.contacts)
    return page("shared_books/one.html", book=book, listed=listed, lettered=lettered, text=text)


@blueprint.route("/<int:book_id>/new", methods=["GET", "POST"])
def new(book_id: int) -> Response:
    """Make a contact, for everybody who sees the book."""
    form = NewContact()
    with database().reading() as session:
        book = _book(session, book_id)
    if form.accepted():
        said = [
            field_from_text(name, text, "")
            for name in ("name", "mobile", "email", "note")
            if (text := (form[name].data or "").strip())
        ]
        then = url_for("shared_books.one", book_id=book_id)
        try:
            entry_id = _change(book_id, lambda session: editing.add(session, book_id, said), then)
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
        book = _book(session, book_id)
        text, seen = own_contacts.text_of(session, book_id, entry_id)
        is_hidden = entry_id in layers.hidden(session, book) and not _may_write(book)
        href = layers.names_of(session, book, [entry_id])[entry_id]
        mine = next((each.text for each in view.texts(session, book, hrefs=[href])), text)
        changes = past.of_contact(session, book_id, entry_id)[:1]
        names = accounts.logins(session, {each.account_id for each in changes})
    values = {"card": read(mine), "entry_id": entry_id, "seen": seen, "is_hidden": is_hidden}
    return page(
        "shared_books/contact.html", book=book, changes=changes, names=names, nobody=past.ADMINISTRATOR, **values
    )


@blueprint.post("/<int:book_id>/contacts/<int:entry_id>/delete")
def delete(book_id: int, entry_id: int) -> Response:
    """Delete a contact for everybody."""
    seen = request.form.get("seen", "")
    if attempt(lambda: _change(book_id, lambda session: own_contacts.delete(session, book_id, entry_id, seen))):
        say(_("The contact is deleted for everybody. It can be brought back from the history."))
    return go("shared_books.one", book_id=book_id)


@blueprint.post("/<int:book_id>/contacts/<int:entry_id>/show")
def show(book_id: int, entry_id: int) -> Response:
    """Bring a contact back that one took off one's devices."""
    if attempt(lambda: database().write(lambda s: writes.bring_back(s, _book(s, book_id), entry_id))):
        say(_("It is back. Your devices fetch it when they look next."))
    return go("shared_books.contact", book_id=book_id, entry_id=entry_id)


@blueprint.get("/<int:book_id>/contacts/<int:entry_id>/edit")
def edit(book_id: int, entry_id: int) -> Response:
    """Show a contact with its fields as forms."""
    return _edit(book_id, entry_id)


@blueprint.route("/<int:book_id>/contacts/<int:entry_id>/add/<kind>", methods=["GET", "POST"])
def add(book_id: int, entry_id: int, kind: str) -> Response:
    """Add a field to a contact."""
    if kind not in FIRST_KINDS:
        abort(404)
    shape = parts.shape_of_kind(kind)
    form = field_forms.form_for(kind, shape)
    if form.accepted():
        then = url_for("shared_books.edit", book_id=book_id, entry_id=entry_id)
        try:
            content = parts.put_together(kind, field_forms.typed(form, kind, shape))
            _change(book_id, lambda session: editing.add_field(session, book_id, entry_id, content), then)
        except InvalidInput as error:
            form.refuse(_first(form, kind, shape), error)
        else:
            say(_("%(title)s is added to the contact.", title=kind_title(kind)))
            return go("shared_books.edit", book_id=book_id, entry_id=entry_id)
    return _edit(book_id, entry_id, form.status, adding=_typing(form, kind, shape))


@blueprint.route("/<int:book_id>/contacts/<int:entry_id>/fields/<int:place>", methods=["GET", "POST"])
def save(book_id: int, entry_id: int, place: int) -> Response:
    """Give a field of a contact another value, for everybody."""
    if request.method == "GET":
        return _edit(book_id, entry_id)
    seen = request.form.get("seen", "")
    with database().reading() as session:
        _book(session, book_id)
        found = [each for each in editing.fields_of(session, book_id, entry_id) if each.content.digest == seen]
    taken = parts.parts_of(found[0].content) if found else None
    if taken is None:
        say(_("This field is not there any more. This is the contact as it is now."))
        return go("shared_books.edit", book_id=book_id, entry_id=entry_id)
    kind, shape = found[0].content.kind, taken.shape
    form = field_forms.form_for(kind, shape, found[0].content)
    if form.accepted():

        def typed(before: FieldContent) -> FieldContent:
            return parts.put_together(before.kind, field_forms.typed(form, kind, shape, taken.label), before)

        try:
            _change(book_id, lambda session: editing.set_field(session, book_id, entry_id, (place, seen), typed))
        except InvalidInput as error:
            form.refuse(_first(form, kind, shape), error)
        else:
            say(_("%(title)s is changed for everybody.", title=kind_title(kind)))
            return go("shared_books.edit", book_id=book_id, entry_id=entry_id)
    return _edit(book_id, entry_id, form.status, typing=(seen, _typing(form, kind, shape)))


@blueprint.post("/<int:book_id>/contacts/<int:entry_id>/fields/<int:place>/remove")
def remove(book_id: int, entry_id: int, place: int) -> Response:
    """Take a field off a contact, for everybody."""
    field = (place, request.form.get("seen", ""))
    if attempt(lambda: _change(book_id, lambda session: editing.remove_field(session, book_id, entry_id, field))):
        say(_("It is taken off the contact, which can be brought back as it was from the history."))
    return go("shared_books.edit", book_id=book_id, entry_id=entry_id)


@blueprint.get("/<int:book_id>/history")
def history(book_id: int) -> Response:
    """Show who changed what."""
    number = people.number_of_page()
    with database().reading() as session:
        book = _book(session, book_id)
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
        book = _book(session, book_id)
        text = past.text_before(session, book_id, entry_id, revision)
    return page("shared_books/version.html", book=book, card=read(text), entry_id=entry_id, revision=revision)


@blueprint.post("/<int:book_id>/history/<int:entry_id>/<int:revision>")
def restore(book_id: int, entry_id: int, revision: int) -> Response:
    """Give a contact back what it was, for everybody."""
    me = current_person().account_id

    def act(session: Session) -> None:
        book = access.of_writer(session, me, book_id)
        past.restore(session, access.base_of(book), me, entry_id, revision)

    if attempt(lambda: database().write(act)):
        say(_("It is as it was, for everybody who sees this address book."))
    return go("shared_books.history", book_id=book_id)


def _book(session: Session, book_id: int) -> Book:
    return access.of_id(session, current_person().account_id, book_id)


def _may_write(book: Book) -> bool:
    return book.shared is not None and book.shared.is_writer


def _change(book_id: int, act: Callable[[Session], T], then: str = "") -> T:
    """Do something as one of the writers; what makes something is done once, and leads on to *then* again."""
    me = current_person().account_id

    def change(session: Session) -> T:
        return past.by_writer(session, me, book_id, act)

    return database().write(once(change, then) if then else change)


def _edit(
    book_id: int,
    entry_id: int,
    status: int = 200,
    *,
    typing: tuple[str, Typing] | None = None,
    adding: Typing | None = None,
) -> Response:
    with database().reading() as session:
        book = access.of_writer(session, current_person().account_id, book_id)
        fields = editing.fields_of(session, book_id, entry_id)
    rows = [
        (each, shown(each.content), typing[1] if typing and typing[0] == each.content.digest else _unsent(each))
        for each in fields
    ]
    return page(
        "shared_books/edit.html",
        status,
        book=book,
        entry_id=entry_id,
        name=full_name([each.content for each in fields], "") or _("Contact without a name"),
        rows=rows,
        open_at=typing[0] if typing else "",
        adding=adding,
        kinds=[(key, kind_title(key)) for key in FIRST_KINDS],
    )


def _unsent(field: PlacedField) -> Typing | None:
    taken = parts.parts_of(field.content)
    if taken is None:
        return None
    kind = field.content.kind
    return _typing(field_forms.unsent(kind, taken.shape, field.content), kind, taken.shape)


def _typing(form: FieldForm, kind: str, shape: str) -> Typing:
    form.label.description = _("If you like: what you call it, such as Private or Hong Kong.")
    return Typing(form, field_forms.inputs(form, kind, shape), kind, kind_title(kind))


def _first(form: FieldForm, kind: str, shape: str) -> str:
    return str(field_forms.inputs(form, kind, shape)[0].name)
