"""Serving: the production WSGI server with its workers, and the process that works off the outbox beside it."""

from __future__ import annotations

import functools
import logging
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from granian._granian import SocketHolder
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings, HTTP2Settings
from granian.log import LogLevels
from granian.server import MPServer
from granian.server.common import AbstractServer
from radicale import config
from typing_extensions import override

from radicale_plugin import option_values, settings
from radicale_plugin.server import inherited, logs, memory, metering, running
from radicale_plugin.server.application import Application
from radicale_plugin.server.deadlines import Deadlines
from radicale_plugin.server.wsgi import Wrapper
from sync.errors import InvalidInput

#: Where a worker process finds the configuration file, as Radicale's own WSGI entry point does.
CONFIGURATION = "RADICALE_CONFIG"
#: Connections that one process serves at once, idle ones included.
CONNECTIONS = 1_024
#: Octets that the server takes in before it knows whether they are a request; the wrapper allows fewer.
_HEAD = 64 * 1024
#: Seconds that requests under way have when the server is to end.
_PATIENCE = 10
#: What the server has to say by itself goes to standard error.
_LOGGING = {
    "handlers": {name: {"formatter": "generic", "class": "logging.StreamHandler"} for name in ("console", "access")}
}


def create(deadlines: Deadlines | None = None) -> Wrapper:
    """
    Make the WSGI application that the configuration in the environment describes, for whatever WSGI server.

    A server other than that of `serve` has to keep slow clients away by itself, such as by a reverse proxy that buffers
    requests and answers; *deadlines* cannot do it there.
    """
    with memory.kept():
        configuration = settings.load(os.environ.get(CONFIGURATION) or None)
        logs.set_up(configuration)
        return wrapped(configuration, deadlines)


def create_child() -> Wrapper:
    """Make the same application, in a process of `serve`, which must not go on when that was killed."""
    # Ctrl-C reaches every process of a terminal, and the server's processes never end that get its signal besides the
    # one by which the main process ends them.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    running.when_ended(os.getppid(), lambda: os.kill(os.getpid(), signal.SIGTERM))
    allow_many_connections()
    deadlines = Deadlines()
    deadlines.watch()
    return create(deadlines)


def allow_many_connections() -> None:
    """Let this process have as many files open as it may, because every connection is one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 4 * CONNECTIONS if hard == resource.RLIM_INFINITY else min(4 * CONNECTIONS, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def wrapped(configuration: config.Configuration, deadlines: Deadlines | None = None) -> Wrapper:
    """Make the application of *configuration* with what stands around it."""
    application = metering.measured(configuration, Application(configuration))
    threads = settings.serving(configuration).threads
    return Wrapper(application, settings.database(configuration), threads=threads, deadlines=deadlines)


def serve(
    configuration_path: str | None, listening: Callable[[str], object] = lambda _: None, *, with_worker: bool = True
) -> None:
    """
    Serve until a signal ends it. *listening* is called with the address once requests are answered there.

    Without a worker, what changes leave to be done waits for one that runs elsewhere.

    Raises:
        InvalidInput: The configuration cannot be used, or nothing can listen where it says.
    """
    configuration = settings.load(configuration_path)
    settings.database(configuration).migrate()
    address, port = address_of(configuration)
    given = inherited.listening(address, port)
    if given is None:
        require_free(address, port)
    if configuration_path:
        os.environ[CONFIGURATION] = str(Path(configuration_path).resolve())
    _share(configuration, with_worker=with_worker)
    certificate = configuration.get("server", "ssl")
    server = granian(
        "radicale_plugin.server.serving:create_child",
        address,
        port,
        settings.serving(configuration),
        certificate=Path(configuration.get("server", "certificate")) if certificate else None,
        key=Path(configuration.get("server", "key")) if certificate else None,
        given=given,
    )
    if os.isatty(0):
        # Whoever closes the terminal does not mean what the signal means to a daemon, which is to start anew.
        server.on_startup(lambda: signal.signal(signal.SIGHUP, server.signal_handler_interrupt))
    stop, renew = threading.Event(), threading.Event()
    # With that signal the processes that answer are replaced one after the other, none before another answers.
    server.on_reload(renew.set)
    keeper = threading.Thread(target=_keep_worker, args=(stop, renew), daemon=True)
    announced = f"http{'s' if certificate else ''}://{f'[{address}]' if ':' in address else address}:{port}/"

    def tell() -> None:
        # Not before: to begin takes it as long as the server, and what it does can wait until people are answered.
        if with_worker:
            keeper.start()
        listening(announced)

    waiting = (stop, address, port, tell)
    threading.Thread(target=_call_when_listening, args=waiting, daemon=True).start()
    try:
        server.serve()
    finally:
        stop.set()
        if keeper.ident is not None:
            keeper.join()


def _share(configuration: config.Configuration, *, with_worker: bool) -> None:
    if logs.is_json(configuration):
        logs.use_json(configuration.get("logging", "level"))
    shared = running.begin(with_worker=with_worker)
    if address := option_values.values_of(configuration)["metrics_address"]:
        directory = running.metrics_directory(shared)
        from radicale_plugin.server import metrics

        metrics.show(address, directory, settings.database(configuration))


def granian(
    target: str,
    address: str,
    port: int,
    serving: settings.Serving,
    *,
    certificate: Path | None = None,
    key: Path | None = None,
    given: socket.socket | None = None,
) -> AbstractServer[Any]:
    """
    Prepare the production server for the application that the function *target* makes.

    It listens at a socket that is *given*, or opens its own.
    """
    made = MPServer if given is None else functools.partial(_AtSocket, given)
    return made(
        target,
        factory=True,
        interface=Interfaces.WSGI,
        http=HTTPModes.auto,
        address=address,
        port=port,
        workers=serving.workers,
        # As many as connections, so that somebody who sends or fetches slowly takes nothing from anybody else; how
        # many of them work at once is the wrapper's matter.
        blocking_threads=CONNECTIONS,
        backpressure=CONNECTIONS,
        http1_settings=HTTP1Settings(max_buffer_size=_HEAD),
        http2_settings=HTTP2Settings(max_headers_size=_HEAD),
        respawn_failed_workers=True,
        workers_kill_timeout=_PATIENCE,
        ssl_cert=certificate,
        ssl_key=key,
        log_level=LogLevels.error,
        log_dictconfig=_LOGGING,
        log_access=False,
        websockets=False,
    )


class _AtSocket(MPServer):
    """The production server, at a socket that is there already."""

    def __init__(self, given: socket.socket, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._given = given

    @override
    def _init_shared_socket(self) -> None:
        self._sso = self._given
        self._shd = cast("Any", SocketHolder)(self._given.fileno(), False, self.backlog)


def _keep_worker(stop: threading.Event, renew: threading.Event) -> None:
    # A process of its own: a large fan-out never takes the interpreter away from somebody's poll.
    while not stop.is_set():
        command = [sys.executable, "-m", "radicale_plugin.cli", "worker", "--parent", str(os.getpid())]
        # In a session of its own Ctrl-C does not end it before its time.
        worker = subprocess.Popen(command, start_new_session=True)  # noqa: S603 - a program of our own, with a number
        while worker.poll() is None and not renew.is_set() and not stop.wait(0.5):
            pass
        if worker.poll() is None:
            renew.clear()
            worker.terminate()
            worker.wait()
        elif not stop.is_set():
            logging.getLogger("evercard").error("The worker ended; it is started again")
            stop.wait(2)


def require_free(address: str, port: int) -> None:
    """
    Make sure that nobody listens at *address* and *port*, which several servers could do without noticing each other.

    Raises:
        InvalidInput: Somebody does, or nobody can.
    """
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            raise InvalidInput(f"Nothing can listen at {address}, port {port}: {error.strerror}.") from error


def _call_when_listening(stop: threading.Event, address: str, port: int, call: Callable[[], object]) -> None:
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address)  # noqa: S104 - compared, not bound
    while not stop.wait(0.05):
        try:
            with socket.create_connection((reachable, port), timeout=1) as probe:
                # At a socket that was given, others are let in before anybody answers.
                probe.sendall(b"GET /.health HTTP/1.0\r\n\r\n")
                probe.recv(1)
        except OSError:
            continue
        call()
        return


def address_of(configuration: config.Configuration) -> tuple[str, int]:
    """
    Return the one address and port to listen at.

    Raises:
        InvalidInput: The configuration names none, or several.
    """
    hosts: list[tuple[str, int]] = configuration.get("server", "hosts")
    if len(hosts) != 1:
        raise InvalidInput("`hosts` in the section [server] must be one address and port, such as 127.0.0.1:5232.")
    host, port = hosts[0]
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise InvalidInput(f"`hosts` in the section [server] names {host!r}, which has no address.") from error
    # A name such as localhost has several; the older kind is what other programs try as well.
    addresses = sorted(found, key=lambda info: info[0] != socket.AF_INET)
    return str(addresses[0][4][0]), port
