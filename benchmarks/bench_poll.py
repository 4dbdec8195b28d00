"""
What a poll costs: a device asks whether anything changed, and nothing did.

CPU time of a request with its password, in the server's processes and in PostgreSQL's, for address books of several
sizes; beside a bare WSGI application that does the least possible, and stock Radicale.
"""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import bare, cases, databases, load, people, servers
from benchmarks.requests import PROPFIND, SYNC, Client

SIZES = (100, 1_000, 5_000)
REQUESTS = 2_000
STOCK_CARDS = 1_000
STOCK_REQUESTS = 12
ROUNDS = 5


def main(*, quick: bool) -> None:
    """Measure and print."""
    sizes, requests, rounds = ((20,), 40, 1) if quick else (SIZES, REQUESTS, ROUNDS)
    stock_cards, stock_requests = (20, 3) if quick else (STOCK_CARDS, STOCK_REQUESTS)
    with ExitStack() as stack:
        directory = Path(stack.enter_context(TemporaryDirectory()))
        database = stack.enter_context(databases.sqlite(directory))
        hubs = people.build(database, sizes, with_cards=True)
        server = stack.enter_context(servers.evercard(directory, database))
        client = Client.of(hubs[0])
        answers = {
            SYNC: bare.Answer.read(load.fetch(server.port, client.poll(server.port))),
            PROPFIND: bare.Answer.read(load.fetch(server.port, client.propfind())),
        }
        least = stack.enter_context(servers.bare_wsgi(directory, hubs[0].login, hubs[0].password, answers))
        cards = Client.of(hubs[-1]).cards(server.port, stock_cards)
        stock = stack.enter_context(servers.stock(directory, cards))
        stock_client = Client("stock", servers.STOCK_PASSWORD)
        measured = [
            *_cases(least, client.poll(server.port), client.propfind(), "", requests),
            *_cases(stock, stock_client.poll(stock.port), stock_client.propfind(), f"{stock_cards:,}", stock_requests),
            *_evercard(server, hubs, requests),
        ]
        other = stack.enter_context(databases.on_postgresql())
        if other is not None:
            hubs = people.build(other, sizes, with_cards=True)
            server = stack.enter_context(servers.evercard(directory, other))
            measured += _evercard(server, hubs, requests)
        cases.measure_all(measured, rounds)
    cases.show("One request, user and system", "server, request, cards in the book", measured)


def _evercard(server: servers.Server, hubs: list[people.Hub], requests: int) -> list[cases.Case]:
    found = []
    for hub in hubs:
        client = Client.of(hub)
        found += _cases(server, client.poll(server.port), client.propfind(), f"{hub.size:,}", requests)
    return found


def _cases(
    server: servers.Server, sync: load.Request, propfind: load.Request, about: str, count: int
) -> list[cases.Case]:
    kinds = (("sync-collection", sync), ("PROPFIND", propfind))
    return [cases.Case(server, kind, about, [request], count, count) for kind, request in kinds]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="only see that it runs")
    main(quick=parser.parse_args().quick)
