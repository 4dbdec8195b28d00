"""
Lists that the database sorts, searches and cuts into pages; what is not on the page never leaves it.

A page is known by who stands before it, so whoever turns pages misses nobody and sees nobody twice while others come
and go. Only whoever asks for a page by its number, as for that of a letter, is given what stands there by counting.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import ColumnElement, Select, func, literal, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session

from sync.database.lists import SQLITE
from sync.models.list_keys import Listed
from sync.sorting import list_keys, names


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
class Sorted:
    """
    A list: *rows* chooses from where, *meant* which of them, *id* is what they are told by, and *order* sorts them.

    *order* ends with the id. *name* is the key by name, where that comes first in the order.
    """

    rows: Select[*tuple[Any, ...]]
    meant: ColumnElement[bool] | None
    id: InstrumentedAttribute[int]
    order: tuple[ColumnElement[Any] | InstrumentedAttribute[Any], ...]
    name: ColumnElement[bytes] | None = None

    @property
    def chosen(self) -> Select[*tuple[Any, ...]]:
        """What is on some page."""
        return self.rows if self.meant is None else self.rows.where(self.meant)


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


def cut(session: Session, listed: Sorted, place: Place, size: int) -> Cut:
    """Return the page at a *place* of a list, of *size* on each; a number beyond the last page is the last one."""
    counts = _counts(session, listed)
    total = sum(counts.values())
    pages = max(1, -(-total // size))
    letters = _letters(counts, size) if listed.name is not None else {}
    counted = Cut([], min(max(1, place.number), pages), pages, total, letters)
    return _turned(session, listed, place, size, counted) or _numbered(session, listed, size, counted)


def ids_of(session: Session, listed: Sorted) -> Sequence[int]:
    """Return the ids of everything that is on some page."""
    return session.scalars(_ids(listed).order_by(*listed.order)).all()


def first_ids(session: Session, listed: Sorted, size: int) -> Sequence[int]:
    """Return the ids of the first page of a list, of *size*."""
    return _some_ids(session, listed, size, 0)


def contains(
    session: Session, column: ColumnElement[Any] | InstrumentedAttribute[Any], text: str
) -> ColumnElement[bool]:
    """Whether a text has another one in it, letter by letter."""
    called = func.instr if session.get_bind().dialect.name == SQLITE else func.strpos
    return called(column, text) > 0


def is_named(session: Session, kept: type[Listed], text: str) -> ColumnElement[bool]:
    """Whether *text* is in a name."""
    return contains(session, kept.called, names.fold(text).strip())


def is_called(session: Session, kept: type[Listed], text: str) -> ColumnElement[bool]:
    """Whether *text* is in a name, or means it: by a key, or as a Chinese name is read."""
    meant = is_named(session, kept, text)
    for key in names.keys_of_query(text):
        meant |= contains(session, kept.keys, f"{list_keys.APART}{key}{list_keys.APART}")
    if letters := names.letters_of_query(text):
        meant |= _is_spelled(session, kept, letters)
    return meant


def _is_spelled(session: Session, kept: type[Listed], letters: str) -> ColumnElement[bool]:
    # The first letter begins a syllable; of the others, any may.
    pattern = letters[0].upper() + "".join(f"[{letter}{letter.upper()}]" for letter in letters[1:])
    if session.get_bind().dialect.name == SQLITE:
        return kept.spelled.bool_op("GLOB")(f"*{pattern}*")
    return kept.spelled.bool_op("~")(pattern)


def _ids(listed: Sorted) -> Select[int]:
    return listed.chosen.with_only_columns(listed.id)


def _numbered(session: Session, listed: Sorted, size: int, page: Cut) -> Cut:
    return replace(page, ids=_some_ids(session, listed, size, (page.number - 1) * size))


def _some_ids(session: Session, listed: Sorted, size: int, behind: int) -> Sequence[int]:
    return session.scalars(_ids(listed).order_by(*listed.order).limit(size).offset(behind)).all()


def _turned(session: Session, listed: Sorted, place: Place, size: int, page: Cut) -> Cut | None:
    """Return the page beside what a place names; None where it names nothing, or nothing stands there."""
    if place.after is not None:
        found, is_last = _beside(session, listed, place.after, size, is_after=True)
        pages = page.number if is_last else max(page.pages, page.number + 1)
        return replace(page, ids=found, pages=pages) if found else None
    if place.before is not None:
        found, is_first = _beside(session, listed, place.before, size, is_after=False)
        if is_first and found:
            return _numbered(session, listed, size, replace(page, number=1))
        number = max(2, page.number)
        return replace(page, ids=found, number=number, pages=max(page.pages, number + 1)) if found else None
    return None


def _counts(session: Session, listed: Sorted) -> dict[bytes, int]:
    """Return how many there are by the first byte of the name, in the order of these."""
    first = func.substr(listed.name, 1, 1) if listed.name is not None else literal("")
    each = listed.chosen.with_only_columns(first.label("beginning")).subquery()
    counted = select(each.c.beginning, func.count()).group_by(each.c.beginning).order_by(each.c.beginning)
    return dict(session.execute(counted).all())


def _letters(counts: Mapping[bytes, int], size: int) -> dict[str, int]:
    letters: dict[str, int] = {}
    place = 0
    for beginning, count in counts.items():
        letter = beginning.decode("latin-1")
        is_letter = letter.isascii() and letter.isalpha()
        letters.setdefault(letter.upper() if is_letter else "#", place // size + 1)
        place += count
    return letters


def _beside(session: Session, listed: Sorted, id_: int, size: int, *, is_after: bool) -> tuple[Sequence[int], bool]:
    """Return what stands before or after something, in the order of the list, and whether there is no more."""
    here = session.execute(listed.rows.where(listed.id == id_).with_only_columns(*listed.order)).first()
    if here is None:
        return [], True
    key = tuple_(*listed.order)
    that = tuple_(*(literal(value, column.type) for value, column in zip(here, listed.order, strict=True)))
    beside = key > that if is_after else key < that
    order = listed.order if is_after else tuple(column.desc() for column in listed.order)
    found = session.scalars(_ids(listed).where(beside).order_by(*order).limit(size + 1)).all()
    page = found[:size]
    return (page if is_after else page[::-1]), len(found) <= size
