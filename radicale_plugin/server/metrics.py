"""
What the server shows Prometheus, at an address of its own, which no reverse proxy leads to.

The numbers of the serving processes are read together from the directory into which each writes its own; how much waits
and how much there is comes from the database when Prometheus asks.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from prometheus_client import CollectorRegistry, Metric, start_http_server
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from typing_extensions import override

from sync import gauges
from sync.database.engine import Database
from sync.errors import DatabaseUnavailable, InvalidInput

#: Counting everything takes longer the more there is, so it is done once in so many seconds.
_SIZES_KEPT = 300.0
_WAITING = {
    "fan_out_jobs": "Changed cards that are still being carried to address books.",
    "fan_out_lag_seconds": "How long ago the oldest of these changes was made.",
    "outbox_messages": "Messages that are still to be sent.",
    "outbox_oldest_seconds": "How long the oldest of them has waited.",
    "outbox_errands": "Errands that requests left to the worker.",
    "outbox_given_up": "Messages and errands that were given up in the last 30 days.",
    "outbox_failing": "Jobs and other work of the worker's that failed, and are tried again until they are done.",
    "push_waiting": "Registrations for push whose devices are still to be told of a change.",
    "push_oldest_seconds": "How long ago the oldest of these changes was made.",
}


class DatabaseCollector(Collector):
    """Asks *database*, each time that it is asked."""

    def __init__(self, database: Database) -> None:
        """Prepare; nothing is asked yet."""
        self._database = database
        self._sizes: Mapping[str, float] = {}
        self._counted_at = float("-inf")

    @override
    def collect(self) -> Iterator[Metric]:
        """Yield every number; where the database cannot be used, just that."""
        try:
            with self._database.reading() as session:
                waiting = gauges.waiting(session)
            if time.monotonic() - self._counted_at > _SIZES_KEPT:
                self._sizes, self._counted_at = gauges.sizes(self._database), time.monotonic()
        except DatabaseUnavailable:
            yield GaugeMetricFamily("evercard_database_up", "Whether the database can be used.", 0)
            return
        yield GaugeMetricFamily("evercard_database_up", "Whether the database can be used.", 1)
        for name, value in waiting.items():
            yield GaugeMetricFamily(f"evercard_{name}", _WAITING[name], value)
        counted = GaugeMetricFamily("evercard_rows", "How many there are.", labels=("what",))
        for what, value in self._sizes.items():
            if what != "octets":
                counted.add_metric((what,), value)
        yield counted
        yield GaugeMetricFamily("evercard_database_bytes", "Size of the database.", self._sizes["octets"])


def show(address: str, directory: Path, database: Database) -> None:
    """
    Answer Prometheus at *address* from now on, with what *database* says and what processes write into *directory*.

    Raises:
        InvalidInput: Nothing can listen there.
    """
    host, _, port = address.rpartition(":")
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=str(directory))
    registry.register(DatabaseCollector(database))
    try:
        start_http_server(int(port), host.strip("[]"), registry)
    except OSError as error:
        raise InvalidInput(f"Nothing can listen at metrics_address, {address}: {error.strerror}.") from error
