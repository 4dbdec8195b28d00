"""Properties whose value alone has another form in the other version."""

from __future__ import annotations

import re
from dataclasses import replace

from sync.fields.parameters import drop
from sync.vcard import Property, unescape

_PAIR = re.compile(r"\s*+([+-]?\d++(?:\.\d++)?)\s*+[;,]\s*+([+-]?\d++(?:\.\d++)?)\s*+")
_GEO_URI = re.compile(r"geo:([+-]?\d++(?:\.\d++)?),([+-]?\d++(?:\.\d++)?)", re.IGNORECASE)
_OFFSET = re.compile(r"([+-]\d\d):?(\d\d)")
_GENDERS = {"male": "M", "female": "F", "other": "O", "none": "N", "unknown": "U"}
_GENDER = re.compile(r"[MFONU]?(?:;.*)?", re.DOTALL)


def bare_number(item: Property) -> str:
    """The telephone number of a TEL, with its `;ext=` but without `tel:`."""
    value = item.value.strip()
    return value[4:] if value[:4].lower() == "tel:" else value


def classic_telephone(item: Property) -> Property:
    """A number of 4.0 may be a URI; programs that read 3.0 would show that as it stands."""
    number = bare_number(item)
    return item if number == item.value else replace(drop(item, "VALUE"), value=number)


def modern_geo(item: Property) -> Property:
    """A position becomes a URI."""
    found = _PAIR.fullmatch(unescape(item.value))
    return replace(item, value=f"geo:{found[1]},{found[2]}") if found else item


def classic_geo(item: Property) -> Property:
    """A position becomes two numbers, if it is nothing more than that."""
    found = _GEO_URI.fullmatch(item.value.strip())
    return replace(drop(item, "VALUE"), value=f"{found[1]};{found[2]}") if found else item


def modern_zone(item: Property) -> Property:
    """An offset from UTC loses its colon and is named as one; a text needs no naming."""
    found = _OFFSET.fullmatch(item.value.strip())
    bare = drop(item, "VALUE")
    if found:
        return replace(bare, params=(*bare.params, ("VALUE", ("utc-offset",))), value=f"{found[1]}{found[2]}")
    return bare if item.parameter("VALUE") == ("text",) else item


def classic_zone(item: Property) -> Property:
    """An offset from UTC gets its colon; anything else is named as text."""
    found = _OFFSET.fullmatch(item.value.strip())
    if found:
        return replace(drop(item, "VALUE"), value=f"{found[1]}:{found[2]}")
    return item if item.parameter("VALUE") else replace(item, params=(*item.params, ("VALUE", ("text",))))


def modern_gender(item: Property) -> Property:
    """The words that programs write in X-GENDER become the letters of GENDER."""
    value = item.value.strip()
    letter = _GENDERS.get(value.lower(), value)
    return replace(item, name="GENDER", value=letter if _GENDER.fullmatch(letter) else f";{letter}")


def classic_gender(item: Property) -> Property:
    """What is no letter of a sex is written where `modern_gender` reads it."""
    return replace(modern_gender(item), name="X-GENDER")
