"""
Bring vCard 2.1 up to 3.0.

Version 2.1 knows bare parameters, quoted-printable, character sets, and no escape but the one for a semicolon. Programs
write some of that into cards that call themselves 3.0, too; `repair` does for one property what `modernize` does for a
card.
"""

from __future__ import annotations

import binascii
import codecs
import re

from sync.errors import InvalidVCard
from sync.vcard.model import Parameters, Property, VCard
from sync.vcard.text import escape, unescape

_STRUCTURED = frozenset(("N", "ADR", "ORG", "GEO"))
_ADDRESSES = frozenset(("URL", "FBURL", "CALURI", "CALADRURI", "SOURCE", "X-SOCIALPROFILE", "IMPP"))
_ENCODINGS = {"QUOTED-PRINTABLE": "QUOTED-PRINTABLE", "BASE64": "b", "B": "b", "7BIT": "", "8BIT": ""}
_VALUES = {"URL": "uri", "URI": "uri", "CONTENT-ID": "uri", "CID": "uri", "INLINE": ""}
_SEPARATOR = re.compile(r"(?<!\\);")
# Not every codec is a character set, and some of those that are take quadratic time.
_CHARACTER_SETS = re.compile(
    r"utf-8|utf-16(-le|-be)?|ascii|iso8859-\d+|cp\d+|gb2312|gbk|gb18030|hz|big5(hkscs)?|euc_(jp|kr)|shift_jis"
    r"|iso2022_(jp|kr)|koi8-[ru]|mac-roman|tis-620|johab"
)


def modernize(card: VCard) -> VCard:
    """Rewrite a 2.1 card as 3.0; a card of any other version is returned as it is."""
    if card.version != "2.1":
        return card
    return VCard("3.0", tuple(repair(item, legacy_text=True) for item in card.properties), card.line)


def repair(item: Property, *, legacy_text: bool = False) -> Property:
    """
    Name bare parameters and decode quoted-printable.

    With *legacy_text* the value has the escapes of 2.1, in which a comma is a comma. Raises `InvalidVCard` for a
    character set that is not known.
    """
    params, encoding, charset = _named_parameters(item.params)
    value = item.value
    if encoding == "b":
        params, value = (("ENCODING", ("b",)), *params), "".join(value.split())
    elif encoding or legacy_text:
        value = _value(item, encoding, charset, legacy_text=legacy_text)
    return Property(item.group, item.name, params, value, item.line)


def needs_repair(item: Property) -> bool:
    """Whether *item* is written with means that only 2.1 has."""
    return any(
        not values or name == "CHARSET" or (name == "ENCODING" and values[0] != "b") for name, values in item.params
    )


def _named_parameters(params: Parameters) -> tuple[Parameters, str, str]:
    """The parameters as 3.0 writes them but for ENCODING and CHARSET, which come separately."""
    named: list[tuple[str, tuple[str, ...]]] = []
    encoding = charset = ""
    for name, values in params:
        key, value = (name, values[0]) if values else _meant(name)
        if key == "ENCODING":
            encoding = _ENCODINGS.get(value.upper(), "")
        elif key == "CHARSET":
            charset = value
        elif key == "VALUE":
            value = _VALUES.get(value.upper(), value)
            named += [(key, (value,))] if value else []
        else:
            named.append((key, values or (value,)))
    return tuple(named), encoding, charset


def _meant(bare: str) -> tuple[str, str]:
    if bare in _ENCODINGS:
        return "ENCODING", bare
    return ("VALUE", bare) if bare in _VALUES else ("TYPE", bare)


def _value(item: Property, encoding: str, charset: str, *, legacy_text: bool) -> str:
    if item.name == "AGENT" and not encoding:
        return item.value
    separate = item.name in _STRUCTURED
    parts = _SEPARATOR.split(item.value) if separate else [item.value]
    if encoding:
        parts = [_decoded(part, charset, item.line) for part in parts]
    if item.name in _ADDRESSES:
        return parts[0].strip()
    if item.name == "GEO":
        return ";".join(parts).replace(",", ";")
    if not legacy_text:
        return ";".join(part.replace("\r\n", "\n").replace("\n", "\\n") for part in parts)
    return ";".join(escape(unescape(part)) for part in parts)


def _decoded(value: str, charset: str, line: int) -> str:
    octets = binascii.a2b_qp(value.encode("utf-8", "replace"))
    if charset:
        return octets.decode(_known(charset, line), "replace")
    try:
        return octets.decode()
    except UnicodeDecodeError:
        # Without a CHARSET it is what the writing computer used, and those that wrote no UTF-8 were Windows.
        return octets.decode("cp1252", "replace")


def _known(charset: str, line: int) -> str:
    try:
        name = codecs.lookup(charset).name
    except (LookupError, ValueError):
        name = ""
    if not _CHARACTER_SETS.fullmatch(name):
        raise InvalidVCard("The character set that the line names is not known.", line)
    return name
