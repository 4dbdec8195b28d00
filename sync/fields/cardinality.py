"""
How many of a property a card may have, and what becomes of the others.

Somebody with two wedding days has two fields; in 4.0 only one can be an ANNIVERSARY, and a program that finds two keeps
the one that it likes. What does not fit is written in a form that programs keep beside the other, and is the same field
again when it comes back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sync.fields import dates
from sync.fields.content import FieldContent
from sync.fields.labels import LABEL, label_line, marked, plain_label
from sync.fields.parameters import preference
from sync.fields.translate import as_modern, translate
from sync.vcard import Property

MORE = "X-EVERCARD-MORE-"
"""Stands before the name of a property of which a card has one already, and which has no other form."""

_DAYS = ("BDAY", "ANNIVERSARY")
_SORTS = ("GENDER", "KIND", "X-ABSHOWAS")
ONCE = {
    # RFC 2426 counts few of them, but these are what programs have one place for.
    "3.0": frozenset(
        (*_DAYS, *_SORTS, "FN", "N", "SORT-STRING", "CLASS", "MAILER", "NAME", "PROFILE"),
    )
    | frozenset(("X-ANNIVERSARY", "X-GENDER", "X-ADDRESSBOOKSERVER-KIND")),
    # What is *1 in RFC 6350, 6474 and 9554.
    "4.0": frozenset((*_DAYS, *_SORTS, "N", "BIRTHPLACE", "DEATHPLACE", "DEATHDATE", "CREATED", "LANGUAGE")),
}
"""By version: the properties that a card has once, but for the same in several languages, which have one ALTID."""

_DATES = {"BDAY": ("birthday", "Birthday"), "ANNIVERSARY": ("anniversary", "_$!<Anniversary>!$_")}
_DATES["X-ANNIVERSARY"] = _DATES["ANNIVERSARY"]
_LEAST_PREFERRED = 101


def written(contents: Sequence[FieldContent], version: str) -> list[tuple[Property, ...]]:
    """The properties of each of *contents* in *version*, as a card has them that has all of these and no other."""
    blocks = [translate(content, version) for content in contents]
    names = [name for block in blocks if (name := block[0].name) in ONCE[version]]
    if len(set(names)) == len(names):
        return blocks
    first: dict[str, int] = {}
    for place in sorted(range(len(blocks)), key=lambda place: _preference(blocks[place][0])):
        if (name := blocks[place][0].name) in ONCE[version]:
            first.setdefault(name, place)
    return [
        block if _fits(place, blocks, first, version) else _beside(content, block)
        for place, (content, block) in enumerate(zip(contents, blocks, strict=True))
    ]


def usual_name(name: str) -> str:
    """The name of a property that was written as one more of its sort."""
    bare = name.removeprefix(MORE)
    return bare if bare != name and any(bare in names for names in ONCE.values()) else name


def _fits(place: int, blocks: Sequence[tuple[Property, ...]], first: Mapping[str, int], version: str) -> bool:
    main = blocks[place][0]
    one = first.get(main.name, place)
    return one == place or (version == "4.0" and () != blocks[one][0].parameter("ALTID") == main.parameter("ALTID"))


def _preference(main: Property) -> int:
    if "pref" in main.types():
        return 1
    return next((int(value) for value in preference(main) if value.isdecimal()), _LEAST_PREFERRED)


def _beside(content: FieldContent, block: tuple[Property, ...]) -> tuple[Property, ...]:
    # A line beside the name would be taken for one of the name that fits.
    main, *companions = as_modern(content) if block[0].name == "N" else block
    if main.name not in _DATES:
        return replace(main, name=f"{MORE}{main.name}"), *companions
    kind, usual = _DATES[main.name]
    day = dates.as_extended(main, "X-ABDATE")
    day = replace(day, params=marked(kind, content.label or plain_label(usual), day.params))
    labelled = any(item.name == LABEL for item in companions)
    return (day, *companions) if labelled else (day, *companions, label_line(usual))
