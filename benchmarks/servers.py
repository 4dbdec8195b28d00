"""
The servers that are compared, each a process tree of its own under the same WSGI server with the same settings.

``python -m benchmarks.servers TARGET PORT`` is how one is started.
"""

from __future__ import annotations

import base64
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from benchmarks import bare, databases, load, measure
from sync.database.engine import Database

ROOT = Path(__file__).parents[1]
BARE = "bare WSGI"
STOCK = "stock Radicale"
STOCK_PASSWORD = "stock"  # noqa: S105 - of a throwaway server


@dataclass(frozen=True, slots=True)
class Server:
    """A running server. *database* is how its backends are called, where it has any."""

    name: str
    port: int
    pid: int
    database: str = ""

    def cost(self, requests: Sequence[load.Request], count: int, connections: int = load.CONNECTIONS) -> Cost:
        """Send *requests* in turn until there were *count*, and return what all of them cost."""
        server, backends = self._usage()
        octets = load.send(self.port, requests, count, connections)
        server_after, backends_after = self._usage()
        return Cost(measure.used(server, server_after), measure.used(backends, backends_after), octets)

    def _usage(self) -> tuple[measure.Usage, measure.Usage]:
        backends = measure.named(self.database) if self.database else []
        return measure.usage(measure.tree(self.pid)), measure.usage(backends)


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU seconds, and octets of the answer."""

    server: float
    backends: float
    octets: float


@contextmanager
def evercard(directory: Path, database: Database) -> Iterator[Server]:
    """Run this project on *database*."""
    config = directory / "evercard.conf"
    config.write_text(
        f"[storage]\ntype = radicale_plugin.storage\ndatabase_url = {databases.url_of(database)}\n"
        "[auth]\ntype = radicale_plugin.auth\n[rights]\ntype = radicale_plugin.rights\n"
        "[web]\ntype = radicale_plugin.web\n[logging]\nlevel = warning\n"
    )
    name = "Evercard, SQLite" if database.is_sqlite else "Evercard, PostgreSQL"
    backends = "" if database.is_sqlite else str(database.url.database)
    with _running(name, "radicale_plugin.server.serving:create", {"RADICALE_CONFIG": str(config)}, backends) as server:
        yield server


@contextmanager
def bare_wsgi(directory: Path, login: str, password: str, answers: dict[str, bare.Answer]) -> Iterator[Server]:
    """Run the bare application (`benchmarks.bare`)."""
    file = directory / "answers.json"
    bare.write(file, login, password, answers)
    with _running(BARE, "benchmarks.bare:create", {bare.FILE: str(file)}) as server:
        yield server


@contextmanager
def stock(directory: Path, cards: Iterable[tuple[str, str]]) -> Iterator[Server]:
    """Run Radicale as it is installed, with *cards* (name and text) as files in the book ``/stock/contacts/``."""
    folder = directory / "stock"
    book = folder / "collection-root" / "stock" / "contacts"
    book.mkdir(parents=True)
    (book / ".Radicale.props").write_text('{"tag": "VADDRESSBOOK"}')
    for name, text in cards:
        (book / name).write_text(text, newline="")
    users = directory / "users"
    users.write_text(f"stock:{STOCK_PASSWORD}\n")
    config = directory / "stock.conf"
    config.write_text(
        f"[storage]\nfilesystem_folder = {folder}\n[auth]\ntype = htpasswd\nhtpasswd_filename = {users}\n"
        "htpasswd_encryption = plain\n[logging]\nlevel = error\n"
    )
    with _running(STOCK, "benchmarks.servers:stock_application", {"RADICALE_CONFIG": str(config)}) as server:
        yield server


def stock_application() -> Callable[..., Any]:
    """Return Radicale's own application, configured by the environment."""
    import radicale

    return radicale.application


def basic(login: str, password: str) -> tuple[str, str]:
    """Return the header that signs in."""
    return "Authorization", "Basic " + base64.b64encode(f"{login}:{password}".encode()).decode()


@contextmanager
def _running(name: str, target: str, settings: Mapping[str, str], database: str = "") -> Iterator[Server]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("EVERCARD_", "RADICALE_"))}
    command = [sys.executable, "-m", "benchmarks.servers", target, str(port)]
    with TemporaryFile("w+") as log:
        process = subprocess.Popen(command, cwd=ROOT, env={**clean, **settings}, stdout=log, stderr=log)
        try:
            if not _answers(process, port):
                log.seek(0)
                raise RuntimeError(f"{name} did not start:\n{log.read()}")
            yield Server(name, port, process.pid, database)
        finally:
            process.terminate()
            process.wait()


def _answers(process: subprocess.Popen[bytes], port: int) -> bool:
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        try:
            # Something is answered only when a worker has loaded the application.
            with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
                connection.sendall(b"OPTIONS / HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic Og==\r\n\r\n")
                if connection.recv(1):
                    return True
        except OSError:
            time.sleep(0.05)
    return False


if __name__ == "__main__":
    from radicale import config

    from radicale_plugin import settings
    from radicale_plugin.server import serving

    serving.granian(sys.argv[1], "127.0.0.1", int(sys.argv[2]), settings.serving(config.load())).serve()
