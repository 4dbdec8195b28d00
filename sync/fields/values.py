"""Values of the types that have an equality of their own: positions, offsets, addresses on the net, numbers, octets."""

from __future__ import annotations

import hashlib
import re
from decimal import Decimal, InvalidOperation
from urllib.parse import unquote

from sync.fields import media
from sync.vcard import Property, unescape

_NUMBER = r"[+-]?(?:\d{1,12}(?:[.]\d{0,24})?|[.]\d{1,24})(?:[eE][+-]?\d{1,2})?"
_POSITION = re.compile(rf"\s*+(?:geo:)?\s*+({_NUMBER})\s*+[;,]\s*+({_NUMBER})(?![\d.])", re.IGNORECASE)
_DECIMAL = re.compile(r"[+-]?\d{1,24}[.]\d{1,24}")
_OFFSET = re.compile(r"(?:UTC|GMT)?([+-])(\d{1,2})(?::?([0-5]\d))?(?::?00)?", re.IGNORECASE)
_URI = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,40}):(\S+)")
_PORTS = {"http": "80", "https": "443", "ftp": "21"}
_HALF_CIRCLE = 180


def position(value: str) -> tuple[Decimal, Decimal] | None:
    """Latitude and longitude of a GEO value of either version, without what else is said of the position."""
    found = _POSITION.match(unescape(value))
    if found is None:
        return None
    try:
        latitude, longitude = Decimal(found[1]), Decimal(found[2])
    except InvalidOperation:
        return None
    return latitude, -longitude if abs(longitude) == _HALF_CIRCLE and longitude < 0 else longitude


def offset(value: str) -> int | None:
    """The minutes that an offset from UTC says: `-05:00`, `-0500`, `-5` and `UTC-05:00` are the same."""
    text = value.strip()
    found = _OFFSET.fullmatch("+00:00" if text.upper() == "Z" else text)
    return int(f"{found[1]}{int(found[2]) * 60 + int(found[3] or 0)}") if found else None


def decimal(text: str) -> str:
    """*text* without the zeros that a number may have or not, if it is one with a point."""
    return f"{Decimal(text).normalize():f}" if _DECIMAL.fullmatch(text) else text


def uri(value: str) -> str:
    """*value*, if it is a URI, as RFC 3986 normalises it: case, escapes that need none, the port, an empty path."""
    found = _URI.fullmatch(value)
    if found is None:
        return value
    scheme, rest = found[1].lower(), unquote(found[2])
    if not rest.startswith("//"):
        return f"{scheme}:{rest}"
    host, slash, path = rest[2:].partition("/")
    host = _host(host).removesuffix(f":{_PORTS.get(scheme, '')}")
    return f"{scheme}://{host}{slash or '/'}{path}"


def octets(item: Property) -> str | None:
    """A hash of what *item* holds inline, which line ends in it do not change; None where it stands elsewhere."""
    data = media.encoded_data(item)
    found = media.octets_of(data)
    if data is not None and found is None:
        return "".join(data.split()).rstrip("=")
    if found is None and item.name == "KEY" and not _URI.fullmatch(item.value.strip()):
        found = unescape(item.value).encode("utf-8", "replace")
    return hashlib.sha256(b"".join(found.split())).hexdigest() if found is not None else None


def _host(authority: str) -> str:
    labels = authority.lower().split(".")
    return ".".join(_international(label) if label.startswith("xn--") else label for label in labels)


def _international(label: str) -> str:
    try:
        return label.encode("ascii").decode("idna")
    except UnicodeError:
        return label
