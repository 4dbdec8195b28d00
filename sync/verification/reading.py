"""
How verification reads: some people at a time, and of each table all that is theirs by one statement.

The people of a page are those with neighbouring ids, so what is theirs lies together wherever tables are kept in the
order of their keys, and rows of people who do not exist are passed over.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from typing import Any, TypeAlias, TypeVar

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from sync.database.lists import among, pairs_among
from sync.models import Account

#: Rows that one statement names.
CHUNK = 1_000

T = TypeVar("T")
#: What is wrong, with whom by the id of their account.
Problem: TypeAlias = tuple[int, str]
_Id: TypeAlias = "ColumnElement[int] | InstrumentedAttribute[int]"


@dataclass(frozen=True, slots=True)
class Page:
    """Some people: their logins by the ids of their accounts, in the order of these."""

    session: Session
    logins: dict[int, str]

    def theirs(self, owner: _Id) -> ColumnElement[bool]:
        """Whether a row may be one of these people's, which this column tells."""
        ids = list(self.logins)
        return owner.between(ids[0], ids[-1])

    def rows(self, statement: Select[*tuple[Any, ...]], owner: _Id) -> dict[int, list[Any]]:
        """Return by person the rows of a statement, which begin with *owner*, without that."""
        found: dict[int, list[Any]] = {each: [] for each in self.logins}
        for owner_id, *row in self.session.execute(statement.where(self.theirs(owner))):
            if owner_id in found:
                found[owner_id].append(row)
        return found

    def stream(
        self, statement: Select[*tuple[Any, ...]], owner: _Id, *order: _Id
    ) -> Iterator[tuple[int, Iterator[Any]]]:
        """Yield person by person the rows of a statement, which begin with *owner*; a few are in memory at a time."""
        ordered = statement.where(self.theirs(owner)).order_by(owner, *order).execution_options(yield_per=100)
        for owner_id, rows in groupby(self.session.execute(ordered), key=lambda row: row[0]):
            if owner_id in self.logins:
                yield owner_id, rows


def page_after(session: Session, after: int, count: int) -> Page:
    """Return the next *count* people behind the id *after*."""
    chosen = select(Account.id, Account.login).where(Account.id > after).order_by(Account.id).limit(count)
    logins: dict[int, str] = dict(session.execute(chosen).all())
    return Page(session, logins)


def chunks(items: Iterable[T], size: int = CHUNK) -> Iterator[list[T]]:
    """Yield *items*, some at a time."""
    rest = iter(items)
    while some := list(islice(rest, size)):
        yield some


def matching(
    session: Session, statement: Select[*tuple[Any, ...]], columns: tuple[_Id, _Id], pairs: Sequence[tuple[int, int]]
) -> list[Any]:
    """Return the rows of a statement in which two columns are one of these *pairs*, which are all different."""
    return list(session.execute(statement.where(pairs_among(session, columns, pairs)))) if pairs else []


def names_of(session: Session, ids: Collection[int]) -> dict[int, str]:
    """Return what to call these accounts: their logins, or words for those that do not exist."""
    names = {each: f"Account {each}, which does not exist," for each in ids}
    for some in chunks(sorted(names)):
        found = session.execute(select(Account.id, Account.login).where(among(session, Account.id, some)))
        names.update(found.all())
    return names
