"""
Single properties out of the text of a card, without reading the rest of it.

To search thousands of cards for a name, each is only looked over: by one pattern that knows the cards which nothing
unusual is in, as nearly all are. Of any other, only the parser can say what it means.
"""

from __future__ import annotations

import re
from functools import lru_cache

from sync.vcard.model import DEFAULT, Property
from sync.vcard.parser import head_of, unfolded

_NAME = "[A-Za-z0-9_-]++"
# Not "QU", with which QUOTED-PRINTABLE begins: there the end of a line need not be the end of a property.
_PLAIN = '[^:"\rQq]++|[Qq](?![Uu])'
_QUOTED = '(?<=[=,])"(?:[^"\rQq]++|[Qq](?![Uu]))*+"(?=[,;:])'
# So short that there cannot be more parameters than are read.
_MOST = DEFAULT.parameters_per_line - 1
_SHORT = f'(?=;[^\r]{{0,{_MOST}}}\r|;[^:"\r]{{0,{_MOST}}}:)'
_LINE = (
    rf"(?:{_NAME}\.)?+(?!(?i:BEGIN|END|VERSION)[;:]){_NAME}(?:{_SHORT}(?:{_PLAIN}|{_QUOTED})*+)?+:"
    "[^\r]*+\r\n(?:[ \t][^\r]*+\r\n)*+"
)
#: A card from its first to its last line, in which every property has its name, parameters and colon on one line. So
#: what is encoded as Base64 ends before the next of them, and no card stands inside of this one.
_USUAL = re.compile(f"BEGIN:VCARD\r\nVERSION:(2\\.1|3\\.0|4\\.0)\r\n(?:{_LINE})*+END:VCARD(?:\r\n)*+")
_TOKEN = re.compile("[A-Z0-9_-]+")
#: A search for more names is as much work as reading the card.
_MOST_NAMES = 32


def lines_named(text: str, names: frozenset[str]) -> list[str] | None:
    """
    Return the unfolded lines of *text* that `parse_one` reads as properties of one of these *names* (upper case).

    They are in their order, for `read_line`; VERSION counts as a property. None where that cannot be told without
    parsing, be it that the text is no vCard.
    """
    if len(names) > _MOST_NAMES or len(text) > DEFAULT.octets:
        return None
    ends = text.count("\n")
    if ends != text.count("\r"):
        text = text.replace("\r\n", "\n").replace("\n", "\r\n")
    if ends > DEFAULT.properties and ends - text.count("\n ") > DEFAULT.properties:
        return None
    if _USUAL.fullmatch(text) is None:
        return None
    wanted = _pattern(names)
    return list(map(_unfolded, wanted.findall(text))) if wanted is not None else []


def read_line(line: str) -> Property:
    """Read one line of `lines_named`. The property does not know its number."""
    group, name, params, _, value_at = head_of(line, 0, DEFAULT)
    return Property(group, name, params, line[value_at:])


@lru_cache(maxsize=256)
def _pattern(names: frozenset[str]) -> re.Pattern[str] | None:
    possible = sorted(name for name in names - {"BEGIN", "END"} if _TOKEN.fullmatch(name))
    if not possible:
        return None
    return re.compile(
        rf"\n((?:{_NAME}\.)?+(?:{'|'.join(possible)})(?=[;:])[^\r]*+(?:\r\n[ \t][^\r]*+)*+)", re.ASCII | re.IGNORECASE
    )


def _unfolded(raw: str) -> str:
    return unfolded(raw.replace("\r\n", "\n")) if "\r" in raw else raw
