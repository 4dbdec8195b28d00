"""
What each page of the portal costs for somebody with many connections, beside the same page for somebody with few.

A page shows a part of a long list or lets it be searched, so the ratio stays near 1 where nothing is done for people
who are not on the page. Another reference is the settings, the simplest page of whoever is signed in: none shall cost
more than three times as much. The pages are those that the tests walk through, of Anna among the people of the demo.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import databases, measure, people
from radicale_plugin.cli.demo import stage
from sync.database import accounts
from sync.database.engine import Database
from sync.sharing import connections
from sync.sign_in import administrators
from tests.portal import walk
from tests.support.forms import MAILING, Visitor, opened

MANY, FEW, ROUNDS, REPEATS = 1_000, 20, 5, 5
#: How many of the pages that the tests walk through are enough to see that it runs.
SOME = 10
SIMPLEST = "/settings/"
#: Lists that are turned over and searched, which the tests walk through without so many people.
FURTHER = ("/people/?q=p0000017", "/people/?page=10", "/people/?by=number", "/sharing/?q=p0000017")


@dataclass(frozen=True, slots=True)
class Seen:
    """The portal before somebody with connections. *pages* are paths by what is asked for, which both of them have."""

    visitor: Visitor
    server: str
    pages: dict[str, str]


def main(*, quick: bool) -> None:
    """Measure and print."""
    with (
        TemporaryDirectory() as one,
        TemporaryDirectory() as other,
        databases.sqlite(Path(one)) as on_file,
        databases.sqlite(Path(other)) as another,
    ):
        _compare("SQLite", on_file, another, quick=quick)
    with databases.on_postgresql() as many, databases.on_postgresql() as few:
        if many is not None and few is not None:
            _compare("PostgreSQL", many, few, quick=quick)


def _compare(engine: str, large: Database, small: Database, *, quick: bool) -> None:
    many, few, rounds, repeats = (60, 20, 1, 1) if quick else (MANY, FEW, ROUNDS, REPEATS)
    costs: dict[tuple[str, bool], list[float]] = {}
    number = SOME if quick else None
    with _seen(large, many, number) as of_many, _seen(small, few, number) as of_few:
        shared = [name for name in of_many.pages if name in of_few.pages]
        for _ in range(rounds):
            for name in shared:
                for seen in (of_few, of_many):
                    costs.setdefault((name, seen is of_many), []).append(_cost(seen, seen.pages[name], repeats))
    reference = measure.median(costs[SIMPLEST, True])
    rows = []
    for name in shared:
        with_few, with_many = (measure.median(costs[name, which]) for which in (False, True))
        cells = (f"{with_many * 1e3:.1f}", measure.ratio(with_many, with_few), measure.ratio(with_many, reference))
        rows.append((with_many, (name, *cells)))
    measure.show(
        f"A page of the portal, {many:,} connections, {engine}, CPU, the dearest first",
        ("page", "ms", f"to {few} connections", f"to {SIMPLEST}"),
        [cells for _cost_of, cells in sorted(rows, reverse=True)],
    )


@contextmanager
def _seen(database: Database, size: int, number: int | None) -> Iterator[Seen]:
    database.write(stage.fill)
    with database.reading() as session:
        ids = {account.login: account.id for account in accounts.everybody(session)}
    me = ids[walk.WHO]
    database.write(lambda session: administrators.appoint(session, me))
    hub = database.write(lambda session: people.hub_of(session, me, walk.WHO, size))
    people.surround(database, [hub], with_cards=True)
    with database.reading() as session:
        if len(connections.connected_to(session, me)) < size:
            raise SystemExit("The people of this benchmark are not those that it is about.")
    with opened(databases.url_of(database), **MAILING) as site:
        visitor = Visitor(site).signed_in(me)
        found = [each for each in walk.addresses(site, "GET", ids) if each[0] not in walk.NO_PAGE]
        named = _named(found)
        pages = {**dict(list(named.items())[:number]), SIMPLEST: named[SIMPLEST], **{path: path for path in FURTHER}}
        there = {name: path for name, path in pages.items() if _is_page(visitor, path)}
        yield Seen(visitor, str(database.url.database), there)


def _named(found: list[tuple[str, str]]) -> dict[str, str]:
    """Return paths by what stays the same of them from one database to another: a view's name, and its place."""
    counted: dict[str, int] = {}
    named = {}
    for endpoint, path in found:
        counted[endpoint] = counted.get(endpoint, 0) + 1
        plain = path == f"/{endpoint.removesuffix('.index')}/"
        named[path if plain else f"{endpoint} {counted[endpoint]}"] = path
    return named


def _is_page(visitor: Visitor, path: str) -> bool:
    """Whether a path leads to a page, and not on to another."""
    page = visitor.get(path)
    if page.status >= 400:
        raise SystemExit(f"{path} answers {page.status}.")
    return page.status == 200


def _cost(seen: Seen, path: str, repeats: int) -> float:
    helpers = measure.named(seen.server)
    before, others = time.process_time(), measure.usage(helpers)
    for _ in range(repeats):
        seen.visitor.get(path)
    own = time.process_time() - before
    return (own + measure.used(others, measure.usage(helpers))) / repeats


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small numbers, to see that it runs")
    main(quick=parser.parse_args().quick)
