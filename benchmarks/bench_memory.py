"""
What a worker's memory does while it serves a large address book with photos.

Resident memory of the largest worker of a real server, above what it had after some small requests: at its peak within
an answer, and after it. The whole book by addressbook-multiget in batches, again and again, and in one answer each by
addressbook-query and sync-collection. The ratio is that of the peak to the octets of one answer.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import select

from benchmarks import databases, load, measure, people, servers
from benchmarks.requests import Client, batches
from sync.database.engine import Database, Session
from sync.database.prepared import execute_all
from sync.fields import media
from sync.models import Card, now
from sync.pictures import columns, keeping
from sync.vcard import content_line

CARDS = 5_000
#: Octets of a photo before it is encoded; a card is a third larger.
PHOTO = (20_000, 40_000)
BATCH = 500
PASSES = 3
_PROC = Path("/proc")
_AT_ONCE = 200


def main(*, quick: bool) -> None:
    """Measure and print."""
    size, passes = (60, 1) if quick else (CARDS, PASSES)
    with ExitStack() as stack:
        directory = Path(stack.enter_context(TemporaryDirectory()))
        _measure(stack.enter_context(databases.sqlite(directory)), directory, size, passes)
    with ExitStack() as stack:
        directory = Path(stack.enter_context(TemporaryDirectory()))
        other = stack.enter_context(databases.on_postgresql())
        if other is not None:
            _measure(other, directory, size, passes)


def _measure(database: Database, directory: Path, size: int, passes: int) -> None:
    hub = people.build(database, [size], with_cards=True)[0]
    _add_photos(database)
    client = Client.of(hub)
    with servers.evercard(directory, database) as server:
        hrefs = client.entries(server.port)
        load.send(server.port, [client.multiget(batch) for batch in batches(hrefs[:80], 10)], 400)
        base = {pid: _memory(pid)["VmRSS"] for pid in measure.tree(server.pid)}
        by_name = [client.multiget(batch) for batch in batches(hrefs, BATCH)]
        asked = {
            f"cards, {BATCH} at a time": by_name,
            "whole book by query": [client.query("")],
            "whole book by sync-collection": [client.sync(with_cards=True)],
        }
        rows = [
            _row(f"{what}, pass {number}", server, requests, base)
            for what, requests in asked.items()
            for number in range(1, passes + 1)
        ]
    heads = ("requests", "MB of one answer", "peak MB above", "MB above after", "peak to answer")
    engine = "SQLite" if database.is_sqlite else "PostgreSQL"
    measure.show(f"A worker's memory with {size:,} cards with photos, {engine}", heads, rows)


def _row(what: str, server: servers.Server, requests: Sequence[load.Request], base: dict[int, int]) -> tuple[str, ...]:
    for pid in base:
        # From here on the kernel notes the peak anew.
        (_PROC / str(pid) / "clear_refs").write_text("5")
    octets = load.send(server.port, requests, len(requests), connections=1) / len(requests)
    after = {pid: _memory(pid) for pid in base}
    peak = max(after[pid]["VmHWM"] - base[pid] for pid in base)
    kept = max(after[pid]["VmRSS"] - base[pid] for pid in base)
    return what, f"{octets / 1e6:.1f}", f"{peak / 1e6:.1f}", f"{kept / 1e6:.1f}", measure.ratio(peak, octets)


def _memory(pid: int) -> dict[str, int]:
    """Return what the kernel says about a process's memory, in octets."""
    lines = (_PROC / str(pid) / "status").read_text().splitlines()
    fields = dict(line.split(":", 1) for line in lines)
    return {name: int(fields[name].split()[0]) * 1024 for name in ("VmRSS", "VmHWM")}


def _add_photos(database: Database) -> None:
    """Put a photo of its own, of octets that cannot be compressed, into every card."""
    rng = random.Random(2)
    with database.reading() as session:
        rows = session.execute(select(Card.owner_id, Card.id).order_by(Card.owner_id))
        keys = [(owner_id, card_id) for owner_id, card_id in rows]
    for chunk in batches(keys, _AT_ONCE):

        def change(session: Session, chunk: Sequence[tuple[int, int]] = chunk) -> None:
            for owner_id, card_id in chunk:
                _add_photo(session, owner_id, card_id, rng.randbytes(rng.randrange(*PHOTO)))

        database.write(change)
    databases.tidy(database)


def _add_photo(session: Session, owner_id: int, card_id: int, octets: bytes) -> None:
    keeper = keeping.Keeper(session, owner_id)
    bodies = (columns.body_of(session, owner_id, card_id, version) for version in ("3.0", "4.0"))
    photos = (content_line(media.photo(octets, version)) for version in ("3.0", "4.0"))
    row = keeper.card(*map("".join, zip(photos, bodies, strict=True)))
    execute_all(session, keeping.KEEP, keeper.pictures)
    key = {"owner": owner_id, "card": card_id, "at": now(), "new_digest": f"{card_id:x}"}
    execute_all(session, keeping.REWRITE, [{**key, **row}])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="only see that it runs")
    main(quick=parser.parse_args().quick)
