"""
What writers wait for each other: eight people who write without a pause, to one server with two processes.

SQLite has room for one writer at a time. The share of requests that are refused (503) shall be nothing, and the longest
wait a small multiple of the usual one: nobody is passed over for long. Half of them change their own card, which others
hold, the rest put private ones.
"""

from __future__ import annotations

import argparse
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from benchmarks import databases, measure
from sync.database.engine import Database
from tests.support import factories, people
from tests.support.people import Person
from tests.support.server import Server

WRITERS, SECONDS = 8, 30
CARD = {"Content-Type": "text/vcard"}


@dataclass
class Writer:
    """Somebody who writes, and what came of it."""

    person: Person
    path: str
    uid: str
    waits: list[float] = field(default_factory=list)
    refused: int = 0

    def write(self, url: str, until: float) -> None:
        """Put one card after the other until the time is over."""
        with httpx.Client(base_url=url, auth=(self.person.login, self.person.password), timeout=60) as client:
            while time.monotonic() < until:
                lines = (f"TEL;TYPE=CELL:+1 555 {len(self.waits):07d}", *(f"EMAIL:x{n}@example.org" for n in range(10)))
                began = time.monotonic()
                answer = client.put(self.path, content=factories.vcard(self.uid, *lines), headers=CARD)
                self.waits.append(time.monotonic() - began)
                self.refused += answer.status_code == 503
                if answer.status_code not in (201, 204, 503):
                    raise RuntimeError(answer.text)


def main(*, quick: bool) -> None:
    """Measure and print."""
    seconds = 2 if quick else SECONDS
    with TemporaryDirectory() as directory, databases.sqlite(Path(directory)) as database:
        writers = _writers(database)
        with Server(databases.url_of(database), Path(directory), workers=2, threads=8) as server:
            alone = _run(server.url, writers[:1], seconds)
            together = _run(server.url, writers, seconds)
    measure.show(
        f"{WRITERS} writers on SQLite, {seconds} s",
        ("writers", "written", "refused", "share of 503", "median, ms", "longest, ms", "longest to median"),
        (_row(1, alone), _row(WRITERS, together)),
    )


def _writers(database: Database) -> list[Writer]:
    made = [people.register(database, f"writer{number}") for number in range(WRITERS)]
    factories.connect(database, made[0].id, *(person.id for person in made[1:]))
    writers = []
    for number, person in enumerate(made):
        own = factories.href_of(database, person.id, person.id)
        uid = next(entry.uid for entry in factories.contents(database, person.id) if entry.href == own)
        name, uid = (own, uid) if number % 2 else ("private.vcf", f"private-{number}")
        writers.append(Writer(person, f"/{person.login}/contacts/{name}", uid))
    return writers


def _run(url: str, writers: Iterable[Writer], seconds: float) -> list[Writer]:
    fresh = [Writer(writer.person, writer.path, writer.uid) for writer in writers]
    until = time.monotonic() + seconds
    threads = [threading.Thread(target=writer.write, args=(url, until)) for writer in fresh]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return fresh


def _row(count: int, writers: list[Writer]) -> tuple[str, ...]:
    waits = [wait for writer in writers for wait in writer.waits]
    refused, usual, longest = sum(writer.refused for writer in writers), measure.median(waits), max(waits)
    share = f"{100 * refused / len(waits):.2f} %"
    times = (f"{usual * 1e3:.1f}", f"{longest * 1e3:.0f}", measure.ratio(longest, usual))
    return (str(count), str(len(waits) - refused), str(refused), share, *times)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="measure hardly anything, to see that it works")
    main(quick=parser.parse_args().quick)
