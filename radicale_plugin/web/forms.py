"""What forms have in common. Their token is checked before any view is called (see `application`)."""

from __future__ import annotations

from typing import Any

import wtforms
from flask import request
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
