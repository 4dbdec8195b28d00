"""
Lists by name of people who are on other machines: what lists know of their cards is read, and sorted here.

It is a line for each of the people of one person's list. What is known of a card that the person may not see any more
is never taken: `sync.database.entry_cards` makes sure of it, as for the cards themselves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Select
from sqlalchemy.orm import Session

from sync.database import entry_cards
from sync.database.entry_cards import Kind
from sync.models import CardListKey
from sync.queries.paging import Part, Read
from sync.sorting.list_keys import NO_NUMBER, ListKeys, Numbers

_KEYS = [getattr(CardListKey, name) for name in ListKeys._fields]


def read(
    session: Session,
    entries: Select[*tuple[Any, ...]],
    reader: int,
    kind: Kind,
    parts: Sequence[Part] | None,
    reached: Sequence[Part] = (),
    *,
    by_number: bool = False,
) -> Read:
    """
    Return the list of *entries*, a statement about the ids, and the `Numbers` that *reader* added to each card if any.

    Those are meant on whose cards there is one of the *parts*, or on whose cards or beside them one of those *reached*;
    all of them where *parts* is None.

    Raises:
        NotThereYet: The machines of a card and its entry have not come equally far.
    """
    keys, meant = list[tuple[Any, ...]](), set[int]()
    chosen = session.execute(entry_cards.chosen(session, entries, *_KEYS, kind=kind))
    for each, *said in entry_cards.read(session, chosen, reader, *_KEYS, kind=kind):
        card = dict(zip(ListKeys._fields, said[-len(_KEYS) :], strict=True))
        added = dict(zip(Numbers._fields, said[: -len(_KEYS)], strict=False))
        key = (card["sort_key"] or b"", each)
        keys.append((_number(card, added), *key) if by_number else key)
        is_meant = parts is None or any(part.is_in(card) for part in (*parts, *reached))
        if is_meant or any(part.is_in(added) for part in reached):
            meant.add(each)
    return Read(keys, meant, is_by_name=not by_number)


def _number(*kept: Mapping[str, Any]) -> bytes:
    """Return the key of the first that has a number."""
    found: list[bytes] = [one["number_key"] for one in kept if one.get("number_key") not in (None, NO_NUMBER)]
    return found[0] if found else NO_NUMBER
