"""
From text to cards: lenient towards what programs really write, strict where a meaning would have to be guessed.

Every step looks at each character a bounded number of times, whatever the text is: the patterns are possessive, so that
none of them can go back, and nothing is searched for twice.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import cast

from sync.errors import InvalidVCard, LimitExceeded
from sync.vcard.charsets import text_of
from sync.vcard.model import DEFAULT, Limits, Parameters, Property, VCard
from sync.vcard.text import escape

VERSIONS = frozenset(("2.1", "3.0", "4.0"))

# Empty lines before a continuation are what a file with doubled line ends is full of.
_LOGICAL = re.compile(r"[^\n]++(?:\n++[ \t][^\n]*+)*+")
# Begins nowhere inside of a run of line feeds, or a long one would be looked through from each of them.
_FOLD = re.compile(r"(?<!\n)\n++[ \t]")
_PLAIN = re.compile(r'(?:([A-Za-z0-9_-]++)\.)?([A-Za-z0-9_/-]++)((?:;[^:"]*+)?):')
_HEAD = re.compile(r"(?:([A-Za-z0-9_-]++)\.)?([A-Za-z0-9_/-]++)(?=;)")
_PARAMETER_NAME = re.compile(r";([^=;:]*+)")
_PARAMETER_VALUE = re.compile(r'"([^"]*+)"(?=[,;:])|([^,;:]*+)')
_CARET = re.compile(r"\^([n'^])")
_CARETS = {"n": "\n", "'": '"', "^": "^"}
_BASE64_LINES = re.compile(r"(?:\n[ \t]*+[A-Za-z0-9+/=]++[ \t]*+(?=\n|\Z))*+")
_FRAME = re.compile(r"^(BEGIN|END)[ \t]*+:[ \t]*+VCARD[ \t]*+$", re.IGNORECASE | re.MULTILINE)
_NEWLINES = re.compile(r"\n*+")
_CACHED_SECTION = 120


def parse(source: str | bytes, *, limits: Limits = DEFAULT) -> list[VCard]:
    """
    Read all cards of *source*.

    Octets are UTF-8, with or without a byte order mark, or UTF-16 with one, or what `text_of` makes of them. A line of
    a card that is no property costs that line only and is among the card's flaws; a card that names no version is of
    3.0. Raises `InvalidVCard` with the number of the line where cards do not begin and end as they have to, or
    `LimitExceeded`.
    """
    text = _decoded(source, limits)
    cards: list[VCard] = []
    opened, lines = 0, _content_lines(text, limits)
    for item in lines:
        opened = item.line
        if not item.name:
            raise InvalidVCard(item.value, opened)
        if item.name != "BEGIN" or item.value.strip().upper() != "VCARD":
            raise InvalidVCard("A vCard begins with BEGIN:VCARD.", opened)
        if len(cards) == limits.cards:
            raise LimitExceeded(f"line {opened}: There are more than {limits.cards} cards.")
        cards.append(_card(lines, opened, limits))
    return cards


def parse_one(source: str | bytes, *, limits: Limits = DEFAULT) -> VCard:
    """Read *source*, which must be exactly one card."""
    cards = parse(source, limits=limits)
    if not cards:
        raise InvalidVCard("There is no vCard in this text.")
    if len(cards) > 1:
        raise InvalidVCard("There is more than one vCard in this text.", cards[1].line)
    return cards[0]


def _card(lines: Iterator[Property], opened: int, limits: Limits) -> VCard:
    """Read on from behind BEGIN up to END."""
    version = ""
    properties: list[Property] = []
    flaws: list[InvalidVCard] = []
    for item in lines:
        name = item.name
        if name == "END":
            break
        if not name:
            flaws.append(InvalidVCard(item.value, item.line))
            continue
        if name == "BEGIN":
            raise InvalidVCard("Another BEGIN stands where END:VCARD is missing.", item.line)
        if name == "VERSION":
            version = _version(item)
        elif len(properties) == limits.properties:
            raise LimitExceeded(f"line {item.line}: The card has more than {limits.properties} properties.")
        else:
            properties.append(item)
    else:
        raise InvalidVCard("The card that begins here has no END:VCARD.", opened)
    if item.value.strip().upper() != "VCARD":
        raise InvalidVCard("A vCard ends with END:VCARD.", item.line)
    return VCard(version or "3.0", tuple(properties), opened, tuple(flaws))


def _version(item: Property) -> str:
    version = item.value.strip()
    if version not in VERSIONS:
        raise InvalidVCard("The VERSION is none of 2.1, 3.0 and 4.0.", item.line)
    return version


def _decoded(source: str | bytes, limits: Limits) -> str:
    """*source* as text with line feeds only, so that the number of a line is the number of line feeds before it."""
    if len(source) > limits.octets:
        raise LimitExceeded(f"The text is longer than {limits.octets} octets.")
    text = source if isinstance(source, str) else _decoded_octets(source)
    return _line_feeds_only(text.removeprefix("\ufeff"))


def _decoded_octets(source: bytes) -> str:
    if not source.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return text_of(source)
    try:
        return source.decode("utf-16")
    except UnicodeDecodeError as error:
        before = _line_feeds_only(source[: error.start].decode("utf-16", "replace"))
        raise InvalidVCard("This is not UTF-16 text.", before.count("\n") + 1) from error


def _line_feeds_only(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def _content_lines(text: str, limits: Limits) -> Iterator[Property]:
    """
    All properties of *text*, frames included, with soft breaks and unmarked continuations joined.

    A line that is none comes without a name, and says what is wrong with it.
    """
    position, counted, line = 0, 0, 1
    while (found := _LOGICAL.search(text, position)) is not None:
        start, position = found.span()
        line += text.count("\n", counted, start)
        counted = start
        raw = found[0]
        content = unfolded(raw)
        if not content.strip():
            continue
        try:
            group, name, params, encoding, value_at = head_of(content, line, limits)
        except InvalidVCard as error:
            yield Property("", "", (), error.reason, line)
            continue
        value = content[value_at:]
        if encoding == "QUOTED-PRINTABLE":
            if "=\n" in raw:
                value = unfolded(raw.replace("=\n", ""))[value_at:]
            value, position = _without_soft_breaks(text, value, position)
        elif encoding == "B" and not value.endswith("="):
            rest = _BASE64_LINES.match(text, position)
            if rest is not None and rest[0]:
                value, position = value + "".join(rest[0].split()), rest.end()
        elif name == "AGENT" and not value.strip():
            value, position = _nested(text, position, line, limits)
        yield Property(group, name, params, value, line)


def unfolded(raw: str) -> str:
    """Join the physical lines of one property, which have line feeds between them."""
    if "\n" not in raw:
        return raw
    # A photo is thousands of folds, nearly always of the plain kind.
    return _FOLD.sub("", raw) if "\n\n" in raw or "\n\t" in raw else raw.replace("\n ", "")


def head_of(content: str, line: int, limits: Limits) -> tuple[str, str, Parameters, str, int]:
    """Read group, name, parameters and encoding, and where in *content*, which is unfolded, the value begins."""
    plain = _PLAIN.match(content)
    if plain is not None:
        group, name, section = plain.groups("")
        if not section:
            return group, name.upper(), (), "", plain.end()
        if len(section) <= min(_CACHED_SECTION, limits.parameters_per_line):
            params, encoding = _known_parameters(section)
            return group, name.upper(), params, encoding, plain.end()
    head = _HEAD.match(content) if plain is None else plain
    if head is None:
        raise InvalidVCard(_what_is_wrong(content), line)
    params, value_at = _read_parameters(content, head.end(2), line, limits.parameters_per_line)
    if content[value_at - 1 : value_at] != ":":
        raise InvalidVCard("The line has no colon.", line)
    return head[1] or "", head[2].upper(), params, _encoding(params), value_at


def _what_is_wrong(content: str) -> str:
    return "The line does not begin with a property name." if ":" in content else "The line has no colon."


@lru_cache(maxsize=1024)
def _known_parameters(section: str) -> tuple[Parameters, str]:
    params, _ = _read_parameters(section + ":", 0, 0, _CACHED_SECTION)
    return params, _encoding(params)


def _read_parameters(content: str, at: int, line: int, most: int) -> tuple[Parameters, int]:
    """The parameters that begin at the semicolon *at*, and the position behind the character that follows them."""
    params: list[tuple[str, tuple[str, ...]]] = []
    count = 0
    while content.startswith(";", at):
        named = cast("re.Match[str]", _PARAMETER_NAME.match(content, at))
        at, values = named.end(), []
        more = content.startswith("=", at)
        while more:
            found = cast("re.Match[str]", _PARAMETER_VALUE.match(content, at + 1))
            values.append(_without_carets(found[2] if found[1] is None else found[1]))
            at, count = found.end(), count + 1
            if count > most:
                break
            more = content.startswith(",", at)
        count += not values
        if count > most:
            raise LimitExceeded(f"line {line}: The line has more than {most} parameters.")
        name = named[1].strip().upper()
        if name:
            params.append((name, tuple(values)))
    return tuple(params), at + 1


def _without_carets(value: str) -> str:
    return value if "^" not in value else _CARET.sub(lambda match: _CARETS[match[1]], value)


def _encoding(params: Parameters) -> str:
    for name, values in params:
        found = name if not values else values[0].upper() if name == "ENCODING" else ""
        if found in ("B", "BASE64"):
            return "B"
        if found == "QUOTED-PRINTABLE":
            return found
    return ""


def _without_soft_breaks(text: str, value: str, position: int) -> tuple[str, int]:
    """Join the lines that follow a quoted-printable *value* as long as each but the last ends in `=`."""
    pieces = [value]
    while pieces[-1].endswith("="):
        pieces[-1] = pieces[-1][:-1]
        if position >= len(text) or _FRAME.match(text, position + 1):
            break
        end = text.find("\n", position + 1)
        end = len(text) if end < 0 else end
        pieces.append(text[position + 1 : end])
        position = end
    return "".join(pieces), position


def _nested(text: str, position: int, line: int, limits: Limits) -> tuple[str, int]:
    """The card that stands as lines of its own behind an empty AGENT, as the escaped text that 3.0 writes there."""
    newlines = _NEWLINES.match(text, position)
    start = newlines.end() if newlines else position
    if (first := _FRAME.match(text, start)) is None or first[1].upper() != "BEGIN":
        return "", position
    depth = 0
    for frame in _FRAME.finditer(text, start):
        depth += 1 if frame[1].upper() == "BEGIN" else -1
        if depth > limits.depth:
            raise LimitExceeded(f"line {line}: Cards are nested more than {limits.depth} deep.")
        if depth == 0:
            return escape(text[start : frame.end()]), frame.end()
    raise InvalidVCard("The card inside AGENT has no END:VCARD.", line)
