"""
Fields as real programs wrote them, each with a *marker* in its value that is in no other.

A marker is found again in any spelling of the value: only letters and digits count.
"""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from datetime import date, timedelta
from functools import cache
from pathlib import Path

from sync.errors import InvalidInput
from sync.fields import FieldContent, fields_of
from sync.fields.labels import kind_of_label
from sync.vcard import Property, VCard, escape, modernize, parse, parse_one, unescape
from tests.support import pictures

CARDS = Path(__file__).parent.parent / "data" / "vcards"
#: What says too little to be told apart, and what is not served to others.
_SILENT = frozenset(
    {"GENDER", "X-GENDER", "TZ", "LANG", "CLASS", "MAILER", "PRODID", "REV", "UID", "SOUND", "KIND", "X-ABSHOWAS"}
)
_ADDRESSES = frozenset({"URL", "X-SOCIALPROFILE", "FBURL", "CALURI"})
_FEW = 8
_FIRST_DAY = date(1900, 1, 1)


@cache
def samples() -> list[FieldContent]:
    """Return the fields of the sample cards, one of each sort."""
    found: dict[object, FieldContent] = {}
    for file in sorted(CARDS.glob("*.vcf")):
        for card in parse(file.read_bytes()):
            for content in _readable(modernize(card)):
                types = frozenset(content.main.types())
                found.setdefault((content.kind, content.main.name, types, content.label), content)
    photo = FieldContent("photo", "3.0", (Property("", "PHOTO", (), ""),))
    kept = [photo, *(content for content in found.values() if content.main.name not in _SILENT)]
    # So many extensions are there that little else would be tried.
    strange = [content for content in kept if content.kind.startswith("x:")]
    return [content for content in kept if content not in strange[_FEW:]]


def _readable(card: VCard) -> list[FieldContent]:
    lines = tuple(line for line in card.properties if line.name not in ("PHOTO", "AGENT"))
    try:
        return fields_of(replace(card, properties=lines))
    except InvalidInput:
        return []


def letters(text: str) -> str:
    """Return what of a text counts."""
    return "".join(filter(str.isalnum, text.casefold()))


def found_in(text: str) -> list[str]:
    """Return what counts of each line of a card."""
    return [letters(line) for line in text.replace("\r\n ", "").split("\r\n")]


def marked(content: FieldContent, number: int) -> tuple[FieldContent, str]:
    """Return a field like *content* whose value is told from any other's by *number*, and its marker."""
    digits = f"7{number:04}{number * 7919 % 10**6:06}"
    main, *companions = content.properties
    value, marker = _value(main, number, digits)
    params = tuple((name, values) for name, values in main.params if name not in ("VALUE", "MEDIATYPE"))
    params = tuple((name, (f"{digits} Main Street",) if name == "LABEL" else values) for name, values in params)
    lines = [_companion(line, digits) for line in companions]
    if main.name in ("PHOTO", "LOGO", "KEY"):
        params = (("ENCODING", ("b",)), ("TYPE", ("JPEG" if main.name == "PHOTO" else "PGP",)))
    written = FieldContent(content.kind, "3.0", (replace(main, params=params, value=value), *lines))
    return written, letters(marker)


def _value(main: Property, number: int, digits: str) -> tuple[str, str]:
    name = main.name
    if name in ("BDAY", "ANNIVERSARY", "X-ABDATE") or "ANNIVERSARY" in name:
        day = (_FIRST_DAY + timedelta(days=3 * number)).isoformat()
        return day, day
    if name == "PHOTO":
        return pictures.encoded(number), pictures.encoded(number)
    if name in ("LOGO", "KEY"):
        data = base64.b64encode(digits.encode() * 3).decode()
        return data, data
    forms = {
        "FN": f"Zhang {digits}",
        "N": f"{digits};San;;;",
        "TEL": f"+{digits[:2]} {digits[2:5]}-{digits[5:]}",
        "EMAIL": f"M.{digits}@Example.com",
        "ADR": f";;{digits} Main Street;Springfield;;12345;USA",
        "ORG": f"ACME {digits};Sales",
        "NICKNAME": f"Nick{digits},Other",
        "CATEGORIES": f"tea {digits},chess",
        "GEO": f"{number % 90}.{digits};116.4",
        "IMPP": f"{main.value.partition(':')[0]}:{digits}",
        "NOTE": f"Call me\\; or {digits}\\, (or not)",
    }
    if name in forms:
        return forms[name], digits
    if name in _ADDRESSES:
        return f"https://example.com/{digits}/", digits
    return escape(f"{_plain(main.value)[:40]} {digits}"), digits


def _companion(line: Property, digits: str) -> Property:
    label = FieldContent("", "3.0", (line, line)).label if line.name == "X-ABLABEL" else ""
    if line.name == "X-ABADR" or "_$!<" in line.value or kind_of_label(label):
        return line
    return replace(line, value=f"{_plain(line.value)} {digits}")


def _plain(value: str) -> str:
    return re.sub(r"\s*\d{2,}", "", unescape(value))


def parsed(text: str) -> tuple[str, list[Property]]:
    """Return the version of a card, and its lines."""
    card = parse_one(text)
    return card.version, list(card.properties)
