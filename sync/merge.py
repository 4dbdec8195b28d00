"""
Overlays: what a viewer added to somebody else's card. Pure: contents in, contents out.

The owner's fields always come from the owner. What a client sends back is taken apart: what the viewer was shown, in
whatever spelling, is the owner's; the rest is the viewer's own.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import replace

from sync import fields
from sync.fields import CATALOGUE, FieldContent
from sync.vcard import escape, split_structured, unescape

#: What a viewer cannot add: the name is the owner's, and the others say what sort of card it is.
_NOT_ADDED = frozenset({"FN", "N", "SORT-STRING", "KIND", "MEMBER", "SOURCE", "GENDER"})
#: Kinds whose texts are put together into one, because clients show one of them only.
_TEXTS = frozenset({"note"})
_LISTS = frozenset({"nickname", "categories"})
_REPLACING = frozenset({"photo"})


def additions(
    sent: Iterable[FieldContent], shown: Sequence[FieldContent], base: Sequence[FieldContent]
) -> list[FieldContent]:
    """
    Return what the viewer added, out of the fields of a card that a client sent.

    *shown* is everything of the owner's that the viewer was ever shown, *base* what they are shown now. Neither a
    value of the owner's nor a change of something that the owner has once (a birthday) is an addition.
    """
    known = {_key(content) for content in (*shown, *base)}
    owners_kinds = {content.kind for content in base}
    found = []
    for content in sent:
        if content.main.name in _NOT_ADDED or content.main.name.startswith("X-ADDRESSBOOKSERVER-"):
            continue
        if content.kind in _TEXTS:
            own = _without_texts(content, (*shown, *base))
        elif content.kind in _LISTS:
            own = _without_items(content, (*shown, *base))
        elif _key(content) in known or (content.kind in owners_kinds and _is_single(content)):
            own = None
        else:
            own = content
        if own is not None:
            found.append(own)
    return found


def merge(base: Sequence[FieldContent], overlay: Sequence[FieldContent]) -> list[FieldContent]:
    """Return what a viewer sees: the owner's fields, *base*, and what the viewer added. Twice is the same as once."""
    merged = list(base)
    for content in overlay:
        if content.kind in _REPLACING:
            merged = [other for other in merged if other.kind != content.kind]
        elif content.kind in _TEXTS | _LISTS:
            index = next((number for number, other in enumerate(merged) if other.kind == content.kind), None)
            if index is not None:
                merged[index] = _joined(merged[index], content)
                continue
        elif any(_hides(other, content) for other in base):
            continue
        merged.append(content)
    return merged


def _hides(owners: FieldContent, own: FieldContent) -> bool:
    return _key(owners) == _key(own) or (owners.kind == own.kind and _is_single(own))


def _is_single(content: FieldContent) -> bool:
    kind = CATALOGUE.get(content.kind)
    return kind is not None and not kind.repeatable and content.kind not in _REPLACING


def _key(content: FieldContent) -> str:
    """The value alone, as little of its spelling as can be: programs reformat numbers and change case and spaces."""
    if content.kind in _REPLACING:
        return str(fields.meaning(content))
    text = unicodedata.normalize("NFKC", content.text()).casefold()
    letters = "".join(character for character in text if character.isalnum())
    return letters or text


def _without_texts(content: FieldContent, owners: Iterable[FieldContent]) -> FieldContent | None:
    text = _text(content)
    for known in sorted({_text(other) for other in owners if other.kind == content.kind}, key=len, reverse=True):
        text = text.replace(known, "", 1) if known else text
    text = text.strip()
    return fields.field_from_text(content.kind, text) if text else None


def _without_items(content: FieldContent, owners: Iterable[FieldContent]) -> FieldContent | None:
    known = {item.casefold() for other in owners if other.kind == content.kind for item in _items(other)}
    own = [item for item in _items(content) if item.casefold() not in known]
    return _list(content, own) if own else None


def _joined(one: FieldContent, other: FieldContent) -> FieldContent:
    if one.kind in _LISTS:
        present = _items(one)
        return _list(one, present + [item for item in _items(other) if item not in present])
    first, second = _text(one), _text(other)
    return one if second in first else fields.field_from_text(one.kind, f"{first}\n{second}")


def _text(content: FieldContent) -> str:
    return unescape(content.main.value).replace("\r\n", "\n").strip()


def _items(content: FieldContent) -> list[str]:
    return [item.strip() for values in split_structured(content.main.value) for item in values if item.strip()]


def _list(like: FieldContent, items: list[str]) -> FieldContent:
    main = replace(like.main, value=",".join(escape(item) for item in items))
    return FieldContent(like.kind, like.version, (main, *like.properties[1:]))
