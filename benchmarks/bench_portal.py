"""
What a page of the portal costs for somebody with many connections, beside the same page for somebody with few.

A page shows a part of a long list or lets it be searched, so the ratio stays near 1 where nothing is done for people
who are not on the page. Another reference is the page for signing in, which asks nothing of the database.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import databases, measure, people
from benchmarks.people import Hub
from sync.database.engine import Database
from sync.queries import activity
from sync.sharing import connections
from tests.support.forms import Visitor, opened

MANY, FEW, ROUNDS, REPEATS = 1_000, 20, 5, 10
SIGN_IN = "/sign-in"
PAGES = (
    "/",
    "/card/",
    "/sharing/",
    "/groups/",
    "/people/",
    "/people/?text=p0000017",
    "/activity/",
    "/friends/",
    "/requests/",
    "/devices/",
    "/settings/",
)


def main(*, quick: bool) -> None:
    """Measure and print."""
    many, few, rounds = (60, 20, 1) if quick else (MANY, FEW, ROUNDS)
    with TemporaryDirectory() as directory, databases.sqlite(Path(directory)) as database:
        hubs = people.build(database, [many, few], with_cards=True)
        _check(database, hubs[0])
        with opened(databases.url_of(database)) as site:
            large, small = (Visitor(site).signed_in(hub.id) for hub in hubs)
            nobody = Visitor(site)
            costs: dict[tuple[str, str], list[float]] = {}
            for _ in range(rounds):
                costs.setdefault((SIGN_IN, "reference"), []).append(_cost(nobody, SIGN_IN))
                for path in PAGES:
                    costs.setdefault((path, "few"), []).append(_cost(small, path))
                    costs.setdefault((path, "many"), []).append(_cost(large, path))
    reference = measure.median(costs[SIGN_IN, "reference"])
    rows = []
    for path in PAGES:
        with_few, with_many = (measure.median(costs[path, which]) for which in ("few", "many"))
        cells = (f"{with_many * 1e3:.1f}", measure.ratio(with_many, with_few), measure.ratio(with_many, reference))
        rows.append((path, *cells))
    measure.show(
        f"A page of the portal, {many:,} connections, CPU",
        ("page", "ms", f"to {few} connections", "to signing in"),
        rows,
    )


def _check(database: Database, hub: Hub) -> None:
    with database.reading() as session:
        if len(connections.connected_to(session, hub.id)) != hub.size or not activity.latest(session, hub.id):
            raise SystemExit("The people of this benchmark are not those that it is about.")


def _cost(visitor: Visitor, path: str) -> float:
    page = visitor.get(path)
    if page.status != 200:
        raise SystemExit(f"{path} answers {page.status}.")
    before = time.process_time()
    for _ in range(REPEATS):
        visitor.get(path)
    return (time.process_time() - before) / REPEATS


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small numbers, to see that it runs")
    main(quick=parser.parse_args().quick)
