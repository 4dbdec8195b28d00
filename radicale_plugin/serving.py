"""Serving: the production WSGI server with its workers, and the process that works off the outbox beside it."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.server.common import AbstractServer
from radicale import config, log

from radicale_plugin import settings
from radicale_plugin.application import Application
from radicale_plugin.wsgi import Wrapper
from sync.errors import InvalidInput

#: Where a worker process finds the configuration file, as Radicale's own WSGI entry point does.
CONFIGURATION = "RADICALE_CONFIG"


def create() -> Wrapper:
    """Make the WSGI application that the configuration in the environment describes, for whatever WSGI server."""
    configuration = settings.load(os.environ.get(CONFIGURATION) or None)
    log.setup()
    log.set_level(configuration.get("logging", "level"), backtrace_on_debug=False)
    return wrapped(configuration)


def wrapped(configuration: config.Configuration) -> Wrapper:
    """Make the application of *configuration* with what stands around it."""
    return Wrapper(Application(configuration), settings.database(configuration))


def serve(configuration_path: str | None) -> None:
    """
    Serve until a signal ends it.

    Raises:
        InvalidInput: The configuration cannot be used.
    """
    configuration = settings.load(configuration_path)
    settings.database(configuration).migrate()
    address, port = _address(configuration)
    if configuration_path:
        os.environ[CONFIGURATION] = str(Path(configuration_path).resolve())
    certificate = configuration.get("server", "ssl")
    server = granian(
        "radicale_plugin.serving:create",
        address,
        port,
        settings.serving(configuration),
        certificate=Path(configuration.get("server", "certificate")) if certificate else None,
        key=Path(configuration.get("server", "key")) if certificate else None,
    )
    stop = threading.Event()
    keeper = threading.Thread(target=_keep_worker, args=(stop,), daemon=True)
    keeper.start()
    try:
        server.serve()
    finally:
        stop.set()
        keeper.join()


def granian(
    target: str,
    address: str,
    port: int,
    serving: settings.Serving,
    *,
    certificate: Path | None = None,
    key: Path | None = None,
) -> AbstractServer[Any]:
    """Prepare the production server for the application that the function *target* makes."""
    return Granian(
        target,
        factory=True,
        interface=Interfaces.WSGI,
        http=HTTPModes.auto,
        address=address,
        port=port,
        workers=serving.workers,
        blocking_threads=serving.threads,
        respawn_failed_workers=True,
        ssl_cert=certificate,
        ssl_key=key,
        log_access=False,
        websockets=False,
    )


def _keep_worker(stop: threading.Event) -> None:
    # A process of its own: a large fan-out never takes the interpreter away from somebody's poll.
    while not stop.is_set():
        worker = subprocess.Popen([sys.executable, "-m", "radicale_plugin.cli", "worker"])
        while worker.poll() is None and not stop.wait(0.5):
            pass
        if worker.poll() is None:
            worker.terminate()
            worker.wait()
        elif not stop.is_set():
            logging.getLogger("evercard").error("The worker ended; it is started again")
            stop.wait(2)


def _address(configuration: config.Configuration) -> tuple[str, int]:
    hosts: list[tuple[str, int]] = configuration.get("server", "hosts")
    if len(hosts) != 1:
        raise InvalidInput("`hosts` in the section [server] must be one address and port, such as 127.0.0.1:5232.")
    return hosts[0]
