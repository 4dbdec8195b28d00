"""The value of a field as a command takes it: text, a file, or a line of a vCard."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import click

from radicale_plugin.cli.addressing import NamedField, choose_one, kind_named, named_fields
from radicale_plugin.cli.site import read_file
from sync.database.engine import Session
from sync.errors import InvalidInput, NotFound
from sync.fields import (
    CATALOGUE,
    FieldContent,
    field_from_photo,
    field_from_text,
    property_from_line,
)
from sync.fields.retyped import retyped
from sync.profiles import profiles

PHOTO = "photo"
_NAME = "name"


@dataclass(frozen=True, slots=True)
class Given:
    """What a command was given: the *address* of a field, and its *content*, or a *text* that is still to be read."""

    address: str
    text: str
    label: str | None
    content: FieldContent | None

    def new(self) -> FieldContent:
        """Return the content of a field that there is not yet; the address is its kind."""
        return self.content or field_from_text(kind_named(self.address), self.text, self.label or "")

    def instead_of(self, field: NamedField) -> FieldContent:
        """Return the content that *field* is to have."""
        return self.content or retyped(field.content, self.text, self.label)


@dataclass(frozen=True, slots=True)
class Value:
    """The options that give a value otherwise than as text."""

    label: str | None
    file: str | None
    line: str | None

    def read(self, address: str | None, text: str | None) -> Given:
        """
        Join the options with the arguments of the command.

        Raises:
            click.UsageError: There is no value, or more than one.
            InvalidInput: The value cannot be used.
        """
        if sum(given is not None for given in (text, self.file, self.line)) != 1:
            raise click.UsageError("Give one value: as text behind the FIELD, with --file or with --property.")
        if self.label is not None and text is None:
            raise click.UsageError(
                "--label goes with a text; a picture has none, and a line of a vCard says it itself."
            )
        if self.line is not None:
            content = property_from_line(self.line)
            return Given(address or content.kind, "", None, content)
        if self.file is not None:
            if address not in (None, PHOTO):
                raise InvalidInput("Only a photo comes from a file.")
            return Given(PHOTO, "", None, field_from_photo(read_file(self.file)))
        return Given(address or "", text or "", self.label, None)


def value_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give *command* the options of a `Value`, which it gets as *value*."""

    @click.option("--label", help="What the person calls the field, such as Hong Kong.")
    @click.option("--file", help="A picture, for the photo; - for standard input.")
    @click.option("--property", "line", help='A line of a vCard instead, such as "TEL;TYPE=home:+1 555 0100".')
    @functools.wraps(command)
    def wrapped(*args: Any, label: str | None, file: str | None, line: str | None, **options: Any) -> Any:
        return command(*args, value=Value(label, file, line), **options)

    return wrapped


def change(session: Session, owner_id: int, given: Given) -> tuple[str, bool]:
    """
    Give the field that is addressed its new value, or add it where its kind is missing.

    Returns its name, and whether it is new.

    Raises:
        NotFound: There is no such person or field.
        InvalidInput: The value cannot be used, or there are several such fields.
    """
    fields = named_fields(session, owner_id)
    is_kind = given.address in CATALOGUE or given.address.startswith("x:")
    if is_kind and not any(given.address in (field.content.kind, field.name) for field in fields):
        return add(session, owner_id, given), True
    if given.address == _NAME and given.content is None and _has_both_names(fields):
        return _set_names(session, owner_id, fields, given.text), False
    try:
        field = choose_one(fields, given.address)
    except NotFound:
        if ":" not in given.address:
            kind_named(given.address)
        raise
    profiles.set_field(session, owner_id, field.id, given.instead_of(field))
    return field.name, False


def _has_both_names(fields: Sequence[NamedField]) -> bool:
    return sorted(field.content.main.name for field in fields if field.content.kind == _NAME) == ["FN", "N"]


def _set_names(session: Session, owner_id: int, fields: Sequence[NamedField], text: str) -> str:
    """Give the whole name and its parts the same value; where no parts are said, all is the first of them."""
    surname, _, rest = text.partition(";")
    given_name = rest.partition(";")[0]
    said = {"FN": " ".join(f"{given_name} {surname}".split()), "N": text if rest else f"{text};"}
    for field in fields:
        if field.content.kind == _NAME:
            profiles.set_field(session, owner_id, field.id, field_from_text(_NAME, said[field.content.main.name]))
    return _NAME


def add(session: Session, owner_id: int, given: Given) -> str:
    """
    Add a field and return its name.

    Raises:
        NotFound: There is no such person.
        InvalidInput: The value cannot be used.
    """
    content = given.new()
    if content.kind != given.address:
        raise InvalidInput(f"This is no field of the kind {given.address!r}; it is {content.kind!r}.")
    field_id = profiles.add_field(session, owner_id, content)
    return next(field.name for field in named_fields(session, owner_id) if field.id == field_id)
