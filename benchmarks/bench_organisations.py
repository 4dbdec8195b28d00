"""
A company by a list: everybody is imported and joins one organisation; one changes a number, one leaves.

The list is what `evercard people import` reads, some lines in a transaction as it does, and everybody on it gets a
letter; on PostgreSQL the CPU time is that of the command, without the database's. Then everybody joins with all
that it said of them, which makes one row of the roster each and none for a pair. One changed number shall be in the
address books of all the others at once, and who leaves in none: that is looked for in the books of some. The ratios are
to the first person, to somebody who is in no organisation, and to the rows that pairs would take.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import func, select

from benchmarks import databases, measure
from radicale_plugin.cli.people_lists import read
from sync.database import accounts
from sync.database.engine import Database
from sync.lists import book_view
from sync.models import CONTACTS, Base
from sync.organisations import members, organisations
from sync.profiles import profiles
from sync.revisions import address_books
from sync.settings import Sending, Settings
from sync.sharing.visibility import fields_of
from sync.sign_in import provisioning
from tests.support import factories
from tests.support.statements import sent

PEOPLE, QUICK = 2_000, 20
#: Books in which it is looked whether a change is there.
LOOKED_AT = 5
#: Lines of the list in one transaction.
TOGETHER = 50
_NUMBER = "+49 30 5550199"
#: A server that would send letters.
_SETTINGS = Settings(
    base_url="https://cards.example.org", sending=Sending(smtp_host="127.0.0.1", mail_from="cards@example.org")
)


def main(count: int) -> None:
    """Measure on both databases and print."""
    with TemporaryDirectory() as place, databases.sqlite(Path(place)) as database:
        _measure("SQLite", database, count)
    with databases.on_postgresql() as other:
        if other is not None:
            _measure("PostgreSQL", other, count)


def _measure(engine: str, empty: Database, count: int) -> None:
    database = Database(databases.url_of(empty), _SETTINGS)
    try:
        before = _rows(database)
        club = database.write(lambda session: organisations.create(session, "Company", ["name"]))
        alone, imported = _import(database, count)
        written = (_rows(database) - before) / count
        with database.reading() as session:
            everybody = [each.id for each in accounts.everybody(session)]
        first, joined = _join(database, club, everybody[:1]), _join(database, club, everybody[1:]) / (count - 1)
        rows = [
            ("somebody is imported", alone, imported / count),
            ("somebody joins", first, joined),
            *_changes(database, club, everybody),
        ]
    finally:
        database.dispose()
    shown = [(what, f"{1000 * one:.1f}", f"{1000 * each:.1f}", measure.ratio(each, one)) for what, one, each in rows]
    measure.show(f"A company of {count:,} on {engine}, CPU milliseconds", ("", "first", "each", "to first"), shown)
    print(f"{count:,} imported by one list: {imported:.1f} s of CPU, {written:.1f} rows each")


def _rows(database: Database) -> int:
    """Return how many rows there are in all tables."""
    with database.reading() as session:
        return sum(
            session.scalars(select(func.count()).select_from(each)).one() for each in Base.metadata.tables.values()
        )


def _import(database: Database, count: int) -> tuple[float, float]:
    """Import one person, and then everybody, and return what both took."""
    head = "login,name,email,number,groups,organisation\n"
    lines = [
        f"p{each:05},Person {each},p{each:05}@example.org,+49 30 {each:07},Team,Company\n" for each in range(count)
    ]
    return _read(database, head + lines[0]), _read(database, head + "".join(lines))


def _read(database: Database, text: str) -> float:
    def act() -> None:
        lines = iter(read(text.encode()))
        while some := list(islice(lines, TOGETHER)):
            database.write(
                lambda session, some=some: [provisioning.put(session, each.listed("en")) for each in some]  # type: ignore[misc]
            )

    return _cpu(act)


def _join(database: Database, club: int, owner_ids: list[int]) -> float:
    """Let people join with all that the list said of them, and return what it took."""

    def act() -> None:
        for owner_id in owner_ids:
            with database.reading() as session:
                chosen = [each.id for each in fields_of(session, owner_id)]
            database.write(
                lambda session, owner_id=owner_id, chosen=chosen: members.join(session, club, owner_id, chosen)  # type: ignore[misc]
            )

    return _cpu(act)


def _changes(database: Database, club: int, everybody: list[int]) -> list[tuple[str, float, float]]:
    """Change a number, let somebody leave, and return what that took beside what it takes who is in no organisation."""
    who, looking = everybody[0], [*everybody[1 : 1 + LOOKED_AT], everybody[-1]]
    outside = factories.person(database, "outside")
    own = factories.field(database, outside)
    alone = _cpu(lambda: factories.set_field(database, outside, own, _NUMBER))
    with database.reading() as session:
        number = next(each.id for each in fields_of(session, who) if each.kind == "mobile")
    known = {viewer: _book(database, viewer).reached for viewer in looking}
    content = factories.content("mobile", _NUMBER)
    with sent(database.engine) as statements:
        changed = _cpu(lambda: database.write(lambda session: profiles.set_field(session, who, number, content)))
    _look(database, known, is_there=True)
    known = {viewer: _book(database, viewer).reached for viewer in looking}
    left = _cpu(lambda: database.write(lambda session: members.leave(session, club, who)))
    _look(database, known, is_there=False)
    pairs = len(everybody) * (len(everybody) - 1)
    print(f"One changed number reaches {len(everybody) - 1:,} books by {len(statements)} statements.")
    print(f"The roster has {len(everybody):,} rows: {measure.ratio(len(everybody), pairs)} those of pairs")
    return [("a changed number", alone, changed), ("one leaves", alone, left)]


def _look(database: Database, known: dict[int, address_books.Reached], *, is_there: bool) -> None:
    """Find one change in each of these books: a card with the number, or one that is gone."""
    for viewer, since in known.items():
        book = _book(database, viewer)
        with database.reading() as session:
            (head,) = book_view.heads(session, book, since)
            (text,) = [each.text for each in book_view.texts(session, book, since=since)] if is_there else [""]
        if head.present != is_there or (is_there and _NUMBER not in text):
            raise RuntimeError("A change did not reach the book of a member.")


def _book(database: Database, viewer: int) -> address_books.Book:
    with database.reading() as session:
        return next(each for each in address_books.books_of(session, viewer) if each.id == CONTACTS)


def _cpu(act: Callable[[], object]) -> float:
    began = time.process_time()
    act()
    return time.process_time() - began


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="only see that it runs")
    main(QUICK if parser.parse_args().quick else PEOPLE)
