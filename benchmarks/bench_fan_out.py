"""
What it costs to tell everybody that a field changed.

From the call that changes one field to the last address book that holds it, outbox included; beside raw SQL that
changes the same rows in one transaction with one statement for each table, in turns with it.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import event, func, select

from benchmarks import databases, measure, people, raw_fan_out
from sync import fields
from sync.database.engine import Database
from sync.models import AddressBook, Connection
from sync.profiles import profiles
from sync.revisions import fan_out

#: Viewers, and how many changes make one measurement.
SIZES = {300: 40, 10_000: 4, 100_000: 1}
QUICK = {30: 2, 300: 1}
ROUNDS = 5


@dataclass(slots=True)
class Measured:
    """CPU and elapsed seconds of one way of doing it, a pair for each round."""

    cpu: list[float] = field(default_factory=list)
    elapsed: list[float] = field(default_factory=list)


def main(*, quick: bool) -> None:
    """Measure and print."""
    sizes, rounds = (QUICK, 1) if quick else (SIZES, ROUNDS)
    with TemporaryDirectory() as directory, databases.sqlite(Path(directory)) as database:
        _measure(database, sizes, rounds)
    with databases.on_postgresql() as opened:
        if opened is not None:
            _measure(opened, sizes, rounds)


def _measure(database: Database, sizes: dict[int, int], rounds: int) -> None:
    hubs = people.build(database, list(sizes), with_cards=False)
    rows = []
    for hub in hubs:
        people.check(database, hub)
        ours, raw = Measured(), Measured()
        changes = sizes[hub.size]
        _change(database, hub, hub.shown_to_all)
        for _ in range(rounds):
            _time(database, ours, changes, partial(_change, database, hub, hub.shown_to_all))
            _time(database, raw, changes, partial(raw_fan_out.change, database, hub))
        rows.append(_row(database, hub, ours, raw, changes))
    engine = "SQLite" if database.is_sqlite else "PostgreSQL"
    heads = ("viewers", "CPU ms", "raw SQL", "CPU to raw", "elapsed to raw", "statements", "books touched")
    measure.show(f"One changed field, {engine}", heads, rows)
    hub = hubs[-2]
    touched, statements = _effect(database, hub, hub.shown_to_few)
    print(f"  a field that {people.FEW} of {hub.size:,} may see: {touched} books touched, {statements} statements")


def _row(database: Database, hub: people.Hub, ours: Measured, raw: Measured, changes: int) -> tuple[str, ...]:
    touched, statements = _effect(database, hub, hub.shown_to_all)
    cost, least = measure.median(ours.cpu) / changes, measure.median(raw.cpu) / changes
    return (
        f"{hub.size:,}",
        f"{cost * 1e3:.1f}",
        f"{least * 1e3:.1f}",
        measure.ratio(cost, least),
        measure.ratio(measure.median(ours.elapsed), measure.median(raw.elapsed)),
        f"{statements}",
        f"{touched:,}",
    )


def _time(database: Database, measured: Measured, count: int, work: Callable[[], None]) -> None:
    databases.tidy(database)
    elapsed, cpu = time.perf_counter(), _usage(database)
    for _ in range(count):
        work()
    measured.cpu.append(measure.used(cpu, _usage(database)))
    measured.elapsed.append(time.perf_counter() - elapsed)


def _usage(database: Database) -> measure.Usage:
    backends = [] if database.is_sqlite else measure.named(str(database.url.database))
    return measure.usage([os.getpid(), *backends])


def _change(database: Database, hub: people.Hub, field_id: int) -> None:
    number = time.time_ns()
    shown_to_all = field_id == hub.shown_to_all
    content = fields.field_from_text(*("phone", f"+49 30 {number}") if shown_to_all else ("email", f"{number}@x.org"))
    database.write(lambda session: profiles.set_field(session, hub.id, field_id, content))
    fan_out.work(database)


def _effect(database: Database, hub: people.Hub, field_id: int) -> tuple[int, int]:
    """Return how many books other than the owner's a change raised, by one each, and how many statements it took."""

    def revisions() -> int:
        held = select(Connection.viewer_id).where(Connection.owner_id == hub.id)
        with database.reading() as session:
            return int(
                session.scalars(select(func.sum(AddressBook.revision)).where(AddressBook.viewer_id.in_(held))).one()
            )

    before = revisions()
    with _counted(database) as statements:
        _change(database, hub, field_id)
    return revisions() - before, len(statements)


@contextmanager
def _counted(database: Database) -> Iterator[list[str]]:
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        statements.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(database.engine, "before_cursor_execute", note)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="only see that it runs")
    main(quick=parser.parse_args().quick)
