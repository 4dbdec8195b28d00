"""
Fields of a card changed in its text, while every other line stays byte for byte as it was written. Pure.

It is for contacts that a program wrote: what nobody touched is none of our business, however oddly it is spelled.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import TypeAlias

from sync import fields
from sync.errors import InvalidInput
from sync.fields import FieldContent, cardinality
from sync.vcard import Property, VCard, content_line, modernize, parse_one, serialize

#: What is to become of fields: by their places among all of the card, None for those that go.
Changes: TypeAlias = Mapping[int, FieldContent | None]
_VERSIONS = ("3.0", "4.0")
_MOST_GROUPS = 10_000


def contents_of(data: bytes) -> list[FieldContent]:
    """
    Return the fields of a card, in their order; a photo that is none is left out.

    Raises:
        InvalidVCard: It is no card.
    """
    return fields.readable_fields(parse_one(data))[0]


def edited(data: bytes, changes: Changes, added: Sequence[FieldContent] = ()) -> bytes:
    """
    Return a card in which the fields at some places, as `contents_of` has them, say something else or are gone.

    Those that are *added* come behind all others. A card of a version before 3.0 is written as one of 3.0.

    Raises:
        InvalidVCard: It is no card.
    """
    card = parse_one(data)
    if card.version not in _VERSIONS:
        card = modernize(card)
        data = serialize(card).encode()
        card = parse_one(data)
    edit = _Edit(card)
    for place, content in changes.items():
        if content != edit.contents[place]:
            edit.change(place, content)
    for content in added:
        edit.add(content)
    return _spliced(data, card, edit)


class _Edit:
    """Lines that go, and properties that stand in the place of one of them or behind all others."""

    def __init__(self, card: VCard) -> None:
        """Change nothing yet."""
        self.card = card
        self.contents = fields.readable_fields(card)[0]
        self.gone: set[int] = set()
        self.instead: dict[int, list[Property]] = {}
        self.behind: list[Property] = []
        self._now: dict[int, FieldContent] = dict(enumerate(self.contents))
        self._groups = {item.group.lower() for item in card.properties}
        self._group_at = {item.line: item.group for item in card.properties}

    def change(self, place: int, content: FieldContent | None) -> None:
        """Let the field at *place* say *content*, or be gone."""
        before = self.contents[place]
        mine = _lines([before]) - _lines([other for number, other in enumerate(self.contents) if number != place])
        if content is None:
            self.gone |= mine
            self._now.pop(place, None)
            return
        self._now[place] = content
        block = self._written(place)
        group = self._group_at.get(before.main.line, "")
        is_grouped = len(block) > 1 and block[0].name != "N"
        if (is_grouped and not group) or mine != _lines([before]):
            # What the group's other lines say of other properties is not said of this one any more.
            self.gone |= mine
            self.instead[before.main.line] = self._grouped(block)
            return
        left = [item for item in before.properties if item.line in mine]
        new = list[Property]()
        for item in block:
            same = next((other for other in left if other == item), None)
            if same is None:
                new.append(replace(item, group=group))
            else:
                left.remove(same)
        self.gone |= {item.line for item in left}
        self.instead[before.main.line] = new

    def add(self, content: FieldContent) -> None:
        """Let the card have one more field."""
        place = max(self._now, default=-1) + 1
        self._now[place] = content
        self.behind += self._grouped(self._written(place))

    def _written(self, place: int) -> tuple[Property, ...]:
        order = sorted(self._now)
        blocks = cardinality.written([self._now[number] for number in order], self.card.version)
        return blocks[order.index(place)]

    def _grouped(self, block: Sequence[Property]) -> list[Property]:
        if len(block) < 2 or block[0].name == "N":
            return [replace(item, group="") for item in block]
        group = next(name for number in range(1, _MOST_GROUPS) if (name := f"item{number}") not in self._groups)
        self._groups.add(group)
        return [replace(item, group=group) for item in block]

    def result(self) -> list[Property]:
        """Return the properties of the card as it is to be."""
        found: list[Property] = []
        for item in self.card.properties:
            if item.line not in self.gone:
                found.append(item)
            found += self.instead.get(item.line, [])
        return [*found, *self.behind]


def _lines(contents: Collection[FieldContent]) -> set[int]:
    return {item.line for content in contents for item in content.properties}


def _spliced(data: bytes, card: VCard, edit: _Edit) -> bytes:
    """Put the edit into the text; where that is too odd to be taken apart, write the card anew."""
    wanted = edit.result()
    if wanted == list(card.properties):
        return data
    text = _cut_and_filled(data, card, edit)
    try:
        if list(parse_one(text).properties) == wanted:
            return text
    except InvalidInput:
        pass
    return serialize(replace(card, properties=tuple(wanted))).encode()


def _cut_and_filled(data: bytes, card: VCard, edit: _Edit) -> bytes:
    physical = data.splitlines(keepends=True)
    end = next((number for number in range(len(physical), 0, -1) if _is_end(physical[number - 1])), len(physical) + 1)
    starts = sorted({item.line for item in card.properties} | {_version_line(physical), end})
    after = dict(pairwise(starts))
    line_end = b"\r\n" if b"\r\n" in data else b"\n"
    inserted = {line: _text(items, line_end) for line, items in edit.instead.items()}
    behind = _text(edit.behind, line_end)
    pieces: list[bytes] = []
    number = 1
    while number <= len(physical):
        until = after.get(number, number + 1)
        if number == end:
            pieces.append(behind)
        if number not in edit.gone:
            pieces += physical[number - 1 : until - 1]
        pieces.append(inserted.get(number, b""))
        number = until
    return b"".join(pieces)


def _is_end(line: bytes) -> bool:
    return line.strip().upper() == b"END:VCARD"


def _version_line(physical: Sequence[bytes]) -> int:
    """Where the version stands, which is no property: it may stand behind others, and ends what is before it."""
    found = (number for number, line in enumerate(physical, 1) if line[:7].upper() == b"VERSION")
    return next(found, 1)


def _text(items: Sequence[Property], line_end: bytes) -> bytes:
    return "".join(map(content_line, items)).encode().replace(b"\r\n", line_end)
