"""
What independent readers make of a line when they read it and write it again, each by rules of its own.

They are written after the behaviour of ez-vcard, vobject, ical.js, and of programs that keep what they read in types of
their own. A reader gets a line in the version of its card and gives the lines back that it writes for it.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal
from urllib.parse import quote, unquote

from sync.fields import media
from sync.vcard import Property, escape, unescape

Reader = Callable[[Property], list[Property]]
_GEO = re.compile(r"(?:geo:)?([-+\d.]+)[;,]([-+\d.]+)(.*)", re.DOTALL)
_DAY = re.compile(r"(\d{4}|--)-?(\d\d)-?(\d\d)(.*)", re.DOTALL)
_EXTENSION = re.compile(r"(?:;ext=| ?x)(\d+)$")


def _geo(line: Property, write: Callable[[str, str], str], name: str = "GEO") -> list[Property]:
    found = _GEO.fullmatch(unescape(line.value))
    return [replace(line, name=name, value=write(found[1], found[2]))] if found else [line]


def floats(line: Property) -> list[Property]:
    """Numbers are floating-point numbers (ical.js)."""
    return _geo(line, lambda one, other: f"{float(one)!r};{float(other)!r}") if line.name == "GEO" else [line]


def six_places(line: Property) -> list[Property]:
    """A position has six decimals, and is a URI (ez-vcard)."""

    def rounded(text: str) -> str:
        return str(Decimal(text).quantize(Decimal("0.000001"), ROUND_HALF_UP))

    return _geo(line, lambda one, other: f"geo:{rounded(one)},{rounded(other)}") if line.name == "GEO" else [line]


def single_precision(line: Property) -> list[Property]:
    """A position has seven digits in all."""
    return _geo(line, lambda one, other: f"{float(one):.7g};{float(other):.7g}") if line.name == "GEO" else [line]


def escaped_uris(line: Property) -> list[Property]:
    r"""Whatever has a comma is escaped as a text, `geo:1\,2` included."""
    return [replace(line, value=escape(unescape(line.value)))] if line.name in ("GEO", "URL", "IMPP") else [line]


def plain_numbers(line: Property) -> list[Property]:
    """Telephone numbers are digits, and extensions are written behind an x (ez-vcard, address books of telephones)."""
    if line.name != "TEL":
        return [line]
    number = unescape(line.value).removeprefix("tel:")
    found = _EXTENSION.search(number)
    bare = number[: found.start()] if found else number
    digits = ("+" if bare.startswith("+") else "") + "".join(filter(str.isdigit, bare.replace("(0)", "")))
    return [replace(line, params=(), value=digits + (f" x{found[1]}" if found else ""))]


def numbers_without_extension(line: Property) -> list[Property]:
    """What a telephone cannot dial is dropped."""
    return [replace(item, value=item.value.partition(" x")[0]) for item in plain_numbers(line)]


def national_numbers(line: Property) -> list[Property]:
    """A number at home has no country code."""
    if line.name != "TEL":
        return [line]
    return [replace(item, value=re.sub(r"^\+(?:86|1|49)", "0", item.value)) for item in plain_numbers(line)]


def number_uris(line: Property) -> list[Property]:
    """Numbers are URIs (RFC 3966), with what a URI cannot have escaped."""
    if line.name != "TEL" or line.value.startswith("tel:"):
        return [line]
    return [replace(line, params=(("VALUE", ("uri",)),), value=f"tel:{quote(unescape(line.value), safe='+-;=')}")]


def days(line: Property) -> list[Property]:
    """A date has a year and no time."""
    found = _DAY.fullmatch(line.value) if line.name in ("BDAY", "ANNIVERSARY", "X-ABDATE") else None
    if found is None:
        return [line]
    year = "1604" if found[1] == "--" else found[1]
    return [replace(line, params=(), value=f"{year}-{found[2]}-{found[3]}")]


def moments(line: Property) -> list[Property]:
    """A date is a moment."""
    return [replace(item, value=f"{item.value}T00:00:00Z") if item != line else item for item in days(line)]


def browser_addresses(line: Property) -> list[Property]:
    """Addresses are what a browser makes of them: hosts in lower case, everything else escaped, a path."""
    text = unescape(line.value)
    if line.name not in ("URL", "X-SOCIALPROFILE", "SOCIALPROFILE") or "://" not in text:
        return [line]
    scheme, _, rest = text.partition("://")
    host, slash, path = rest.partition("/")
    host = ".".join(part.lower().encode("idna").decode() for part in host.split(".") if part)
    return [replace(line, value=f"{scheme.lower()}://{host}{slash or '/'}{quote(unquote(path), safe='/@:~')}")]


def bare_addresses(line: Property) -> list[Property]:
    """An address on the web is shown and kept without its scheme."""
    return (
        [replace(line, value=unescape(line.value).partition("://")[2] or line.value)] if line.name == "URL" else [line]
    )


def wrapped_base64(line: Property) -> list[Property]:
    """Octets are written in lines of 72 letters, without the signs at their end."""
    data = media.encoded_data(line)
    if data is None:
        return [line]
    octets = base64.b64decode(data)
    text = base64.encodebytes(octets).decode().rstrip("=\n").replace("\n", " ")
    return [replace(line, params=(("ENCODING", ("B",)),), value=text)]


def agents(line: Property) -> list[Property]:
    """A card in a card is read and written again: other line ends, another order, another PRODID."""
    if line.name != "AGENT":
        return [line]
    first, version, *rest, last = [each for each in unescape(line.value).splitlines() if each]
    text = "\r\n".join([first, version, "PRODID:reader", *reversed(rest), last, ""])
    return [
        replace(line, value=text.replace("\\", "\\\\").replace(",", "\\,").replace(";", "\\;").replace("\r\n", "\\n"))
    ]


def doubled_escapes(line: Property) -> list[Property]:
    """A text is escaped once too often."""
    if line.name not in ("NOTE", "TITLE", "ROLE", "X-ABRELATEDNAMES", "HOBBY", "ORG"):
        return [line]
    return [replace(line, value=line.value.replace("\\", "\\\\"))]


def cut_texts(line: Property) -> list[Property]:
    """A text ends at its first comma."""
    if line.name not in ("TITLE", "ROLE", "X-ABRELATEDNAMES", "HOBBY"):
        return [line]
    return [replace(line, value=unescape(line.value).partition(",")[0])]


def simple_addresses(line: Property) -> list[Property]:
    """A postal address is one text in the place of the street, and has no label."""
    if line.name != "ADR":
        return [line]
    parts = [part for part in unescape(line.value).replace(",", ";").split(";") if part]
    return [Property("", "ADR", (), f";;{' '.join(parts)};;;;")]


def lower_case(line: Property) -> list[Property]:
    """Whatever is not told by case is in lower case, under no label, and has no parameters."""
    if media.encoded_data(line) is not None or line.name == "AGENT":
        return [line]
    return [replace(line, group="", params=(), value=line.value.lower())]


def zones(line: Property) -> list[Property]:
    """An offset is hours, with minutes where there are any."""
    if line.name != "TZ":
        return [line]
    found = re.fullmatch(r"([+-])0?(\d{1,2}):?(\d\d)", line.value)
    return (
        [replace(line, params=(), value=found[1] + found[2] + ("" if found[3] == "00" else f":{found[3]}"))]
        if found
        else [line]
    )


def careful(line: Property) -> list[Property]:
    """Everything stays as it is."""
    return [line]


READERS: tuple[Reader, ...] = (
    careful,
    floats,
    six_places,
    single_precision,
    escaped_uris,
    plain_numbers,
    numbers_without_extension,
    national_numbers,
    number_uris,
    days,
    moments,
    browser_addresses,
    bare_addresses,
    wrapped_base64,
    agents,
    doubled_escapes,
    cut_texts,
    simple_addresses,
    lower_case,
    zones,
)
