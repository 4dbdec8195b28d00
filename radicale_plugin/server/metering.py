"""
Measuring what a serving process does, for Prometheus and for the log.

Every request is of a kind; neither who made it nor about whom it was is kept anywhere. Processes of one server write
their numbers into one directory, from which `radicale_plugin.server.metrics` reads them together.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

from radicale import config

from radicale_plugin import option_values, settings
from radicale_plugin.dav import paths
from radicale_plugin.server import logs, running
from radicale_plugin.server.request_bodies import Environ
from radicale_plugin.server.wsgi import Application, StartResponse

logger = logging.getLogger("evercard.requests")

_KINDS = {
    "PROPFIND": "poll",
    "GET": "fetch",
    "HEAD": "fetch",
    "OPTIONS": "options",
    **dict.fromkeys(("PUT", "DELETE", "MOVE", "COPY", "PROPPATCH", "MKCOL", "ACL"), "write"),
}
#: How many octets of a body say which report it is.
_ENOUGH = 1000


class Keeper(Protocol):
    """What is told of each request: its *kind*, the *status* it was answered with, and the *seconds* that took."""

    def __call__(self, kind: str, status: int, seconds: float) -> object:
        """Take note of a request."""


def measured(configuration: config.Configuration, application: Application) -> Application:
    """Return *application*, measured as far as *configuration* wants to know."""
    keepers: list[Keeper] = []
    if option_values.values_of(configuration)["metrics_address"] and running.place() is not None:
        from radicale_plugin.server.meter import Meter

        meter = Meter()
        meter.watch(settings.database(configuration))
        keepers.append(meter.answered)
    if logs.is_json(configuration):
        keepers.append(log_request)
    return Metered(application, keepers) if keepers else application


def log_request(kind: str, status: int, seconds: float) -> None:
    """Write a line about a request into the log."""
    measured = {"kind": kind, "status": status, "seconds": round(seconds, 4)}
    logger.info("answered", extra={"measured": measured})


class Metered:
    """An application of each of whose answers *keepers* are told."""

    def __init__(self, application: Application, keepers: Iterable[Keeper]) -> None:
        """Stand around *application*."""
        self._application = application
        self._keepers = tuple(keepers)

    def __call__(self, environ: Environ, start_response: StartResponse, /) -> Iterable[bytes]:
        """Answer a request, whose body must have been read whole."""
        with self._watched(kind_of(environ), start_response) as start:
            return self._application(environ, start)

    def refuse(self, environ: Environ, start_response: StartResponse, /) -> Iterable[bytes] | None:
        """Answer a request that goes no further, whatever its body is; None for any other."""
        began = time.perf_counter()
        statuses: list[int] = []
        answer = self._application.refuse(environ, _noting(start_response, statuses))
        if answer is not None:
            # Which report it is stands in the body, which nobody reads.
            kind = "query" if environ["REQUEST_METHOD"] == "REPORT" else kind_of(environ)
            self._tell(kind, statuses, began)
        return answer

    @contextlib.contextmanager
    def _watched(self, kind: str, start_response: StartResponse) -> Iterator[StartResponse]:
        began = time.perf_counter()
        statuses: list[int] = []
        try:
            yield _noting(start_response, statuses)
        finally:
            self._tell(kind, statuses, began)

    def _tell(self, kind: str, statuses: list[int], began: float) -> None:
        seconds = time.perf_counter() - began
        for keeper in self._keepers:
            keeper(kind, statuses[-1] if statuses else 500, seconds)


def _noting(start_response: StartResponse, statuses: list[int]) -> StartResponse:
    def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Callable[[bytes], object]:
        statuses.append(int(status[:3]))
        begun: Callable[[bytes], object] = start_response(status, headers, *rest)
        return begun

    return start


def kind_of(environ: Environ) -> str:
    """
    Return what a request is about.

    That is poll, delta, query, fetch, write, options or portal; whatever else somebody sends is other.
    """
    path, method = environ["PATH_INFO"], environ["REQUEST_METHOD"]
    if paths.is_portal(path) or (path == "/" and method in ("GET", "HEAD")):
        return "portal"
    if method == "REPORT":
        return _report(environ)
    return _KINDS.get(method, "other")


def _report(environ: Environ) -> str:
    body = environ["wsgi.input"]
    beginning = body.read(_ENOUGH)
    body.seek(0)
    if b"sync-collection" in beginning:
        return "delta"
    return "fetch" if b"multiget" in beginning else "query"
