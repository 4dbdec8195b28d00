"""The people whom somebody is connected to, by the names under which their devices show them, page by page."""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, case, exists, func, literal, or_, select
from sqlalchemy.orm import Session

from sync.database import accounts, entry_cards
from sync.database.distribution import TOGETHER, is_distributed
from sync.database.entry_cards import ENTRIES
from sync.database.lists import among_parameter
from sync.database.prepared import read
from sync.models import CONTACTS, Card, CardListKey, Entry, Member, Overlay
from sync.queries import lists_apart, paging
from sync.queries.paging import Listing, Part, Place, Read, Sorted
from sync.sharing.connections import CONNECTION
from sync.sorting import list_keys
from sync.vcard import headlines

#: How many are on one page.
PAGE = 50
#: Fewer digits than this are in so many numbers that nobody means one by them.
_FEW_DIGITS = 3
_LATIN = re.compile("[A-Za-z]")
_THERE = (Entry.book_id == CONTACTS, Entry.kind == CONNECTION, Entry.card_id.is_not(None))
#: Whose cards an earlier release wrote are there, but not in their place until these are written anew.
_LISTED = (
    select(Entry.id)
    .outerjoin(CardListKey, (CardListKey.owner_id == Entry.id) & (CardListKey.id == Entry.card_id))
    .where(*_THERE)
    .execution_options(**{TOGETHER: True})
)
_BEGINNING = func.substr(Card.body_3, 1, headlines.BEGINNING)
_ADDED = (Overlay.viewer_id == Entry.viewer_id) & (Overlay.entry_id == Entry.id)
_BY_NAME = func.coalesce(CardListKey.sort_key, literal(b""))
_ADDED_NUMBER = func.coalesce(Overlay.number_key, literal(list_keys.NO_NUMBER))
_OWN_NUMBER = func.coalesce(CardListKey.number_key, literal(list_keys.NO_NUMBER))
_BY_NUMBER = case((literal(list_keys.NO_NUMBER) == _OWN_NUMBER, _ADDED_NUMBER), else_=_OWN_NUMBER)


@dataclass(frozen=True, slots=True)
class ConnectedPerson:
    """Somebody whom one is connected to. *name* is what one may call them, which is the login where it is nothing."""

    account_id: int
    login: str
    name: str


@dataclass(frozen=True, slots=True)
class Page:
    """
    Some of the people whom somebody is connected to: page *number*, counted from 1, of *pages*; *total* are all.

    *letters* are those under which there is somebody, with the page on which the first of them is.
    """

    people: Sequence[ConnectedPerson]
    number: int
    pages: int
    total: int
    letters: Mapping[str, int] = field(default_factory=dict)

    @property
    def first(self) -> int | None:
        """Who stands first on this page, None for nobody."""
        return self.people[0].account_id if self.people else None

    @property
    def last(self) -> int | None:
        """Who stands last on this page, None for nobody."""
        return self.people[-1].account_id if self.people else None


@dataclass(frozen=True, slots=True)
class Wanted:
    """
    Who is looked for by a *text*, and in which order.

    With *reached*, also those are meant at one of whose numbers or addresses it is. With *by_number*, they stand in the
    order of their numbers. Those *inside* a group of the person's are meant only, and those *outside* one.
    """

    text: str = ""
    reached: bool = False
    by_number: bool = False
    inside: int | None = None
    outside: int | None = None


def page_of(session: Session, person_id: int, wanted: str | Wanted = "", place: int | Place = 1) -> Page:
    """
    Return a page of the people whom a person is connected to, by name.

    With a text that is *wanted*, only those in whose name or login it is, in whatever case, or who are called so by
    pinyin. A number beyond the last page is the last one. It takes as many statements, and as much memory, however many
    they are.
    """
    place = Place(place) if isinstance(place, int) else place
    cut = paging.cut(_listing(session, person_id, wanted), place, PAGE)
    found = some(session, person_id, cut.ids)
    people = [found[each] for each in cut.ids if each in found]
    return Page(people, cut.number, cut.pages, cut.total, cut.letters)


def first(session: Session, person_id: int) -> Sequence[ConnectedPerson]:
    """Return who is on the first page of `page_of`, without counting all."""
    ids = _listing(session, person_id, Wanted()).some(0, PAGE)
    found = some(session, person_id, ids)
    return [found[each] for each in ids if each in found]


def found_among(session: Session, person_id: int, wanted: str | Wanted = "") -> Sequence[int]:
    """Return the ids of everybody who is on some page of `page_of`, in the order of the pages."""
    return _listing(session, person_id, wanted).every()


def some(session: Session, person_id: int, ids: Collection[int]) -> dict[int, ConnectedPerson]:
    """Return those of these people whom a person is connected to, by id."""
    if not ids:
        return {}
    entries = functools.partial(_entries, is_apart=is_distributed(session))
    found = read(session, entries, {"viewer": person_id}, ids=ids)
    rows = entry_cards.read(session, found, person_id, _BEGINNING)
    beginnings: dict[int, str] = {each: beginning for each, beginning in rows if beginning is not None}
    return {
        each: ConnectedPerson(each, login, headlines.name_in(beginnings[each]) or login)
        for each, login in accounts.logins(session, beginnings).items()
    }


def find(session: Session, person_id: int, other_id: int) -> ConnectedPerson | None:
    """Return somebody whom a person is connected to, None where they are not."""
    return some(session, person_id, [other_id]).get(other_id)


@functools.cache
def _entries(dialect: str, *, is_apart: bool) -> Select[*tuple[Any, ...]]:
    entries = select(Entry.id).where(
        Entry.viewer_id == bindparam("viewer"),
        Entry.book_id == CONTACTS,
        Entry.kind == CONNECTION,
        among_parameter(dialect, Entry.id, "ids"),
    )
    return entry_cards.apart(entries) if is_apart else entry_cards.together(entries, _BEGINNING)


def _listing(session: Session, person_id: int, wanted: str | Wanted) -> Listing:
    wanted = Wanted(wanted) if isinstance(wanted, str) else wanted
    return (_read if is_distributed(session) else _sorted)(session, person_id, wanted)


def _sorted(session: Session, person_id: int, wanted: Wanted) -> Sorted:
    rows = _narrowed(_LISTED, person_id, wanted)
    if wanted.by_number or wanted.reached:
        rows = rows.outerjoin(Overlay, _ADDED)
    meant = _is_meant(session, wanted) if wanted.text else None
    if wanted.by_number:
        return Sorted(session, rows, meant, Entry.id, (_BY_NUMBER, _BY_NAME, Entry.id))
    return Sorted(session, rows, meant, Entry.id, (_BY_NAME, Entry.id), _BY_NAME)


def _read(session: Session, person_id: int, wanted: Wanted) -> Read:
    added = (getattr(Overlay, name) for name in list_keys.Numbers._fields)
    rows = _narrowed(select(Entry.id, *added).outerjoin(Overlay, _ADDED).where(*_THERE), person_id, wanted)
    parts = _called(wanted) if wanted.text else None
    reached = _reached(wanted)
    return lists_apart.read(session, rows, person_id, ENTRIES, parts, reached, by_number=wanted.by_number)


def _narrowed(rows: Select[*tuple[Any, ...]], person_id: int, wanted: Wanted) -> Select[*tuple[Any, ...]]:
    rows = rows.where(Entry.viewer_id == person_id)
    for group_id, is_inside in ((wanted.inside, True), (wanted.outside, False)):
        if group_id is not None:
            rows = rows.where(_is_member(person_id, group_id) if is_inside else ~_is_member(person_id, group_id))
    return rows


def _is_member(person_id: int, group_id: int) -> ColumnElement[bool]:
    return exists().where(
        Member.owner_id == Entry.viewer_id,
        Member.owner_id == person_id,
        Member.group_id == group_id,
        Member.viewer_id == Entry.id,
    )


def _is_meant(session: Session, wanted: Wanted) -> ColumnElement[bool]:
    called = [part.said(session, CardListKey) for part in _called(wanted)]
    return or_(*called, *(part.said(session, each) for part in _reached(wanted) for each in (CardListKey, Overlay)))


def _called(wanted: Wanted) -> list[Part]:
    """Return by what a text may be a name, or a part of one."""
    return paging.parts_of_call(wanted.text) if _LATIN.search(wanted.text) else paging.parts_of_name(wanted.text)


def _reached(wanted: Wanted) -> list[Part]:
    """Return by what a text may be part of a number or address, of the card or added to it; nothing where it is not."""
    digits, said = list_keys.digits_of(wanted.text), wanted.text.strip().casefold()
    if not wanted.reached or (len(digits) < _FEW_DIGITS and "@" not in said):
        return []
    parts = [] if {list_keys.APART, "\0"} & set(said) else [Part("reached", said)]
    return [*parts, *([Part("digits", digits)] if digits else [])]
