"""From properties to text: canonical, folded, and safe by construction."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache

from sync.errors import InvalidInput
from sync.vcard.model import Parameters, Property, VCard
from sync.vcard.text import clean, escape

WIDTH = 75
"""The most octets in a physical line, its line end not counted (RFC 6350, 3.2)."""

_IS_CONTINUATION = [octet & 0b1100_0000 == 0b1000_0000 for octet in range(256)]
_TOKEN = re.compile(r"[A-Za-z0-9_-]+")
# Old telephones put what they like there, such as X-CUSTOM(CHARSET=UTF-8.
_OUTSIDE_TOKEN = re.compile(r"[^A-Za-z0-9_-]")
_TWO = [f"{number:02}" for number in range(60)]
#: A UID that fits into its line as it is.
_PLAIN_UID = re.compile(r"[A-Za-z0-9_.:-]{1,71}")
_PLAIN_VALUE = re.compile(r"[A-Za-z0-9_.+/-]*")
# Names are not case-sensitive, but Apple's programs are the ones that read these and this is how they write them.
_SPELLING = {"X-ABLABEL": "X-ABLabel", "X-ABSHOWAS": "X-ABShowAs"}


def serialize(card: VCard) -> str:
    """Write *card* with CRLF line ends, folded, from BEGIN to END."""
    lines = "".join(map(content_line, card.properties))
    return f"BEGIN:VCARD\r\nVERSION:{card.version}\r\n{lines}END:VCARD\r\n"


def head(version: str, uid: str, revised: int) -> str:
    """
    The beginning of a card: BEGIN, VERSION, UID and REV.

    *revised* counts seconds since 1970. The UID is written alike in both versions, for clients key by its very text.
    """
    # Every card of an answer has another one, so that this is done as often as anything.
    identity = f"UID:{uid}\r\n" if _PLAIN_UID.fullmatch(uid) else _content_line(Property("", "UID", (), escape(uid)))
    day, seconds = divmod(revised, 86_400)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    if version == "4.0":
        revision = f"{_date(day, '%Y%m%d')}T{_TWO[hour]}{_TWO[minute]}{_TWO[second]}Z"
    else:
        revision = f"{_date(day, '%Y-%m-%d')}T{_TWO[hour]}:{_TWO[minute]}:{_TWO[second]}Z"
    return f"BEGIN:VCARD\r\nVERSION:{version}\r\n{identity}REV:{revision}\r\n"


@lru_cache(maxsize=512)
def _date(day: int, form: str) -> str:
    return datetime.fromtimestamp(day * 86_400, UTC).strftime(form)


def content_line(item: Property) -> str:
    """
    Write one property as folded physical lines.

    Whatever its parts contain, the result is one content line: characters that no client may get are left out, and a
    line feed is written as an escape. Raises `InvalidInput` for a name or group that is none.
    """
    return _known_line(item) if len(item.value) <= _SHORT else _content_line(item)


def _content_line(item: Property) -> str:
    line = _written_name(item.name)
    if item.group:
        line = f"{_token(item.group)}.{line}"
    if item.params:
        line += _written_parameters(item.params)
    line = f"{line}:{item.value}"
    if len(line) <= WIDTH and line.isascii() and line.isprintable():
        return line + "\r\n"
    line = clean(line).replace("\n", "\\n")
    return line + "\r\n" if _is_quoted_printable(item) else fold(line)


def fold(line: str) -> str:
    """Break *line* after at most 75 octets, never inside a character, and end it with CRLF."""
    if line.isascii():
        pieces = [line[:WIDTH], *(line[at : at + WIDTH - 1] for at in range(WIDTH, len(line), WIDTH - 1))]
        return "\r\n ".join(pieces) + "\r\n"
    octets = line.encode()
    parts, start, room = [], 0, WIDTH
    while len(octets) - start > room:
        end = start + room
        while _IS_CONTINUATION[octets[end]]:
            end -= 1
        parts.append(octets[start:end])
        start, room = end, WIDTH - 1
    parts.append(octets[start:])
    return b"\r\n ".join(parts).decode() + "\r\n"


def _written_name(name: str) -> str:
    return _SPELLING.get(name) or _token(name)


@lru_cache(maxsize=512)
def _token(name: str) -> str:
    if not _TOKEN.fullmatch(name):
        raise InvalidInput("A property name or group has characters other than letters, digits and hyphens.")
    return name


def _written_parameters(params: Parameters) -> str:
    written = ""
    for name, values in params:
        written += f";{name if _TOKEN.fullmatch(name) else _OUTSIDE_TOKEN.sub('-', name)}"
        if values:
            written += "=" + ",".join([value if _PLAIN_VALUE.fullmatch(value) else _quoted(value) for value in values])
    return written


def _quoted(value: str) -> str:
    value = clean(value).replace("^", "^^").replace("\n", "^n").replace('"', "^'")
    return f'"{value}"' if any(mark in value for mark in ",;:") else value


def _is_quoted_printable(item: Property) -> bool:
    # A fold behind a "=" would read as a soft line break.
    return any("QUOTED-PRINTABLE" in (name, *map(str.upper, values)) for name, values in item.params)


#: A card is written anew with all its lines for each who may see some of them. Photos would fill the memory.
_SHORT = 1_000
_known_line = lru_cache(maxsize=2_048)(_content_line)
