"""What the pages ask the database for: no more statements or rows for whoever knows many people than for others."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import pytest

from benchmarks import people
from tests.portal import walk
from tests.portal.conftest import Cast
from tests.support.forms import MAILING, Visitor, opened
from tests.support.statements import TRANSACTION

#: Lists of both fill their first page.
FEW, MANY = 60, 200
#: Statements of the dearest page, which is the overview; those of what is looked up now and then, and rows by chance.
MOST, NOW_AND_THEN, CHANCE = 34, 2, 10
#: Who is connected is left out of the one, and may be proposed by the other, so each has a row there, and no more.
OF_EACH = {"members.of", "people.link"}
#: What begins and ends a transaction, or belongs to a statement that was counted.
UNCOUNTED = (*TRANSACTION, "COMMIT", "PRAGMA", "ROLLBACK", "--")


class Asked(NamedTuple):
    """What one page asked for."""

    statements: int
    rows: int


class Counting(sqlite3.Connection):
    """A connection that counts the statements of the thread that made this class, and the rows that come back."""

    counted: ClassVar[Counter[str]] = Counter()
    thread = threading.get_ident()

    def __init__(self, *arguments: Any, **options: Any) -> None:
        """Connect."""
        super().__init__(*arguments, **options)
        self.set_trace_callback(self._sent)
        self.row_factory = self._row

    def _sent(self, text: str) -> None:
        if threading.get_ident() == self.thread and not text.startswith(UNCOUNTED):
            self.counted["statements"] += 1

    def _row(self, _cursor: sqlite3.Cursor, row: tuple[object, ...]) -> tuple[object, ...]:
        self.counted["rows"] += threading.get_ident() == self.thread
        return row


@contextmanager
def counting(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let every connection to SQLite count, also that of single statements."""
    connect = sqlite3.connect
    with monkeypatch.context() as patch:
        for module in (sqlite3, sqlite3.dbapi2):
            patch.setattr(module, "connect", lambda *given, **more: connect(*given, factory=Counting, **more))
        yield


def asked(cast: Cast, file: Path, size: int) -> dict[tuple[str, int], Asked]:
    """Return what each page asks for, by its endpoint and place, for Anna with so many connections more."""
    anna, found, places = cast.ids[walk.WHO], {}, Counter[str]()
    with opened(f"sqlite:///{shutil.copy(cast.file, file)}", **MAILING) as site:
        hub = site.database.write(lambda session: people.hub_of(session, anna, walk.WHO, size))
        people.surround(site.database, [hub], with_cards=True)
        visitor = Visitor(site).signed_in(anna)
        for endpoint, path in walk.addresses(site, "GET", cast.ids):
            if endpoint in walk.NO_PAGE:
                continue
            places[endpoint] += 1
            Counting.counted.clear()
            assert visitor.get(path).status < 400, path
            found[endpoint, places[endpoint]] = Asked(Counting.counted["statements"], Counting.counted["rows"])
    return found


def test_no_page_asks_for_more_where_there_are_more_people(
    cast: Cast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with counting(monkeypatch):
        few, many = (asked(cast, tmp_path / f"{size}.sqlite", size) for size in (FEW, MANY))
    assert few.keys() == many.keys()
    grown = {page: its for page, its in many.items() if its.statements > few[page].statements + NOW_AND_THEN}
    assert grown == {}
    assert {page: its.statements for page, its in many.items() if its.statements > MOST + NOW_AND_THEN} == {}
    more = {page: its.rows - few[page].rows for page, its in many.items() if its.rows > few[page].rows + CHANCE}
    assert {page: rows for page, rows in more.items() if page[0] not in OF_EACH} == {}
    # What is left out is counted: these are the rows that all others do without.
    assert {endpoint for endpoint, _place in more} == OF_EACH
    assert max(more.values()) <= MANY - FEW + CHANCE
    # Pages are shown, and their lists have the people.
    assert many["people.index", 1].rows > many["settings.index", 1].rows + 100
