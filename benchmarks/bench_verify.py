"""
What it takes to verify a database: every promise, of everybody, as ``evercard verify`` does.

People with a profile of 12 fields and one connection each, all with the same person, on whose page everybody is
looked at who is connected with them. A page is what is looked at in one snapshot; the longest says for how long one is
open. The reference reads every row of every table, and does nothing with it.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import select

from benchmarks import databases, measure, people
from sync import verification
from sync.database.engine import Database
from sync.models import Base

PEOPLE = 5_000
QUICK = 200


def main(count: int) -> None:
    """Measure with so many people, and print."""
    rows = []
    with TemporaryDirectory() as directory, databases.sqlite(Path(directory)) as database:
        rows.append(_measured("SQLite", database, count))
    with databases.on_postgresql() as opened:
        if opened is not None:
            rows.append(_measured("PostgreSQL", opened, count))
    heads = ("database", "people", "minutes", "CPU ms a person", "to reading", "longest page, s", "problems")
    measure.show("Verifying everybody", heads, rows)


def _measured(name: str, database: Database, count: int) -> tuple[str, ...]:
    people.build(database, [count], with_cards=True)
    before = _usage(database)
    _read(database)
    least, before = measure.used(before, _usage(database)), _usage(database)
    checked, problems, longest = 0, 0, 0.0
    began = at = time.perf_counter()
    for page in verification.in_pages(database):
        longest, at = max(longest, time.perf_counter() - at), time.perf_counter()
        checked, problems = checked + page.count, problems + len(page.findings)
    minutes, cpu = (at - began) / 60, measure.used(before, _usage(database))
    told = (f"{minutes:.1f}", f"{cpu / checked * 1e3:.2f}", measure.ratio(cpu, least), f"{longest:.1f}", f"{problems}")
    return name, f"{checked:,}", *told


def _read(database: Database) -> None:
    with database.reading() as session:
        for table in Base.metadata.sorted_tables:
            for _ in session.execute(select(table).execution_options(yield_per=1_000)):
                pass


def _usage(database: Database) -> measure.Usage:
    backends = [] if database.is_sqlite else measure.named(str(database.url.database))
    return measure.usage([os.getpid(), *backends])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="only see that it runs")
    parser.add_argument("--people", type=int, default=PEOPLE, metavar="COUNT", help=f"how many (else {PEOPLE:,})")
    given = parser.parse_args()
    main(QUICK if given.quick else given.people)
