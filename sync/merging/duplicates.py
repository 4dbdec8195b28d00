"""
Two contacts that are one person, made one without losing what either says. Pure: bytes in, bytes out.

The first card stays line by line as it was written; what only the other one says is written behind it. What both say is
there once, as the one has it that says more. Names that differ become nicknames, notes stand below each other, and what
a card has only once, such as a birthday, is written beside the other where it differs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeAlias

from sync import fields
from sync.fields import FieldContent, field_from_text, full_name
from sync.fields.cardinality import usual_name
from sync.fields.labels import KIND_PARAMETER, LABEL, is_default, plain_label
from sync.fields.recognise import kind_of
from sync.fields.translate import canonical
from sync.merging import line_edits, merge, rewritten
from sync.merging.likeness import folded, likeness
from sync.vcard import Property, split_structured, unescape

#: Says what a number or an address is normalised; None of what is neither.
Normal: TypeAlias = Callable[[FieldContent], str | None]
_TEXTS = frozenset(("note",))
_LISTS = frozenset(("nickname", "categories"))
_EMPTY_TYPES = frozenset(("voice", "internet", "pref"))
_UNSAID = frozenset(("TYPE", "PREF", "VALUE", "ENCODING", "MEDIATYPE", "CHARSET", KIND_PARAMETER))
_NUMBERS = frozenset(("TEL", "EMAIL"))


def merged(first: bytes, other: bytes, normal: Normal = lambda _content: None) -> bytes:
    """
    Return one card that says what both say, the *first* with what only the *other* says.

    Raises:
        InvalidVCard: One of them is no card.
    """
    mine, theirs = line_edits.contents_of(first), line_edits.contents_of(other)
    both = _Merging(mine, normal)
    called = full_name(mine, "")
    for content in theirs:
        if content.main.name == "FN":
            both.call(unescape(content.main.value), called)
        elif content.main.name == "N":
            both.take_name(content, called)
        elif content.kind in _TEXTS | _LISTS:
            both.join(content)
        else:
            both.take(content)
    return line_edits.edited(first, both.changes, both.added)


class _Merging:
    """What becomes of a card whose fields are *mine* when the fields of another one are taken over, one by one."""

    def __init__(self, mine: Sequence[FieldContent], normal: Normal) -> None:
        """Begin with the card as it is."""
        self.mine = list(mine)
        self.changes: dict[int, FieldContent] = {}
        self._normal = normal
        self._own = len(mine)

    @property
    def added(self) -> list[FieldContent]:
        """The fields that the card did not have."""
        return self.mine[self._own :]

    def take(self, content: FieldContent) -> None:
        """Have a field of the other card, unless it is there."""
        alike = [place for place, known in enumerate(self.mine) if self._are_alike(known, content)]
        if any(_says(self.mine[place], content) for place in alike):
            return
        for place in alike:
            united = content if _says(content, self.mine[place]) else _united(self.mine[place], content)
            if united is not None:
                self._set(place, united)
                return
        self.mine.append(content)

    def join(self, content: FieldContent) -> None:
        """Put a text below the one that there is, or what is in a list into that."""
        place = next((place for place, known in enumerate(self.mine) if known.kind == content.kind), None)
        if place is None:
            self.mine.append(content)
        elif (joined := merge.joined(self.mine[place], content)) != self.mine[place]:
            self._set(place, joined)

    def call(self, name: str, called: str) -> None:
        """Keep another name as a nickname, but for one that says no more than the card's own."""
        name = " ".join(name.split())
        if name and not set(_words(name)) <= set(_words(called)):
            self.join(field_from_text("nickname", name.replace(",", " ").replace(";", " "), ""))

    def take_name(self, content: FieldContent, called: str) -> None:
        """Keep a name in its parts, unless the card's own says the same or this one has no parts."""
        own = next((place for place, known in enumerate(self.mine) if known.main.name == "N"), None)
        spoken = full_name([content], "")
        said = [_parts(known) for known in self.mine if usual_name(known.main.name) == "N"]
        if not _parts(content) or _parts(content) in said:
            self.call(spoken, called)
        elif sorted(_words(spoken)) == sorted(_words(called)) and (own is None or len(_parts(self.mine[own])) < 2):
            # How the name divides is more than the card knew.
            self._set(own, content) if own is not None else self.mine.append(content)
        elif len(_parts(content)) < 2 or set(_words(spoken)) <= set(_words(called)):
            self.call(spoken, called)
        else:
            self.mine.append(content)

    def _set(self, place: int, content: FieldContent) -> None:
        self.mine[place] = content
        if place < self._own:
            self.changes[place] = content

    def _are_alike(self, one: FieldContent, other: FieldContent) -> bool:
        names = canonical(one)[0].name, canonical(other)[0].name
        if names[0] != names[1]:
            return False
        if one.kind == other.kind == "photo":
            return rewritten.is_same_picture(one, other)
        return one == other or self._key(one, names[0]) == self._key(other, names[1])

    def _key(self, content: FieldContent, name: str) -> str:
        return (self._normal(content) if name in _NUMBERS else None) or likeness(content)


def _says(one: FieldContent, other: FieldContent) -> bool:
    """Whether *one*, whose value is like that of *other*, says all that is said of that."""
    if fields.same_meaning(one, other):
        return True
    if one.kind != other.kind and other.kind not in ("phone", "email"):
        return False
    main, *lines = canonical(one)
    wanted, *others = canonical(other)
    label = _label(others)
    if label and not is_default(other.kind, label) and label != _label(lines):
        return False
    known = {(line.name, line.value) for line in lines}
    rest = {(line.name, line.value) for line in others if line.name != LABEL}
    return rest <= known and _types(wanted) <= _types(main) and _further(wanted) <= _further(main)


def _united(one: FieldContent, other: FieldContent) -> FieldContent | None:
    """Return one number or address that says what both say of it, so that it is there once; None where that is not."""
    labels = one.label, other.label
    rest = {item.name for item in (*one.properties[1:], *other.properties[1:])} - {LABEL}
    if one.main.name not in _NUMBERS or rest or (all(labels) and labels[0] != labels[1]):
        return None
    if not _further(other.main) <= _further(one.main):
        return None
    types = sorted(_types(other.main) - one.main.types())
    said = (*one.main.parameter("TYPE"), *types)
    main = replace(one.main, params=(*(pair for pair in one.main.params if pair[0] != "TYPE"), ("TYPE", said)))
    lines = one.properties[1:] or other.properties[1:]
    return FieldContent(kind_of(main, labels[0] or labels[1]), one.version, (main if said else one.main, *lines))


def _label(lines: Sequence[Property]) -> str:
    return next((plain_label(line.value) for line in lines if line.name == LABEL), "")


def _types(main: Property) -> frozenset[str]:
    return main.types() - _EMPTY_TYPES


def _further(main: Property) -> frozenset[tuple[str, tuple[str, ...]]]:
    return frozenset((name, values) for name, values in main.params if name not in _UNSAID)


def _parts(content: FieldContent) -> tuple[str, ...]:
    return tuple(folded(" ".join(values)) for values in split_structured(content.main.value) if any(values))


def _words(text: str) -> list[str]:
    return [folded(word) for word in text.replace(",", " ").replace(";", " ").split()]
