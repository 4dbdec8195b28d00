"""What forms say of other people: which groups they are to be in, and where to go afterwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Generic, Protocol, TypeVar

from flask import request, url_for

from radicale_plugin.web.ids import as_id
from radicale_plugin.web.page import is_own
from sync.database.engine import Session
from sync.queries.paging import Place
from sync.sharing import groups
from sync.sharing.groups import GroupSummary
from sync.sharing.visibility import GROUP
from sync.sorting.names import letter_of


def own_groups(session: Session, owner_id: int) -> list[GroupSummary]:
    """Return the groups that a person can put others into."""
    return [group for group in groups.groups_of(session, owner_id) if group.kind == GROUP]


#: The most characters that are looked for in a list.
LONGEST = 100


def sought(values: Mapping[str, str] | None = None) -> str:
    """Return what is looked for in a list: by the address of the page, or among other *values* that were sent."""
    return (request.args if values is None else values).get("q", "").strip()[:LONGEST]


ANamed = TypeVar("ANamed", bound="Named")
Item = TypeVar("Item")


class Named(Protocol):
    """Whatever stands in a list by its name."""

    @property
    def name(self) -> str:
        """The name."""


def by_letter(found: Sequence[ANamed]) -> list[tuple[str, list[ANamed]]]:
    """Return people or contacts, who are in their order, under the letters of the alphabet."""
    return [(letter, list(some)) for letter, some in groupby(found, key=lambda each: letter_of(each.name))]


def is_by_number() -> bool:
    """Whether a list was asked for in the order of numbers."""
    return request.args.get("by") == "number"


def in_order(found: Sequence[ANamed]) -> list[tuple[str, list[ANamed]]]:
    """Return people or contacts under letters, or under none where their list is in the order of numbers."""
    return [("", list(found))] if is_by_number() else by_letter(found)


@dataclass(frozen=True, slots=True)
class Part(Generic[Item]):
    """Some of a list: page *number*, counted from 1, of *pages*; *total* are all."""

    items: Sequence[Item]
    number: int
    pages: int
    total: int


def part_of(found: Sequence[Item], count: int) -> Part[Item]:
    """Return the page that was asked for of a list with *count* on each, the last one where there are not so many."""
    pages = max(1, -(-len(found) // count))
    number = min(number_of_page(), pages)
    return Part(found[(number - 1) * count : number * count], number, pages, len(found))


def number_of_page() -> int:
    """Return which page of a list was asked for, 1 where that is nothing sensible."""
    return min(as_id(request.args.get("page", "")) or 1, 1_000_000)


def place_of_page() -> Place:
    """Return which page of a list was asked for that the database cuts: behind or before somebody, or by its number."""
    return Place(number_of_page(), as_id(request.args.get("after", "")), as_id(request.args.get("before", "")))


def back(endpoint: str) -> str:
    """Return where a form wants to go back to afterwards, or the page of *endpoint*."""
    wanted = request.form.get("next", "")
    return wanted if is_own(wanted) else url_for(endpoint)
