"""
What telephones and programs write in ways of their own, as the properties that everybody reads.

Japanese telephones say how a name sounds in SOUND, Samsung's put a label into a parameter that looks like a call of a
function, Android's contacts put what 2.1 has no word for into rows of their database, and KDE names messengers by
properties whose names are none.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from urllib.parse import quote

from sync.vcard.charsets import codec_of, decoded
from sync.vcard.model import Property, VCard
from sync.vcard.text import escape, split_structured

ANDROID = "X-ANDROID-CUSTOM"
_SOUND, _IRMC = "SOUND", "X-IRMC-N"
_SOUNDS = ("X-PHONETIC-LAST-NAME", "X-PHONETIC-FIRST-NAME", "X-PHONETIC-MIDDLE-NAME")
_CUSTOM = "X-CUSTOM("
_CALL = re.compile(r"X-CUSTOM\((?:CHARSET=([^,]*+),)?(?:ENCODING=(QUOTED-PRINTABLE),)?([^)]*+)\)?", re.IGNORECASE)
_MESSENGER = re.compile(r"X-MESSAGING/([A-Z]++)-ALL")
_SCHEMES = {"MSN": "msnim", "YAHOO": "ymsgr", "GADU": "gg"}
#: KDE puts this between several accounts.
_BETWEEN = "\ue000"
_CUSTOM_TYPE = "0"
_RELATIONS = {
    "1": "Assistant",
    "2": "Brother",
    "3": "Child",
    "5": "Father",
    "6": "Friend",
    "7": "Manager",
    "8": "Mother",
    "9": "Parent",
    "10": "Partner",
    "13": "Sister",
    "14": "Spouse",
}
_ANNIVERSARY, _BIRTHDAY = "1", "3"


def is_phonetic(item: Property) -> bool:
    """Whether a SOUND says in letters how the name sounds, and is no recording."""
    marks = (mark.upper() for name, values in item.params for mark in (values or (name,)))
    return item.name == _SOUND and _IRMC in marks


def plain(card: VCard) -> VCard:
    """Return *card* with everything in it as everybody writes it; the very card where that is so already."""
    if not any(map(is_peculiar, card.properties)):
        return card
    properties: list[Property] = []
    for number, item in enumerate(card.properties):
        lines = _lines(item) if is_peculiar(item) else [item]
        group = item.group or (f"line{number}" if len(lines) > 1 and lines[-1].name == "X-ABLABEL" else "")
        properties += [replace(line, group=group, line=item.line) for line in lines]
    return replace(card, properties=tuple(properties))


def is_peculiar(item: Property) -> bool:
    """Whether a property is one of those that only some programs read."""
    if item.name in _READERS:
        return item.name == ANDROID or is_phonetic(item)
    return "/" in item.name or any(_is_call(name, values) for name, values in item.params)


def _is_call(name: str, values: tuple[str, ...]) -> bool:
    return name.startswith(_CUSTOM) or any(value.upper().startswith(_CUSTOM) for value in values)


def _lines(item: Property) -> list[Property]:
    """Write *item* anew: what it says, and its label last."""
    if item.name in _READERS:
        return list(_READERS[item.name](item)) or [item]
    if "/" in item.name:
        found = _MESSENGER.fullmatch(item.name)
        return list(_accounts(found[1], item)) if found else [replace(item, name=item.name.replace("/", "-"))]
    calls = [pair for pair in item.params if _is_call(*pair)]
    # The commas and equals signs inside of it were taken for those of parameters.
    name, values = calls[0]
    text = ",".join(values) if not name.startswith(_CUSTOM) else "=".join(filter(None, (name, ",".join(values))))
    return [replace(item, params=tuple(pair for pair in item.params if pair not in calls)), _label(_called(text))]


def _called(text: str) -> str:
    found = _CALL.fullmatch(text)
    if found is None:
        return text.removeprefix(_CUSTOM)
    charset, encoding, label = found.groups("")
    if not encoding:
        return label
    return decoded(binascii.a2b_qp(label.encode("utf-8", "replace")), codec_of(charset) or "utf-8")


def _label(text: str) -> Property:
    return Property("", "X-ABLABEL", (), escape(text))


def _sounds(item: Property) -> Iterator[Property]:
    for name, values in zip(_SOUNDS, split_structured(item.value), strict=False):
        if sound := " ".join(values).strip():
            yield Property("", name, (), escape(sound))


def _accounts(service: str, item: Property) -> Iterator[Property]:
    scheme = _SCHEMES.get(service, service.lower())
    for handle in filter(None, map(str.strip, item.value.split(_BETWEEN))):
        uri = f"{scheme}:{quote(handle, safe='@+!$&*=/?:-._~')}"
        yield Property("", "IMPP", (("X-SERVICE-TYPE", (service.lower(),)),), uri)


def _row(item: Property) -> Iterator[Property]:
    """Read a row of the database: what it is about, its first columns, and perhaps a label of the person's own."""
    about, value, kind, label, *_ = [*(" ".join(values) for values in split_structured(item.value)), "", "", "", ""]
    own = label if kind == _CUSTOM_TYPE else ""
    match about.rpartition("/")[2]:
        case "nickname" if value:
            yield Property("", "NICKNAME", (), escape(value))
        case "contact_event" if value and kind in (_ANNIVERSARY, _BIRTHDAY):
            yield Property("", "BDAY" if kind == _BIRTHDAY else "X-ANNIVERSARY", (), value)
        case "contact_event" if value:
            yield Property("", "X-ABDATE", (), value)
            yield _label(own or "_$!<Other>!$_")
        case "relation" if value:
            yield Property("", "X-ABRELATEDNAMES", (), escape(value))
            yield _label(own or (f"_$!<{_RELATIONS[kind]}>!$_" if kind in _RELATIONS else "_$!<Other>!$_"))


_READERS: dict[str, Callable[[Property], Iterator[Property]]] = {ANDROID: _row, _SOUND: _sounds}
