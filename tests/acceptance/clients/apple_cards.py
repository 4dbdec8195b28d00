"""
A contact as Apple's Contacts keeps it, and the vCard 3.0 that it writes of one.

It has one name, from whose parts it makes FN, and one nickname, organization, job title and note. Numbers, addresses,
dates and relations have a label each: a type where vCard has one, else a line of its own in a group. It writes
parameters in small letters, escapes colons in web addresses, and gives a picture the rectangle that is shown of it.
What it does not know is gone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from tests.acceptance.clients import lines
from tests.acceptance.clients.lines import Line

#: Properties of which a contact has many, in the order in which they are written.
_LISTS = ("EMAIL", "TEL", "IMPP", "ADR", "URL", "X-SOCIALPROFILE", "X-ABDATE", "X-ABRELATEDNAMES")
_SINGLE = (
    "NICKNAME",
    "X-PHONETIC-FIRST-NAME",
    "X-PHONETIC-LAST-NAME",
    "ORG",
    "TITLE",
    "NOTE",
    "BDAY",
    "X-ABSHOWAS",
    "X-SHARED-PHOTO-DISPLAY-PREF",
    "X-ADDRESSBOOKSERVER-KIND",
)
_KNOWN_PARAMETERS = ("TYPE", "X-SERVICE-TYPE", "X-USER", "X-APPLE-OMIT-YEAR", "VALUE")
_FIRST_OF_KIND = ("EMAIL", "TEL", "IMPP", "ADR", "URL", "X-ABDATE")
_SPELLING = {"X-ABSHOWAS": "X-ABShowAs"}


@dataclass
class Contact:
    """What Contacts knows of a card. *lists* hold (line, label), without a label of its own as an empty one."""

    uid: str
    name: str = ";;;;"
    single: dict[str, str] = field(default_factory=dict)
    parameters: dict[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    lists: list[tuple[Line, str]] = field(default_factory=list)
    members: list[str] = field(default_factory=list)
    photo: str = ""

    def add(self, name: str, value: str, *types: str, label: str = "") -> None:
        """Add a number, an address or the like, as in the editor."""
        self.lists.append((Line(name, lines.escaped(value), tuple(("TYPE", kind) for kind in types)), label))

    def change(self, old: str, new: str) -> None:
        """Replace the value of a number, an address or the like."""
        self.lists = [
            (replace(line, value=lines.escaped(new)) if lines.plain(line.value) == old else line, label)
            for line, label in self.lists
        ]

    def remove(self, value: str) -> None:
        """Remove a number, an address or the like."""
        self.lists = [(line, label) for line, label in self.lists if lines.plain(line.value) != value]


def read(text: str) -> Contact:
    """Return what Contacts takes out of a card. Another version than 3.0 it does not read (client fact I-16)."""
    found = lines.read(text)
    assert found[0] == Line("VERSION", "3.0"), text
    # One control character stops the address book for good (client fact I-15).
    assert not any(character < " " and character not in "\r\n\t" for character in text), text
    said = {line.group.lower(): lines.plain(line.value) for line in found if line.name == "X-ABLABEL" and line.group}
    contact = Contact("")
    for line in found:
        if line.name == "UID":
            contact.uid = line.value
        elif line.name == "N":
            contact.name = line.value
        elif line.name in _SINGLE:
            contact.single.setdefault(line.name, line.value)
            contact.parameters.setdefault(line.name, _known(line))
        elif line.name in _LISTS:
            contact.lists.append((replace(line, group="", params=_known(line)), said.get(line.group.lower(), "")))
        elif line.name == "X-ADDRESSBOOKSERVER-MEMBER":
            contact.members.append(line.value)
        elif line.name == "PHOTO":
            # A picture that is somewhere else is not shown (client fact I-18).
            contact.photo = line.value if line.all("ENCODING") == ["B"] else ""
    assert contact.uid, text
    return contact


def write(contact: Contact, product: str) -> str:
    """Return the card of a contact as the *product* writes it."""
    result = [
        Line("VERSION", "3.0"),
        Line("PRODID", f"-//Apple Inc.//{product}//EN"),
        Line("N", contact.name),
        Line("FN", _full_name(contact)),
        *(_single(contact, name) for name in _SINGLE if contact.single.get(name)),
        *_listed(contact),
        *(Line("X-ADDRESSBOOKSERVER-MEMBER", member) for member in contact.members),
    ]
    if contact.photo:
        rectangle = ("X-ABCROP-RECTANGLE", "ABClipRect_1&0&0&320&320&6OX0zTVTRQ5wY8vFvBbXQw==")
        result.append(Line("PHOTO", contact.photo, (rectangle, ("ENCODING", "b"), ("TYPE", "JPEG"))))
    result += [Line("REV", "2026-11-22T12:00:00Z"), Line("UID", contact.uid)]
    return lines.write(result)


def _known(line: Line) -> tuple[tuple[str, str], ...]:
    return tuple(pair for pair in line.params if pair[0] in _KNOWN_PARAMETERS)


def _full_name(contact: Contact) -> str:
    family, given, middle, prefix, suffix, *_ = [*lines.split(contact.name), "", "", "", "", ""]
    spoken = [part for part in (prefix, given, middle, family, suffix) if part]
    if any("\u4e00" <= character <= "\u9fff" for character in family + given):
        return family + given
    return " ".join(spoken) or contact.single.get("ORG", "")


def _single(contact: Contact, name: str) -> Line:
    params = contact.parameters.get(name, ())
    if name == "BDAY" and not params:
        params = (("value", "date"),)
    return Line(_SPELLING.get(name, name), contact.single[name], params)


def _listed(contact: Contact) -> Iterator[Line]:
    number, seen = 0, set[str]()
    for name in _LISTS:
        for line, label in contact.lists:
            if line.name != name:
                continue
            written = _typed(line, first=name in _FIRST_OF_KIND and name not in seen, labelled=bool(label))
            seen.add(name)
            if not label and name != "ADR":
                yield written
                continue
            number += 1
            group = f"item{number}"
            yield written.moved(group)
            yield Line("X-ABADR", "de", group=group) if name == "ADR" else Line("X-ABLabel", label, group=group)


def _typed(line: Line, *, first: bool, labelled: bool) -> Line:
    types = [kind for kind in line.all("TYPE") if kind != "PREF"]
    if line.name == "TEL" and not labelled and "VOICE" not in types and "FAX" not in types:
        types.append("VOICE")
    if line.name == "EMAIL" and "INTERNET" not in types:
        types.insert(0, "INTERNET")
    params = [pair for pair in line.params if pair[0] != "TYPE"] + [("type", kind) for kind in types]
    if first:
        params.append(("type", "pref"))
    value = line.value.replace("\\:", ":").replace(":", "\\:") if line.name == "URL" else line.value
    return replace(line, params=tuple(params), value=value)
