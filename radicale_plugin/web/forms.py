"""What forms have in common. Their token is checked before any view is called (see `application`)."""

from __future__ import annotations

from typing import Any, Self

import wtforms
from flask import request
from jinja2.filters import do_mark_safe
from markupsafe import Markup, escape
from typing_extensions import override
from werkzeug.datastructures import CombinedMultiDict, MultiDict
from wtforms.fields import choices
from wtforms.i18n import get_translations
from wtforms.meta import DefaultMeta
from wtforms.validators import Length, ValidationError

from radicale_plugin.web import language
from radicale_plugin.web.error_messages import explained
from sync.errors import EvercardError

#: Characters of what is typed into a field whose ``maxlength`` says nothing else, and of anything at all.
LONGEST = 1_000
LONGEST_OF_ALL = 64 * 1024


def choice(value: str, label: object) -> Any:
    """Return what a list of choices has for *value*, shown as *label*."""
    # The types of WTForms are those of an older one, which had tuples here; this one warns of them.
    return choices.SelectChoice(value, label)  # type: ignore[attr-defined]


class _Select(wtforms.widgets.Select):
    """A list of choices, some of which are long, such as that of all time zones."""

    @classmethod
    @override
    def render_option(cls, *given: Any, **more: Any) -> Markup:
        (option,) = given
        if option.render_kw or more:
            return super().render_option(option, **more)
        selected = "selected " if option.selected else ""
        label = escape(option.label or option.value)
        return do_mark_safe(f'<option {selected}value="{escape(option.value)}">{label}</option>')


class SelectField(wtforms.SelectField):
    """One of several choices."""

    widget = _Select()


def _is_short(form: wtforms.Form, field: Any) -> bool:
    if not isinstance(field.data, str):
        return True
    at_most = int((field.render_kw or {}).get("maxlength", LONGEST))
    # A browser counts the end of a line as one character, and sends two.
    surplus = len(field.data.replace("\r\n", "\n")) - at_most
    if surplus <= 0:
        return True
    try:
        Length(max=min(at_most, len(field.data) - 1))(form, field)
    except ValidationError as error:
        field.errors = [str(error)]
    return False


class Form(wtforms.Form):
    """A form in the language of the page, with what the browser sent. Labels are `language.lazy` texts."""

    class Meta(DefaultMeta):
        """How WTForms is to work."""

        @override
        def get_translations(self, form: Any) -> Any:
            """Return WTForms' own texts, such as that a field is required."""
            # It has Chinese under the name of the language alone.
            return get_translations([language.current().partition("-")[0]])

    def __init__(self, **values: object) -> None:
        """Take what was posted; until then a field has its value out of *values*."""
        sent: list[MultiDict[str, Any]] = [request.files, request.form]
        super().__init__(CombinedMultiDict(sent) if request.method == "POST" else None, data=values)

    @override
    def validate(self, extra_validators: Any = None) -> bool:
        """Check every field; what is too long is not looked at any further."""
        long = [field for field in self if not _is_short(self, field)]
        return not long and bool(super().validate(extra_validators))

    def accepted(self) -> bool:
        """Whether it was sent and nothing in it is wrong as it stands; what is wrong is said at the fields."""
        return request.method == "POST" and self.validate()

    @property
    def status(self) -> int:
        """The status of the page that shows it: 400 where it is shown again because something is wrong."""
        return 400 if request.method == "POST" else 200

    def refuse(self, field: str, error: EvercardError) -> None:
        """Say at a field what the engine refused."""
        self[field].errors = [*self[field].errors, explained(error)]


class StoredForm(Form):
    """
    A form that shows what is stored, and changes only what somebody changed in it.

    What was left as the page showed it may be another by now, from another tab or device, and is none of `changed`. The
    template says what was shown by `macros/forms.html`'s `as_shown`.
    """

    def __init__(self, **values: object) -> None:
        """Take what was posted, with what the page had shown."""
        super().__init__(**values)
        self._shown = request.form.getlist("shown") if request.method == "POST" else self._said()

    @classmethod
    def opened(cls, **values: object) -> Self:
        """Return the form as it is stored, whatever was sent of another one of the same page."""
        form = cls()
        form.process(None, data=values)
        form._shown = form._said()
        return form

    @property
    def shown(self) -> list[str]:
        """What the page showed when it was opened: each field's name, ``=`` and value."""
        return self._shown

    def changed(self) -> dict[str, Any]:
        """Return by the names of fields what is not as it was shown; all, where a page did not say what it showed."""
        said = zip(self, self._said(), strict=True)
        return {item.name: item.data for item, text in said if text not in self._shown}

    def _said(self) -> list[str]:
        return [f"{item.name}={item.data}" for item in self]
