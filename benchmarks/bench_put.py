"""
What it costs to write, and to be told of it: what a phone sends, from the request to the answer.

A private card is stored, and one's own card of twelve fields, which three people hold; a device asks what changed after
one change, and whether anything did in either of two address books. CPU time of a request with its password, in the
server's processes and in PostgreSQL's, beside a bare WSGI application that signs in and does the least possible, and
for what is stored raw SQL: one transaction of the driver's, committed for good as in production, with one statement for
each table that changes.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from lxml import etree

from benchmarks import bare, cases, databases, load, measure, raw_put, servers
from benchmarks.requests import Client
from sync.database.engine import Database
from sync.revisions import address_books
from sync.sharing import grants
from sync.sharing.visibility import fields_of
from tests.support import factories, people
from tests.support.people import Person

REQUESTS, POLLS, ROUNDS = 200, 1_000, 5
PRIVATE, OWN = "PUT, private", "PUT, own card"
CHANGED, SAME, FURTHER = "poll after one change", "unchanged poll", "unchanged poll, further book"
_FIELDS = (
    *(f"EMAIL;TYPE=HOME:anna{number}@example.org" for number in range(3)),
    "TEL;TYPE=HOME:+49 30 1234567",
    "ORG:Example & Sons;Accounts",
    "TITLE:Head of accounts",
    "URL:https://example.com/anna",
    "BDAY:1980-04-12",
    "NOTE:Met at the conference\\, wants to see the <plans> and the drawings that go with them.",
)


@dataclass(slots=True)
class Raw:
    """The least that the database has to do for a PUT of one *kind*, as *change* does it with the number of a card."""

    database: Database
    kind: str
    change: Callable[[int], None]
    costs: list[float] = field(default_factory=list)

    def run(self, count: int) -> None:
        """Measure once."""
        backends = [] if self.database.is_sqlite else measure.named(str(self.database.url.database))
        before = measure.usage([os.getpid(), *backends])
        for number in range(count):
            self.change(number)
        self.costs.append(measure.used(before, measure.usage(before)) / count)


@dataclass(frozen=True, slots=True)
class World:
    """Who writes (*anna*) and who polls (*ben*), with what they send."""

    anna: Person
    ben: Person
    own: str
    uid: str

    def puts(self, kind: str, count: int) -> list[load.Request]:
        """Return so many requests that store a card of this kind, each another."""
        client = Client(self.anna.login, self.anna.password)
        stored = time.monotonic_ns()
        return [self._put(client, kind, f"+49 170 {(stored + number) % 10**9:09d}") for number in range(count)]

    def _put(self, client: Client, kind: str, phone: str) -> load.Request:
        lines = (f"TEL;TYPE=CELL:{phone}", *_FIELDS)
        if kind == OWN:
            return client.put(self.own, factories.vcard(self.uid, *lines, name="Anna Beispiel"))
        return client.put("private.vcf", factories.vcard("private", *lines))


def main(*, quick: bool) -> None:
    """Measure and print."""
    requests, polls, rounds = (5, 10, 1) if quick else (REQUESTS, POLLS, ROUNDS)
    with ExitStack() as stack:
        directory = Path(stack.enter_context(TemporaryDirectory()))
        opened = [stack.enter_context(databases.sqlite(directory)), stack.enter_context(databases.on_postgresql())]
        measured: list[cases.Case] = []
        raws: dict[tuple[str, str], Raw] = {}
        for database in filter(None, opened):
            world = _world(database)
            server = stack.enter_context(servers.evercard(directory, database))
            questions = _questions(server, world)
            if not measured:
                answers = {
                    bare.named(etree.fromstring(asked.body.encode())): bare.Answer.read(load.fetch(server.port, asked))
                    for asked in questions.values()
                }
                least = stack.enter_context(servers.bare_wsgi(directory, world.ben.login, world.ben.password, answers))
                stores = {kind: [_stored_by(world.ben)] for kind in (PRIVATE, OWN)}
                measured += _cases(least, stores, questions, polls, polls)
            stores = {kind: world.puts(kind, requests) for kind in (PRIVATE, OWN)}
            load.send(server.port, [*stores[PRIVATE][:1], *stores[OWN][:1]], 2, 1)
            raws |= {(server.name, raw.kind): raw for raw in _raws(database, world)}
            measured += _cases(server, stores, questions, requests, polls)
        for _ in range(rounds + 1):
            cases.measure_all(measured, 0)
            for raw in raws.values():
                raw.run(requests)
    _show(measured, raws)


def _world(database: Database) -> World:
    anna, ben = people.register(database, "anna"), people.register(database, "ben")
    factories.connect(database, anna.id, *(people.register(database).id for _ in range(3)))
    own = factories.href_of(database, anna.id, anna.id)
    uid = next(entry.uid for entry in factories.contents(database, anna.id) if entry.href == own)
    lines = ("TEL;TYPE=CELL:+49 170 1", *_FIELDS)
    factories.put(database, anna.id, own, factories.vcard(uid, *lines, name="Anna Beispiel"))
    with database.reading() as session:
        shown = [each.id for each in fields_of(session, anna.id)]
    everybody = factories.everybody_connected(database, anna.id)
    database.write(lambda session: grants.grant(session, anna.id, everybody, shown))
    factories.put(database, anna.id, "private.vcf", factories.vcard("private", *lines))
    database.write(lambda session: address_books.create(session, ben.id, "work"))
    factories.put(database, ben.id, "one.vcf", factories.vcard("one", *lines))
    return World(anna, ben, own, uid)


def _questions(server: servers.Server, world: World) -> dict[str, load.Request]:
    book, further = (Client(world.ben.login, world.ben.password, path) for path in ("contacts", "work"))
    same = book.poll(server.port)
    head, _, revision = book.token(server.port).rpartition("/")
    changed = book.sync(f"{head}/{int(revision) - 1}")
    return {CHANGED: changed, SAME: same, FURTHER: further.poll(server.port)}


def _stored_by(person: Person) -> load.Request:
    return Client(person.login, person.password).put("private.vcf", factories.vcard("private", *_FIELDS))


def _cases(
    server: servers.Server,
    stores: dict[str, list[load.Request]],
    questions: dict[str, load.Request],
    requests: int,
    polls: int,
) -> list[cases.Case]:
    # One phone writes one card after the other; how those who write at once wait for each other is another matter.
    found = [cases.Case(server, kind, "", sent, requests, requests, 1) for kind, sent in stores.items()]
    return [*found, *(cases.Case(server, kind, "", [asked], polls, polls) for kind, asked in questions.items())]


def _raws(database: Database, world: World) -> Sequence[Raw]:
    changes = {PRIVATE: raw_put.private, OWN: raw_put.own}
    return [
        Raw(database, kind, partial(raw_put.run, database, make(database, world.anna.id)))
        for kind, make in changes.items()
    ]


def _show(measured: Sequence[cases.Case], raws: dict[tuple[str, str], Raw]) -> None:
    least = {case.kind: case.cost().server for case in measured if case.server.name == servers.BARE}
    rows = []
    for case in measured:
        cost, raw = case.cost(), raws.get((case.server.name, case.kind))
        everything = cost.server + cost.backends
        rows.append(
            (
                f"{case.server.name}, {case.kind}",
                f"{cost.server * 1e3:.3f}",
                f"{cost.backends * 1e3:.3f}" if cost.backends else "",
                measure.ratio(cost.server, least[case.kind]),
                measure.ratio(everything, least[case.kind]),
                f"{measure.median(raw.costs[1:]) * 1e3:.3f}" if raw else "",
                measure.ratio(everything, measure.median(raw.costs[1:])) if raw else "",
            )
        )
    heads = ("server, request", "CPU ms", "+ database", "to bare", "with database", "raw SQL", "to raw SQL")
    measure.show("One request, user and system", heads, rows)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="only see that it runs")
    main(quick=parser.parse_args().quick)
