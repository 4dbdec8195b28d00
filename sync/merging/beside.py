"""
What stands beside a value: its label, and the texts in its parameters. Pure: contents in, contents out.

Programs keep all of it when somebody writes another value over the one that they were shown. The value is then that
person's own, and what stands beside it is still the owner's, who may take it back: an address that somebody corrected
has neither the owner's name for the place nor the position of the old house.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from sync.fields import FieldContent
from sync.fields.labels import LABEL, kind_of_label, plain_label
from sync.fields.relations import RELATIONS
from sync.merging.likeness import echoes, folded, readings
from sync.vcard import Parameters, Property, unescape

#: What a program writes of a value's form, in words that are everybody's.
_FORMAL = frozenset(
    [
        "ALTID",
        "CALSCALE",
        "CHARSET",
        "ENCODING",
        "INDEX",
        "LANGUAGE",
        "LEVEL",
        "MEDIATYPE",
        "PID",
        "PREF",
        "SERVICE-TYPE",
        "VALUE",
        "X-APPLE-OMIT-YEAR",
        "X-EVERCARD-KIND",
        "X-EVERCARD-MADE",
        "X-SERVICE-TYPE",
    ]
)
#: A country's letters, which are everybody's as well.
_FORMAL_LINES = frozenset({"X-ABADR"})
_WORDS = RELATIONS | frozenset(
    (
        "applewatch",
        "bbs",
        "car",
        "cell",
        "dom",
        "fax",
        "home",
        "homefax",
        "homepage",
        "internet",
        "intl",
        "iphone",
        "isdn",
        "main",
        "mobile",
        "modem",
        "msg",
        "other",
        "otherfax",
        "pager",
        "parcel",
        "pcs",
        "postal",
        "pref",
        "school",
        "text",
        "textphone",
        "video",
        "voice",
        "work",
        "workfax",
        "x400",
    )
)
#: Properties whose TYPE names a service or a relation, not a place that somebody gave a name to.
_OF_A_SORT = frozenset({"IMPP", "KEY", "LOGO", "PHOTO", "RELATED", "SOCIALPROFILE", "SOUND", "X-SOCIALPROFILE"})


def owners_texts(
    sent: Iterable[FieldContent], shown: Iterable[FieldContent], base: Sequence[FieldContent]
) -> frozenset[str]:
    """
    Return the texts beside values that are the owner's on a card that was *sent*; see `merge.additions`.

    Where the owner's value came back with its label, whoever gives another value the same label chose it themselves.
    """
    now = [(content, frozenset(_texts(content))) for content in base]
    labelled = [(content, texts) for content, texts in now if texts]
    back = frozenset().union(*map(readings, sent if labelled else ()))
    current = frozenset().union(*(texts for _, texts in labelled))
    missing = frozenset().union(*(texts for content, texts in labelled if back.isdisjoint(echoes(content))))
    return missing | (frozenset(text for content in shown for text in _texts(content)) - current)


def without(content: FieldContent, owners: frozenset[str], own: Iterable[FieldContent]) -> FieldContent:
    """Return *content* without the texts beside its value that are the *owners*, but for those that *own* has too."""
    foreign = owners & frozenset(_texts(content))
    if foreign:
        foreign -= frozenset(text for other in own for text in _texts(other))
    if not foreign:
        return content
    main, *companions = content.properties
    main = replace(main, params=_params(main, foreign))
    kept = (replace(line, params=_params(line, foreign)) for line in companions if _said(line) not in foreign)
    return replace(content, properties=(main, *kept))


def _texts(content: FieldContent) -> Iterator[str]:
    """What is beside the value of a field, as it is compared."""
    for line in content.properties:
        for name, values in line.params:
            if _is_personal(line, name):
                yield from filter(None, (_parameter(name, value) for value in values))
    yield from filter(None, map(_said, content.properties[1:]))


def _said(line: Property) -> str:
    """What a line beside a value says, nothing where that is no text of anybody's own."""
    if line.name in _FORMAL_LINES:
        return ""
    if line.name != LABEL:
        return folded(unescape(line.value))
    label = plain_label(line.value)
    return "" if kind_of_label(label) or label.casefold() in _WORDS else folded(label)


def _params(line: Property, foreign: frozenset[str]) -> Parameters:
    left = [
        (name, tuple(value for value in values if _parameter(name, value) not in foreign))
        if _is_personal(line, name)
        else (name, values)
        for name, values in line.params
    ]
    return tuple((name, values) for name, values in left if values)


def _is_personal(line: Property, name: str) -> bool:
    return name not in _FORMAL and not (name == "TYPE" and line.name in _OF_A_SORT)


def _parameter(name: str, value: str) -> str:
    if name != "TYPE":
        return folded(unescape(value))
    return ",".join(part for part in map(str.strip, value.casefold().split(",")) if part not in _WORDS)
