"""Reading a list of people: a CSV file whose first line names the columns."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from radicale_plugin.cli.addressing import kind_named
from sync.errors import InvalidInput
from sync.fields import FieldContent, field_from_text
from sync.sign_in.provisioning import Listed

LOGIN, GROUPS, EMAIL, ORGANISATION = "login", "groups", "email", "organisation"
#: What administrators call columns.
_CALLED = {"e-mail": EMAIL, "mail": EMAIL, "number": "mobile", "phone": "mobile", "full name": "name", "group": GROUPS}
_CALLED |= {"organisations": ORGANISATION}
#: Columns with several values, which semicolons are between.
_SEVERAL = (GROUPS, ORGANISATION)
_DELIMITERS = ",;\t"


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the list: its *number* in the file, and what it says by column."""

    number: int
    login: str
    values: dict[str, str]

    def listed(self, language: str) -> Listed:
        """
        Return who this is.

        Raises:
            InvalidInput: A value cannot be a field of its kind; the message names the column and never the value.
        """
        fields = {name: _field(name, text) for name, text in self.values.items() if text and name not in _SEVERAL}
        groups, organisations = (
            [name.strip() for name in self.values.get(column, "").split(";") if name.strip()] for column in _SEVERAL
        )
        return Listed(self.login, fields, groups, self.values.get(EMAIL, ""), language, organisations)


def read(content: bytes) -> list[Line]:
    """
    Return the lines of a list.

    Columns are ``login``, ``name``, ``email``, ``number``, ``groups`` and ``organisation`` (with semicolons between
    several), and every other kind of field, with a label where one is needed: ``email:Office``.

    Raises:
        InvalidInput: It is no such list: it has no logins, a column that means nothing, or somebody twice.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput("The list is not UTF-8 text; save it as “CSV UTF-8”.") from error
    head = text.partition("\n")[0]
    delimiter = max(_DELIMITERS, key=head.count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    columns = [_column(name) for name in next(rows, [])]
    if LOGIN not in columns:
        raise InvalidInput("The first line of the list names its columns, and one of them must be `login`.")
    if len(set(columns)) < len(columns):
        raise InvalidInput("Two columns of the list are the same; give one of them a label, such as `email:Office`.")
    return list(_lines(rows, columns))


def _lines(rows: Iterator[list[str]], columns: Sequence[str]) -> Iterator[Line]:
    seen: dict[str, int] = {}
    for number, row in enumerate(rows, 2):
        if not any(cell.strip() for cell in row):
            continue
        values = dict(zip(columns, map(str.strip, row), strict=False))
        login = values.pop(LOGIN, "").lower()
        if not login:
            raise InvalidInput(f"Line {number} of the list has no login.")
        if login in seen:
            raise InvalidInput(f"The lines {seen[login]} and {number} of the list have the same login.")
        seen[login] = number
        yield Line(number, login, values)


def _column(name: str) -> str:
    name = name.strip()
    kind, colon, label = name.partition(":")
    kind = _CALLED.get(kind.strip().lower(), kind.strip().lower())
    if kind not in (LOGIN, *_SEVERAL):
        kind_named(kind)
    return f"{kind}{colon}{label.strip()}"


def _field(name: str, text: str) -> FieldContent:
    kind, _, label = name.partition(":")
    try:
        content = field_from_text(kind, text, label)
    except InvalidInput as error:
        raise InvalidInput(f"{name}: {error}") from error
    return content
