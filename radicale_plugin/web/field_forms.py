"""Forms in which a field of the card is typed: one for each shape that a field is taken apart into."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from babel.dates import get_month_names
from flask import request
from wtforms import Field, HiddenField, StringField, TextAreaField

from radicale_plugin.web import language
from radicale_plugin.web.field_display import Shown, kind_title
from radicale_plugin.web.forms import Form, SelectField, choice
from radicale_plugin.web.language import gettext
from radicale_plugin.web.language import lazy as _
from sync.fields import CATALOGUE, FieldContent, parts
from sync.fields.parts import Parts

#: Kinds in groups, in the order in which they are offered; any other kind is in the last group.
KIND_GROUPS: tuple[tuple[Any, tuple[str, ...]], ...] = (
    (_("Phone and e-mail"), ("mobile", "home-phone", "office-phone", "fax", "phone", "email")),
    (_("Messengers"), ("qq", "wechat", "msn", "im")),
    (_("Name"), ("name", "name-parts", "nickname", "phonetic")),
    (_("Home, school and work"), ("address", "school", "organization", "title", "role")),
    (_("Days"), ("birthday", "anniversary")),
    (_("What you like and know"), ("hobby", "interest", "expertise")),
    (_("On the web"), ("url", "social")),
    (_("Other"), ("photo", "bank-account", "note")),
)
#: What is offered besides the kinds of the catalogue: a name in its parts.
NAME_PARTS = "name-parts"
#: With more fields than that on a page, the form of a row comes when the row is opened.
MOST_FORMS = 12
_LENGTH = 4_000
#: An address in Chinese goes from the largest to the smallest.
_CHINESE_ADDRESS = ("place", "country", "region", "city", "street", "extended", "code", "box", "label")
#: What the browser may know about an input, by kind.
_INPUTS: dict[str, dict[str, str]] = {
    **{
        kind: {"type": "tel", "autocomplete": "tel"}
        for kind in ("mobile", "home-phone", "office-phone", "fax", "phone")
    },
    "email": {"inputmode": "email", "autocomplete": "email", "autocapitalize": "none", "spellcheck": "false"},
    "url": {"inputmode": "url", "autocapitalize": "none", "spellcheck": "false"},
    "social": {"inputmode": "url", "autocapitalize": "none", "spellcheck": "false"},
    "qq": {"inputmode": "numeric"},
    "bank-account": {"inputmode": "numeric", "autocomplete": "off"},
    "name": {"autocomplete": "name"},
    "organization": {"autocomplete": "organization"},
}
#: Examples say nothing that the title of these does not say.
_SELF_EVIDENT = frozenset(("name", "note", "nickname", "hobby", "interest", "expertise", "school", "title", "related"))


def _months() -> list[Any]:
    names = get_month_names("wide", context="stand-alone", locale=language.locale())
    return [choice("", "–"), *(choice(str(number), name) for number, name in sorted(names.items()))]


class FieldForm(Form):
    """What every field has. *seen* tells what the field said when the form was opened."""

    label: Field = StringField(
        _("Label"),
        description=_(
            "If you like: what you call it, such as Private or Hong Kong. Whoever sees the field sees this, too."
        ),
        render_kw={"maxlength": 100, "list": "labels", "autocomplete": "off"},
    )
    seen = HiddenField()


@dataclass(frozen=True, slots=True)
class Typing:
    """A form in which a field is typed; *now* is what somebody else made of it meanwhile."""

    form: FieldForm
    inputs: Sequence[Field]
    kind: str
    title: str
    now: Shown | None = None


class TextForm(FieldForm):
    """A field in one line."""

    text = StringField(render_kw={"maxlength": _LENGTH})


class NoteForm(FieldForm):
    """A field in several lines."""

    text = TextAreaField(render_kw={"maxlength": _LENGTH * 4, "rows": 5})


class PhoneticForm(TextForm):
    """How a name sounds, and which."""

    label = SelectField(
        _("Of which name"),
        choices=[
            choice("last", _("Family name")),
            choice("first", _("Given name")),
            choice("middle", _("Middle name")),
            choice("organization", _("Organization")),
        ],
        validate_choice=False,
    )


class NameForm(FieldForm):
    """A name in its parts."""

    family = StringField(_("Family name"), render_kw={"autocomplete": "family-name"})
    given = StringField(_("Given name"), render_kw={"autocomplete": "given-name"})
    additional = StringField(_("Middle names"), render_kw={"autocomplete": "additional-name"})
    prefix = StringField(_("Before the name, such as Dr."), render_kw={"autocomplete": "honorific-prefix"})
    suffix = StringField(_("After the name, such as Jr."), render_kw={"autocomplete": "honorific-suffix"})


class AddressForm(FieldForm):
    """A postal address in its parts."""

    place = SelectField(
        _("Where this is"),
        choices=[
            choice("home", _("At home")),
            choice("work", _("At work")),
            choice("", _("Elsewhere")),
        ],
        validate_choice=False,
    )
    street = StringField(_("Street and number"), render_kw={"autocomplete": "address-line1"})
    extended = StringField(_("Flat, floor, building"), render_kw={"autocomplete": "address-line2"})
    box = StringField(_("Post office box"), render_kw={"autocomplete": "off"})
    code = StringField(_("Postal code"), render_kw={"autocomplete": "postal-code"})
    city = StringField(_("Town or city"), render_kw={"autocomplete": "address-level2"})
    region = StringField(_("Province, state or region"), render_kw={"autocomplete": "address-level1"})
    country = StringField(_("Country"), render_kw={"autocomplete": "country-name"})


class OrganizationForm(FieldForm):
    """Where somebody works."""

    name = StringField(_("Organization"), render_kw={"autocomplete": "organization"})
    units = StringField(
        _("Departments"), description=_("From the largest to the smallest, with semicolons between them.")
    )


class DateForm(FieldForm):
    """A day, with a year or without."""

    year = StringField(
        _("Year"),
        description=_("Leave it empty if nobody needs to know how old you are."),
        render_kw={"inputmode": "numeric", "maxlength": 4, "autocomplete": "off"},
    )
    month = SelectField(_("Month"), choices=_months, validate_choice=False)
    day = StringField(_("Day"), render_kw={"inputmode": "numeric", "maxlength": 2, "autocomplete": "off"})


class GenderForm(FieldForm):
    """A gender, in one of the words that programs know or in one's own."""

    sex = SelectField(
        _("Gender"),
        choices=[
            choice("", _("In my own words")),
            choice("F", _("Female")),
            choice("M", _("Male")),
            choice("O", _("Other")),
            choice("N", _("None, or not applicable")),
            choice("U", _("Unknown")),
        ],
        validate_choice=False,
    )
    identity = StringField(_("In my own words"), render_kw={"maxlength": 200, "autocomplete": "off"})


_FORMS: dict[str, type[FieldForm]] = {
    parts.NAME: NameForm,
    parts.ADDRESS: AddressForm,
    parts.ORGANIZATION: OrganizationForm,
    parts.DATE: DateForm,
    parts.GENDER: GenderForm,
}


def offered() -> list[tuple[str, list[tuple[str, str]]]]:
    """Return the kinds that can be added: titles of groups, with keys and titles of kinds."""
    grouped = {key for _group, keys in KIND_GROUPS for key in keys}
    rest = tuple(key for key in CATALOGUE if key not in grouped)
    last = len(KIND_GROUPS) - 1
    return [
        (str(group), [(key, title_of(key)) for key in (*keys, *(rest if number == last else ()))])
        for number, (group, keys) in enumerate(KIND_GROUPS)
    ]


def title_of(key: str) -> str:
    """Return what is offered under *key* in the language of the page."""
    return gettext("Name, in its parts") if key == NAME_PARTS else kind_title(key)


def form_for(kind: str, shape: str, content: FieldContent | None = None) -> FieldForm:
    """Return the form for a field of *kind* that is typed in *shape*; *content* is what the field says now."""
    taken = parts.parts_of(content) if content is not None else None
    values: dict[str, object] = {**taken.texts, "label": taken.label} if taken is not None else {}
    if content is not None:
        values["seen"] = content.digest
    form = _form_class(kind, shape)(**values)
    if shape == parts.TEXT:
        form["text"].label.text = kind_title(kind)
        form["text"].render_kw = {**(form["text"].render_kw or {}), **_INPUTS.get(kind, {})}
        if kind in CATALOGUE and kind not in _SELF_EVIDENT:
            form["text"].description = gettext("For example: %(example)s", example=CATALOGUE[kind].example)
    return form


def unsent(kind: str, shape: str, content: FieldContent) -> FieldForm:
    """Return the form of a field as it stands, whatever was posted for another."""
    form = form_for(kind, shape, content)
    taken = parts.parts_of(content)
    if request.method == "POST" and taken is not None:
        form.process(None, data={**taken.texts, "label": taken.label, "seen": content.digest})
    return form


def inputs(form: FieldForm, kind: str, shape: str) -> list[Field]:
    """Return the inputs of a form in the order in which they are shown."""
    hidden = {"seen", "label"} if not parts.is_labelled(kind, shape) else {"seen"}
    found = [item for item in form if item.name not in hidden]
    if shape == parts.ADDRESS and language.locale().language == "zh":
        return sorted(found, key=lambda item: _CHINESE_ADDRESS.index(item.name))
    return sorted(found, key=lambda item: bool(item.name == "label"))


def first_input(form: FieldForm, kind: str, shape: str) -> str:
    """Return the name of the input at which it is said what is wrong with a field as a whole."""
    return str(inputs(form, kind, shape)[0].name)


def typed(form: FieldForm, kind: str, shape: str, label: str = "") -> Parts:
    """Return what was typed; *label* stays where the form does not ask for one."""
    texts = {name: form[name].data or "" for name in parts.SHAPES[shape]}
    return Parts(shape, texts, form.label.data or "" if parts.is_labelled(kind, shape) else label)


def _form_class(kind: str, shape: str) -> type[FieldForm]:
    if shape != parts.TEXT:
        return _FORMS[shape]
    return {"note": NoteForm, "phonetic": PhoneticForm}.get(kind, TextForm)
