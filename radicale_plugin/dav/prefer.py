"""What a client prefers, RFC 7240, of which we know the preferences of WebDAV, RFC 8144."""

from __future__ import annotations

import re
from collections.abc import Mapping

MINIMAL = "return=minimal"
NO_ROOT = "depth-noroot"

_ITEM = re.compile(r'(?:[^,"]++|"(?:[^"\\]++|\\.)*+(?:"|\Z))++', re.DOTALL)
_PREFERENCE = re.compile(r'\s*+([^\s=;,"]++)\s*+(?:=\s*+(?:"((?:[^"\\]++|\\.)*+)"|([^\s=;,"]*+))\s*+)?+(?:;|\Z)')
_QUOTED_PAIR = re.compile(r"\\(.)")


def read_prefer(header: str) -> Mapping[str, str]:
    """
    Return the value of each preference by its name, in small letters; it is empty where there is none.

    Of several of one name the first counts, and what cannot be read counts for nothing (RFC 7240, 2).
    """
    found: dict[str, str] = {}
    for item in _ITEM.findall(header):
        if match := _PREFERENCE.match(item):
            name, quoted, plain = match.groups()
            found.setdefault(name.lower(), _QUOTED_PAIR.sub(r"\1", quoted) if quoted is not None else plain or "")
    return found


def preferences(header: str) -> frozenset[str]:
    """Return those of `MINIMAL` and `NO_ROOT` that the header asks for."""
    if not header:
        return frozenset()
    read = read_prefer(header)
    return frozenset(
        wanted
        for wanted, asked in ((MINIMAL, read.get("return", "").lower() == "minimal"), (NO_ROOT, NO_ROOT in read))
        if asked
    )


def applied(*preferences: str) -> list[tuple[str, str]]:
    """Return the header that says which preferences were heeded, if any were (RFC 7240, 3)."""
    return [("Preference-Applied", ", ".join(preferences))] if preferences else []
