"""
A contact as DAVx5 keeps it on Android, and the vCard that it writes of one.

Android has one name, one nickname, one organization, one job title and one note; of several, the last is kept, and the
notes are put together. A labelled relation becomes a type. What DAVx5 does not know is kept and sent back. Android
compresses every picture anew.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from PIL import Image

from tests.acceptance.clients import lines
from tests.acceptance.clients.lines import Line

#: Properties of which a contact has many, each with a label or without.
_LISTS = ("TEL", "EMAIL", "IMPP", "URL", "ADR", "X-ABDATE")
_SINGLE = ("NICKNAME", "ORG", "TITLE", "ROLE", "X-PHONETIC-FIRST-NAME", "X-PHONETIC-LAST-NAME", "BDAY", "ANNIVERSARY")
#: What is not kept, because it would not be true of the contact any more.
_DROPPED = ("VERSION", "PRODID", "REV", "SORT-STRING", "SOURCE", "LABEL")
_APPLE = {
    "_$!<Assistant>!$_": ("assistant", "co-worker"),
    "_$!<Brother>!$_": ("brother", "sibling"),
    "_$!<Child>!$_": ("child",),
    "_$!<Father>!$_": ("father", "parent"),
    "_$!<Friend>!$_": ("friend",),
    "_$!<Manager>!$_": ("manager", "co-worker"),
    "_$!<Mother>!$_": ("mother", "parent"),
    "_$!<Sister>!$_": ("sister", "sibling"),
    "_$!<Parent>!$_": ("parent",),
    "_$!<Partner>!$_": ("partner",),
    "_$!<Spouse>!$_": ("spouse",),
}
_NO_YEAR = "1604"
_PRODID = "+//IDN bitfire.at//DAVx5/4.5-ose ez-vcard/0.12.1"


@dataclass
class Contact:
    """What DAVx5 knows of a card. *lists* hold (line, label), without a label as None; *unknown* is sent back as is."""

    uid: str
    is_group: bool = False
    members: list[str] = field(default_factory=list)
    name: str = ""
    structured: Line | None = None
    single: dict[str, Line] = field(default_factory=dict)
    lists: list[tuple[Line, str | None]] = field(default_factory=list)
    categories: list[str] = field(default_factory=list)
    relations: list[Line] = field(default_factory=list)
    note: str | None = None
    photo: bytes | None = None
    unknown: list[Line] = field(default_factory=list)

    def add(self, name: str, value: str, *types: str, label: str | None = None) -> None:
        """Add a number, an address or the like, as in Android's editor."""
        params = (("TYPE", ",".join(types)),) if types else ()
        self.lists.append((Line(name, lines.escaped(value), params), label))

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
    """Return what DAVx5 takes out of a card."""
    found = lines.read(text)
    said = {line.group.lower(): line for line in found if line.name == "X-ABLABEL"}
    contact = Contact("")
    taken: set[str] = set()

    def label(line: Line) -> str | None:
        given = said.get(line.group.lower()) if line.group else None
        if given is None:
            return None
        taken.add(line.group.lower())
        return lines.plain(given.value) or None

    for line in found:
        _take(contact, line, label(line) if line.name in (*_LISTS, "NICKNAME", "X-ABRELATEDNAMES") else None)
    contact.unknown = [line for line in contact.unknown if line.name != "X-ABLABEL" or line.group.lower() not in taken]
    assert contact.uid, text
    return contact


def write(contact: Contact, version: str) -> str:
    """Return the card of a contact, in vCard 4.0 as DAVx5 writes it wherever that is offered, or in 3.0."""
    result = [
        Line("VERSION", version),
        Line("PRODID", _PRODID),
        Line("UID", contact.uid),
        *_kind(contact, version),
        Line("FN", lines.escaped(contact.name or contact.uid)),
    ]
    if contact.structured is not None:
        result.append(replace(contact.structured, group=""))
    elif version == "3.0":
        result.append(Line("N", lines.escaped(contact.name) if contact.is_group else ";;;;"))
    result += [line for name, line in contact.single.items() if name not in ("BDAY", "ANNIVERSARY")]
    if contact.categories:
        result.append(Line("CATEGORIES", ",".join(lines.escaped(name) for name in contact.categories)))
    result += _labelled(contact)
    result += [line for name, line in contact.single.items() if name in ("BDAY", "ANNIVERSARY")]
    result += contact.relations
    if contact.note is not None:
        result.append(Line("NOTE", lines.escaped(contact.note)))
    result += contact.unknown
    if contact.photo is not None:
        data = base64.b64encode(contact.photo).decode()
        is_4 = version == "4.0"
        params = () if is_4 else (("ENCODING", "b"), ("TYPE", "JPEG"))
        result.append(Line("PHOTO", f"data:image/jpeg;base64,{data}" if is_4 else data, params))
    result.append(Line("REV", "20261122T120000Z"))
    return lines.write(result)


def _take(contact: Contact, line: Line, label: str | None) -> None:
    name = line.name
    bare = replace(line, group="")
    if name in _TEXTS:
        _TEXTS[name](contact, line)
    elif name in _SINGLE:
        contact.single[name] = _without_year(bare) if name in ("BDAY", "ANNIVERSARY") else bare
    elif name in _LISTS:
        contact.lists.append((bare, label))
    elif name in ("RELATED", "X-ABRELATEDNAMES"):
        contact.relations.append(bare if name == "RELATED" else _relation(line, label))
    elif name not in _DROPPED:
        contact.unknown.append(line)


def _uid_line(contact: Contact, line: Line) -> None:
    contact.uid = _uid(line.value)


def _kind_line(contact: Contact, line: Line) -> None:
    contact.is_group = line.value.lower() == "group"


def _member_line(contact: Contact, line: Line) -> None:
    contact.members.append(_uid(line.value))


def _name_line(contact: Contact, line: Line) -> None:
    contact.name = lines.plain(line.value)


def _structured_line(contact: Contact, line: Line) -> None:
    contact.structured = replace(line, group="")


def _categories_line(contact: Contact, line: Line) -> None:
    contact.categories += [lines.plain(part) for part in lines.split(line.value, ",")]


def _note_line(contact: Contact, line: Line) -> None:
    text = lines.plain(line.value).strip()
    contact.note = text if contact.note is None else f"{contact.note}\n\n\n{text}"


def _photo_line(contact: Contact, line: Line) -> None:
    contact.photo = contact.photo or recompressed(_octets(line))


_TEXTS = {
    "UID": _uid_line,
    "KIND": _kind_line,
    "X-ADDRESSBOOKSERVER-KIND": _kind_line,
    "MEMBER": _member_line,
    "X-ADDRESSBOOKSERVER-MEMBER": _member_line,
    "FN": _name_line,
    "N": _structured_line,
    "CATEGORIES": _categories_line,
    "NOTE": _note_line,
    "PHOTO": _photo_line,
}


def _kind(contact: Contact, version: str) -> list[Line]:
    if not contact.is_group:
        return []
    prefix = "" if version == "4.0" else "X-ADDRESSBOOKSERVER-"
    members = [Line(f"{prefix}MEMBER", f"urn:uuid:{uid}") for uid in contact.members]
    return [Line(f"{prefix}KIND", "group"), *members]


def _labelled(contact: Contact) -> Iterable[Line]:
    used = {line.group for line in contact.unknown}
    number = 0
    for line, label in contact.lists:
        if label is None:
            yield line
            continue
        number += 1
        while f"item{number}" in used:
            number += 1
        yield Line("X-ABLabel", lines.escaped(label), group=f"item{number}")
        yield line.moved(f"item{number}")


def _uid(value: str) -> str:
    return value[9:] if value.lower().startswith("urn:uuid:") else value


def _relation(line: Line, label: str | None) -> Line:
    types = _APPLE.get(label, tuple(part.strip().lower() for part in label.split(","))) if label else ()
    params = (("TYPE", ",".join(types)),) if types else ()
    return Line("RELATED", line.value, (("VALUE", "text"), *params))


def _without_year(line: Line) -> Line:
    if "X-APPLE-OMIT-YEAR" not in dict(line.params):
        return line
    params = tuple(pair for pair in line.params if pair[0] != "X-APPLE-OMIT-YEAR")
    value = line.value.replace("-", "")
    return Line(line.name, "--" + value[4:] if value.startswith(_NO_YEAR) else value, params)


def _octets(line: Line) -> bytes:
    return base64.b64decode(line.value.partition("base64,")[2] or line.value, validate=True)


def recompressed(picture: bytes) -> bytes:
    """Return a picture as Android's contacts storage gives it back."""
    written = io.BytesIO()
    with Image.open(io.BytesIO(picture)) as image:
        image.convert("RGB").save(written, "JPEG", quality=75)
    return written.getvalue()
