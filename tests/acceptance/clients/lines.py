"""The lines of a vCard, as the clients here read and write them; it shares nothing with the server's own reader."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

_HEAD = re.compile(r'((?:[^;:"]|"[^"]*")*)(?:;|(?=:)|$)')
_ESCAPES = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Line:
    """One property. *name* is in upper case; *params* are (name, values as written) in order; *value* is escaped."""

    name: str
    value: str
    params: tuple[tuple[str, str], ...] = ()
    group: str = ""

    def all(self, parameter: str) -> list[str]:
        """Return the values of a parameter, in upper case, however it is written."""
        found = [value for name, value in self.params if name.upper() == parameter]
        return [part.upper() for value in found for part in value.strip('"').split(",")]

    def moved(self, group: str) -> Line:
        """Return it in another group."""
        return replace(self, group=group)


def read(text: str) -> list[Line]:
    """Return what stands between BEGIN and END, unfolded; everything must be as the standard has it."""
    assert text.startswith("BEGIN:VCARD\r\n"), text
    assert text.endswith("\r\nEND:VCARD\r\n"), text
    assert max(len(line.encode()) for line in text.split("\r\n")) <= 75
    unfolded = text.replace("\r\n ", "").split("\r\n")
    return [_line(line) for line in unfolded[1:-2]]


def write(lines: Iterable[Line]) -> str:
    """Return a vCard of these lines."""
    written = (fold(content(line)) for line in lines)
    return "BEGIN:VCARD\r\n" + "".join(written) + "END:VCARD\r\n"


def content(line: Line) -> str:
    """Return a line without fold and end."""
    head = f"{line.group}." if line.group else ""
    return head + line.name + "".join(f";{name}={value}" for name, value in line.params) + ":" + line.value


def fold(text: str) -> str:
    """Return a line with its end, cut where it is too long, never inside of a character."""
    result, size = "", 0
    for character in text:
        octets = len(character.encode())
        if size + octets > 75:
            result += "\r\n "
            size = 1
        result += character
        size += octets
    return result + "\r\n"


def plain(value: str) -> str:
    """Undo the escapes of a text."""
    return _ESCAPES.sub(lambda found: "\n" if found[1] in "nN" else found[1], value)


def escaped(text: str) -> str:
    """Write a text as a value."""
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace(",", "\\,").replace(";", "\\;")


def split(value: str, at: str = ";") -> list[str]:
    """Return the parts of a structured value, still escaped."""
    return re.split(rf"(?<!\\){at}", value)


def values(text: str, name: str) -> list[str]:
    """Return the values of the lines with this name in a card, without escapes."""
    return [plain(line.value) for line in read(text) if line.name == name]


def labels(text: str, name: str) -> dict[str, str]:
    """Return the values of the lines with this name by the label in their group; empty where there is none."""
    lines = read(text)
    said = {line.group.lower(): plain(line.value) for line in lines if line.name == "X-ABLABEL" and line.group}
    return {said.get(line.group.lower(), ""): plain(line.value) for line in lines if line.name == name}


def _line(text: str) -> Line:
    parts, at = [], 0
    while found := _HEAD.match(text, at):
        parts.append(found[1])
        at = found.end()
        if found[0][-1:] != ";":
            break
    assert text[at : at + 1] == ":", text
    group, _, name = parts[0].rpartition(".")
    pairs = [part.partition("=") for part in parts[1:]]
    return Line(name.upper(), text[at + 1 :], tuple((key.upper(), value) for key, _, value in pairs), group)
