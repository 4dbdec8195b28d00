"""From a card to its fields."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Container
from dataclasses import replace
from functools import lru_cache

from sync.errors import InvalidInput, InvalidVCard, LimitExceeded
from sync.fields import media
from sync.fields.cardinality import usual_name
from sync.fields.content import FIELDS, SHORT, FieldContent, shared
from sync.fields.labels import KIND_PARAMETER, LABEL, MADE, is_default, plain_label
from sync.fields.recognise import kind_of
from sync.vcard import Parameters, Property, VCard, clean, modernize, needs_repair, parse_one, repair, unescape

OURS = frozenset(("BEGIN", "END", "VERSION", "UID", "REV", "PRODID"))
"""What identifies a card or tells how it was made: never a field, for the server says it."""

_ADDRESSES = frozenset(("URL", "IMPP", "X-SOCIALPROFILE", "SOCIALPROFILE", "FBURL", "CALURI", "CALADRURI", "SOURCE"))
_STRUCTURED = frozenset(("N", "ADR", "ORG", "NICKNAME", "CATEGORIES", "GENDER", "CLIENTPIDMAP"))
_MOST_PARTS = 1_000
# All properties of a group share its companions, so their number multiplies.
_MOST_COMPANIONS = 8
_NAME = "N"
_OWN_MATTER = frozenset(("X-ABDATE", "X-ABRELATEDNAMES", "X-ABUID", "X-ABSHOWAS", "X-ABORDER"))
_ONLY_IN_4 = frozenset(("GENDER", "LANG", "ANNIVERSARY", "RELATED", "HOBBY", "INTEREST", "EXPERTISE", "KIND", "MEMBER"))
_INSTEAD_OF_VALUES = {
    "ADR": ("LABEL",),
    "X-SOCIALPROFILE": ("X-USER", "X-USERID", "USERNAME"),
    "SOCIALPROFILE": ("USERNAME",),
}
_DELIVERY = frozenset(("pref", "dom", "intl", "postal", "parcel"))
# What Evolution notes at a number. It leaves that when the number changes, and others would get the number of before.
_NOTED_BY_PROGRAMS = "X-EVOLUTION-"
_NO_NAME = re.compile(r"[^A-Za-z0-9-]")
_FORM_OF_4 = re.compile(r"data:|geo:|--\d", re.IGNORECASE)


def fields_of(card: VCard) -> list[FieldContent]:
    """
    Every field of *card*, in order.

    Empty properties say nothing and are left out. Inline photos come out normalised. Raises `InvalidVCard` with the
    line of a photo that is none.
    """
    fields, broken = _read(card)
    if broken:
        raise broken[0]
    return fields


def readable_fields(card: VCard, *, know_lines: bool = True) -> tuple[list[FieldContent], list[InvalidVCard]]:
    """
    Return what `fields_of` does but for photos that are none, and what is wrong with each of these.

    It is quicker where their properties need not *know* the *lines* that they were on.
    """
    return _read(card, know_lines=know_lines)


def _blocks(card: VCard) -> list[tuple[Property, list[Property]]]:
    """Every property of *card* that says something, with the lines that belong to it."""
    items = [_tidied(item) for item in card.properties if not item.parameter(MADE)]
    items = [item for item in items if item.name not in OURS and (says_something(item) or item.name == "ADR")]
    companions = _companions(items)
    attached = {id(item) for lines in companions.values() for item in lines}
    labels = _labels_of_addresses(items, companions, attached)
    attached |= {id(line) for line in labels.values()}
    blocks = [(item, _taken(companions, item)) for item in items if id(item) not in attached]
    blocks = [(item, [*lines, labels[id(item)]] if id(item) in labels else lines) for item, lines in blocks]
    # An address that is not divided has no parts, and its text beside it.
    return [(item, lines) for item, lines in blocks if says_something(item) or any(map(_is_told, lines))]


def says_something(item: Property) -> bool:
    """Whether there is something in *item*: in its value, or in a parameter that may stand in for one."""
    if item.value.strip(" \t;,"):
        return True
    return any(value.strip() for name in _INSTEAD_OF_VALUES.get(item.name, ()) for value in item.parameter(name))


def _is_told(line: Property) -> bool:
    return line.name == "LABEL"


def _labels_of_addresses(
    items: list[Property], companions: dict[str, list[Property]], attached: Container[int]
) -> dict[int, Property]:
    """By the id of an address: its text in a line of its own, which 3.0 relates by nothing but its types."""
    lines = [item for item in items if item.name == "LABEL" and id(item) not in attached]
    houses = [item for item in items if item.name == "ADR"] if lines else []
    free = [
        house
        for house in houses
        if not house.parameter("LABEL") and not any(map(_is_told, companions.get(_owner(house), ())))
    ]
    found: dict[int, Property] = {}
    for line in lines:
        alone = len(lines) == len(houses) == 1 and not line.parameter("TYPE")
        house = next((each for each in free if alone or _sorts(each) == _sorts(line)), None)
        if house is not None:
            free.remove(house)
            found[id(house)] = line
    return found


def _sorts(item: Property) -> frozenset[str]:
    return item.types() - _DELIVERY


def without_broken_photos(card: VCard) -> tuple[VCard, list[InvalidVCard]]:
    """Leave the photos of *card* out that cannot be read, and say what was wrong with each."""
    _, broken = _read(card)
    if not broken:
        return card, broken
    lines = {error.line for error in broken}
    kept = tuple(item for item in card.properties if item.name != "PHOTO" or item.line not in lines)
    return replace(card, properties=kept), broken


def _read(card: VCard, *, know_lines: bool = True) -> tuple[list[FieldContent], list[InvalidVCard]]:
    card = modernize(card)
    fields: list[FieldContent] = []
    broken: list[InvalidVCard] = []
    for item, lines in _blocks(card):
        try:
            fields.append((_field if know_lines or lines else _usual)(item, lines, card.version))
        except InvalidVCard as error:
            broken.append(error)
    return fields, broken


def property_from_line(line: str) -> FieldContent:
    """
    Read one content line such as `TEL;TYPE=home:+1 555 0100`, as 3.0 unless only 4.0 writes it so.

    Raises `InvalidInput` for anything but exactly one field.
    """
    name, _, value = line.partition(":")
    version = "4.0" if name.partition(";")[0].strip().upper() in _ONLY_IN_4 or _FORM_OF_4.match(value) else "3.0"
    card = parse_one(f"BEGIN:VCARD\nVERSION:{version}\n{line}\nEND:VCARD\n")
    found = fields_of(card)
    if len(card.properties) != 1 or len(found) != 1:
        raise InvalidInput("This is not one line with one property that can be a field.")
    return found[0]


def _tidied(item: Property) -> Property:
    """*item* with nothing in it that no client may get, and with addresses that are no longer escaped."""
    if item.params:
        if needs_repair(item):
            item = repair(item)
        params = tuple((_token(name), tuple(clean(value) for value in values)) for name, values in item.params)
        if item.name == "ADR":
            # A text of several lines has commas, and who forgets its quotes does not mean several texts.
            params = tuple(
                (name, (",".join(values),)) if name == "LABEL" else (name, values) for name, values in params
            )
        params = tuple([pair for pair in params if pair[0] and not _is_noted(pair[0])])
        item = item if params == item.params else replace(item, params=params)
    name, value = usual_name(_token(item.name)), clean(item.value)
    if name in _STRUCTURED and value.count(";") + value.count(",") > _MOST_PARTS:
        raise LimitExceeded(f"line {item.line}: The value has more than {_MOST_PARTS} parts.")
    if name in _ADDRESSES:
        value = unescape(value).replace("\n", "")
    return item if (name, value) == (item.name, item.value) else replace(item, name=name, value=value)


def _is_noted(parameter: str) -> bool:
    return parameter.upper().startswith(_NOTED_BY_PROGRAMS)


def _token(name: str) -> str:
    return name if name.isalnum() and name.isascii() else _NO_NAME.sub("-", name)


def _is_companion(item: Property) -> bool:
    return item.name.startswith(("X-AB", "X-APPLE-")) and item.name not in _OWN_MATTER


def _owner(item: Property) -> str:
    """What the companions of *item* are filed under: its group, or for the name, which has no group, its property."""
    if item.name == _NAME:
        return _NAME
    return "" if _is_companion(item) else item.group.lower()


def _companions(items: list[Property]) -> dict[str, list[Property]]:
    """By owner: the lines that only say something about another one. Those without an owner are fields themselves."""
    found: dict[str, list[Property]] = defaultdict(list)
    houses = {_owner(item) for item in items if item.name == "ADR"}
    owners = {_owner(item) for item in items if item.name != "LABEL" or _owner(item) not in houses}
    for item in items:
        group = item.group.lower()
        if item.name == "SORT-STRING" and _NAME in owners:
            owner = _NAME
        elif group and ((_is_companion(item) and group in owners) or (item.name == "LABEL" and group in houses)):
            owner = group
        else:
            continue
        if len(found[owner]) < _MOST_COMPANIONS:
            found[owner].append(item)
    return found


def _taken(companions: dict[str, list[Property]], item: Property) -> list[Property]:
    owner = _owner(item)
    if owner == _NAME:
        # A second N must not repeat the line that belongs to the first.
        return companions.pop(owner, [])
    return [line for line in companions.get(owner, []) if line.name != "LABEL" or item.name == "ADR"]


def _usual(main: Property, lines: list[Property], version: str) -> FieldContent:
    """Make a field as `_field` does of one property, the same as the last time that it came."""
    if main.name in media.MEDIA or len(main.value) > SHORT:
        return _field(main, lines, version)
    return _known(main.name, main.params, main.value, version)


@lru_cache(FIELDS)
def _known(name: str, params: Parameters, value: str, version: str) -> FieldContent:
    return shared(_field(Property("", name, params, value), [], version))


def _field(main: Property, companions: list[Property], version: str) -> FieldContent:
    if main.name == "PHOTO":
        main = media.normal_photo(main, version)
    label = next((plain_label(item.value) for item in companions if item.name == LABEL), "")
    kind = kind_of(main, label)
    if (kind, main.name) == ("birthday", "X-ABDATE"):
        main = replace(main, name="BDAY", params=tuple(pair for pair in main.params if pair[0] != KIND_PARAMETER))
        companions = [item for item in companions if item.name != LABEL or not is_default(kind, label)]
    properties = tuple([replace(item, group="") if item.group else item for item in (main, *companions)])
    return FieldContent(kind, version, properties)
