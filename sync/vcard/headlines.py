"""What a card or contact is called, and its numbers and addresses, read from its text without reading all of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from sync.errors import InvalidInput
from sync.vcard.model import Property
from sync.vcard.parser import parse_one
from sync.vcard.scan import lines_named, read_line
from sync.vcard.text import unescape

#: The name comes first in a card, so nobody has to read all of it, which may be a picture.
BEGINNING = 2_000
_NAME = re.compile(r"^(?:item[0-9]+\.)?FN(?:;[^:\r\n]*)?:([^\r\n]*)", re.MULTILINE)
#: A line of a card with a number or an address, as it is folded, behind the end of another: the end of a line is looked
#: for in a picture much faster than its beginning.
_NUMBER = re.compile(r"\n((?:[A-Za-z0-9-]++\.)?TEL[;:][^\r\n]*+(?:\r?\n [^\r\n]*+)*+)")
_ADDRESS = re.compile(r"\n((?:[A-Za-z0-9-]++\.)?EMAIL[;:][^\r\n]*+(?:\r?\n [^\r\n]*+)*+)")
_FOLD = re.compile(r"\r?\n ")
_OF_CONTACT = frozenset({"FN", "TEL", "EMAIL"})


def name_in(body: str) -> str:
    """Return what a card, of which this is the *body* in vCard 3.0 or the beginning of it, is called."""
    found = _NAME.search(body[:BEGINNING].replace("\r\n ", ""))
    return " ".join(unescape(found[1]).split()) if found else ""


def reach_of(body: str) -> str:
    """Return the number at which a card in vCard 3.0 says that somebody is called, or else an address."""
    return reach_among(_each_said_in(body))


def reach_among(said: Iterable[str]) -> str:
    """Return the first of what `said_in` found, as people read it."""
    return next((value for each in said if (value := unescape(each).strip())), "")


def said_in(body: str) -> list[str]:
    """Return every number and then every address of a card in vCard 3.0, as they are written there."""
    return list(_each_said_in(body))


def _each_said_in(body: str) -> Iterator[str]:
    text = f"\n{body}"
    for wanted in (_NUMBER, _ADDRESS):
        yield from (read_line(_FOLD.sub("", found[1])).value for found in wanted.finditer(text))


def headline(text: str) -> tuple[str, list[str]]:
    """Return what a contact is called, which may be nothing, and its numbers, and behind them its addresses."""
    return headline_of(lines_of(text, _OF_CONTACT))


def headline_of(properties: Iterable[Property]) -> tuple[str, list[str]]:
    """Return the same of a contact that has these properties."""
    lines = [line for line in properties if line.name in _OF_CONTACT]
    name = next((unescape(line.value) for line in lines if line.name == "FN"), "").strip()
    said = [(line.name, unescape(line.value).removeprefix("tel:").strip()) for line in lines if line.name != "FN"]
    return name, [value for wanted in ("TEL", "EMAIL") for each, value in said if each == wanted and value]


def are_alike(text: str, before: str) -> bool:
    """Whether two texts have one headline, as far as that can be told without reading them."""
    lines = lines_named(text, _OF_CONTACT)
    return lines is not None and lines == lines_named(before, _OF_CONTACT)


def name_of(text: str) -> str:
    """Return what a contact is called, which may be nothing."""
    return headline(text)[0]


def lines_of(text: str, wanted: frozenset[str]) -> list[Property]:
    """Return the lines of these names in a contact, none where it cannot be read."""
    lines = lines_named(text, wanted)
    if lines is not None:
        return [read_line(line) for line in lines]
    try:
        return [line for line in parse_one(text).properties if line.name in wanted]
    except InvalidInput:
        return []
