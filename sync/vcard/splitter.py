"""A file taken apart into its cards, so that whatever is wrong with one of them is not the others' matter."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator

_FRAME = re.compile(rb"^(?:AGENT[^:\n]*+:[ \t]*+)?(BEGIN|END)[ \t]*+:[ \t]*+VCARD[ \t]*+\r?$", re.IGNORECASE)
_AGENT = re.compile(rb"^(?:item[0-9]++\.)?AGENT[;:]", re.IGNORECASE)


def split(data: bytes) -> Iterator[bytes]:
    """
    Yield each card of a file, from BEGIN to END, without looking inside; what is between cards is left out.

    A card whose END is missing ends where the next begins.
    """
    lines: list[bytes] = []
    depth, before = 0, b""
    for line in _lines(data):
        frame = _FRAME.match(line)
        word = frame[1].upper() if frame is not None else b""
        if word == b"BEGIN":
            # Only an agent's card stands inside of another one.
            inside = depth > 0 and any(_AGENT.match(each) for each in (line, before))
            if depth and not inside:
                yield _joined(lines)
            lines, depth = (lines, depth + 1) if inside else ([], 1)
        if depth:
            lines.append(line)
        if word == b"END" and depth:
            depth -= 1
            if not depth:
                yield _joined(lines)
        before = line if line.strip() else before
    if depth:
        yield _joined(lines)


def _lines(data: bytes) -> list[bytes]:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        data = data.decode("utf-16", "replace").encode()
    return data.removeprefix(codecs.BOM_UTF8).replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")


def _joined(lines: list[bytes]) -> bytes:
    return b"\n".join(lines) + b"\n"
