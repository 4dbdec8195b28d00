"""
UIDs as programs write them. Pure.

RFC 6350 writes a UID as ``urn:uuid:X``, Apple's and older programs write ``X``, and some put the prefix in front of
one that has it already. All of these are one UID; which of them an entry has stays, because programs tell contacts
apart by its very text.
"""

from __future__ import annotations

import re
import uuid

from sync.errors import InvalidVCard
from sync.vcard import Property, VCard, content_line, escape, unescape

_PREFIX = "urn:uuid:"
_LINES = re.compile(r"[^\r\n]*+(?:\r\n|\r|\n)?+")
_END = re.compile(r"END[ \t]*+:", re.IGNORECASE)
_MOST = 255


def bare(uid: str) -> str:
    """Return a UID without its prefix, however often that stands there."""
    uid = uid.strip()
    while uid[: len(_PREFIX)].lower() == _PREFIX:
        uid = uid[len(_PREFIX) :].lstrip()
    return uid


def are_same(one: str, other: str) -> bool:
    """Whether two texts are one UID."""
    return bare(one) == bare(other)


def spellings(uid: str) -> list[str]:
    """Return the texts by which an entry with this UID may be known."""
    short = bare(uid)
    return list(dict.fromkeys((uid, short, _PREFIX + short, _PREFIX.upper() + short, 2 * _PREFIX + short)))


def member(value: str) -> str:
    """Return what a card of version 3.0 says of somebody who is on a list, by the UID that such cards have."""
    return _PREFIX + bare(value)


def identified(data: bytes, card: VCard, known: str | None) -> tuple[bytes, str]:
    """
    Return a card with one UID, and that UID: *known*, by which its entry goes already, else its own, else a new one.

    *card* is what *data* says.

    Raises:
        InvalidVCard: It has two UIDs, or one that is too long.
    """
    said = [text for item in card.all("UID") if (text := unescape(item.value).strip())]
    if len({bare(text) for text in said}) > 1:
        raise InvalidVCard("A card has one UID.", card.all("UID")[1].line)
    uid = known if known and (not said or are_same(known, said[0])) else said[0] if said else str(uuid.uuid4())
    if len(uid) > _MOST:
        raise InvalidVCard(f"A UID has at most {_MOST} characters.")
    if len(card.all("UID")) == 1 and said == [uid]:
        return data, uid
    return _with_uid(data.decode("utf-8", "replace"), card, uid).encode(), uid


def _with_uid(text: str, card: VCard, uid: str) -> str:
    lines = _LINES.findall(text)
    gone = {number for item in card.all("UID") for number in _physical(lines, item.line - 1)}
    last = max(number for number, line in enumerate(lines) if _END.match(line))
    line = content_line(Property("", "UID", (), escape(uid)))
    if not lines[last].endswith("\r\n"):
        line = line.replace("\r\n", "\n")
    at = min(gone, default=last)
    kept = [other if number not in gone else "" for number, other in enumerate(lines)]
    return "".join([*kept[:at], line, *kept[at:]])


def _physical(lines: list[str], first: int) -> range:
    """Return the numbers of the lines that are the property which begins at *first*, continuations included."""
    last = first
    for number in range(first + 1, len(lines)):
        if lines[number].startswith((" ", "\t")):
            last = number
        elif lines[number].strip():
            break
    return range(first, last + 1)
