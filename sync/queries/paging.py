"""
Lists that the database sorts, searches and cuts into pages; what is not on the page never leaves it.

A page is known by who stands before it, so whoever turns pages misses nobody and sees nobody twice while others come
and go. Only whoever asks for a page by its number, as for that of a letter, is given what stands there by counting.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from string import ascii_lowercase, ascii_uppercase
from typing import Any, Protocol

from sqlalchemy import ColumnElement, Select, func, literal, or_, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session

from sync.database.lists import SQLITE
from sync.models.list_keys import Listed
from sync.sorting import list_keys, names

_SMALL = str.maketrans(ascii_uppercase, ascii_lowercase)


@dataclass(frozen=True, slots=True)
class Place:
    """
    Where a page begins: *after* what is of this id, or with what stands *before* it, and else at a *number* from 1.

    With either of the ids, the number is what the page is called.
    """

    number: int = 1
    after: int | None = None
    before: int | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """
    What may be in one of the texts that lists know of something: *column* is that of `sync.models.list_keys.Listed`.

    Where *is_spelled*, it is small letters, and in a Chinese name as that is read, from the beginning of a syllable on.
    """

    column: str
    text: str
    is_spelled: bool = False

    def said(self, session: Session, kept: type[Any]) -> ColumnElement[bool]:
        """Whether it is in what *kept* has, for the database."""
        column: ColumnElement[str] = getattr(kept, self.column)
        if not self.is_spelled:
            return contains(session, column, self.text)
        # The first letter begins a syllable; of the others, any may.
        pattern = self.text[0].upper() + "".join(f"[{letter}{letter.upper()}]" for letter in self.text[1:])
        if session.get_bind().dialect.name == SQLITE:
            return column.bool_op("GLOB")(f"*{pattern}*")
        return column.bool_op("~")(pattern)

    def is_in(self, kept: Mapping[str, str | None]) -> bool:
        """Whether it is in what was read."""
        said = kept.get(self.column)
        if said is None:
            return False
        if not self.is_spelled:
            return self.text in said
        spelled = said.translate(_SMALL)
        at = spelled.find(self.text)
        while at >= 0 and not said[at].isupper():
            at = spelled.find(self.text, at + 1)
        return at >= 0


class Listing(Protocol):
    """A list in its order, of which some may be meant only."""

    @property
    def is_by_name(self) -> bool:
        """Whether it is in the order of names."""

    def counts(self) -> dict[bytes, int]:
        """Return how many are meant by the first byte of the name, in the order of these."""

    def some(self, offset: int, size: int) -> Sequence[int]:
        """Return the ids of some of those who are meant."""

    def every(self) -> Sequence[int]:
        """Return the ids of all who are meant."""

    def beside(self, id_: int, size: int, *, is_after: bool) -> tuple[Sequence[int], bool]:
        """Return who is meant and stands before or after somebody in the list, and whether there is nobody more."""


@dataclass(frozen=True, slots=True)
class Sorted:
    """
    A list as the database sorts it: *rows* chooses from where, *meant* which of them.

    *id* is what they are told by, and *order* sorts them: it ends with the id. *name* is the key by name, where that
    comes first in the order.
    """

    session: Session
    rows: Select[*tuple[Any, ...]]
    meant: ColumnElement[bool] | None
    id: InstrumentedAttribute[int]
    order: tuple[ColumnElement[Any] | InstrumentedAttribute[Any], ...]
    name: ColumnElement[bytes] | None = None

    @property
    def is_by_name(self) -> bool:
        """Whether it is in the order of names."""
        return self.name is not None

    def counts(self) -> dict[bytes, int]:
        """Return how many are meant by the first byte of the name, in the order of these."""
        first = func.substr(self.name, 1, 1) if self.name is not None else literal("")
        each = self._chosen().with_only_columns(first.label("beginning")).subquery()
        counted = select(each.c.beginning, func.count()).group_by(each.c.beginning).order_by(each.c.beginning)
        return dict(self.session.execute(counted.execution_options(**self.rows.get_execution_options())).all())

    def some(self, offset: int, size: int) -> Sequence[int]:
        """Return the ids of some of those who are meant."""
        return self.session.scalars(self._ids().order_by(*self.order).limit(size).offset(offset)).all()

    def every(self) -> Sequence[int]:
        """Return the ids of all who are meant."""
        return self.session.scalars(self._ids().order_by(*self.order)).all()

    def beside(self, id_: int, size: int, *, is_after: bool) -> tuple[Sequence[int], bool]:
        """Return who is meant and stands before or after somebody in the list, and whether there is nobody more."""
        here = self.session.execute(self.rows.where(self.id == id_).with_only_columns(*self.order)).first()
        if here is None:
            return [], True
        key = tuple_(*self.order)
        that = tuple_(*(literal(value, column.type) for value, column in zip(here, self.order, strict=True)))
        beside = key > that if is_after else key < that
        order = self.order if is_after else tuple(column.desc() for column in self.order)
        found = self.session.scalars(self._ids().where(beside).order_by(*order).limit(size + 1)).all()
        page = found[:size]
        return (page if is_after else page[::-1]), len(found) <= size

    def _chosen(self) -> Select[*tuple[Any, ...]]:
        return self.rows if self.meant is None else self.rows.where(self.meant)

    def _ids(self) -> Select[int]:
        return self._chosen().with_only_columns(self.id)


@dataclass(frozen=True, slots=True)
class Read:
    """
    A list that was read, because it is on several machines: *keys* are what it is sorted by, each ending with an id.

    Those *meant* are some of these ids. Where it is *by_name*, the name comes first in the keys.
    """

    keys: Sequence[tuple[Any, ...]]
    meant: AbstractSet[int]
    is_by_name: bool

    def counts(self) -> dict[bytes, int]:
        """Return how many are meant by the first byte of the name, in the order of these."""
        return dict(Counter(key[0][:1] if self.is_by_name else b"" for key in self._meant()))

    def some(self, offset: int, size: int) -> Sequence[int]:
        """Return the ids of some of those who are meant."""
        return self.every()[offset : offset + size]

    def every(self) -> Sequence[int]:
        """Return the ids of all who are meant."""
        return [key[-1] for key in self._meant()]

    def beside(self, id_: int, size: int, *, is_after: bool) -> tuple[Sequence[int], bool]:
        """Return who is meant and stands before or after somebody in the list, and whether there is nobody more."""
        here = next((key for key in self.keys if key[-1] == id_), None)
        if here is None:
            return [], True
        found = [key[-1] for key in self._meant() if (key > here if is_after else key < here)]
        return (found[:size] if is_after else found[-size:]), len(found) <= size

    def _meant(self) -> list[tuple[Any, ...]]:
        return sorted(key for key in self.keys if key[-1] in self.meant)


@dataclass(frozen=True, slots=True)
class Cut:
    """
    The ids that are on page *number* of *pages*; *total* are on all.

    *letters* are those under which there is something, with the page on which the first of it is.
    """

    ids: Sequence[int]
    number: int
    pages: int
    total: int
    letters: Mapping[str, int] = field(default_factory=dict)


def cut(listed: Listing, place: Place, size: int) -> Cut:
    """Return the page at a *place* of a list, of *size* on each; a number beyond the last page is the last one."""
    counts = listed.counts()
    total = sum(counts.values())
    pages = max(1, -(-total // size))
    letters = _letters(counts, size) if listed.is_by_name else {}
    counted = Cut([], min(max(1, place.number), pages), pages, total, letters)
    return _turned(listed, place, size, counted) or _numbered(listed, size, counted)


def contains(
    session: Session, column: ColumnElement[Any] | InstrumentedAttribute[Any], text: str
) -> ColumnElement[bool]:
    """Whether a text has another one in it, letter by letter."""
    called = func.instr if session.get_bind().dialect.name == SQLITE else func.strpos
    return called(column, text) > 0


def parts_of_name(text: str) -> list[Part]:
    """Return by what *text* is in a name."""
    return [Part("called", names.fold(text).strip())]


def parts_of_call(text: str) -> list[Part]:
    """Return by what *text* is in a name, or means it: by a key, or as a Chinese name is read."""
    parts = parts_of_name(text)
    parts += [Part("keys", f"{list_keys.APART}{key}{list_keys.APART}") for key in names.keys_of_query(text)]
    if letters := names.letters_of_query(text):
        parts.append(Part("spelled", letters, is_spelled=True))
    return parts


def is_called(session: Session, kept: type[Listed], text: str) -> ColumnElement[bool]:
    """Whether *text* is in a name, or means it, for the database."""
    return or_(*(part.said(session, kept) for part in parts_of_call(text)))


def _numbered(listed: Listing, size: int, page: Cut) -> Cut:
    return replace(page, ids=listed.some((page.number - 1) * size, size))


def _turned(listed: Listing, place: Place, size: int, page: Cut) -> Cut | None:
    """Return the page beside what a place names; None where it names nothing, or nothing stands there."""
    if place.after is not None:
        found, is_last = listed.beside(place.after, size, is_after=True)
        pages = page.number if is_last else max(page.pages, page.number + 1)
        return replace(page, ids=found, pages=pages) if found else None
    if place.before is not None:
        found, is_first = listed.beside(place.before, size, is_after=False)
        if is_first and found:
            return _numbered(listed, size, replace(page, number=1))
        number = max(2, page.number)
        return replace(page, ids=found, number=number, pages=max(page.pages, number + 1)) if found else None
    return None


def _letters(counts: Mapping[bytes, int], size: int) -> dict[str, int]:
    letters: dict[str, int] = {}
    place = 0
    for beginning, count in counts.items():
        letter = beginning.decode("latin-1")
        is_letter = letter.isascii() and letter.isalpha()
        letters.setdefault(letter.upper() if is_letter else "#", place // size + 1)
        place += count
    return letters
