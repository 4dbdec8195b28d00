"""A contact of a shared address book changed field by field, for everybody."""

from __future__ import annotations

from flask import Response, abort, request, url_for

from radicale_plugin.web import field_forms
from radicale_plugin.web.field_display import kind_title, picture_of, shown
from radicale_plugin.web.field_forms import FieldForm
from radicale_plugin.web.language import gettext as _
from radicale_plugin.web.page import attempt, go, page, say
from radicale_plugin.web.pages.contact_fields import FIRST_KINDS, Typing
from radicale_plugin.web.pages.shared_books.area import blueprint, book_of, book_to_write, change
from radicale_plugin.web.signed_in import database
from sync.contacts import editing
from sync.contacts.editing import PlacedField
from sync.errors import InvalidInput
from sync.fields import FieldContent, full_name, parts


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
            change(book_id, lambda session: editing.add_field(session, book_id, entry_id, content), then)
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
        book_of(session, book_id)
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
            change(book_id, lambda session: editing.set_field(session, book_id, entry_id, (place, seen), typed))
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
    if attempt(lambda: change(book_id, lambda session: editing.remove_field(session, book_id, entry_id, field))):
        say(_("It is taken off the contact, which can be brought back as it was from the history."))
    return go("shared_books.edit", book_id=book_id, entry_id=entry_id)


def _edit(
    book_id: int,
    entry_id: int,
    status: int = 200,
    *,
    typing: tuple[str, Typing] | None = None,
    adding: Typing | None = None,
) -> Response:
    with database().reading() as session:
        book = book_to_write(session, book_id)
        fields = editing.fields_of(session, book_id, entry_id)
    rows = [
        (each, shown(each.content), typing[1] if typing and typing[0] == each.content.digest else _unsent(each))
        for each in fields
    ]
    photo = editing.photo_of(fields)
    return page(
        "shared_books/edit.html",
        status,
        book=book,
        entry_id=entry_id,
        name=full_name([each.content for each in fields], "") or _("Contact without a name"),
        picture=picture_of(photo.content) if photo is not None else "",
        photo=url_for("shared_books.photo", book_id=book_id, entry_id=entry_id),
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
