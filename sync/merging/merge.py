"""
Overlays: what a viewer added to somebody else's card. Pure: contents in, contents out.

The owner's fields always come from the owner. What a client sends back is taken apart: what the viewer was shown, in
whatever spelling, is the owner's; the rest is the viewer's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from sync import fields
from sync.fields import CATALOGUE, FieldContent
from sync.fields.labels import is_stray
from sync.fields.translate import canonical
from sync.merging import beside, rewritten
from sync.merging.likeness import echoes, folded, letters, readings
from sync.vcard import escape, split_structured, unescape

#: What a viewer cannot add: the name is the owner's, and the others say what sort of card it is, or are what programs
#: make of the name, of an address or of a label.
_NOT_ADDED = frozenset({"FN", "N", "SORT-STRING", "X-EVOLUTION-FILE-AS", "KIND", "MEMBER", "SOURCE", "GENDER", "LABEL"})
_NEVER_ADDED = ("X-ADDRESSBOOKSERVER-", "X-APPLE-")
#: Kinds whose texts are put together into one, because clients show one of them only.
_TEXTS = frozenset({"note"})
_LISTS = frozenset({"nickname", "categories"})
_REPLACING = frozenset({"photo"})
#: A text of this many octets is known again inside a line; a shorter one may be a word that anybody would write.
_TELLING = 12
#: What may be left of a text that was taken out.
_MARKS = " \t\n,;.:-/\\|"


def additions(
    sent: Sequence[FieldContent],
    shown: Sequence[FieldContent],
    base: Sequence[FieldContent],
    own: Sequence[FieldContent] = (),
) -> list[FieldContent]:
    """
    Return what the viewer added, out of the fields of a card that a client sent.

    *shown* is everything of the owner's that the viewer was ever shown, *base* what they are shown now, *own* what
    they had added before. Neither a value of the owner's nor a change of something that the owner has once (a
    birthday) is an addition, nor what stands beside a value of the owner's (see `sync.merging.beside`). What was the
    viewer's own before the owner showed the same stays the viewer's.
    """
    known = _union(map(echoes, base)) | (_union(map(echoes, shown)) - _union(map(readings, own)))
    owners_kinds = {content.kind for content in base}
    owners_texts = beside.owners_texts(sent, shown, base)
    found = []
    for content in sent:
        added: FieldContent | None = None
        if not _may_be_added(content):
            continue
        if content.kind in _TEXTS:
            added = _without_texts(content, shown, base, own)
        elif content.kind in _LISTS:
            added = _without_items(content, (*shown, *base), own)
        elif content.kind in _REPLACING and _is_owners_picture(content, (*shown, *base), own):
            added = None
        elif known.isdisjoint(readings(content)) and not (content.kind in owners_kinds and _is_single(content)):
            added = content
        if added is not None:
            found.append(beside.without(added, owners_texts, own))
    return found


def merge(base: Sequence[FieldContent], overlay: Sequence[FieldContent]) -> list[FieldContent]:
    """Return what a viewer sees: the owner's fields, *base*, and what the viewer added. Twice is the same as once."""
    merged = list(base)
    for content in visible(base, overlay):
        if content.kind in _REPLACING:
            merged = [other for other in merged if other.kind != content.kind]
        elif content.kind in _TEXTS | _LISTS:
            index = next((number for number, other in enumerate(merged) if other.kind == content.kind), None)
            if index is not None:
                merged[index] = joined(merged[index], content)
                continue
        merged.append(content)
    return merged


def joined(one: FieldContent, other: FieldContent) -> FieldContent:
    """Return *one*, a text or a list, with what only *other* says of its kind below or behind it."""
    if one.kind in _LISTS:
        present = _item_keys(one.kind, [one])
        return _list(one, _items(one) + [item for item in _items(other) if folded(item) not in present])
    first, second = _text(one), _text(other)
    return one if _says(first, second) else fields.field_from_text(one.kind, f"{first}\n{second}")


def visible(base: Sequence[FieldContent], overlay: Sequence[FieldContent]) -> list[FieldContent]:
    """Return what is to be seen of an overlay: all of it but what the owner says as well, or has the only one of."""
    added = {content.kind for content in overlay}
    # Pictures are large, and what is no picture is not like one.
    keys = _union(readings(content) for content in base if content.kind not in _REPLACING - added)
    kinds = {content.kind for content in base}
    texts = [_text(content) for content in base if content.kind in _TEXTS]

    def is_hidden(own: FieldContent) -> bool:
        if own.kind in _LISTS:
            return False
        if own.kind in _TEXTS:
            return any(_says(text, _text(own)) for text in texts)
        return not keys.isdisjoint(readings(own)) or (own.kind in kinds and _is_single(own))

    return [content for content in overlay if not is_hidden(content)]


def _union(sets: Iterable[frozenset[str]]) -> frozenset[str]:
    return frozenset().union(*sets)


def _may_be_added(content: FieldContent) -> bool:
    name = canonical(content)[0].name
    return name not in _NOT_ADDED and not name.startswith(_NEVER_ADDED) and not is_stray(name)


def _is_owners_picture(content: FieldContent, owners: Iterable[FieldContent], own: Iterable[FieldContent]) -> bool:
    """Whether a picture is one that the owner showed, compressed anew perhaps; else it would hide all later ones."""
    if any(rewritten.is_same_picture(other, content) for other in own):
        return False
    return any(rewritten.is_same_picture(other, content) for other in owners)


def _is_single(content: FieldContent) -> bool:
    kind = CATALOGUE.get(content.kind)
    return kind is not None and not kind.repeatable and content.kind not in _REPLACING


def _without_texts(
    content: FieldContent, shown: Sequence[FieldContent], base: Sequence[FieldContent], own: Sequence[FieldContent]
) -> FieldContent | None:
    text = _text(content)
    mine = [_text(other) for other in own if other.kind == content.kind]
    now = {_text(other) for other in base if other.kind == content.kind}
    known = now | {_text(other) for other in shown if other.kind == content.kind}
    # Some write the two characters of an escape as two characters.
    known |= {one.replace("\n", "\\n") for one in known}
    for owners in sorted(known, key=lambda one: (-len(one), one)):
        places = _places(text, owners)
        # What the viewer had written before they were shown the same is theirs, and stands behind the owner's.
        count = len(places) - sum(len(_places(other, owners)) for other in mine)
        for start, end in reversed(places[: max(count, int(owners.replace("\\n", "\n") in now))]):
            text = _cut(text, start, end)
    text = text.strip()
    is_rest = text != _text(content) and not text.strip(_MARKS)
    return fields.field_from_text(content.kind, text) if text and not is_rest else None


def _places(text: str, part: str) -> list[tuple[int, int]]:
    """Where *part* stands in *text*, however it is wrapped, spaced and escaped: as whole lines, or telling enough."""
    mine, wanted = list(letters(text)), [letter for letter, _ in letters(part)]
    if not wanted:
        return [(0, len(text))] if part and text.strip() == part.strip() else []
    whole, searched = "".join(letter for letter, _ in mine), "".join(wanted)
    telling = len(searched.encode()) >= _TELLING
    before, after = _edges(part)
    found, at = [], whole.find(searched)
    while at >= 0:
        start, end = mine[at][1], mine[at + len(searched) - 1][1] + 1
        while start and text[start - 1] in before:
            start -= 1
        while end < len(text) and text[end] in after:
            end += 1
        if telling or _are_lines(text, start, end):
            found.append((start, end))
        at = whole.find(searched, at + len(searched))
    return found


def _edges(part: str) -> tuple[str, str]:
    """What stands before the first and behind the last letter of *part*, which are its own as well."""
    positions = [index for _, index in letters(part)]
    return part[: positions[0]], part[positions[-1] + 1 :]


def _are_lines(text: str, start: int, end: int) -> bool:
    first = text[text.rfind("\n", 0, start) + 1 : start]
    last = text[end:].partition("\n")[0]
    return not _has_letters(first) and not _has_letters(last)


def _has_letters(text: str) -> bool:
    return next(letters(text), None) is not None


def _cut(text: str, start: int, end: int) -> str:
    before, after = text[:start].rstrip(" \t"), text[end:].lstrip(" \t")
    if not before or before.endswith("\n"):
        after = after.removeprefix("\n")
    return before + after


def _without_items(
    content: FieldContent, owners: Iterable[FieldContent], own: Iterable[FieldContent]
) -> FieldContent | None:
    mine = _item_keys(content.kind, own)
    known = _item_keys(content.kind, owners) - mine
    kept = []
    for item in _items(content):
        # Some programs know no list here, and make one item of all.
        parts = [part.strip() for part in item.split(",")]
        unknown = [part for part in parts if folded(part) not in known]
        if folded(item) not in known and unknown:
            kept.append(item if len(unknown) == len(parts) else ",".join(unknown))
    return _list(content, kept) if kept else None


def _item_keys(kind: str, contents: Iterable[FieldContent]) -> set[str]:
    return {folded(item) for content in contents if content.kind == kind for item in _items(content)}


def _says(text: str, other: str) -> bool:
    """Whether *other* is one or more whole lines of *text*."""
    return f"\n{_lines(other)}\n" in f"\n{_lines(text)}\n"


def _lines(text: str) -> str:
    return "\n".join(line.strip() for line in text.split("\n"))


def _text(content: FieldContent) -> str:
    return unescape(content.main.value).replace("\r\n", "\n").strip()


def _items(content: FieldContent) -> list[str]:
    return [item.strip() for values in split_structured(content.main.value) for item in values if item.strip()]


def _list(like: FieldContent, items: list[str]) -> FieldContent:
    main = replace(like.main, value=",".join(escape(item) for item in items))
    return FieldContent(like.kind, like.version, (main, *like.properties[1:]))
