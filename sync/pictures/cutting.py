"""What is cut out of a text, and how the text becomes whole again. Pure."""

from __future__ import annotations

import binascii
import functools
import hashlib
import re
import struct
from collections.abc import Callable
from typing import Any, NamedTuple

from sync.vcard.serializer import WIDTH

#: Characters of base64 from which on a picture is kept for itself: most texts have fewer, and are not looked through.
LEAST = 768
#: What may be one, as it is folded, behind what a value begins with on a card or in a field that is kept.
_IN_CARD = re.compile(r"[:,]((?:[A-Za-z0-9+/=]++|\r\n )++)")
_IN_FIELD = re.compile(r'[",]([A-Za-z0-9+/=]++)')
_FOLD, _LINE = "\r\n ", WIDTH - 1


class Cut(NamedTuple):
    """A text without its largest picture: *data* is that, in base64, and belongs at the place *at* of *rest*."""

    rest: str
    at: int
    data: str

    @property
    def digest(self) -> str:
        """The SHA-256 of the picture's octets."""
        return digest_of(self.data)


@functools.lru_cache(maxsize=4)
def digest_of(data: str) -> str:
    """
    Return the name of a picture that is written so in base64: the SHA-256 of its octets.

    It is empty where there is another way to write these, or they cannot be read: of each picture there is one name.
    What was said last is remembered, for all cards with a picture are written one after the other.
    """
    try:
        octets = binascii.a2b_base64(data, strict_mode=True)
    except binascii.Error:
        return ""
    return hashlib.sha256(octets).hexdigest() if binascii.b2a_base64(octets, newline=False) == data.encode() else ""


def cut_card(text: str) -> Cut | None:
    """Cut the largest picture out of the text of a card; None where there is none, or it could not be put in again."""
    # A picture has many lines, and most texts none that goes on.
    return _cut(text, _IN_CARD, whole_card) if text.count(_FOLD) >= LEAST // WIDTH - 1 else None


def cut_field(text: str) -> Cut | None:
    """Cut the largest picture out of the content of a field; None where there is none."""
    return _cut(text, _IN_FIELD, whole_field)


def whole_card(rest: str, at: int, data: str) -> str:
    """Return the text of a card with the picture *data* in it, folded as `sync.vcard.serializer` folds lines."""
    room = max(0, WIDTH - (at - rest.rfind("\n", 0, at) - 1))
    return rest[:at] + _folded(data, room) + rest[at:]


def whole_field(rest: str, at: int, data: str) -> str:
    """Return the content of a field with the picture *data* in it."""
    return rest[:at] + data + rest[at:]


def _cut(text: str, pattern: re.Pattern[str], whole: Callable[[str, int, str], str]) -> Cut | None:
    if len(text) < LEAST:
        return None
    found = max(pattern.finditer(text), key=lambda each: each.end() - each.start(), default=None)
    if found is None or found.end() - found.start() < LEAST:
        return None
    at, cut = found.start(1), found[1].removesuffix(_FOLD)
    data, rest = cut.replace(_FOLD, ""), text[:at] + text[at + len(cut) :]
    if len(data) < LEAST or not digest_of(data) or whole(rest, at, data) != text:
        return None
    return Cut(rest, at, data)


def _folded(data: str, room: int) -> str:
    """Return *data* in lines, of which the first has *room* characters; a picture has hundreds."""
    octets = data.encode("ascii")
    count = max(0, len(octets) - room) // _LINE
    end = room + count * _LINE
    lines = [octets[:room], *_lines(count)(octets, room), octets[end:]] if count else [octets[:room], octets[room:]]
    if not lines[-1]:
        lines.pop()
    return b"\r\n ".join(lines).decode("ascii")


@functools.lru_cache(maxsize=512)
def _lines(count: int) -> Callable[[bytes, int], tuple[Any, ...]]:
    """Return what takes so many lines out of octets at once."""
    return struct.Struct(f"{_LINE}s" * count).unpack_from
