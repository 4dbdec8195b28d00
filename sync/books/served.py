"""The text of an entry as it is served. Pure: what is stored goes in, what a client gets comes out."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from sync import fields
from sync.books import overlays
from sync.books.attempts import Attempt
from sync.books.spelled_out import spelled_out
from sync.errors import InvalidInput
from sync.vcard import Property, parse_one, serialize, uids

#: What no XML document may hold; one such character stops a phone for good (client fact I-15).
_UNSERVABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_VERSION = re.compile(r"^VERSION:[ \t]*([0-9.]+)", re.IGNORECASE | re.MULTILINE)
_HAS_NAME = re.compile(r"^(?:[\w-]++\.)?+FN(?:;[^:\r\n]*+)?+:[ \t;,]*+[^\s;,]", re.IGNORECASE | re.MULTILINE)
#: Asked for like a version.
THUNDERBIRD = "thunderbird"


def held(body: str, overlay: str | None, version: str, uid: str, changed_at: int) -> str:
    """Return the card of a connection or of the person: its stored *body*, and what the viewer added to it."""
    front = fields.head(version, uid, changed_at)
    if overlay is None:
        return front + body
    return front + overlays.applied(front + body, overlays.load(overlay), version)


def private(data: bytes, version: str | None, uid: str, changed_at: int) -> str:
    """
    Return a private entry in *version*, or as it was stored where that is None.

    A card of another version is translated: Apple's programs take 3.0 only, and one card in 4.0 stops the whole address
    book (client fact I-16). A line that cannot be translated is left out there; it stays stored. A card of that version
    is as it was stored, too, but for a name that every program needs and it has not.
    """
    text = _servable(data)
    if version is None:
        return text
    try:
        if version == version_of(text):
            return text if _HAS_NAME.search(text) else _named(text)
        contents, _ = fields.readable_fields(parse_one(text))
    except InvalidInput:
        return text
    return _translated(contents, version, uid, changed_at)


def private_in_part(data: bytes, version: str, uid: str, changed_at: int) -> str:
    """
    Return as much of a private entry in *version* as can be translated, where `private` raises something.

    The lines of a group stay together: a label without its number says what it should not.
    """
    card = parse_one(_servable(data))
    blocks: dict[object, list[Property]] = {}
    for number, line in enumerate(card.properties):
        blocks.setdefault(line.group.lower() or number, []).append(line)
    contents: list[fields.FieldContent] = []
    for block in blocks.values():
        with Attempt():
            found, _ = fields.readable_fields(replace(card, properties=tuple(block)))
            _translated(found, version, uid, changed_at)
            contents += found
    return _translated(contents, version, uid, changed_at)


def _servable(data: bytes) -> str:
    return _UNSERVABLE.sub("", data.decode(errors="replace"))


def _translated(contents: Sequence[fields.FieldContent], version: str, uid: str, changed_at: int) -> str:
    if version == "3.0":
        # Programs that read it look for the members of a list by the prefix and what the UID says.
        uid, contents = uids.bare(uid), [_with_member(content) for content in contents]
    body = fields.render(contents, version, fallback_name=fields.called(contents, fields.UNNAMED), remote_media=True)
    return fields.head(version, uid, changed_at) + body


def _with_member(content: fields.FieldContent) -> fields.FieldContent:
    # Whoever is on a list by another address has no card that says it.
    if content.main.name != "MEMBER" or ":" in uids.bare(content.main.value):
        return content
    main = replace(content.main, value=uids.member(content.main.value))
    return replace(content, properties=(main, *content.properties[1:]))


def _named(text: str) -> str:
    card = parse_one(text)
    named = fields.with_names(card)
    return text if named is card else serialize(named)


def for_thunderbird(data: bytes | None, held_text: Callable[[], str], uid: str, changed_at: int) -> str:
    """
    Return an entry as Thunderbird shows most of it, which asks for no version and reads 3.0 and 4.0.

    Somebody's card is of 4.0, in which a birthday has no year that nobody was born in and an account says of which
    service it is, with the rest spelled out (see `sync.books.spelled_out`). A private one is as it was stored.
    """
    if data is None:
        return spelled_out(held_text())
    version = version_of(data.decode(errors="replace"))
    return private(data, version if version in ("3.0", "4.0") else "4.0", uid, changed_at)


def version_of(text: str) -> str:
    """Return the version that a vCard says it has, empty where it says none."""
    found = _VERSION.search(text)
    return found[1] if found else ""


def is_verbatim(data: bytes) -> bool:
    """Whether a private entry with these bytes is served exactly so to a client that names no version."""
    text = data.decode(errors="replace")
    return _UNSERVABLE.search(text) is None and version_of(text) == "3.0" and _HAS_NAME.search(text) is not None
