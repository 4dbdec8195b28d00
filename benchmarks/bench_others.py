"""
What others notice of a change that very many people see, while the worker carries it to all of them.

Somebody who has nothing to do with it polls their address book without a pause, and one of the viewers puts a private
card, over HTTP, from a server with two processes and its worker. First nothing else happens; then one profile is
changed again and again, so that the worker always has viewers to reach. The reference is the quiet time of the same
run.
"""

from __future__ import annotations

import argparse
import statistics
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
from sqlalchemy import select

from benchmarks import databases, measure, people, requests
from sync import fields
from sync.database.engine import Database
from sync.models import Account, Connection
from sync.profiles import profiles
from sync.revisions import fan_out
from sync.sign_in import credentials
from tests.support import factories
from tests.support.people import Person, register
from tests.support.server import Server

VIEWERS, SECONDS = 10_000, 20.0
QUICK_VIEWERS, QUICK_SECONDS = 3_000, 1.0
#: Seconds between two changes of a card of somebody's own contacts.
BETWEEN = 0.05


@dataclass(slots=True)
class Noticed:
    """How long each poll and each small change took, in seconds."""

    polls: list[float] = field(default_factory=list)
    changes: list[float] = field(default_factory=list)
    refused: int = 0


def main(*, quick: bool) -> None:
    """Measure and print."""
    viewers, seconds = (QUICK_VIEWERS, QUICK_SECONDS) if quick else (VIEWERS, SECONDS)
    with TemporaryDirectory() as directory:
        with databases.sqlite(Path(directory)) as database:
            _measure(database, Path(directory), viewers, seconds)
        with databases.on_postgresql() as opened:
            if opened is not None:
                _measure(opened, Path(directory), viewers, seconds)


def _measure(database: Database, directory: Path, viewers: int, seconds: float) -> None:
    (hub,) = people.build(database, [viewers], with_cards=False)
    reader, writer = register(database), _viewer(database, hub)
    with Server(databases.url_of(database), directory, workers=2, threads=4) as server:
        quiet = _notice(server.url, reader, writer, seconds, lambda: time.sleep(seconds))
        reached: list[int] = []
        busy = _notice(
            server.url, reader, writer, seconds, lambda: reached.append(_change(database, hub, viewers, seconds))
        )
    engine = "SQLite" if database.is_sqlite else "PostgreSQL"
    heads = ("others", "quiet median", "quiet p99", "p99 meanwhile", "to quiet", "longest meanwhile", "refused")
    rows = (
        _row("poll", quiet.polls, busy.polls, 0),
        _row("small change", quiet.changes, busy.changes, busy.refused),
    )
    measure.show(f"While {viewers:,} viewers are reached, {engine}, ms", heads, rows)
    print(f"  {sum(reached) / seconds:,.0f} viewers a second were reached")


def _viewer(database: Database, hub: people.Hub) -> Person:
    """Give one of those who are reached a device."""
    one = select(Account.id, Account.login).join(Connection, Connection.viewer_id == Account.id)
    with database.reading() as session:
        viewer_id, login = session.execute(one.where(Connection.owner_id == hub.id).limit(1)).one()
    return Person(
        viewer_id, login, database.write(lambda session: credentials.add_device(session, viewer_id, "Phone"))[1]
    )


def _row(what: str, quiet: Sequence[float], busy: Sequence[float], refused: int) -> tuple[str, ...]:
    times = (measure.median(quiet), _p99(quiet), _p99(busy))
    ratio, longest = measure.ratio(_p99(busy), _p99(quiet)), f"{max(busy) * 1e3:.0f}"
    return (what, *(f"{each * 1e3:.1f}" for each in times), ratio, longest, str(refused))


def _p99(times: Sequence[float]) -> float:
    return statistics.quantiles(times, n=100)[98]


def _change(database: Database, hub: people.Hub, viewers: int, seconds: float) -> int:
    """Change a field that everybody sees whenever the worker is done with the change before; count the viewers."""
    until, changes = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        content = fields.field_from_text("phone", f"+49 30 {time.time_ns()}")
        database.write(lambda session, said=content: profiles.set_field(session, hub.id, hub.shown_to_all, said))  # type: ignore[misc]
        changes += 1
        while _owed(database) and time.monotonic() < until:
            time.sleep(0.02)
    return changes * viewers - _owed(database)


def _owed(database: Database) -> int:
    with database.reading() as session:
        return fan_out.owed(session)


def _notice(url: str, reader: Person, writer: Person, seconds: float, meanwhile: Callable[[], object]) -> Noticed:
    noticed, until = Noticed(), time.monotonic() + seconds
    threads = [
        threading.Thread(target=each, args=(url, who, until, noticed))
        for each, who in ((_poll, reader), (_put, writer))
    ]
    for thread in threads:
        thread.start()
    meanwhile()
    for thread in threads:
        thread.join()
    return noticed


def _poll(url: str, person: Person, until: float, noticed: Noticed) -> None:
    asked = requests.Client(person.login, person.password).poll(int(url.rpartition(":")[2]))
    with httpx.Client(base_url=url, timeout=60) as client:
        while time.monotonic() < until:
            began = time.monotonic()
            client.request(asked.method, asked.path, content=asked.body, headers=asked.headers).raise_for_status()
            noticed.polls.append(time.monotonic() - began)
            time.sleep(BETWEEN / 10)


def _put(url: str, person: Person, until: float, noticed: Noticed) -> None:
    with httpx.Client(base_url=url, auth=(person.login, person.password), timeout=60) as client:
        while time.monotonic() < until:
            card = factories.vcard("small", f"TEL;TYPE=CELL:+1 555 {len(noticed.changes):07d}")
            began = time.monotonic()
            answer = client.put(
                f"/{person.login}/contacts/small.vcf", content=card, headers={"Content-Type": "text/vcard"}
            )
            noticed.changes.append(time.monotonic() - began)
            noticed.refused += answer.status_code == 503
            time.sleep(BETWEEN)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="only see that it runs")
    main(quick=parser.parse_args().quick)
