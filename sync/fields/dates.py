"""Dates as 3.0 and 4.0 write them, with a year or without."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sync.vcard import Parameters, Property

OMITTED = "X-APPLE-OMIT-YEAR"
_NO_YEAR = "1604"
_DATE = re.compile(r"(\d{4}|--)-?(\d\d)-?(\d\d)(?:[Tt ]([0-9:.Zz+-]++))?")
_TIME = re.compile(r"(\d\d)(?::?(\d\d))?(?::?(\d\d))?(?:[.]\d++)?(Z|[+-]\d\d(?::?\d\d)?)?", re.IGNORECASE)
_DROPPED = frozenset((OMITTED, "VALUE"))


@dataclass(frozen=True, slots=True)
class Moment:
    """
    A day, perhaps without its *year*, which is empty then; all of them digits as text.

    A time that some program wrote with it is none of it: others take the whole for no date.
    """

    year: str
    month: str
    day: str

    def basic(self) -> str:
        """As 4.0 writes it: `19800322`, `--0820`."""
        return f"{self.year or '--'}{self.month}{self.day}"

    def extended(self) -> str:
        """As 3.0 writes it: `1980-03-22`, with Apple's year for none."""
        return f"{self.year or _NO_YEAR}-{self.month}-{self.day}"


def read(item: Property) -> Moment | None:
    """The date that *item* says, in either version's form, or None where it says something else."""
    found = None if "text" in _value_type(item) else _DATE.fullmatch(item.value.strip())
    if found is None:
        return None
    year = found[1].strip("-")
    if found[4] and not _TIME.fullmatch(found[4]):
        return None
    # Not every program that takes the year for one marks it, and nobody alive was born in it.
    omitted = (_NO_YEAR, *item.parameter(OMITTED))
    return Moment("" if year in omitted else year, found[2], found[3])


def as_basic(item: Property, name: str) -> Property:
    """Write the date of *item* as property *name* of 4.0."""
    moment = read(item)
    if moment is None:
        return Property("", name, item.params, item.value)
    return Property("", name, _kept(item.params), moment.basic())


def as_extended(item: Property, name: str) -> Property:
    """Write the date of *item* as property *name* of 3.0."""
    moment = read(item)
    if moment is None:
        return Property("", name, item.params, item.value)
    omitted: Parameters = () if moment.year else ((OMITTED, (_NO_YEAR,)),)
    return Property("", name, (*omitted, *_kept(item.params)), moment.extended())


def _kept(params: Parameters) -> Parameters:
    return tuple(pair for pair in params if pair[0] not in _DROPPED)


def _value_type(item: Property) -> tuple[str, ...]:
    return tuple(value.lower() for value in item.parameter("VALUE"))
