"""
Merging three ways: what a device had, what it made of that, and what is now. Pure: contents in, contents out.

What the device did not touch stays as it is now, whatever the device still takes it for. Where both changed the same
field, the device wins, which is later, and a `Clash` says what it was.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from sync import fields
from sync.fields import FieldContent
from sync.merging import matching


@dataclass(frozen=True, slots=True)
class Base:
    """
    What a device had: *contents*, and as *links* which of those that are now each of them is.

    A link is an index, or None for a field that is gone. *ids* are those of the fields, where they have any.
    Fields of the kinds *staying* are not deleted: what the device sent for them could not be read.
    """

    contents: Sequence[FieldContent]
    links: Sequence[int | None]
    ids: Sequence[int] = ()
    staying: Collection[str] = ()


class NotKept:
    """Stands for what a device had where that is not kept any more."""


@dataclass(frozen=True, slots=True)
class Clash:
    """One field that both sides changed: *won* is the device's, *lost* what it was, None for a deletion."""

    won: FieldContent | None
    lost: FieldContent | None


@dataclass(slots=True)
class Merged:
    """
    What is to become of what is now: *contents*, each with the index that *matches* has for it, None for a new one.

    The fields that are *gone* are to be deleted, and all others stay. *order* is that of `matching.ordered`. One that
    was deleted and comes back has the id in *ids* that it had before, all others 0.
    """

    contents: list[FieldContent] = field(default_factory=list)
    matches: list[int | None] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)
    gone: list[int] = field(default_factory=list)
    order: list[int] = field(default_factory=list)
    clashes: list[Clash] = field(default_factory=list)

    def result(self, now: Sequence[FieldContent]) -> list[FieldContent]:
        """Return all that there is afterwards, in its order."""
        made = dict(zip(self.matches, self.contents, strict=True))
        count = len(now)
        return [made.get(index, now[index]) if index < count else self.contents[index - count] for index in self.order]

    def listed(self, now: Sequence[FieldContent]) -> list[FieldContent]:
        """Return all that there is afterwards, what the device sent first."""
        stays = [content for index, content in enumerate(now) if index not in {*self.matches, *self.gone}]
        return [*self.contents, *stays]


def unchanged(now: Sequence[FieldContent]) -> Base:
    """Return what a device has that knows what is *now*."""
    return Base(now, range(len(now)))


def linked(base: Sequence[FieldContent], now: Sequence[FieldContent]) -> Base:
    """Return *base*, each field linked with what became of it, as far as what it says can tell."""
    links: list[int | None] = [None] * len(base)
    for index, place in enumerate(matching.match(base, now, replace=True)):
        if place is not None:
            links[place] = index
    return Base(base, links)


def common(incoming: Sequence[FieldContent], now: Sequence[FieldContent]) -> Base:
    """
    Return what is taken for what a device had where nobody knows that: what it sends, as far as it is there.

    So nothing is deleted for not being sent. Of what differs both stay, or the later where there can be but one.
    """
    sent = {fields.meaning(content) for content in incoming}
    links = [index for index, content in enumerate(now) if fields.meaning(content) in sent]
    return Base([now[index] for index in links], links)


def merge(
    base: Base,
    incoming: Sequence[FieldContent],
    now: Sequence[FieldContent],
    kept: Collection[str] = (),
    sent: Sequence[FieldContent] | None = None,
) -> Merged:
    """
    Return what becomes of *now* when a device that had *base* stores *incoming*.

    *kept* is as in `matching.deleted_by_client`, *sent* as in `matching.edited`.
    """
    edited, places = matching.edited(base.contents, incoming, sent)
    deleted = matching.deleted_by_client(base.contents, places, incoming if sent is None else sent, kept)
    deleted = [place for place in deleted if base.contents[place].kind not in base.staying]
    merged = Merged()
    known = [
        _kept(merged, content, base, place, now) if place is not None else None
        for content, place in zip(edited, places, strict=True)
    ]
    new = [content for content, place in zip(edited, places, strict=True) if place is None]
    added = _added(merged, base, new, now, [found[0] for found in known if found is not None])
    for found, place in zip(known, places, strict=True):
        settled = found if place is not None else next(added)
        if settled is not None:
            merged.contents.append(settled[0])
            merged.matches.append(settled[1])
            returns = place is not None and settled[1] is None and bool(base.ids)
            merged.ids.append(base.ids[place] if returns and place is not None else 0)
    for place in deleted:
        _delete(merged, base, place, now)
    moved = matching.moves(base.contents, places, deleted)
    merged.order = matching.ordered(now, merged.matches, merged.gone, moved=moved)
    return merged


_Settled: TypeAlias = tuple[FieldContent, int | None]


def _kept(
    merged: Merged, content: FieldContent, base: Base, place: int, now: Sequence[FieldContent]
) -> _Settled | None:
    """Return what becomes of a field that the device had and has; None for one that is gone and that it left alone."""
    before, index = base.contents[place], base.links[place]
    current = now[index] if index is not None else None
    if fields.same_meaning(before, content):
        return None if current is None else (current, index)
    if current is None or not fields.same_meaning(current, before):
        _note(merged, content, current)
    return content, index


def _delete(merged: Merged, base: Base, place: int, now: Sequence[FieldContent]) -> None:
    index = base.links[place]
    if index is None:
        return
    merged.gone.append(index)
    if not fields.same_meaning(base.contents[place], now[index]):
        _note(merged, None, now[index])


def _note(merged: Merged, won: FieldContent | None, lost: FieldContent | None) -> None:
    if won is None or lost is None or not fields.same_meaning(won, lost):
        merged.clashes.append(Clash(won, lost))


def _added(
    merged: Merged,
    base: Base,
    new: Sequence[FieldContent],
    now: Sequence[FieldContent],
    settled: Sequence[FieldContent],
) -> Iterator[_Settled | None]:
    """Yield what becomes of each field that the device added; None for what others added as well, word for word."""
    known = set(base.links)
    others = [index for index in range(len(now)) if index not in known]
    if not others and None not in known:
        yield from ((content, None) for content in new)
        return
    matches = matching.match([now[index] for index in others], new, replace=False)
    for content, found in zip(new, matches, strict=True):
        if found is not None:
            current = now[others[found]]
            _note(merged, content, current)
            yield (current if fields.same_meaning(current, content) else content), others[found]
        elif any(fields.same_meaning(content, other) for other in settled):
            yield None
        else:
            yield content, None
