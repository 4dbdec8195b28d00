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

from radicale_plugin.web import language
from radicale_plugin.web.error_messages import explained
from sync.errors import EvercardError


def choice(value: str, label: object) -> Any:
    """Return what a list of choices has for *value*, shown as *label*."""
    # The types of WTForms are those of an older one, which had tuples here; this one warns of them.
    return choices.SelectChoice(value, label)  # type: ignore[attr-defined]


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
