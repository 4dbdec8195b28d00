"""
Private contacts that two devices changed without knowing of each other. Pure: bytes in, bytes out.

The card that was sent last is the one that is kept, line by line as it came; what the other device changed meanwhile is
written into it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sync import fields
from sync.errors import InvalidInput
from sync.fields import FieldContent
from sync.merging import programs, three_way
from sync.merging.three_way import Base, Clash, NotKept
from sync.vcard import Property, VCard, modernize, parse_one, serialize


def merged(had: bytes | NotKept, sent: bytes, now: bytes) -> tuple[bytes, list[Clash]]:
    """
    Return what becomes of a contact that is *now* when a device that *had* another card stores the one that it *sent*.

    What both changed is returned as well. A card that cannot be read for its fields is kept as it was sent.
    """
    try:
        card = modernize(parse_one(sent))
        incoming, current = fields.readable_fields(card)[0], _fields(now)
        base = _base(had, incoming, current)
    except InvalidInput:
        return sent, []
    found = three_way.merge(base, incoming, current, programs.kept_by_writer(card))
    wanted = found.result(current)
    if _are_alike(wanted, incoming):
        return sent, found.clashes
    return serialize(_written(card, incoming, wanted)).encode(), found.clashes


def settled(data: bytes, won: FieldContent | None, lost: FieldContent | None) -> bytes | None:
    """Return a contact in which the field that says *won* says *lost*, either None for no field; None if none does."""
    card = modernize(parse_one(data))
    contents, _ = fields.readable_fields(card)
    says = [content for content in contents if won is not None and fields.same_meaning(content, won)]
    if won is not None and not says:
        return None
    wanted = [content for content in contents if content not in says[:1]]
    return serialize(_written(card, contents, [*wanted, *([lost] if lost is not None else [])])).encode()


def _fields(data: bytes) -> list[FieldContent]:
    return fields.readable_fields(modernize(parse_one(data)))[0]


def _base(had: bytes | NotKept, incoming: Sequence[FieldContent], current: Sequence[FieldContent]) -> Base:
    return three_way.common(incoming, current) if isinstance(had, NotKept) else three_way.linked(_fields(had), current)


def _are_alike(one: Sequence[FieldContent], other: Sequence[FieldContent]) -> bool:
    left = [*other]
    for content in one:
        same = next((each for each in left if fields.same_meaning(content, each)), None)
        if same is None:
            return False
        left.remove(same)
    return not left


def _written(card: VCard, contents: Sequence[FieldContent], wanted: Sequence[FieldContent]) -> VCard:
    """Return *card*, which has these *contents*, with those that are *wanted*, keeping every line that can stay."""
    left, stays, new = [*contents], list[FieldContent](), list[FieldContent]()
    for content in wanted:
        same = next((each for each in left if fields.same_meaning(content, each)), None)
        if same is None:
            new.append(content)
        else:
            left.remove(same)
            stays.append(same)
    # A line may belong to several properties of its group, and one that belongs to none is no field.
    gone = _lines(left) - _lines(stays)
    kept = [item for item in card.properties if item.line not in gone]
    return replace(card, properties=(*kept, *_properties(new, card.version, {item.group for item in kept})))


def _lines(contents: Sequence[FieldContent]) -> set[int]:
    return {item.line for content in contents for item in content.properties}


def _properties(contents: Sequence[FieldContent], version: str, groups: set[str]) -> list[Property]:
    taken = {group.lower() for group in groups}
    found: list[Property] = []
    for content in contents:
        block = fields.translate(content, version)
        group = ""
        if len(block) > 1 and block[0].name != "N":
            group = next(name for number in range(1, 10_000) if (name := f"item{number}") not in taken)
            taken.add(group)
        found += [replace(item, group=group) for item in block]
    return found
