"""
What is taken in, by whatever door it comes: one repair for all of them. Pure: octets in, octets out.

A card that every program can read is stored as it came. Of any other only what cannot be read is changed: its
character set, lines that are no properties, names that are none, a version that is missing.
"""

from __future__ import annotations

import codecs
import contextlib
import re
from dataclasses import replace

from sync.errors import InvalidVCard, LimitExceeded
from sync.fields import media
from sync.vcard import Property, VCard, modernize, parse_one, serialize

_TOKEN = re.compile(r"[A-Za-z0-9_-]+")
_VERSION = re.compile(rb"^VERSION[ \t]*[:;]", re.IGNORECASE | re.MULTILINE)


def read(data: bytes) -> VCard:
    """
    Read the one card of *data*.

    Raises:
        InvalidVCard: It is none, or is made of more parts than are read.
    """
    try:
        return parse_one(data)
    except LimitExceeded as error:
        raise InvalidVCard(str(error)) from error


def mended(data: bytes) -> tuple[bytes, VCard]:
    """
    Return the card *data* as every program can read it, the very octets where that is so already; and what it says.

    Raises:
        InvalidVCard: It is no card.
    """
    card = read(data)
    readable = _readable(data, card)
    return readable, card if readable is data else read(readable)


def _readable(data: bytes, card: VCard) -> bytes:
    if card.flaws or not all(map(_is_property, card.properties)) or not _VERSION.search(data.replace(b"\r", b"\n")):
        return serialize(modernize(card)).encode()
    return _in_unicode(data, card)


def look_at_photos(data: bytes) -> None:
    """
    Read the photos of a card, which takes long, so that whoever reads it next is quick.

    Nothing comes of it where *data* is no card, or has photos that are none: whoever stores it says so.
    """
    with contextlib.suppress(InvalidVCard):
        with_small_photos(data)


def with_small_photos(data: bytes, before: bytes | None = None) -> bytes:
    """
    Return a card whose photos are as a profile has them, and which otherwise says the same.

    A photo that is none is left out; in its place stays that of *before*, the card as it was.

    Raises:
        InvalidVCard: *data* is no card.
    """
    card = read(data)
    lines: list[Property] = []
    broken = False
    for line in card.properties:
        try:
            lines.append(media.normal_photo(line, card.version) if line.name == "PHOTO" else line)
        except InvalidVCard:
            broken = True
    if broken and before is not None:
        lines += _photos_of(before, card.version)
    return serialize(replace(card, properties=tuple(lines))).encode()


def _photos_of(data: bytes, version: str) -> list[Property]:
    try:
        card = modernize(parse_one(data))
        return [media.normal_photo(line, version) for line in card.all("PHOTO")]
    except InvalidVCard:
        return []


def _is_property(item: Property) -> bool:
    return _TOKEN.fullmatch(item.name) is not None and all(_TOKEN.fullmatch(name) for name, _ in item.params)


def _in_unicode(data: bytes, card: VCard) -> bytes:
    """Return *data* in UTF-8, which is what it is served as."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", "replace").encode("utf-8", "replace")
    try:
        data.decode()
    except UnicodeDecodeError:
        return serialize(card).encode()
    return data
