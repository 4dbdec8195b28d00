"""Which field of a profile a property of a card is. Pure: contents in, indexes out."""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterable, Sequence

from sync import fields
from sync.fields import FieldContent
from sync.fields.cardinality import ONCE, written
from sync.fields.labels import is_default
from sync.fields.recognise import kind_of
from sync.fields.translate import canonical
from sync.merging import rewritten
from sync.merging.likeness import likeness
from sync.vcard import Property, escape, unescape

#: Properties that every contacts program shows, lets people edit, and keeps. Some can do without pictures.
ORDINARY = frozenset({"FN", "N", "NICKNAME", "TEL", "EMAIL", "ADR", "ORG", "TITLE", "URL", "NOTE", "BDAY"})
#: Properties that a card may have several of, and that programs have one of: the first, the last, or all in one.
ALONE = frozenset({"NICKNAME", "ORG", "TITLE", "ROLE", "NOTE"}) | ONCE["3.0"] | ONCE["4.0"]
#: Where fields stand among the others does not show on a card for these: they come first on every card.
_FIRST = frozenset({"FN", "N"})
_EMPTY_TYPES = frozenset({"pref", "voice", "internet"})
#: Properties in which some programs read `\\;` as two characters, and write it so (client sequences, Thunderbird).
_TEXTS = frozenset({"FN", "NOTE", "ROLE", "TITLE"})
_SLASHES = re.compile(r"(?<!\\)\\++;")


def match(existing: Sequence[FieldContent], incoming: Sequence[FieldContent], *, replace: bool) -> list[int | None]:
    """
    Decide which existing field each incoming one is: its index, or None for a new field. No field is taken twice.

    The same meaning wins, wherever it stands; then, with *replace*, the same value under another label or type; then,
    among what is left, the same kind and label, in order, for kinds that a person has once or with *replace*; then,
    with *replace*, the same kind in order. Where fewer are left than there were, one was deleted, and nobody can tell
    which the others are: they are new, so that nobody sees a value for having been shown another.
    """
    result: list[int | None] = [None] * len(incoming)
    free = set(range(len(existing)))

    def settle(key: Callable[[FieldContent], Hashable], *, by_place: bool = False) -> None:
        may = replace or key is fields.meaning
        left = [index for index in _unsettled(result) if may or not repeatable(incoming[index])]
        if not left or not free:
            return
        keys = [key(incoming[index]) for index in left]
        found: dict[Hashable, list[int]] = {}
        for number in sorted(free, reverse=True):
            found.setdefault(key(existing[number]), []).append(number)
        if by_place and replace:
            counts = Counter(keys)
            found = {name: numbers for name, numbers in found.items() if len(numbers) <= counts[name]}
        for index, name in zip(left, keys, strict=True):
            if numbers := found.get(name):
                result[index] = numbers.pop()
        free.difference_update(index for index in result if index is not None)

    settle(fields.meaning)
    if replace:
        # Before anything is told by its place: what one group sees must not change places with what another sees.
        settle(lambda content: (_name(content), likeness(content)))
        _settle_alone(existing, incoming, result)
        free.difference_update(index for index in result if index is not None)
    settle(_signature, by_place=True)
    if replace:
        settle(lambda content: (content.kind, _name(content)), by_place=True)
    return result


def _settle_alone(existing: Sequence[FieldContent], incoming: Sequence[FieldContent], result: list[int | None]) -> None:
    """What a card has one of is that one, also for a program that drops what is written beside it in another form."""
    version, unsettled = _version(incoming), _unsettled(result)
    free = [number for number in range(len(existing)) if number not in result] if unsettled else []
    free = [number for number in free if fields.translate(existing[number], version)[0].name in ONCE[version]]
    blocks = written(existing, version) if free else []
    for number in free:
        if blocks[number][0].name not in ONCE[version]:
            continue
        left = [
            index for index in unsettled if result[index] is None and _name(incoming[index]) == _name(existing[number])
        ]
        if len(left) == 1:
            result[left[0]] = number


def _unsettled(result: Sequence[int | None]) -> list[int]:
    return [index for index, number in enumerate(result) if number is None]


def repeatable(content: FieldContent) -> bool:
    """Whether a person may have several fields like this one."""
    kind = fields.CATALOGUE.get(content.kind)
    return kind is None or kind.repeatable


def edited(
    existing: Sequence[FieldContent], incoming: Sequence[FieldContent], sent: Sequence[FieldContent] | None = None
) -> tuple[list[FieldContent], list[int | None]]:
    """
    Return what a client made of the fields that it was served, and which existing field each of them is.

    As `match` with *replace*, but what a program does not know is not taken for an edit: labels, where none comes back
    in all that it *sent*, stay on their fields, backslashes that it put in front of semicolons go, and what
    `sync.merging.rewritten` knows is undone.
    """
    incoming = rewritten.undone(existing, incoming)
    said = {item.name for content in (incoming if sent is None else sent) for item in content.properties[1:]}
    version = _version(incoming)
    seen = [_as_said(content, version, said) for content in existing]
    matches = match(seen, incoming, replace=True)
    contents = [
        content if index is None else _completed(existing[index], seen[index], content)
        for content, index in zip(incoming, matches, strict=True)
    ]
    return contents, matches


def unmatched(count: int, matches: Sequence[int | None]) -> list[int]:
    """Return the indexes of the *count* existing fields that no incoming one is."""
    return [index for index in range(count) if index not in matches]


def deleted_by_client(
    existing: Sequence[FieldContent],
    matches: Sequence[int | None],
    sent: Sequence[FieldContent],
    kept: Collection[str] = (),
) -> list[int]:
    """
    Return the indexes of the fields that a client deleted by not sending them back.

    What not every client keeps (`ORDINARY` is what every client keeps) counts as deleted only where there is another
    property of that name in what this client *sent*, or where it is among the names of those that it is known to have
    *kept*: it knows what that is. Of several of what most programs have
    one of (`ALONE`), none counts as deleted by a client that sent one back.
    """
    left = unmatched(len(existing), matches)
    if not left:
        return []
    sent_names = Counter(content.main.name for content in sent)
    version = _version(sent)
    names = [block[0].name for block in written(existing, version)]
    counts = Counter(names)
    known = ORDINARY.union(sent_names, kept) - {name for name in ALONE if sent_names[name] == 1 < counts[name]}
    return [index for index in left if names[index] in known]


def moves(existing: Sequence[FieldContent], matches: Sequence[int | None], gone: Collection[int]) -> bool:
    """
    Whether a card gives the fields of a profile another order.

    A card that has what is there in the order in which it is served moves nothing, whatever it leaves out.
    """
    kept = [index for index in range(len(existing)) if index not in gone]
    served = sorted(kept, key=lambda index: existing[index].main.name not in _FIRST)
    known = [index for index in matches if index is not None]
    return [index for index in served if index in known] != known


def ordered(
    existing: Sequence[FieldContent],
    matches: Sequence[int | None],
    gone: Collection[int],
    *,
    moved: bool | None = None,
) -> list[int]:
    """
    Return the fields of a profile in the order that a card gives them, without those that are *gone*.

    A field is its index among *existing*; a new one is its place among the *matches*, counted on from there. *moved*
    is what `moves` says where the card was made of what is there.
    """
    count = len(existing)
    sent = [count + place if index is None else index for place, index in enumerate(matches)]
    kept = [index for index in range(count) if index not in gone]
    if moves(existing, matches, gone) if moved is None else moved:
        return _inserted(sent, kept)
    return _inserted(kept, sent)


def _inserted(into: list[int], others: Iterable[int]) -> list[int]:
    """*into*, and whatever else is among *others*, behind what it follows there."""
    result, present, at = list(into), set(into), 0
    for index in others:
        if index in present:
            at = result.index(index) + 1
        else:
            result.insert(at, index)
            at += 1
    return result


def _name(content: FieldContent) -> str:
    return canonical(content)[0].name


def _version(sent: Sequence[FieldContent]) -> str:
    return sent[0].version if sent else "3.0"


def _as_said(content: FieldContent, version: str, said: Collection[str]) -> FieldContent:
    """*content* as a program sends it back that keeps no line beside a property but those of the names *said*."""
    main, *companions = fields.translate(content, version)
    kept = [item for item in companions if item.name in said]
    return content if len(kept) == len(companions) else _field(version, main, kept)


def _completed(existing: FieldContent, seen: FieldContent, sent: FieldContent) -> FieldContent:
    """*sent* with what its program left out of *existing*, of which it knew what was *seen*."""
    if fields.same_meaning(seen, sent):
        return existing
    whole = fields.translate(existing, sent.version)
    main, companions = _without_slashes(existing.main, sent.main), sent.properties[1:]
    if seen is not existing and whole[0].name == main.name:
        companions += tuple(item for item in whole[1:] if item not in seen.properties)
    content = _field(sent.version, main, companions)
    return existing if fields.same_meaning(existing, content) else content


def _field(version: str, main: Property, companions: Sequence[Property]) -> FieldContent:
    label = FieldContent("", version, (main, *companions)).label
    return FieldContent(kind_of(main, label), version, (main, *companions))


def _without_slashes(old: Property, new: Property) -> Property:
    before, after = unescape(old.value), unescape(new.value)
    if new.name not in _TEXTS or ";" not in before or "\\;" in before:
        return new
    return dataclasses.replace(new, value=escape(_SLASHES.sub(";", after)))


def _signature(content: FieldContent) -> tuple[object, ...]:
    """What a field is called and of what sort it is, in the words of 4.0: a program may send either version."""
    properties = canonical(content)
    label = FieldContent(content.kind, "4.0", properties).label
    types = sorted(properties[0].types() - _EMPTY_TYPES)
    return content.kind, properties[0].name, "" if is_default(content.kind, label) else label, tuple(types)
