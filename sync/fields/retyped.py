"""Another value for a field that exists, as a person types it."""

from __future__ import annotations

from dataclasses import replace

from sync.fields.content import FieldContent
from sync.fields.labels import is_default
from sync.fields.typed import field_from_text

#: Properties whose TYPE says of what sort they are, whatever their value is.
_SORTED_BY_TYPE = frozenset(("TEL", "EMAIL", "ADR", "URL", "X-SOCIALPROFILE"))
_SOUND = "X-PHONETIC-"
_SOUNDS = {"FIRST-NAME": "first", "MIDDLE-NAME": "middle", "LAST-NAME": "last", "ORG": "organization"}


def retyped(content: FieldContent, text: str, label: str | None = None) -> FieldContent:
    """
    The field *content* with another *text*, as `field_from_text` reads it, and with another *label* if one is given.

    What else was said about the value stays: a home address remains one for home. Raises `InvalidInput` as
    `field_from_text` does.
    """
    if label is None:
        label = "" if is_default(content.kind, content.label) else content.label
        label = label or sound_of(content)
    typed = field_from_text(content.kind, text, label)
    old, new = content.main, typed.main
    types = tuple(pair for pair in old.params if pair[0] == "TYPE")
    if not types or old.name != new.name or old.name not in _SORTED_BY_TYPE:
        return typed
    params = (*types, *(pair for pair in new.params if pair[0] != "TYPE"))
    return replace(typed, properties=(replace(new, params=params), *typed.properties[1:]))


def sound_of(content: FieldContent) -> str:
    """Which name a phonetic name is that of: first, middle, last or organization; empty for another field."""
    name = content.main.name
    return _SOUNDS.get(name.removeprefix(_SOUND), "") if name.startswith(_SOUND) else ""
