"""
What a search costs, for each card of the book that is searched.

An addressbook-query for one address, as a phone sends when a message comes; for letters in all that a person is known
by, as somebody types them; and for all that have a name. Beside a bare WSGI application that serves the same octets
from memory, and stock Radicale with the same cards.
"""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from lxml import etree

from benchmarks import bare, cases, databases, load, people, servers
from benchmarks.requests import Client

CARDS = 5_000
#: What is looked for is among the first cards.
STOCK_CARDS = 1_000
ROUNDS = 3
ONE, SOME, ALL = "one address", "letters in six properties", "all with a name, ETags"
_KNOWN_BY = ("FN", "N", "NICKNAME", "EMAIL", "TEL", "ORG")


def main(*, quick: bool) -> None:
    """Measure and print."""
    size, stock_cards, rounds = (60, 40, 1) if quick else (CARDS, STOCK_CARDS, ROUNDS)
    with ExitStack() as stack:
        directory = Path(stack.enter_context(TemporaryDirectory()))
        database = stack.enter_context(databases.sqlite(directory))
        hub = people.build(database, [size], with_cards=True)[0]
        client = Client.of(hub)
        server = stack.enter_context(servers.evercard(directory, database))
        searches = _searches(client)
        answers = {
            bare.named(etree.fromstring(request.body.encode())): bare.Answer.read(load.fetch(server.port, request))
            for request in searches.values()
        }
        least = stack.enter_context(servers.bare_wsgi(directory, hub.login, hub.password, answers))
        stock = stack.enter_context(servers.stock(directory, client.cards(server.port, stock_cards)))
        stock_searches = _searches(Client("stock", servers.STOCK_PASSWORD))
        for what in (ONE, SOME):
            _check(what, load.fetch(stock.port, stock_searches[what]), load.fetch(server.port, searches[what]))
        measured = [
            *_cases(least, searches, size),
            *_cases(stock, stock_searches, stock_cards),
            *_cases(server, searches, size),
        ]
        other = stack.enter_context(databases.on_postgresql())
        if other is not None:
            client = Client.of(people.build(other, [size], with_cards=True)[0])
            measured += _cases(stack.enter_context(servers.evercard(directory, other)), _searches(client), size)
        cases.measure_all(measured, rounds)
    cases.show(f"One card of {size:,} that are searched, user and system", "server, search", measured)


def _searches(client: Client) -> dict[str, load.Request]:
    letters = "".join(_filter(name, _match("contains", "p000002")) for name in _KNOWN_BY)
    return {
        ONE: client.query(_filter("EMAIL", _match("equals", "P0000017@example.com"))),
        SOME: client.query(letters),
        ALL: client.query(_filter("FN", ""), with_cards=False),
    }


def _filter(name: str, inside: str) -> str:
    return f'<CARD:prop-filter name="{name}">{inside}</CARD:prop-filter>'


def _match(kind: str, text: str) -> str:
    return f'<CARD:text-match collation="i;unicode-casemap" match-type="{kind}">{text}</CARD:text-match>'


def _check(what: str, one: str, other: str) -> None:
    found, expected = (len(list(etree.fromstring(answer.encode()).iter("{DAV:}response"))) for answer in (one, other))
    if found != expected or not found:
        raise RuntimeError(f"{what}: stock Radicale finds {found} cards and Evercard {expected}.")


def _cases(server: servers.Server, searches: dict[str, load.Request], size: int) -> list[cases.Case]:
    return [cases.Case(server, what, "", [request], 1, size) for what, request in searches.items()]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="only see that it runs")
    main(quick=parser.parse_args().quick)
