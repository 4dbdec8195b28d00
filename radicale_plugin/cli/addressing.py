"""
How a field is named on the command line.

`mobile` is the one field of this kind. Where there are several, `mobile:2` is the second of them, `mobile:Hong Kong`
the one with this label, and `mobile:all` all of them; `all` is the whole profile. The long number that `--json` shows
as the field's id names it for ever, whatever else is added or removed.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sync.database.engine import Session
from sync.errors import InvalidInput, NotFound
from sync.fields import CATALOGUE, FieldContent
from sync.sharing.cards import content_of
from sync.sharing.visibility import fields_of

ALL = "all"


@dataclass(frozen=True, slots=True)
class NamedField:
    """A field of a profile with the *name* that addresses it there."""

    id: int
    name: str
    content: FieldContent


def named_fields(session: Session, owner_id: int) -> list[NamedField]:
    """Return the fields of a profile in their order, named."""
    return named([(field.id, content_of(field)) for field in fields_of(session, owner_id)])


def named(fields: Sequence[tuple[int, FieldContent]]) -> list[NamedField]:
    """Name each field by its kind, and by its place among those of its kind where there are several."""
    totals = Counter(content.kind for _, content in fields)
    seen: Counter[str] = Counter()
    result = []
    for field_id, content in fields:
        seen[content.kind] += 1
        name = content.kind if totals[content.kind] == 1 else f"{content.kind}:{seen[content.kind]}"
        result.append(NamedField(field_id, name, content))
    return result


def choose(fields: Sequence[NamedField], addresses: Iterable[str]) -> list[NamedField]:
    """
    Return every field that one of *addresses* names.

    A kind that a person has once, such as the name, means all that is there of it.

    Raises:
        NotFound: There is no such field.
        InvalidInput: An address fits several fields.
    """
    chosen: dict[int, NamedField] = {}
    for address in addresses:
        found = _matching(fields, address)
        if len(found) > 1 and not _means_all(address):
            raise InvalidInput(_ambiguous(found, address, f"{found[0].content.kind}:{ALL}"))
        chosen.update((field.id, field) for field in found)
    return list(chosen.values())


def choose_one(fields: Sequence[NamedField], address: str) -> NamedField:
    """
    Return the one field that *address* names.

    Raises:
        NotFound: There is no such field.
        InvalidInput: The address fits several fields.
    """
    found = _matching(fields, address)
    if len(found) > 1:
        raise InvalidInput(_ambiguous(found, address))
    return found[0]


def kind_named(address: str) -> str:
    """
    Return *address* when it is the name of a kind.

    Raises:
        InvalidInput: There is no such kind.
    """
    if address in CATALOGUE or (address.startswith("x:") and len(address) > 2):
        return address
    close = difflib.get_close_matches(address, CATALOGUE, n=1)
    hint = f"did you mean {close[0]!r}?" if close else "`evercard profile kinds` lists them."
    raise InvalidInput(f"There is no kind of field {address!r}; {hint}")


def _matching(fields: Sequence[NamedField], address: str) -> list[NamedField]:
    if address == ALL:
        return list(fields)
    found = [field for field in fields if field.content.kind == address or str(field.id) == address]
    if found:
        return found
    kind, _, which = address.rpartition(":")
    same = [field for field in fields if kind and field.content.kind == kind]
    if which == ALL:
        found = same
    elif which.isdecimal() and 1 <= int(which) <= len(same):
        found = [same[int(which) - 1]]
    else:
        found = [field for field in same if field.content.label.casefold() == which.casefold()]
    if found:
        return found
    raise NotFound(_unknown(fields, address))


def _means_all(address: str) -> bool:
    kind = CATALOGUE.get(address)
    return address == ALL or address.endswith(f":{ALL}") or (kind is not None and not kind.repeatable)


def _ambiguous(found: Sequence[NamedField], address: str, *more: str) -> str:
    choices = ", ".join((*(field.name for field in found), *more))
    return f"There are {len(found)} fields {address!r}; choose one of {choices}."


def _unknown(fields: Sequence[NamedField], address: str) -> str:
    names = ", ".join(field.name for field in fields)
    return f"There is no field {address!r} in this profile; " + (f"it has {names}." if names else "it is empty.")
