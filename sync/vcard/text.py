"""The text inside values: escapes, structured values, and what no client may ever be sent."""

from __future__ import annotations

import re

# U+FFFE and U+FFFF go too: they may not stand in XML, and a card travels inside a multistatus.
_FORBIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)
_ESCAPED = re.compile(r'\\([\\,;:nN"])')
_PIECE = re.compile(r"(?:[^\\;,]++|\\.?)++|[;,]", re.DOTALL)


def clean(text: str) -> str:
    """
    Take out every character that no client may get.

    These are control characters but tab and line feed, line and paragraph separators, bidirectional controls, lone
    surrogates and what XML cannot carry.
    """
    return text if text.isprintable() else _FORBIDDEN.sub("", text)


def escape(text: str) -> str:
    r"""Write plain *text* as a TEXT value; every kind of line end becomes `\n`."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")


def unescape(raw: str) -> str:
    r"""Read a TEXT value; a backslash before anything that needs none (`\x`, or the end) stands for itself."""
    return raw if "\\" not in raw else _ESCAPED.sub(_unescaped, raw)


def _unescaped(match: re.Match[str]) -> str:
    return "\n" if match[1] in "nN" else match[1]


def split_structured(raw: str) -> list[list[str]]:
    """Read components separated by semicolons, each a list separated by commas, all of them plain text."""
    if "\\" not in raw:
        return [component.split(",") for component in raw.split(";")]
    components = [[""]]
    for piece in _PIECE.findall(raw):
        if piece == ";":
            components.append([""])
        elif piece == ",":
            components[-1].append("")
        else:
            components[-1][-1] = unescape(piece)
    return components


def join_structured(components: list[list[str]]) -> str:
    """Write what `split_structured` reads."""
    return ";".join(",".join(map(escape, values)) for values in components)
