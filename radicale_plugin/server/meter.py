"""The numbers of one process, for Prometheus, written where the environment says when this module is imported."""

from __future__ import annotations

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram

from sync.database import timing
from sync.database.engine import Database

_FAST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Meter:
    """The numbers of this process, kept in *registry*."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        """Begin to count."""
        self._requests = Counter(
            "evercard_requests", "Requests by kind and status of the answer.", ("kind", "status"), registry=registry
        )
        self._seconds = Histogram(
            "evercard_request_seconds", "Time until the answer.", ("kind",), buckets=_FAST, registry=registry
        )
        self._database = Histogram(
            "evercard_database_seconds", "Time of one statement.", ("path",), buckets=_FAST, registry=registry
        )

    def answered(self, kind: str, status: int, seconds: float) -> None:
        """Count a request."""
        self._requests.labels(kind, str(status)).inc()
        self._seconds.labels(kind).observe(seconds)

    def watch(self, database: Database) -> None:
        """Count the statements of *database*, from now on."""
        timing.observe(database, lambda path, seconds: self._database.labels(path).observe(seconds))
