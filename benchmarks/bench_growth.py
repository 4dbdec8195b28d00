"""
What becomes of everything as the people become more: one change that all of them see, and what others notice of it.

For each number of people, on a database that writes everything to the disk: a device polls, asks for one change, and
edits its own card that ten people see, which shall cost the same however many accounts there are. Then somebody whom
everybody sees changes their number by a phone, and a worker carries that to all; some of them are told by a push
service. Beside it stands raw SQL that changes the same rows in one transaction. Once more while others poll and change
something. Last, a field is taken back, and whoever the worker reaches last asks for the card at once. And one to four
workers carry the changes of four people.
"""

from __future__ import annotations

import argparse
import itertools
import math
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import delete

from benchmarks import databases, load, measure, people, push_service, raw_fan_out, workers
from benchmarks.growing import Noticed, Site, href, is_owed, percentile, timed, wait_until_carried
from sync import fields
from sync.database.engine import Database
from sync.models import PushSubscription
from sync.profiles import profiles
from sync.push import keys
from sync.settings import Settings
from sync.sharing import grants
from tests.support.server import Server

VIEWERS, QUICK = 10_000, {"SQLite": (100,), "PostgreSQL": (300,)}
#: People whom each of four workers' changes reach, requests of a kind, and seconds in which nothing else happens.
CROWD, REQUESTS, IDLE = 10_000, 300, 5.0
QUICK_CROWD, QUICK_REQUESTS, QUICK_IDLE = 50, 20, 0.3
FEW, OWNERS, QUICK_OWNERS = 10, 4, 1
#: Of so many viewers one is told by a push service, of so many altogether at most.
TOLD_OF, MOST_TOLD = 10, 1_000
SETTINGS = Settings(base_url="https://cards.example.org", push_to_local=True, inline_viewers=20)
_OPTIONS = {"base_url": SETTINGS.base_url, "push_allow_local": "True"}
#: What is hardly measured counts as much.
_TICK = 0.01
_QUICK_OPTIONS = {**_OPTIONS, "inline_viewers": "200"}

Opener = Callable[[], AbstractContextManager[Database | None]]


@dataclass(frozen=True, slots=True)
class Costs:
    """CPU seconds of one request of each kind."""

    poll: float
    delta: float
    edit: float


@dataclass(frozen=True, slots=True)
class Carried:
    """Seconds: until all viewers were reached, raw SQL for the same, and until the messages had come."""

    elapsed: float
    raw: float
    cpu: float
    raw_cpu: float
    first_message: float
    last_message: float
    told: int


@dataclass(frozen=True, slots=True)
class Result:
    """What was measured with so many people."""

    size: int
    costs: Costs
    carried: Carried
    quiet: Noticed
    meanwhile: Noticed
    taken_back: float
    was_owed: bool


def main(most: int, engines: Sequence[str], *, quick: bool) -> None:
    """Measure and print."""
    openers: dict[str, Opener] = {"SQLite": _sqlite, "PostgreSQL": databases.durable_postgresql}
    for engine in engines:
        sizes = QUICK[engine] if quick else [10**power for power in range(2, round(math.log10(most)) + 1)]
        results = [found for size in sizes if (found := _measure(openers[engine], size, quick=quick))]
        if results:
            _show(engine, results)
            _show_workers(engine, openers[engine], QUICK_CROWD if quick else CROWD, QUICK_OWNERS if quick else OWNERS)


@contextmanager
def _sqlite() -> Iterator[Database]:
    with TemporaryDirectory() as directory, databases.sqlite(Path(directory)) as database:
        yield database


def _measure(opener: Opener, size: int, *, quick: bool) -> Result | None:
    with opener() as database, TemporaryDirectory() as directory, push_service.running() as service:
        if database is None:
            return None
        second, hub = people.build(database, [FEW, size], with_cards=False)
        people.check(database, hub)
        raw_fan_out.change(database, hub)
        databases.tidy(database)
        raw = _cost(database, [], partial(raw_fan_out.change, database, hub))
        databases.tidy(database)
        url, options = databases.url_of(database), _QUICK_OPTIONS if quick else _OPTIONS
        with Server(url, Path(directory), workers=1 if quick else 2, threads=4, options=options) as server:
            site = Site(database, server, second, hub)
            _wait_for_worker(site, service)
            costs = _costs(site, QUICK_REQUESTS if quick else REQUESTS)
            with site.noticing() as quiet:
                time.sleep(QUICK_IDLE if quick else IDLE)
            carried = _carried(site, service, raw)
            databases.tidy(database)
            with site.noticing() as meanwhile:
                _go_on(site, QUICK_IDLE if quick else IDLE)
            return Result(size, costs, carried, quiet, meanwhile, *_taken_back(site))


def _wait_for_worker(site: Site, service: push_service.Service) -> None:
    """Let somebody be told of something: whoever tells them is there."""
    site.database.write(keys.ensure)
    push_service.subscribe(site.database, site.second.id, service.origin, 1)
    name = site.own_card(site.second)
    site.second_phone.put(name, site.second_phone.card_with(name, "+49 30 1000"))
    service.times(1)
    site.database.write(lambda session: session.execute(delete(PushSubscription)))


def _cost(database: Database, pids: Sequence[int], work: Callable[[], object]) -> tuple[float, float]:
    """Return the elapsed and the CPU seconds of *work*, of this process or *pids*, and of PostgreSQL's."""

    def usage() -> measure.Usage:
        backends = [] if database.is_sqlite else measure.named(str(database.url.database))
        return measure.usage([*(pids or [os.getpid()]), *backends])

    before = usage()
    elapsed = timed(work)
    return elapsed, measure.used(before, usage())


def _costs(site: Site, count: int) -> Costs:
    phone, name = site.second_phone, site.own_card(site.second)
    token = phone.token()
    edits = [phone.client.put(name, phone.card_with(name, f"+49 30 555 000{digit}")) for digit in range(2)]
    edit = _cost_of(site, edits, count)
    poll = _cost_of(site, [phone.client.sync(phone.token())], count)
    return Costs(poll, _cost_of(site, [phone.client.sync(token)], count), edit)


def _cost_of(site: Site, asked: Sequence[load.Request], count: int) -> float:
    work = partial(load.send, site.server.port, asked, count, 1)
    work()
    return _cost(site.database, site.server.processes(), work)[1] / count


def _carried(site: Site, service: push_service.Service, raw: tuple[float, float]) -> Carried:
    most = min(site.hub.size // TOLD_OF, MOST_TOLD)
    told = push_service.subscribe(site.database, site.hub.id, service.origin, most)
    began = time.monotonic()
    elapsed, cpu = _cost(site.database, site.server.processes(), lambda: _change(site, "+49 30 1111"))
    came = [at - began for at in service.times(told)]
    return Carried(elapsed, raw[0], cpu, raw[1], min(came), max(came), told)


def _change(site: Site, number: str) -> None:
    name = site.own_card(site.hub)
    site.hub_phone.put(name, site.hub_phone.card_with(name, number))
    site.carried()


def _go_on(site: Site, seconds: float) -> None:
    until, digits = time.monotonic() + seconds, itertools.count(2_000)
    while time.monotonic() < until:
        _change(site, f"+49 30 {next(digits)}")


def _taken_back(site: Site) -> tuple[float, bool]:
    """Take a field back, and return in how many seconds, and whether it was gone before the worker said so."""
    name, hub = href(site.database, site.last.id, site.hub.id), site.hub
    secret = b"+49 30 2000"
    _change(site, secret.decode())
    if secret not in site.last_phone.card(name):
        raise AssertionError("A field that was granted is not shown.")
    took = timed(lambda: site.database.write(lambda s: grants.take_back(s, hub.id, hub.everyone, [hub.shown_to_all])))
    card, was_owed = site.last_phone.card(name), is_owed(site.database)
    if secret in card:
        raise AssertionError("A field that was taken back is still shown.")
    return took, was_owed


def _show(engine: str, results: Sequence[Result]) -> None:
    heads: tuple[str, ...]
    first = results[0].costs
    heads = ("accounts", "poll, CPU ms", "to fewest", "one change", "to fewest", "own card edited", "to fewest")
    measure.show(f"However many accounts, {engine}", heads, [_account_row(each, first) for each in results])
    exponents = ["", *(f"{_exponent(one, other):.2f}" for one, other in itertools.pairwise(results))]
    heads = (
        "viewers",
        "all reached, s",
        "raw SQL, s",
        "to raw",
        "CPU to raw",
        "exponent",
        "told",
        "first, s",
        "last, s",
    )
    rows = [_carried_row(each, exponent) for each, exponent in zip(results, exponents, strict=True)]
    measure.show(f"One change by a phone, {engine}, written to the disk", heads, rows)
    heads = ("viewers", "quiet median", "p99", "median meanwhile", "p99", "p99 to quiet", "longest")
    for what, of in (("Others' polls", "polls"), ("A change to ten others until it is there", "arrivals")):
        measure.show(f"{what}, {engine}, ms", heads, [_others_row(each, of) for each in results])
    heads = ("viewers", "taken back, ms", "others still to be told")
    taken = [(f"{each.size:,}", f"{each.taken_back * 1e3:.0f}", "yes" if each.was_owed else "no") for each in results]
    measure.show(f"A field taken back is gone from the card of whoever is told last, {engine}", heads, taken)


def _account_row(result: Result, first: Costs) -> tuple[str, ...]:
    cells = [f"{result.size:,}"]
    for kind in ("poll", "delta", "edit"):
        cost = getattr(result.costs, kind)
        cells += [f"{cost * 1e3:.2f}", measure.ratio(cost, getattr(first, kind))]
    return tuple(cells)


def _carried_row(result: Result, exponent: str) -> tuple[str, ...]:
    it = result.carried
    ratios = (measure.ratio(it.elapsed, it.raw), measure.ratio(it.cpu, max(it.raw_cpu, _TICK)))
    messages = (f"{it.told:,}", f"{it.first_message:.2f}", f"{it.last_message:.2f}")
    return (f"{result.size:,}", f"{it.elapsed:.2f}", f"{it.raw:.2f}", *ratios, exponent, *messages)


def _exponent(fewer: Result, more: Result) -> float:
    """Return the power of the viewers that the cost grows with; 1 is as fast as they do."""
    return math.log(more.carried.cpu / fewer.carried.cpu) / math.log(more.size / fewer.size)


def _others_row(result: Result, what: str) -> tuple[str, ...]:
    quiet, meanwhile = (getattr(each, what) for each in (result.quiet, result.meanwhile))
    times = [percentile(of, percent) for of in (quiet, meanwhile) for percent in (50, 99)]
    ratio = measure.ratio(times[3], times[1])
    return (f"{result.size:,}", *(f"{each * 1e3:.1f}" for each in times), ratio, f"{max(meanwhile) * 1e3:.0f}")


def _show_workers(engine: str, opener: Opener, size: int, owners: int) -> None:
    with opener() as database:
        if database is None:
            return
        hubs = people.build(database, range(size, size + owners), with_cards=False)
        took = [_worked(database, hubs, count) for count in range(1, owners + 1)]
    rows = [(f"{count}", f"{each:.2f}", measure.ratio(each, took[0])) for count, each in enumerate(took, 1)]
    heads = ("workers", "all reached, s", "to one")
    measure.show(f"Changes of {owners} people, {size:,} viewers each, {engine}", heads, rows)


def _worked(database: Database, hubs: Sequence[people.Hub], count: int) -> float:
    url = databases.url_of(database)
    databases.tidy(database)
    with workers.running(url, SETTINGS, count):
        # Each is there, and looks into the outbox, when it has done something.
        _change_all(url, hubs)
        return timed(partial(_change_all, url, hubs))


def _change_all(url: str, hubs: Sequence[people.Hub]) -> None:
    database = Database(url, SETTINGS)
    for hub in hubs:
        content = fields.field_from_text("phone", f"+49 30 {time.time_ns()}")
        database.write(partial(profiles.set_field, owner_id=hub.id, field_id=hub.shown_to_all, content=content))
    wait_until_carried(database)
    database.dispose()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="only see that it runs")
    parser.add_argument("--viewers", type=int, default=VIEWERS, help="the most people, a power of ten; %(default)s")
    parser.add_argument("--database", choices=("SQLite", "PostgreSQL"), help="only on this one")
    given = parser.parse_args()
    chosen = [given.database] if given.database else ["SQLite", "PostgreSQL"]
    main(given.viewers, chosen, quick=given.quick)
