"""A part of a card, where a client asked for single properties of it (RFC 6352, 10.4.2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sync.errors import InvalidInput
from sync.vcard import parse_one, serialize


def part_of(text: str, lines: Sequence[tuple[str, bool]]) -> str:
    """
    Return the card with only those properties that *lines* names, and no value where it says so.

    A name without a group is meant with every group. VERSION is always there, because the rest means nothing without
    it. A text that cannot be read comes whole.
    """
    if not lines:
        return text
    try:
        card = parse_one(text)
    except InvalidInput:
        return text
    chosen = []
    for line in card.properties:
        full = f"{line.group}.{line.name}".upper() if line.group else line.name
        asked = [without for name, without in lines if name in (line.name, full)]
        if asked:
            chosen.append(replace(line, value="") if all(asked) else line)
    return serialize(replace(card, properties=tuple(chosen)))
