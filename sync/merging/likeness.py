"""
Whether a value is one that somebody was shown, however programs wrote it since.

That is more than `same_meaning`: a program may take a time off a date, an extension off a number or the precision off a
position without anybody having asked. What came back that way is still what was shown, and never becomes the property
of the one who sent it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from itertools import product
from urllib.parse import unquote

from sync.errors import InvalidInput
from sync.fields import dates, media, values
from sync.fields.collect import fields_of
from sync.fields.content import FieldContent
from sync.fields.translate import canonical
from sync.vcard import Property, parse_one, split_structured, unescape

_DATES = frozenset(("BDAY", "ANNIVERSARY", "X-ABDATE", "DEATHDATE"))
_NO_YEAR = "1604"
#: Where a program that shows an address without its scheme is likely to keep it so.
_WEB = frozenset(("URL", "X-SOCIALPROFILE", "SOCIALPROFILE", "FBURL", "CALURI", "CALADRURI"))
#: What programs write that have to write a year where there is none.
_PLACEHOLDERS = ("", _NO_YEAR, "1900", "1904", "1972", "2000", "0001", "0000", "1970")
_PIECES = re.compile("[,;\n]")
_SCHEMES = re.compile(r"(?:https?|ftp)://(?:[^/@\s]{0,99}@)?|mailto:|tel:|urn:uuid:|x-apple:", re.IGNORECASE)
_PORT = re.compile(r"(?<=[^/:]):(?:80|443)/")
_EXTENSION = re.compile(r"[;,#]|ext|x(?=[\d.: ]*$)", re.IGNORECASE)
_TRUNK = re.compile(r"\(0\)")
_PARTIAL = re.compile(r"(\d{4})(?:-?(\d\d))?")
#: About ten metres, which is more than any program rounds away.
_CELL = Decimal("0.0001")
_COUNTRY_CODES = (1, 2, 3)
_LEAST_DIGITS = 7
_SIMPLE_ADDRESS = 7
_PIECED = frozenset(("TITLE", "ROLE", "HOBBY", "INTEREST", "EXPERTISE", "RELATED", "X-ABRELATEDNAMES", "ORG"))
_TELLING_PARAMETERS = frozenset(("LABEL", "GEO", "TZ", "SORT-AS", "USERNAME", "X-USER"))


def likeness(content: FieldContent) -> str:
    """The value alone, as little of its spelling as can be: programs reformat numbers and change case and spaces."""
    return _likeness(content, _main(content))


def readings(content: FieldContent) -> frozenset[str]:
    """All that `likeness` may be of a value that is as near as makes no difference: of a position, its neighbours."""
    main = _main(content)
    return frozenset((_likeness(content, main), *_cells(main.value if main.name == "GEO" else "")))


def echoes(content: FieldContent) -> frozenset[str]:
    """The `readings` of everything that programs are known, or can be expected, to make of a value that they show."""
    main = _main(content)
    found = {*readings(content), *_further(content, main)}
    for name, said in main.params:
        if name in _TELLING_PARAMETERS:
            text = ",".join(said)
            found |= {folded(unescape(text)), *_cells(text)}
    return frozenset(found - {""})


def folded(text: str) -> str:
    """The letters and digits of *text* as they are compared; *text* itself where it has none."""
    # Some write the two characters of an escape as two characters.
    text = text.replace("\\n", "\n") if "\\" in text else text
    if text.isascii():
        return "".join(filter(str.isalnum, text.lower())) or text
    return "".join(letter for letter, _ in letters(text)) or text


def letters(text: str) -> Iterator[tuple[str, int]]:
    """Every letter and digit of *text* as it is compared, and where it stands."""
    for index, character in enumerate(text):
        for letter in unicodedata.normalize("NFKD", character.casefold()):
            if letter.isalnum():
                yield letter, index


def _main(content: FieldContent) -> Property:
    return canonical(content)[0]


def _likeness(content: FieldContent, main: Property) -> str:
    typed = _typed(main)
    if typed is not None:
        return typed
    text = FieldContent(content.kind, "4.0", (main,)).text()
    if main.name == "TEL":
        number, extension = _number(text)
        return folded(number) + "".join(filter(str.isdigit, extension))
    if main.name in _WEB and "://" not in text:
        text = f"http://{text}"
    return folded(_bare(values.uri(values.decimal(text))))


def _typed(main: Property) -> str | None:
    """The value as what it is, None where it is no more than a text."""
    if main.name in media.MEDIA:
        return values.octets(main)
    if main.name in _DATES and (day := dates.read(main)) is not None:
        # Who does not know how Apple says that there is no year takes it for one; others add a time.
        return f"{'' if day.year == _NO_YEAR else day.year}{day.month}{day.day}"
    if main.name == "GEO" and (place := values.position(main.value)) is not None:
        return f"{place[0]:.6f},{place[1]:.6f}"
    if main.name == "TZ" and (minutes := values.offset(unescape(main.value))) is not None:
        return f"UTC{minutes:+}"
    if main.name == "AGENT" and (inner := _inner(main)) is not None:
        return " ".join(sorted(likeness(part) for part in inner))
    return None


def _bare(text: str) -> str:
    """An address without its scheme, and so without a port that the scheme implies."""
    rest = text[found.end() :] if (found := _SCHEMES.match(text)) is not None else text
    return _PORT.sub("/", rest, count=1) if "://" in text else rest


def _number(text: str) -> tuple[str, str]:
    """A telephone number without what is only written around it, and its extension."""
    text = _TRUNK.sub("", unquote(text)).strip()
    found = _EXTENSION.search(text, 1) if any(letter.isdigit() for letter in text) else None
    number, rest = (text[: found.start()], text[found.start() :]) if found else (text, "")
    return number, rest if "context" not in rest.lower() else ""


def _cells(value: str) -> list[str]:
    place = values.position(value)
    if place is None:
        return []
    sides = [{part.quantize(_CELL, way) for way in (ROUND_FLOOR, ROUND_CEILING)} for part in place]
    return [f"cell {one + 0:f},{other + 0:f}" for one, other in product(*sides)]


def _further(content: FieldContent, main: Property) -> Iterator[str]:
    if main.name in _DATES:
        yield from _days(main)
        if "T" in content.main.value.upper() and (moment := dates.read(main)) is not None:
            yield from _neighbours(f"{moment.year}{moment.month}{moment.day}")
    elif main.name == "TEL":
        yield from _numbers(content)
    elif main.name == "ADR":
        yield from _addresses(main)
    elif main.name == "AGENT":
        for part in _inner(main) or ():
            yield from echoes(part)
    if main.name in _PIECED:
        text = unescape(main.value)
        yield from (folded(piece) for piece in _PIECES.split(text) if piece.strip())


def _inner(main: Property) -> list[FieldContent] | None:
    """The fields of the card inside of an AGENT."""
    try:
        return fields_of(parse_one(unescape(main.value)))
    except InvalidInput:
        return None


def _numbers(content: FieldContent) -> Iterator[str]:
    """A number in all the ways that it is dialled, with its extension and without."""
    number, rest = _number(FieldContent(content.kind, "4.0", (_main(content),)).text())
    digits = folded(number)
    international = digits.removeprefix("00")
    dialled = [digits, international, f"00{international}"]
    if number.startswith(("+", "00")):
        bare = [international[length:] for length in _COUNTRY_CODES]
        dialled += [f"{trunk}{part}" for part in bare if len(part) >= _LEAST_DIGITS for trunk in ("", "0")]
    extension = "".join(filter(str.isdigit, rest))
    for way in dialled:
        yield from (way, way + extension)


def _addresses(main: Property) -> Iterator[str]:
    parts = [" ".join(said) for said in split_structured(main.value)]
    simple = parts[:_SIMPLE_ADDRESS]
    for chosen in (parts, simple):
        yield folded("".join(chosen))
        yield folded("".join(sorted(" ".join(chosen).split())))
    yield folded("".join(reversed(simple)))


def _days(main: Property) -> Iterator[str]:
    moment = dates.read(main)
    if moment is None:
        found = _PARTIAL.fullmatch(main.value.strip())
        if found is not None:
            yield from (found[1], f"{found[1]}{found[2] or '01'}", f"{found[1]}{found[2] or '01'}01")
        return
    day = f"{moment.month}{moment.day}"
    if not moment.year or moment.year == _NO_YEAR:
        yield from (f"{year}{day}" for year in _PLACEHOLDERS)
        return
    yield day


def _neighbours(day: str) -> Iterator[str]:
    """A moment may be written in another time zone, where it is another day."""
    try:
        found = date.fromisoformat(f"{day[:4]}-{day[4:6]}-{day[6:]}")
    except ValueError:
        return
    for days in (-1, 1):
        try:
            yield (found + timedelta(days)).strftime("%Y%m%d").zfill(8)
        except OverflowError:
            continue
