"""
What the first synchronization of a new device costs, for each card.

The list of everything by sync-collection, then every card by addressbook-multiget, in batches of 10 as DAVx5 asks and
of 500 as Thunderbird does; beside a bare WSGI application that serves the same octets from memory, and stock Radicale.
"""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import bare, cases, databases, load, people, servers
from benchmarks.requests import MULTIGET, SYNC, Client, batches

CARDS = 5_000
STOCK_CARDS = 1_000
ROUNDS = 5
BATCHES = (10, 500)


def main(*, quick: bool, picture: int) -> None:
    """Measure and print."""
    size, stock_cards, rounds = (60, 20, 1) if quick else (CARDS, STOCK_CARDS, ROUNDS)
    with ExitStack() as stack:
        directory = Path(stack.enter_context(TemporaryDirectory()))
        database = stack.enter_context(databases.sqlite(directory))
        hub = people.build(database, [size], with_cards=True, picture=picture)[0]
        people.check(database, hub)
        client = Client.of(hub)
        server = stack.enter_context(servers.evercard(directory, database))
        hrefs = client.entries(server.port)
        answers = {
            SYNC: bare.Answer.read(load.fetch(server.port, client.sync())),
            MULTIGET: bare.Answer.read(load.fetch(server.port, client.multiget(hrefs))),
        }
        least = stack.enter_context(servers.bare_wsgi(directory, hub.login, hub.password, answers))
        stock = stack.enter_context(servers.stock(directory, client.cards(server.port, stock_cards)))
        stock_client = Client("stock", servers.STOCK_PASSWORD)
        measured = [
            *_cases(least, client, hrefs),
            *_cases(stock, stock_client, stock_client.entries(stock.port)),
            *_cases(server, client, hrefs),
        ]
        other = stack.enter_context(databases.on_postgresql())
        if other is not None:
            client = Client.of(people.build(other, [size], with_cards=True, picture=picture)[0])
            server = stack.enter_context(servers.evercard(directory, other))
            measured += _cases(server, client, client.entries(server.port))
        cases.measure_all(measured, rounds)
    cases.show(f"One card of {size:,}, user and system", "server, request", measured)


def _cases(server: servers.Server, client: Client, hrefs: list[str]) -> list[cases.Case]:
    found = [cases.Case(server, "list of ETags", "", [client.sync()], 1, len(hrefs))]
    for batch_size in BATCHES:
        requests = [client.multiget(batch) for batch in batches(hrefs, batch_size)]
        found.append(cases.Case(server, f"cards, {batch_size} at a time", "", requests, len(requests), len(hrefs)))
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="only see that it runs")
    parser.add_argument("--picture", type=int, default=0, metavar="OCTETS", help="let every card have a picture")
    arguments = parser.parse_args()
    main(quick=arguments.quick, picture=arguments.picture)
