"""What a card is called that does not say it, and the names without which programs make worse of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from sync.fields.content import FieldContent
from sync.fields.rendering import full_name
from sync.fields.single import bare_number
from sync.vcard import Property, VCard, escape, split_structured, unescape

#: What a contact is called of whom nothing is known that could be a name.
UNNAMED = "Unnamed"
_NAMES = frozenset(("FN", "N"))


def called(fields: Iterable[FieldContent], fallback: str) -> str:
    """
    Return what a card is called that has these fields, all of which its reader may see.

    That is its name, else the nickname, the organization, an e-mail address, a number, else *fallback*.
    """
    contents = list(fields)
    if name := full_name(contents, ""):
        return name
    for kind in ("ORG", "EMAIL", "TEL"):
        for content in contents:
            if content.main.name == kind and (text := _said(content.main)):
                return text
    return fallback


def with_names(card: VCard) -> VCard:
    """Return *card* with an FN, and but for 4.0 an N; the very card where it has them, or is of a version before."""
    kept = [item for item in card.properties if item.name not in _NAMES or item.value.strip(" \t;,")]
    present = {item.name for item in kept}
    if card.version not in ("3.0", "4.0"):
        return card
    missing = [name for name in ("N", "FN") if name not in present and (name, card.version) != ("N", "4.0")]
    if not missing:
        return card
    name = escape(called((FieldContent("", card.version, (item,)) for item in kept), UNNAMED))
    # How a name divides is not ours to guess.
    made = [Property("", each, (), f"{name};;;;" if each == "N" else name) for each in missing]
    return replace(card, properties=(*made, *kept))


def _said(item: Property) -> str:
    if item.name == "ORG":
        return next((part for values in split_structured(item.value) if (part := " ".join(values).strip())), "")
    return " ".join(unescape(bare_number(item)).split())
