"""
Bring vCard 2.1 up to 3.0.

Version 2.1 knows bare parameters, quoted-printable, character sets, and no escape but the one for a semicolon. Programs
write some of that into cards that call themselves 3.0, too; `repair` does for one property what `modernize` does for a
card.
"""

from __future__ import annotations

import binascii
import re
from dataclasses import replace

from sync.vcard.charsets import codec_of, decoded, guessed
from sync.vcard.model import Parameters, Property, VCard
from sync.vcard.phones import ANDROID, is_peculiar, is_phonetic, plain
from sync.vcard.text import escape, unescape

_STRUCTURED = frozenset(("N", "ADR", "ORG", "GEO", ANDROID))
_ADDRESSES = frozenset(("URL", "FBURL", "CALURI", "CALADRURI", "SOURCE", "X-SOCIALPROFILE", "IMPP"))
_ENCODINGS = {"QUOTED-PRINTABLE": "QUOTED-PRINTABLE", "BASE64": "b", "B": "b", "7BIT": "", "8BIT": ""}
_VALUES = {"URL": "uri", "URI": "uri", "CONTENT-ID": "uri", "CID": "uri", "INLINE": ""}
_SEPARATOR = re.compile(r"(?<!\\);")


def modernize(card: VCard) -> VCard:
    """
    Rewrite a 2.1 card as 3.0, and in a card of any version what telephones and programs have ways of their own for.

    A card that has nothing of either is returned as it is.
    """
    if card.version == "2.1":
        properties = tuple(repair(item, legacy_text=True) for item in card.properties)
        return plain(replace(card, version="3.0", properties=properties))
    if any(is_peculiar(item) and needs_repair(item) for item in card.properties):
        # What such a property means is found only in what its octets mean.
        properties = tuple(repair(item) if is_peculiar(item) else item for item in card.properties)
        card = replace(card, properties=properties)
    return plain(card)


def repair(item: Property, *, legacy_text: bool = False) -> Property:
    """
    Name bare parameters and decode quoted-printable.

    With *legacy_text* the value has the escapes of 2.1, in which a comma is a comma.
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
    separate = item.name in _STRUCTURED or is_phonetic(item)
    parts = _SEPARATOR.split(item.value) if separate else [item.value]
    if encoding:
        parts = [_decoded(part, charset) for part in parts]
    if item.name in _ADDRESSES:
        return parts[0].strip()
    if item.name == "GEO":
        return ";".join(parts).replace(",", ";")
    if not legacy_text:
        return ";".join(part.replace("\r\n", "\n").replace("\n", "\\n") for part in parts)
    return ";".join(escape(unescape(part)) for part in parts)


def _decoded(value: str, charset: str) -> str:
    octets = binascii.a2b_qp(value.encode("utf-8", "replace"))
    codec = codec_of(charset) if charset else None
    if codec is not None:
        return decoded(octets, codec)
    try:
        return octets.decode()
    except UnicodeDecodeError:
        # Without a CHARSET, or with one that nobody knows, it is what the writing computer used.
        return decoded(octets, guessed(octets))
