"""Which version of vCard a client wants, by its ``Accept`` header (RFC 6352, 5.1.1; RFC 9110, 12.5.1)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from radicale_plugin.dav.errors import DavError
from radicale_plugin.dav.names import card

#: What vCards are called, and were before they had a name of their own.
VCARD_TYPES = ("text/vcard", "text/x-vcard", "text/directory")
_ANY = {"*/*": 0, "text/*": 1, **dict.fromkeys(VCARD_TYPES, 2)}


@dataclass(frozen=True, slots=True)
class _Range:
    """One media range. *version* is empty where it names none; the higher *precedence*, the more specific it is."""

    precedence: int
    version: str
    quality: float


def version_wanted(accept: str) -> str | None:
    """
    Return the version of vCard that the header prefers, None where it names none that there is.

    Raises:
        DavError: 406, it accepts nothing that a card can be served as.
    """
    ranges = list(_ranges(accept))
    if not any(item.partition(";")[0].strip().count("/") for item in accept.split(",")):
        return None
    three, four = _preference(ranges, "3.0"), _preference(ranges, "4.0")
    if max(three, four)[0] <= 0:
        raise DavError(
            406, "Cards are served as text/vcard, version 3.0 or 4.0.", card("supported-address-data-conversion")
        )
    if three == four and not any(item.version for item in ranges):
        return None
    return "4.0" if four > three else "3.0"


def _preference(ranges: Sequence[_Range], version: str) -> tuple[float, int]:
    """Return how much this version is wanted: the quality of the most specific range for it, and how specific it is."""
    fitting = [(item.precedence, item.quality) for item in ranges if item.version in ("", version)]
    precedence, quality = max(fitting, default=(0, 0.0))
    return quality, precedence


def _ranges(accept: str) -> Iterator[_Range]:
    for item in accept.lower().split(","):
        kind, *given = (part.strip() for part in item.split(";"))
        if kind not in _ANY:
            continue
        params = {name.strip(): value.strip().strip('"') for name, _, value in (part.partition("=") for part in given)}
        version = params.get("version", "")
        yield _Range(_ANY[kind] + bool(version), version, _quality(params.get("q", "1")))


def _quality(text: str) -> float:
    try:
        return min(max(float(text), 0.0), 1.0)
    except ValueError:
        return 1.0
