"""Taking a file of contacts over: the form for it, and what became of the cards."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

from flask_wtf.file import FileField
from werkzeug.datastructures import FileStorage

from radicale_plugin.web.error_messages import explained
from radicale_plugin.web.forms import Form
from radicale_plugin.web.language import gettext as _
from radicale_plugin.web.language import lazy
from radicale_plugin.web.signed_in import database
from sync.contacts.importing import Imported, LeftOut, Noting, import_contacts
from sync.errors import InvalidInput, TooManyTries

#: For about how many seconds contacts are taken over before the answer, for which proxies wait a minute or less.
SECONDS = 20.0
#: How many cards that were left out are named.
_NAMED = 50


@dataclass(frozen=True, slots=True)
class Named:
    """A card, or a line of it, that was left out: which one in the file, what it is called, and why."""

    number: int
    name: str
    why: str


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a file, with the first ones that were left out, whole or in part."""

    result: Imported
    left_out: Sequence[Named]
    flawed: Sequence[Named]


class ContactsForm(Form):
    """A file of contacts."""

    file = FileField(
        lazy("File"),
        description=lazy("A vCard file (.vcf) of at most 8 MB, with as many contacts in it as you like."),
        render_kw={"accept": ".vcf,text/vcard,text/x-vcard,text/directory"},
    )

    def take_over(self, viewer_id: int, noting: Noting = lambda _: contextlib.nullcontext()) -> Report | int:
        """
        Take the file that was sent over, as `import_contacts` does, and return what became of it.

        Where nothing can, say why at the form and return the status of the page that shows it.
        """
        if not self.accepted():
            return self.status
        sent = self.file.data.read() if isinstance(self.file.data, FileStorage) else b""
        if not sent:
            self.file.errors = [_("Choose the file first.")]
            return 400
        try:
            result = import_contacts(database(), viewer_id, sent, seconds=SECONDS, noting=noting)
        except (InvalidInput, TooManyTries) as error:
            self.refuse("file", error)
            return 429 if isinstance(error, TooManyTries) else 400
        return Report(result, _named(result.left_out), _named(result.flawed))


def _named(found: Sequence[LeftOut]) -> list[Named]:
    return [Named(each.number, each.name, explained(each.error)) for each in found[:_NAMED]]
