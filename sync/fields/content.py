"""One field of a profile: a property with the lines that belong to it."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sync.errors import InvalidInput
from sync.fields.labels import LABEL, plain_label
from sync.fields.relations import RELATIVES
from sync.vcard import Property

_FORM = 1
#: Characters of a short field, and how many of these are remembered.
SHORT, FIELDS = 1_000, 512
_T = TypeVar("_T")
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class FieldContent:
    """
    What a field says, in the vCard syntax in which it was said.

    *kind* is a key of the catalogue, or `x:` and a property name in lower case. *version* (`3.0` or `4.0`) is the
    syntax of *properties*: the main property first, then its companions such as X-ABLabel. None of them has a group; a
    group is given to them when a card is written.
    """

    kind: str
    version: str
    properties: tuple[Property, ...]
    known: dict[object, Any] = field(default_factory=dict, init=False, compare=False, repr=False)

    @property
    def main(self) -> Property:
        """The property that the field is about."""
        return self.properties[0]

    @property
    def is_short(self) -> bool:
        """Whether it may be remembered while cards are stored; photos would fill the memory."""
        return sum([len(item.value) for item in self.properties]) <= SHORT

    @property
    def label(self) -> str:
        """What the person calls the field (X-ABLabel), without Apple's brackets; empty where there is no label."""
        return next((plain_label(item.value) for item in self.properties[1:] if item.name == LABEL), "")

    @property
    def digest(self) -> str:
        """A hash of all that the field says, by which it can be told whether it still says so."""
        return hashlib.sha256(f"{self.kind}\n{self.dump()}".encode("utf-8", "surrogatepass")).hexdigest()[:32]

    def dump(self) -> str:
        """Write the field as one text that `load` reads back without loss."""
        lines = [[item.name, item.params, item.value] for item in self.properties]
        return _ENCODER.encode([_FORM, self.version, lines])

    @staticmethod
    def load(kind: str, text: str) -> FieldContent:
        """Read what `dump` wrote; raises `InvalidInput` for a text in no form that this release knows."""
        return _known(kind, text) if len(text) <= SHORT else _read(kind, text)

    def text(self) -> str:
        """The value as a person would say it on one line, a photo as its format and size."""
        from sync.fields.plain import plain_text

        return plain_text(self)


def _loaded(name: str, params: list[tuple[str, list[str]]], value: str) -> Property:
    return Property("", name, tuple((key, tuple(values)) for key, values in params), value)


def _read(kind: str, text: str) -> FieldContent:
    form, version, lines = json.loads(text)
    if form != _FORM:
        raise InvalidInput("The field was stored by a newer release of this server.")
    # An earlier release kept these as extensions.
    known = "related" if lines[0][0] in RELATIVES else kind
    return FieldContent(known, version, tuple([_loaded(*line) for line in lines]))


@functools.lru_cache(FIELDS)
def shared(content: FieldContent) -> FieldContent:
    """Return the one field that is equal to this, which is short: all that is remembered of it is at hand."""
    return content


_known = functools.lru_cache(FIELDS)(lambda kind, text: shared(_read(kind, text)))


def remembered(make: Callable[[FieldContent], _T]) -> Callable[[FieldContent], _T]:
    """Let what *make* makes of a field be remembered by the field, where that is short."""

    @functools.wraps(make)
    def made(content: FieldContent) -> _T:
        found: _T | None = content.known.get(make)
        if found is None:
            found = make(content)
            if content.is_short:
                content.known[make] = found
        return found

    return made
