"""The text of an entry as it is served. Pure: what is stored goes in, what a client gets comes out."""

from __future__ import annotations

import functools
import re
from collections.abc import Collection
from dataclasses import replace

from sync import fields
from sync.books import overlays
from sync.errors import InvalidInput, InvalidVCard
from sync.fields import media
from sync.vcard import VCard, parse_one, serialize, uids

#: What no XML document may hold; one such character stops a phone for good (client fact I-15).
_UNSERVABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_VERSION = re.compile(r"^VERSION:[ \t]*([0-9.]+)", re.IGNORECASE | re.MULTILINE)
#: So many broken lines of a card are left out one by one when it is translated, and after them every line of the same
#: name as the next. Each costs reading the card once more.
_BROKEN_LINES = 10
_front = functools.lru_cache(maxsize=4096)(fields.head)


def held(body: str, overlay: str | None, version: str, uid: str, changed_at: int) -> str:
    """Return the card of a connection or of the person: its stored *body*, and what the viewer added to it."""
    front = _front(version, uid, changed_at)
    if overlay is None:
        return front + body
    return front + overlays.applied(front + body, overlays.load(overlay), version)


def private(data: bytes, version: str | None, uid: str, changed_at: int) -> str:
    """
    Return a private entry in *version*, or as it was stored where that is None.

    A card of another version is translated: Apple's programs take 3.0 only, and one card in 4.0 stops the whole address
    book (client fact I-16). A line that cannot be translated is left out there; it stays stored.
    """
    text = _UNSERVABLE.sub("", data.decode(errors="replace"))
    if version in (None, version_of(text)):
        return text
    try:
        contents = _contents(parse_one(text))
    except InvalidInput:
        return text
    version = version or "3.0"
    if version == "3.0":
        # Programs that read it look for the members of a list by the prefix and what the UID says.
        uid, contents = uids.bare(uid), [_with_member(content) for content in contents]
    body = fields.render(contents, version, fallback_name=uid, remote_media=True)
    return _front(version, uid, changed_at) + body


def _with_member(content: fields.FieldContent) -> fields.FieldContent:
    # Whoever is on a list by another address has no card that says it.
    if content.main.name != "MEMBER" or ":" in uids.bare(content.main.value):
        return content
    main = replace(content.main, value=uids.member(content.main.value))
    return replace(content, properties=(main, *content.properties[1:]))


def _contents(card: VCard) -> list[fields.FieldContent]:
    """Return the fields of a card, without the lines that cannot be translated, such as a photo that is none."""
    tried = 0
    while True:
        try:
            return fields.fields_of(card)
        except InvalidVCard as error:
            broken = {line.name for line in card.properties if line.line == error.line}
            if not broken:
                raise
            tried += 1
            card = _without(card, error.line, broken if tried > _BROKEN_LINES else set())


def _without(card: VCard, number: int, names: Collection[str]) -> VCard:
    kept = (line for line in card.properties if line.line != number and line.name not in names)
    return replace(card, properties=tuple(kept))


def version_of(text: str) -> str:
    """Return the version that a vCard says it has, empty where it says none."""
    found = _VERSION.search(text)
    return found[1] if found else ""


def with_small_photos(data: bytes) -> bytes:
    """
    Return a card whose photos are as a profile has them, and which otherwise says the same.

    Raises `InvalidVCard` for what is no card, and for a photo that is none.
    """
    card = parse_one(data)
    lines = [media.normal_photo(line, card.version) if line.name == "PHOTO" else line for line in card.properties]
    return serialize(replace(card, properties=tuple(lines))).encode()


def is_verbatim(data: bytes) -> bool:
    """Whether a private entry with these bytes is served exactly so to a client that names no version."""
    text = data.decode(errors="replace")
    return _UNSERVABLE.search(text) is None and version_of(text) == "3.0"
