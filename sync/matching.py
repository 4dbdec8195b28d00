"""Which field of a profile a property of a card is. Pure: contents in, indexes out."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sync import fields
from sync.fields import FieldContent

#: Properties that every contacts program shows, lets people edit, and keeps.
ORDINARY = frozenset({"FN", "N", "NICKNAME", "TEL", "EMAIL", "ADR", "ORG", "TITLE", "URL", "NOTE", "BDAY", "PHOTO"})


def match(existing: Sequence[FieldContent], incoming: Sequence[FieldContent], *, replace: bool) -> list[int | None]:
    """
    Decide which existing field each incoming one is: its index, or None for a new field. No field is taken twice.

    The same meaning wins, wherever it stands; then, among what is left, the same kind and label, in order, for kinds
    that a person has once or with
    *replace*; then, with *replace*, the same kind in order.
    """
    result: list[int | None] = [None] * len(incoming)
    free = dict(enumerate(existing))

    def settle(same: Callable[[FieldContent, FieldContent], bool]) -> None:
        for index, content in enumerate(incoming):
            if result[index] is None:
                found = next((number for number, candidate in free.items() if same(candidate, content)), None)
                if found is not None:
                    result[index] = found
                    del free[found]

    settle(fields.same_meaning)
    settle(lambda old, new: (replace or not repeatable(new)) and _signature(old) == _signature(new))
    if replace:
        settle(lambda old, new: old.kind == new.kind and old.properties[0].name == new.properties[0].name)
    return result


def repeatable(content: FieldContent) -> bool:
    """Whether a person may have several fields like this one."""
    kind = fields.CATALOGUE.get(content.kind)
    return kind is None or kind.repeatable


def unmatched(count: int, matches: Sequence[int | None]) -> list[int]:
    """Return the indexes of the *count* existing fields that no incoming one is."""
    return [index for index in range(count) if index not in matches]


def deleted_by_client(existing: Sequence[FieldContent], matches: Sequence[int | None]) -> list[int]:
    """
    Return the indexes of the fields that a client deleted by not sending them back.

    What not every client keeps (`ORDINARY` is what every client keeps) counts as deleted only where this client sent
    back another field of the same sort: a standard property, or an extension.
    """
    sorts = [_sort(content) for content in existing]
    kept = {sorts[index] for index in matches if index is not None} | {"ordinary"}
    return [index for index in unmatched(len(existing), matches) if sorts[index] in kept]


def _sort(content: FieldContent) -> str:
    name = content.main.name
    return "ordinary" if name in ORDINARY else "extension" if name.startswith("X-") else "standard"


def _signature(content: FieldContent) -> tuple[object, ...]:
    main = content.properties[0]
    types = sorted(value.lower() for name, values in main.params if name == "TYPE" for value in values)
    return content.kind, main.name, content.label, [kind for kind in types if kind != "pref"]
