"""
The same field in the other version of vCard.

Each rule accepts a property in either syntax, so that translating what is translated already changes nothing. What the
other version has no word for stays as it is: unknown properties and parameters are legal in both.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

from sync.fields import dates, media, messaging
from sync.fields.content import FieldContent, remembered
from sync.fields.labels import DEFAULT_LABELS, LABEL, NAMED_TEXTS, label_line, marked
from sync.fields.parameters import classic, drop, modern
from sync.fields.relations import RELATIVES, as_related, classic_relation, relation_label
from sync.fields.single import (
    classic_gender,
    classic_geo,
    classic_telephone,
    classic_zone,
    modern_gender,
    modern_geo,
    modern_zone,
)
from sync.vcard import Property, escape, join_structured, unescape

Rule = Callable[[Property, FieldContent], Property]

_HOUSE = ("LABEL", "LABEL")
_SORTING = ("SORT-AS", "SORT-STRING")
_MOVED = {"ADR": _HOUSE, "N": _SORTING}
"""What is a parameter in 4.0 and a line of its own in 3.0."""
_ONE_NAME = {"SOCIALPROFILE": "X-SOCIALPROFILE"}
"""Names that RFC 9554 gave to what programs had written under another name before."""


def translate(content: FieldContent, version: str) -> tuple[Property, ...]:
    """The properties of *content* as *version* (`3.0` or `4.0`) writes them, whichever version they came in."""
    name = content.properties[0].name
    if name.startswith("X-") and content.version == version and name not in _MODERN and name not in _CLASSIC:
        # Only who made it up knows what it may say there.
        return content.properties
    return as_modern(content) if version == "4.0" else as_classic(content)


@remembered
def as_modern(content: FieldContent) -> tuple[Property, ...]:
    """The properties of *content* in 4.0."""
    main, companions = content.main, content.properties[1:]
    rule = _MODERN.get(main.name)
    written = modern(rule(main, content) if rule else main)
    parameter, line = _MOVED.get(written.name, ("", ""))
    moved = next((item for item in companions if item.name == line), None)
    if moved is not None and not written.parameter(parameter):
        written = replace(written, params=(*written.params, (parameter, (unescape(moved.value),))))
        companions = tuple(item for item in companions if item is not moved)
    if _says_nothing_more(written, content):
        companions = tuple(item for item in companions if item.name != LABEL)
    return _labelled(written, companions, "" if written.name == "IMPP" else _needed_label(written, content))


def canonical(content: FieldContent) -> tuple[Property, ...]:
    """The properties of *content* in 4.0, under one name where 4.0 has two for the same."""
    properties = as_modern(content)
    name = _ONE_NAME.get(properties[0].name)
    return properties if name is None else (replace(properties[0], name=name), *properties[1:])


@remembered
def as_classic(content: FieldContent) -> tuple[Property, ...]:
    """The properties of *content* in 3.0."""
    main, companions = content.main, content.properties[1:]
    rule = _CLASSIC.get(main.name)
    written = classic(rule(main, content) if rule else main)
    parameter, line = _MOVED.get(written.name, ("", ""))
    moved = written.parameter(parameter) if parameter else ()
    if moved:
        written = drop(written, parameter)
        text = ",".join(moved)
        # Programs write the line ends of a parameter as they write those of a value, and RFC 6350 does in its examples.
        companions = (*companions, Property("", line, (), escape(unescape(text) if line == "LABEL" else text)))
    if main.name == "ADR" and not written.value.strip(" ;,"):
        written = replace(written, value=_undivided(companions))
    return _labelled(written, companions, _needed_label(written, content))


def _labelled(written: Property, companions: tuple[Property, ...], label: str) -> tuple[Property, ...]:
    if not label or any(item.name == LABEL for item in companions):
        return written, *companions
    return written, *companions, label_line(label)


def _undivided(companions: Sequence[Property]) -> str:
    """The value of an address that only its label tells: nobody shows one without parts, and many delete it."""
    text = next((unescape(item.value) for item in companions if item.name == "LABEL"), "")
    return join_structured([[""], [""], [text], [""], [""], [""], [""]])


def _says_nothing_more(written: Property, content: FieldContent) -> bool:
    """Whether the label of *content* is told by *written* itself."""
    if written.name == "RELATED":
        return relation_label(written).casefold() == content.label.casefold()
    named = not written.name.startswith("X-AB") and content.kind in DEFAULT_LABELS
    return named and content.label in ("", DEFAULT_LABELS[content.kind][0])


def _needed_label(written: Property, content: FieldContent) -> str:
    if written.name == "X-ABDATE" and content.kind == "anniversary":
        return "_$!<Anniversary>!$_"
    if content.kind == "related":
        told = relation_label(as_related(content.main, content.label), apple=True)
        label = told or (f"_$!<{RELATIVES[content.main.name]}>!$_" if content.main.name in RELATIVES else "")
        return "" if written.name == "RELATED" and relation_label(written) else label
    labelled = written.name in ("X-ABRELATEDNAMES", "IMPP") and content.kind in DEFAULT_LABELS
    return DEFAULT_LABELS[content.kind][0] if labelled else ""


def _renamed(name: str) -> Rule:
    return lambda main, _content: replace(main, name=name)


def _modern_date(main: Property, content: FieldContent) -> Property:
    if content.kind == "x:x-abdate":
        return main
    name = "BDAY" if content.kind == "birthday" else "ANNIVERSARY"
    written = dates.as_basic(main, name)
    return replace(written, params=marked(content.kind, "", written.params))


def _classic_date(main: Property, content: FieldContent) -> Property:
    if main.name == "BDAY":
        return dates.as_extended(main, "BDAY")
    if content.kind == "x:x-abdate":
        return main
    written = dates.as_extended(main, "X-ABDATE")
    return replace(written, params=marked("anniversary", content.label, written.params))


def _modern_named(main: Property, content: FieldContent) -> Property:
    if content.kind == "related":
        return as_related(main, content.label)
    # RFC 6715 has words for hobbies, but the programs that read 4.0 show them only in this form.
    return _classic_named(main, content) if content.kind in NAMED_TEXTS else main


def _classic_named(main: Property, content: FieldContent) -> Property:
    if content.kind == "related":
        labelled = main.name == "RELATED" and bool(content.label)
        return classic_relation(as_related(main, content.label), labelled=labelled)
    if content.kind not in NAMED_TEXTS:
        return main
    params = marked(content.kind, content.label, main.params)
    return replace(main, name="X-ABRELATEDNAMES", params=params)


def _modern_account(main: Property, content: FieldContent) -> Property:
    return messaging.as_scheme(main, content.label)


def _classic_account(main: Property, content: FieldContent) -> Property:
    return messaging.as_apple(main, content.label)


def _alone(change: Callable[[Property], Property]) -> Rule:
    return lambda main, _content: change(main)


_MEDIA_NAMES = tuple(media.MEDIA)
_DATES = (
    *("BDAY", "ANNIVERSARY", "X-ABDATE", "X-ANNIVERSARY", "X-MS-ANNIVERSARY"),
    *("X-EVOLUTION-ANNIVERSARY", "X-KADDRESSBOOK-X-ANNIVERSARY"),
)
_NAMED = ("X-ABRELATEDNAMES", "RELATED", "HOBBY", "INTEREST", "EXPERTISE", *RELATIVES)
_MODERN: dict[str, Rule] = {
    **dict.fromkeys(_MEDIA_NAMES, _alone(media.as_data_uri)),
    **dict.fromkeys(("IMPP", *messaging.LEGACY_SERVICES), _modern_account),
    **dict.fromkeys(_DATES, _modern_date),
    **dict.fromkeys(_NAMED, _modern_named),
    "GEO": _alone(modern_geo),
    "TZ": _alone(modern_zone),
    "X-GENDER": _alone(modern_gender),
    "X-ADDRESSBOOKSERVER-KIND": _renamed("KIND"),
    "X-ADDRESSBOOKSERVER-MEMBER": _renamed("MEMBER"),
}
_CLASSIC: dict[str, Rule] = {
    **dict.fromkeys(_MEDIA_NAMES, _alone(media.as_encoded)),
    **dict.fromkeys(("IMPP", *messaging.LEGACY_SERVICES), _classic_account),
    **dict.fromkeys(_DATES, _classic_date),
    **dict.fromkeys(_NAMED, _classic_named),
    "TEL": _alone(classic_telephone),
    "GEO": _alone(classic_geo),
    "TZ": _alone(classic_zone),
    "GENDER": _alone(classic_gender),
    "KIND": _renamed("X-ADDRESSBOOKSERVER-KIND"),
    "MEMBER": _renamed("X-ADDRESSBOOKSERVER-MEMBER"),
    "SOCIALPROFILE": _renamed("X-SOCIALPROFILE"),
}
RULES: Mapping[str, Collection[str]] = {"3.0": _CLASSIC.keys(), "4.0": _MODERN.keys()}
"""By version: the properties that have a rule of their own for being written in it."""
