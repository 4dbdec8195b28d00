"""
The cards that entries show: the one place where rows of two people meet.

Where all tables are on one machine, one statement reads entries with their cards, of one moment (`together`). Where
they are spread over machines no statement can; there the entries are read first, and then their cards (`apart`, `of`).

Machines commit their parts of a change one after the other, up to a minute apart when one crashed in between. So what
is read of the owner's may be older than what the entry says, and then the reader's device would get the new sync token
with the old card, and never ask again; or what is read of the reader's may be older, and name a card that they may not
see any more. An entry says for which version of the owner's profile it was raised (`raised_for`), and which card it
names; the owner's machine says which version the profile has, and which card the reader has. Where these do not fit,
the reader waits for a moment and is then told to come again. What one machine commits always fits.

The owner's machine says as well whether anything of the owner's is over by now (`sync.ends`): when it is may be noted
on a third machine, which may be out of reach, so whoever watches for ends may not know. Such a card is not read.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sqlalchemy import Select, bindparam, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from sync.database.distribution import QUICK_ROWS, TOGETHER, is_distributed
from sync.database.engine import Database
from sync.database.lists import among_parameter, ids
from sync.database.prepared import execute
from sync.errors import EndsDue, NotThereYet
from sync.models import Card, CardListKey, Connection, Ending, Entry, Membership, Profile, RosterEntry, now
from sync.pictures.columns import Column, stored, whole_cards, with_card, with_picture

#: Entries whose cards are read at a time, and entries of which it is read what lists know of their cards, a line each.
BATCH, BATCH_OF_KEYS = 100, 1000
#: Seconds between two looks whether the other machine has come as far, and how many there are.
PAUSE, LOOKS = 0.1, 10

Row = tuple[Any, ...]
Fetch = Callable[[Select[*tuple[Any, ...]], dict[str, object]], Sequence[Sequence[Any]]]


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """
    Rows that name cards: *owner*, *card* and *raised_for* are their columns.

    On the owner's machine *reader* is who has *shown*, a card of *their* owner's.
    """

    owner: InstrumentedAttribute[int]
    card: InstrumentedAttribute[int | None]
    raised_for: InstrumentedAttribute[int | None]
    their: InstrumentedAttribute[int]
    reader: InstrumentedAttribute[int]
    shown: InstrumentedAttribute[Any]


def of_entries(entry: type[Entry]) -> Kind:
    """Return entries of a person's address book, which a statement knows as *entry*."""
    mine = (entry.id, entry.card_id, entry.raised_for)
    return Kind(*mine, Connection.owner_id, Connection.viewer_id, Connection.audience_id)


#: Entries as their table has them, and the rows of an organisation's roster.
ENTRIES = of_entries(Entry)
ROSTERS = Kind(
    RosterEntry.owner_id,
    RosterEntry.card_id,
    RosterEntry.raised_for,
    Membership.owner_id,
    Membership.organisation_id,
    Membership.audience_id,
)


def together(entries: Select[*tuple[Any, ...]], *columns: Column, kind: Kind = ENTRIES) -> Select[*tuple[Any, ...]]:
    """
    Let a statement about *entries* have what is wanted of their cards at the end, None where there is no card.

    All of it is of the cards themselves, or what lists know of them.
    """
    table = CardListKey if _are_keys(columns) else Card
    joined = entries.outerjoin(table, (table.owner_id == kind.owner) & (table.id == kind.card))
    return with_card(joined, *columns).execution_options(**{TOGETHER: True})


def apart(entries: Select[*tuple[Any, ...]], kind: Kind = ENTRIES) -> Select[*tuple[Any, ...]]:
    """Let a statement about *entries* have at the end what `of` finds their cards by."""
    return entries.add_columns(kind.owner, kind.card, kind.raised_for)


def chosen(
    session: Session, entries: Select[*tuple[Any, ...]], *columns: Column, kind: Kind = ENTRIES
) -> Select[*tuple[Any, ...]]:
    """Return the statement about *entries* whose rows `read` takes."""
    return apart(entries, kind) if is_distributed(session) else together(entries, *columns, kind=kind)


def read(
    session: Session, rows: Iterable[Sequence[Any]], reader: int, *columns: Column, kind: Kind = ENTRIES
) -> Iterable[Sequence[Any]]:
    """
    Return rows of the statement `chosen` as those of `together` are.

    *reader* is whose entries these are: a person, or an organisation.

    Raises:
        EndsDue: Something of an owner's is over and was not taken back yet.
        NotThereYet: The machines of a card and its entry have not come equally far.
    """
    if not is_distributed(session):
        return whole_cards(rows, *columns)
    # A transaction goes on seeing what it has seen; whoever waits has to look past it.
    look = (functools.partial(execute, session), session.info[QUICK_ROWS])
    found = of(rows, reader, stored(columns), kind, session.get_bind().dialect.name, look)
    return whole_cards(found, *columns)


def read_quickly(
    database: Database, rows: Iterable[Sequence[Any]], reader: int, *columns: Column, kind: Kind = ENTRIES
) -> Iterable[Sequence[Any]]:
    """Return what `read` does, without a transaction."""
    if not database.is_distributed:
        return whole_cards(rows, *columns)
    look = (database.quick_rows, database.quick_rows)
    found = of(rows, reader, stored(columns), kind, database.engine.dialect.name, look)
    return whole_cards(found, *columns)


def of(
    rows: Iterable[Sequence[Any]],
    reader: int,
    columns: Sequence[Column],
    kind: Kind,
    dialect: str,
    look: tuple[Fetch, Fetch],
) -> Iterator[Row]:
    """Yield rows of `apart` as those of `together` are; *look* reads cards the first time, and when they are late."""
    left, size = iter(rows), BATCH_OF_KEYS if _are_keys(columns) else BATCH
    while batch := [tuple(row) for row in islice(left, size)]:
        wanted = [_Wanted(*row[-3:]) for row in batch]
        found = _found(wanted, reader, columns, kind, dialect, look)
        nothing = (None,) * len(columns)
        for row, each in zip(batch, wanted, strict=True):
            yield (*row[:-3], *(found.cards.get((each.owner, each.card), nothing) if each.card else nothing))


@dataclass(frozen=True, slots=True)
class _Wanted:
    owner: int
    card: int | None
    raised_for: int | None


@dataclass(frozen=True, slots=True)
class _Found:
    """What owners' machines say: the version of each profile, which card the reader has of each, and the cards."""

    versions: dict[int, int]
    shown: dict[int, int | None]
    cards: dict[tuple[int, int], Row]

    def fits(self, wanted: _Wanted, reader: int) -> bool:
        """Whether what the owner's machine has is as new as what the entry says, and the other way round."""
        if wanted.card is None:
            return True
        if (wanted.owner, wanted.card) not in self.cards or (wanted.raised_for or 0) > self.versions[wanted.owner]:
            return False
        # What is one's own is on one machine.
        return wanted.owner == reader or self.shown[wanted.owner] == wanted.card


def _found(
    wanted: Sequence[_Wanted],
    reader: int,
    columns: Sequence[Column],
    kind: Kind,
    dialect: str,
    look: tuple[Fetch, Fetch],
) -> _Found:
    named = [each for each in wanted if each.card is not None]
    values: dict[str, object] = {
        "owners": ids(dialect, sorted({each.owner for each in named})),
        "cards": ids(dialect, sorted({each.card for each in named if each.card is not None})),
        "reader": reader,
        "at": now(),
    }
    statement, (fetch, fetch_again) = _cards(dialect, kind, tuple(columns)), look
    for attempt in range(LOOKS + 1):
        found = _Found({}, {}, {})
        rows = (fetch_again if attempt else fetch)(statement, values) if named else ()
        due = set[int]()
        for owner, version, shown, over, card, *told in rows:
            found.versions[owner], found.shown[owner] = version, shown
            if card is not None:
                found.cards[owner, card] = tuple(told)
            # People see of their own whatever there is.
            if over is not None and owner != reader:
                due.add(owner)
        if due:
            raise EndsDue(sorted(due))
        if all(found.fits(each, reader) for each in named):
            return found
        if attempt < LOOKS:
            time.sleep(PAUSE)
    raise NotThereYet


@functools.cache
def _cards(dialect: str, kind: Kind, columns: tuple[Column, ...]) -> Select[*tuple[Any, ...]]:
    cards = (Card.owner_id == Profile.owner_id) & among_parameter(dialect, Card.id, "cards")
    found = (
        select(Profile.owner_id, Profile.version, kind.shown, Ending.id, Card.id, *columns)
        .outerjoin(kind.shown.class_, (kind.their == Profile.owner_id) & (kind.reader == bindparam("reader")))
        .outerjoin(Card, cards)
        .outerjoin(Ending, (Ending.owner_id == Profile.owner_id) & (Ending.ends_at <= bindparam("at")))
        .where(among_parameter(dialect, Profile.owner_id, "owners"))
    )
    if _are_keys(columns):
        # An earlier release may have written a card without them.
        found = found.outerjoin(CardListKey, (CardListKey.owner_id == Card.owner_id) & (CardListKey.id == Card.id))
    return with_picture(found, columns)


def _are_keys(columns: Sequence[Column]) -> bool:
    """Whether what is wanted is what lists know of cards."""
    return any(getattr(each, "class_", None) is CardListKey for each in columns)
