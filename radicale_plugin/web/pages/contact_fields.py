"""One's own contacts written: made, and changed field by field, in the forms of one's own card."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Blueprint, Response, abort, request, url_for
from wtforms import Field as Input
from wtforms import StringField

from radicale_plugin.web import field_forms
from radicale_plugin.web.field_display import Shown, icon_of, kind_title, picture_of, shown
from radicale_plugin.web.field_forms import FieldForm
from radicale_plugin.web.forms import Form
from radicale_plugin.web.ids import as_id
from radicale_plugin.web.language import gettext as _
from radicale_plugin.web.language import lazy
from radicale_plugin.web.once import once
from radicale_plugin.web.page import attempt, go, page, say
from radicale_plugin.web.signed_in import current_person, database
from sync.contacts import editing
from sync.contacts.editing import PlacedField
from sync.errors import Conflict, InvalidInput
from sync.fields import CATALOGUE, FieldContent, field_from_text, full_name, parts

blueprint = Blueprint("contact_fields", __name__, url_prefix="/contacts")

#: With more fields than that, the form of a row comes when the row is opened.
MOST_FORMS = 12
#: What is offered before all other kinds, and what is not typed in a form or is there already.
FIRST_KINDS = ("mobile", "email", "address", "birthday", "note")
_NOT_ADDED = ("photo", "name", field_forms.NAME_PARTS)
_NEW = (("name", "name"), ("mobile", "mobile"), ("email", "email"), ("note", "note"))


class NewContact(Form):
    """What a contact has to begin with; everything else is added on its page."""

    name = StringField(lazy("Name"), render_kw={"maxlength": 200, "autocomplete": "off"})
    mobile = StringField(lazy("Mobile phone"), render_kw={"type": "tel", "maxlength": 100, "autocomplete": "off"})
    email = StringField(
        lazy("E-mail"),
        render_kw={"inputmode": "email", "autocapitalize": "none", "spellcheck": "false", "autocomplete": "off"},
    )
    note = StringField(lazy("Note"), render_kw={"maxlength": 1000, "autocomplete": "off"})


@dataclass(frozen=True, slots=True)
class Typing:
    """A form in which a field is typed; *now* is what somebody else made of it meanwhile."""

    form: FieldForm
    inputs: Sequence[Input]
    kind: str
    title: str
    now: Shown | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A field of a contact. *typing* is the form that the row has in it, absent while it has none."""

    place: int
    icon: str
    digest: str
    line: Shown
    is_typed: bool
    is_name: bool
    is_photo: bool
    is_open: bool
    typing: Typing | None


@blueprint.route("/new", methods=["GET", "POST"])
def new() -> Response:
    """Make a contact."""
    form, me = NewContact(), current_person().account_id
    if form.accepted():
        try:
            said = [field_from_text(kind, text, "") for name, kind in _NEW if (text := (form[name].data or "").strip())]
            make = once(lambda session: editing.add(session, me, said), url_for("contacts.index"))
            entry_id = database().write(make)
        except InvalidInput as error:
            form.refuse("name", error)
            return page("contacts/new.html", 400, form=form)
        say(_("The contact is made, for you alone. Your devices fetch it when they look next."))
        return go("contacts.one", entry_id=entry_id)
    return page("contacts/new.html", form.status, form=form)


@blueprint.get("/<int:entry_id>/edit")
def index(entry_id: int) -> Response:
    """Show a contact with its fields as forms."""
    return _show(entry_id, open_at=as_id(request.args.get("open", "")))


@blueprint.route("/<int:entry_id>/add/<kind>", methods=["GET", "POST"])
def add(entry_id: int, kind: str) -> Response:
    """Add a field to a contact."""
    if kind not in CATALOGUE or kind in _NOT_ADDED:
        abort(404)
    shape = parts.shape_of_kind(kind)
    form = _form(kind, shape)
    if form.accepted():
        me = current_person().account_id
        try:
            content = parts.put_together(kind, field_forms.typed(form, kind, shape))
            then = url_for("contact_fields.index", entry_id=entry_id)
            database().write(once(lambda session: editing.add_field(session, me, entry_id, content), then))
        except InvalidInput as error:
            form.refuse(_first(form, kind, shape), error)
        else:
            say(_("%(title)s is added to the contact.", title=kind_title(kind)))
            return go("contact_fields.index", entry_id=entry_id)
    return _show(entry_id, form.status, adding=_typing(form, kind, shape))


@blueprint.route("/<int:entry_id>/fields/<int:place>", methods=["GET", "POST"])
def save(entry_id: int, place: int) -> Response:
    """Give a field of a contact another value."""
    if request.method == "GET":
        return _show(entry_id, open_at=place)
    me, seen, kind = current_person().account_id, request.form.get("seen", ""), request.form.get("kind", "")
    with database().reading() as session:
        fields = editing.fields_of(session, me, entry_id)
    field = _meant(fields, place, seen, kind)
    taken = parts.parts_of(field.content) if field is not None else None
    if field is None or taken is None:
        return _typed_again(entry_id, kind)
    form = _form(field.content.kind, taken.shape, field.content)
    status = form.status
    if form.accepted():

        def typed(before: FieldContent) -> FieldContent:
            said = parts.parts_of(before)
            label = said.label if said else ""
            return parts.put_together(before.kind, field_forms.typed(form, before.kind, taken.shape, label), before)

        try:
            database().write(lambda session: editing.set_field(session, me, entry_id, (place, seen), typed))
        except Conflict as error:
            form.refuse(_first(form, field.content.kind, taken.shape), error)
            # Whoever sends it again has seen what it says.
            form.seen.data, status = field.content.digest, 409
        except InvalidInput as error:
            form.refuse(_first(form, field.content.kind, taken.shape), error)
        else:
            say(_("%(title)s is changed. Your devices fetch it when they look next.", title=_title(field)))
            return go("contact_fields.index", entry_id=entry_id)
    return _show(entry_id, status, open_at=field.place, form=form)


@blueprint.post("/<int:entry_id>/fields/<int:place>/remove")
def remove(entry_id: int, place: int) -> Response:
    """Take a field off a contact."""
    me, seen = current_person().account_id, request.form.get("seen", "")
    if attempt(lambda: database().write(lambda session: editing.remove_field(session, me, entry_id, (place, seen)))):
        say(_("It is taken off the contact, which can be brought back as it was under Activity."))
    return go("contact_fields.index", entry_id=entry_id)


def _show(
    entry_id: int,
    status: int = 200,
    *,
    open_at: int | None = None,
    form: FieldForm | None = None,
    adding: Typing | None = None,
) -> Response:
    me = current_person().account_id
    with database().reading() as session:
        fields = editing.fields_of(session, me, entry_id)
    few = len(fields) <= MOST_FORMS
    rows = [
        _row(each, form if each.place == open_at else None, few=few, open_at=open_at, status=status) for each in fields
    ]
    offered = [(group, [kind for kind in found if kind[0] not in _NOT_ADDED]) for group, found in field_forms.offered()]
    titles = {key: title for _group, found in offered for key, title in found}
    return page(
        "contacts/edit.html",
        status,
        entry_id=entry_id,
        name=full_name([each.content for each in fields], "") or _("Contact without a name"),
        picture=_picture(fields),
        photo=url_for("contact_photo.index", entry_id=entry_id),
        rows=rows,
        adding=adding,
        offered=[(group, found) for group, found in offered if found],
        first_kinds=[(key, titles[key]) for key in FIRST_KINDS],
    )


def _row(field: PlacedField, form: FieldForm | None, *, few: bool, open_at: int | None, status: int) -> Row:
    taken, is_open = parts.parts_of(field.content), field.place == open_at
    typing = None
    if taken is not None and (few or is_open):
        given = form or _unsent(field.content, taken.shape)
        typing = _typing(
            given, field.content.kind, taken.shape, shown(field.content) if form and status == 409 else None
        )
    return Row(
        place=field.place,
        icon=icon_of(field.content.kind),
        digest=field.content.digest,
        line=shown(field.content),
        is_typed=taken is not None,
        is_name=field.is_name,
        is_photo=field.content.kind == editing.PHOTO,
        is_open=is_open,
        typing=typing,
    )


def _typing(form: FieldForm, kind: str, shape: str, now: Shown | None = None) -> Typing:
    return Typing(form, field_forms.inputs(form, kind, shape), kind, kind_title(kind), now)


def _form(kind: str, shape: str, content: FieldContent | None = None) -> FieldForm:
    return _private(field_forms.form_for(kind, shape, content))


def _unsent(content: FieldContent, shape: str) -> FieldForm:
    return _private(field_forms.unsent(content.kind, shape, content))


def _private(form: FieldForm) -> FieldForm:
    """Say nothing at the fields about others who would see them: nobody does."""
    form.label.description = _("If you like: what you call it, such as Private or Hong Kong.")
    if "year" in form:
        form["year"].description = _("Leave it empty where you do not know it.")
    return form


def _meant(fields: Sequence[PlacedField], place: int, seen: str, kind: str) -> PlacedField | None:
    """The field that was looked at, wherever it stands now; one of its kind where none says that any more."""
    says = [field for field in fields if field.content.digest == seen]
    found = says or [field for field in fields if field.content.kind == kind]
    return next((field for field in found if field.place == place), next(iter(found), None))


def _typed_again(entry_id: int, kind: str) -> Response:
    """Keep what was typed for a field that is not there any more, as one that may be added."""
    if kind not in CATALOGUE or kind in _NOT_ADDED:
        say(_("This field is not there any more. This is the contact as it is now."))
        return go("contact_fields.index", entry_id=entry_id)
    shape = parts.shape_of_kind(kind)
    form = _form(kind, shape)
    form.refuse(_first(form, kind, shape), Conflict("This field was changed meanwhile; look at what it says now."))
    return _show(entry_id, 409, adding=_typing(form, kind, shape))


def _picture(fields: Sequence[PlacedField]) -> str:
    found = editing.photo_of(fields)
    return picture_of(found.content) if found is not None else ""


def _title(field: PlacedField) -> str:
    return kind_title(field.content.kind)


def _first(form: FieldForm, kind: str, shape: str) -> str:
    return str(field_forms.inputs(form, kind, shape)[0].name)
