"""Days that come back every year, as a card has them: birthdays, anniversaries and what else people note."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from sync.errors import InvalidVCard
from sync.fields import FieldContent, dates, fields_of
from sync.vcard import VCard, parse_one, unescape

BIRTHDAY = "birthday"
ANNIVERSARY = "anniversary"
OTHER = "other"
_KINDS = {"birthday": BIRTHDAY, "anniversary": ANNIVERSARY, "x:x-abdate": OTHER}
#: A year in which every day of every year exists, for days whose year nobody was told.
_LEAP_YEAR = 1972


@dataclass(frozen=True, slots=True)
class Occasion:
    """
    A day of somebody's that comes back every year.

    *uid* stays the same for as long as the card and what kind of day it is do. *name* is whose it is, *label* what the
    owner calls the day, which may be empty. *first* is the day in its year where *has_year* is true, else in a year
    that means nothing. *changed_at* is when the card changed, in seconds since 1970.
    """

    uid: str
    kind: str
    name: str
    label: str
    first: date
    has_year: bool
    changed_at: int


def occasions_of(card_uid: str, text: str, changed_at: int) -> Iterator[Occasion]:
    """Yield the days that the vCard *text* has. What is no card, or no day of any year, has none."""
    try:
        card = parse_one(text)
    except InvalidVCard:
        return
    name = _name(card)
    seen: dict[tuple[str, str], int] = {}
    for content in fields_of(card):
        kind = _KINDS.get(content.kind)
        found = _first(content) if kind else None
        if kind is None or found is None:
            continue
        label = "" if kind == BIRTHDAY else content.label
        # Of several that are called the same, each is one.
        number = seen[kind, label] = seen.get((kind, label), 0) + 1
        uid = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{card_uid}/{kind}/{label}/{number}"))
        yield Occasion(uid, kind, name, label, *found, changed_at)


def _name(card: VCard) -> str:
    return next((unescape(item.value).strip() for item in card.properties if item.name == "FN"), "")


def _first(content: FieldContent) -> tuple[date, bool] | None:
    moment = dates.read(content.main)
    if moment is None:
        return None
    has_year = bool(moment.year)
    try:
        return date(int(moment.year) if has_year else _LEAP_YEAR, int(moment.month), int(moment.day)), has_year
    except ValueError:
        return None
