"""A contact changed field by field, in the forms of one's own card: one's own contacts, and those of shared books."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Response, abort, request, url_for
from wtforms import StringField

from radicale_plugin.web import field_forms
from radicale_plugin.web.field_display import Shown, icon_of, kind_title, picture_of, shown
from radicale_plugin.web.field_forms import MOST_FORMS, FieldForm, Typing
from radicale_plugin.web.forms import Form
from radicale_plugin.web.ids import as_id
from radicale_plugin.web.language import gettext as _
from radicale_plugin.web.language import lazy
from radicale_plugin.web.page import attempt, go, page, say
from radicale_plugin.web.pictures import Address
from radicale_plugin.web.signed_in import database
from sync.contacts import editing
from sync.contacts.editing import PlacedField
from sync.database.engine import Session
from sync.errors import Conflict, InvalidInput
from sync.fields import CATALOGUE, FieldContent, field_from_text, full_name, parts

#: What is offered before all other kinds, and what is not typed in a form or is there already.
FIRST_KINDS = ("mobile", "email", "address", "birthday", "note")
_NOT_ADDED = ("photo", "name", field_forms.NAME_PARTS)
_NEW = ("name", "mobile", "email", "note")


class NewContact(Form):
    """What a contact has to begin with; everything else is added on its page."""

    name = StringField(lazy("Name"), render_kw={"maxlength": 200, "autocomplete": "off"})
    mobile = StringField(lazy("Mobile phone"), render_kw={"type": "tel", "maxlength": 100, "autocomplete": "off"})
    email = StringField(
        lazy("E-mail"),
        render_kw={"inputmode": "email", "autocapitalize": "none", "spellcheck": "false", "autocomplete": "off"},
    )
    note = StringField(lazy("Note"), render_kw={"maxlength": 1000, "autocomplete": "off"})

    def contents(self) -> list[FieldContent]:
        """
        Return the fields that were typed.

        Raises:
            InvalidInput: One of them cannot be what it is to be.
        """
        return [field_from_text(kind, text, "") for kind in _NEW if (text := (self[kind].data or "").strip())]


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


@dataclass(frozen=True, slots=True)
class Words:
    """What is told on the pages of a contact: *about* it, and what was done with a field of a title."""

    about: str
    changed: Callable[[str], str]
    removed: str


@dataclass(frozen=True, slots=True)
class Editor:
    """
    The pages on which a contact is changed.

    *viewer_id* is whose address book it is in. *require* raises what says that whoever is signed in may not change it,
    where that is so. *change* does something with it in a transaction, where they may; what makes something is done
    once, and leads on to the address that is given besides. *endpoints* is the name of the blueprint that has
    ``edit``, ``add``, ``save`` and ``remove``, with *values* in their addresses; *back* and *photo* are addresses,
    and *pictures* tells those of the contact's pictures.
    """

    viewer_id: int
    entry_id: int
    require: Callable[[Session], object]
    change: Callable[[Callable[[Session], object], str], object]
    endpoints: str
    values: Mapping[str, Any]
    back: str
    photo: str
    pictures: Address
    words: Words

    def at(self, what: str, **more: Any) -> str:
        """Return the address at which something is done."""
        return url_for(f"{self.endpoints}.{what}", **self.values, **more)

    def edit(self) -> Response:
        """Show the contact with its fields as forms."""
        return self._show(open_at=as_id(request.args.get("open", "")))

    def add(self, kind: str) -> Response:
        """Add a field."""
        if kind not in CATALOGUE or kind in _NOT_ADDED:
            abort(404)
        shape = parts.shape_of_kind(kind)
        form = _form(kind, shape)
        if form.accepted():
            try:
                content = parts.put_together(kind, field_forms.typed(form, kind, shape))
                self.change(
                    lambda session: editing.add_field(session, self.viewer_id, self.entry_id, content), self.at("edit")
                )
            except InvalidInput as error:
                form.refuse(field_forms.first_input(form, kind, shape), error)
            else:
                say(_("%(title)s is added to the contact.", title=kind_title(kind)))
                return self._done()
        return self._show(form.status, adding=_typing(form, kind, shape))

    def save(self, place: int) -> Response:
        """Give a field another value; one that somebody else changed or removed keeps what was typed here."""
        if request.method == "GET":
            return self._show(open_at=place)
        seen, kind = request.form.get("seen", ""), request.form.get("kind", "")
        field = _meant(self._fields(), place, seen, kind)
        taken = parts.parts_of(field.content) if field is not None else None
        if field is None or taken is None:
            return self._typed_again(kind)
        form = _form(field.content.kind, taken.shape, field.content)
        status = form.status
        if form.accepted():

            def typed(before: FieldContent) -> FieldContent:
                said = parts.parts_of(before)
                label = said.label if said else ""
                return parts.put_together(before.kind, field_forms.typed(form, before.kind, taken.shape, label), before)

            def put(session: Session) -> None:
                editing.set_field(session, self.viewer_id, self.entry_id, (place, seen), typed)

            try:
                self.change(put, "")
            except Conflict as error:
                form.refuse(field_forms.first_input(form, field.content.kind, taken.shape), error)
                # Whoever sends it again has seen what it says.
                form.seen.data, status = field.content.digest, 409
            except InvalidInput as error:
                form.refuse(field_forms.first_input(form, field.content.kind, taken.shape), error)
            else:
                say(self.words.changed(kind_title(field.content.kind)))
                return self._done()
        return self._show(status, open_at=field.place, form=form)

    def remove(self, place: int) -> Response:
        """Take a field off the contact."""
        field = (place, request.form.get("seen", ""))

        def take(session: Session) -> None:
            editing.remove_field(session, self.viewer_id, self.entry_id, field)

        if attempt(lambda: self.change(take, "")):
            say(self.words.removed)
        return self._done()

    def _done(self) -> Response:
        return go(f"{self.endpoints}.edit", **self.values)

    def _fields(self) -> Sequence[PlacedField]:
        with database().reading() as session:
            self.require(session)
            return editing.fields_of(session, self.viewer_id, self.entry_id)

    def _show(
        self,
        status: int = 200,
        *,
        open_at: int | None = None,
        form: FieldForm | None = None,
        adding: Typing | None = None,
    ) -> Response:
        fields = self._fields()
        few = len(fields) <= MOST_FORMS
        rows = [
            self._row(each, form if each.place == open_at else None, few=few, open_at=open_at, status=status)
            for each in fields
        ]
        every = field_forms.offered()
        offered = [(group, [kind for kind in found if kind[0] not in _NOT_ADDED]) for group, found in every]
        titles = {key: title for _group, found in offered for key, title in found}
        photo = editing.photo_of(fields)
        return page(
            "contacts/edit.html",
            status,
            editor=self,
            name=full_name([each.content for each in fields], "") or _("Contact without a name"),
            picture=picture_of(photo.content, self.pictures) if photo is not None else "",
            rows=rows,
            adding=adding,
            offered=[(group, found) for group, found in offered if found],
            first_kinds=[(key, titles[key]) for key in FIRST_KINDS],
        )

    def _row(self, field: PlacedField, form: FieldForm | None, *, few: bool, open_at: int | None, status: int) -> Row:
        taken, is_open = parts.parts_of(field.content), field.place == open_at
        typing = None
        if taken is not None and (few or is_open):
            given = form or _unsent(field.content, taken.shape)
            now = shown(field.content, self.pictures) if form and status == 409 else None
            typing = _typing(given, field.content.kind, taken.shape, now)
        return Row(
            place=field.place,
            icon=icon_of(field.content.kind),
            digest=field.content.digest,
            line=shown(field.content, self.pictures),
            is_typed=taken is not None,
            is_name=field.is_name,
            is_photo=field.content.kind == editing.PHOTO,
            is_open=is_open,
            typing=typing,
        )

    def _typed_again(self, kind: str) -> Response:
        """Keep what was typed for a field that is not there any more, as one that may be added."""
        if kind not in CATALOGUE or kind in _NOT_ADDED:
            say(_("This field is not there any more. This is the contact as it is now."))
            return self._done()
        shape = parts.shape_of_kind(kind)
        form = _form(kind, shape)
        gone = Conflict("This field was changed meanwhile; look at what it says now.")
        form.refuse(field_forms.first_input(form, kind, shape), gone)
        return self._show(409, adding=_typing(form, kind, shape))


def _typing(form: FieldForm, kind: str, shape: str, now: Shown | None = None) -> Typing:
    return Typing(form, field_forms.inputs(form, kind, shape), kind, kind_title(kind), now)


def _form(kind: str, shape: str, content: FieldContent | None = None) -> FieldForm:
    return _of_contact(field_forms.form_for(kind, shape, content))


def _unsent(content: FieldContent, shape: str) -> FieldForm:
    return _of_contact(field_forms.unsent(content.kind, shape, content))


def _of_contact(form: FieldForm) -> FieldForm:
    """Say nothing at the fields about others who would see them: no group does."""
    form.label.description = _("If you like: what you call it, such as Private or Hong Kong.")
    if "year" in form:
        form["year"].description = _("Leave it empty where you do not know it.")
    return form


def _meant(fields: Sequence[PlacedField], place: int, seen: str, kind: str) -> PlacedField | None:
    """The field that was looked at, wherever it stands now; one of its kind where none says that any more."""
    says = [field for field in fields if field.content.digest == seen]
    found = says or [field for field in fields if field.content.kind == kind]
    return next((field for field in found if field.place == place), next(iter(found), None))
