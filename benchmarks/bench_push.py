"""
How long it takes until everybody's phone is told that a field changed.

From the commit of the change to the last message that a push service on this machine took, with a worker and the push
service as processes of their own; beside the encryption and the sending of as many messages alone, in turns with it.
"""

from __future__ import annotations

import argparse
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import delete, select, update

from benchmarks import databases, measure, people, push_service, workers
from sync import fields
from sync.database.engine import Database
from sync.models import PushSubscription, now
from sync.profiles import profiles
from sync.push import encryption, endpoints, keys
from sync.push.connection import PushConnection, tls_context
from sync.push.lanes import CHUNK
from sync.settings import Settings

#: Viewers who are told.
SIZES, QUICK = (100, 1_000), (20, 40)
ROUNDS = 5
SETTINGS = Settings(base_url="https://cards.example.org", push_to_local=True)
THREADS = 6


def main(*, quick: bool) -> None:
    """Measure and print."""
    sizes, rounds = (QUICK, 1) if quick else (SIZES, ROUNDS)
    with (
        TemporaryDirectory() as directory,
        databases.sqlite(Path(directory)) as database,
        push_service.running() as service,
    ):
        _measure(database, service, sizes, rounds)
    with databases.on_postgresql() as opened, push_service.running() as service:
        if opened is not None:
            _measure(opened, service, sizes, rounds)


def _measure(made: Database, service: push_service.Service, sizes: tuple[int, ...], rounds: int) -> None:
    hubs = people.build(made, list(sizes), with_cards=False)
    database = Database(databases.url_of(made), SETTINGS)
    database.write(keys.ensure)
    rows = []
    with workers.running(databases.url_of(made), SETTINGS):
        for hub in hubs:
            push_service.subscribe(database, hub.id, service.origin, hub.size)
            databases.tidy(database)
            _tell(database, hub, service)
            told = [_tell(database, hub, service) for _ in range(rounds)]
            least = measure.median(_send_alone(database, hub.size, service) for _ in range(rounds))
            first, last = (measure.median(each) for each in zip(*told, strict=True))
            rows.append((f"{hub.size:,}", f"{first:.2f}", f"{last:.2f}", f"{least:.2f}", measure.ratio(last, least)))
            _forget(database)
    engine = "SQLite" if database.is_sqlite else "PostgreSQL"
    heads = ("viewers told", "first, s", "last, s", "sending alone, s", "last to that")
    measure.show(f"From a change to the messages, {engine}", heads, rows)
    database.dispose()


def _tell(database: Database, hub: people.Hub, service: push_service.Service) -> tuple[float, float]:
    """Change what all viewers see, and return after how many seconds the first and the last message came."""
    database.write(lambda session: session.execute(update(PushSubscription).values(not_before=0)))
    content = fields.field_from_text("phone", f"+49 30 {time.time_ns()}")
    database.write(lambda session: profiles.set_field(session, hub.id, hub.shown_to_all, content))
    committed = time.monotonic()
    times = service.times(hub.size)
    # What was told is written down a moment later.
    while _waiting(database):
        time.sleep(0.05)
    return min(times) - committed, max(times) - committed


def _waiting(database: Database) -> bool:
    with database.reading() as session:
        found = select(PushSubscription.id).where(PushSubscription.waiting_since.is_not(None)).limit(1)
        return session.scalars(found).first() is not None


def _send_alone(database: Database, number: int, service: push_service.Service) -> float:
    private = ec.generate_private_key(keys.CURVE)
    public = private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    key = database.write(keys.ensure)
    endpoint = endpoints.read(f"{service.origin}/alone", allow_local=True)
    context = tls_context()

    def send(count: int) -> None:
        connection = PushConnection(endpoint, context, allow_local=True)
        for _ in range(count):
            headers = {"TTL": "1", "Authorization": encryption.authorization(key, endpoint.origin, "", now())}
            connection.post(endpoint.target, headers, encryption.encrypt(bytes(300), public, bytes(16)))
        connection.close()

    began = time.monotonic()
    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(send, [min(CHUNK, number - start) for start in range(0, number, CHUNK)]))
    return max(service.times(number)) - began


def _forget(database: Database) -> None:
    database.write(lambda session: session.execute(delete(PushSubscription)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="only see that it runs")
    main(quick=parser.parse_args().quick)
