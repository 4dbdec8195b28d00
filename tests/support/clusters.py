"""PostgreSQL clusters and a pooler that a test has to itself, so that it can kill them."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import URL

from tests.support import postgresql
from tests.support.server import PATIENCE, free_port

#: Nothing here has to survive the machine; everything has to survive its processes.
_SETTINGS = {
    "autovacuum": "off",
    "fsync": "off",
    "full_page_writes": "off",
    "listen_addresses": "127.0.0.1",
    "max_connections": "40",
    "shared_buffers": "16MB",
    "unix_socket_directories": "",
    "wal_level": "replica",
    "hot_standby": "on",
}


class Unprivileged:
    """A directory for programs that refuse to run as root, and the means to run them there."""

    def __init__(self, directory: Path) -> None:
        """Use *directory*, which whoever runs the programs must own."""
        self.directory = directory
        self._user: str | None = None
        if os.geteuid() == 0:
            known = {entry.pw_name: entry for entry in pwd.getpwall()}
            account = known.get("postgres", known["nobody"])
            self._user = account.pw_name
            os.chown(directory, account.pw_uid, account.pw_gid)

    def start(self, *command: str | Path) -> subprocess.Popen[bytes]:
        """Start a program in a session of its own."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        with (self.directory / "log").open("ab") as log:
            return subprocess.Popen(
                command,
                cwd=self.directory,
                env={**environment, "HOME": str(self.directory)},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                user=self._user,
                extra_groups=[] if self._user else None,
                start_new_session=True,
            )

    def run(self, *command: str | Path) -> None:
        """Run a program to its end, which must be a good one."""
        assert self.start(*command).wait(PATIENCE) == 0, (self.directory / "log").read_text()


@contextlib.contextmanager
def directory() -> Iterator[Unprivileged]:
    """Make a directory for programs that refuse to run as root; it is deleted at the end."""
    path = Path(tempfile.mkdtemp(prefix="evercard-tests-"))
    try:
        yield Unprivileged(path)
    finally:
        shutil.rmtree(path, ignore_errors=True)


class Cluster:
    """A PostgreSQL server of a user ``evercard``, on a port of the loopback address."""

    def __init__(self, place: Unprivileged, name: str) -> None:
        """Prepare one with its data in *place*; nothing is there yet."""
        self.port = free_port()
        self._place = place
        self._data = place.directory / name
        self._programs = postgresql.find_programs()
        self._server: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The URL of its first database, whether or not it takes changes."""
        return f"postgresql://evercard@127.0.0.1:{self.port}/postgres"

    def create(self) -> None:
        """Make an empty one."""
        options = ("--username=evercard", "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C.UTF-8")
        self._place.run(self._programs / "initdb", *options, f"--pgdata={self._data}")

    def copy(self, primary: Cluster) -> None:
        """Make a standby of *primary*, which runs."""
        source = ("--host=127.0.0.1", f"--port={primary.port}", "--username=evercard", "--checkpoint=fast", "--no-sync")
        self._place.run(self._programs / "pg_basebackup", *source, "--write-recovery-conf", f"--pgdata={self._data}")

    def start(self, **settings: str) -> None:
        """Start it, and wait until it takes connections."""
        chosen = {**_SETTINGS, "port": str(self.port), **settings}
        given = [word for name, value in chosen.items() for word in ("-c", f"{name}={value}")]
        pid_file = self._data / "postmaster.pid"
        # One that was killed left it there, and it says that it is ready.
        pid_file.unlink(missing_ok=True)
        self._server = self._place.start(self._programs / "postgres", "-D", self._data, *given)
        deadline = time.monotonic() + PATIENCE
        while not (pid_file.exists() and pid_file.read_text().rstrip().endswith(("ready", "standby"))):
            assert self._server.poll() is None, (self._place.directory / "log").read_text()
            assert time.monotonic() < deadline, "PostgreSQL does not start"
            time.sleep(0.05)

    def promote(self) -> None:
        """Make a standby the one that takes changes."""
        self._place.run(self._programs / "pg_ctl", "promote", "-D", self._data)

    def stop_immediately(self) -> None:
        """End it as `pg_ctl` does in the mode "immediate": what it was at is undone when it starts again."""
        self._place.run(self._programs / "pg_ctl", "stop", "--mode=immediate", "-D", self._data)
        self.kill()

    def kill(self) -> None:
        """End it and all its processes as when the machine fails."""
        if self._server is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._server.pid, signal.SIGKILL)
            self._server.wait(PATIENCE)
            self._server = None


@contextlib.contextmanager
def synchronous() -> Iterator[tuple[Cluster, Cluster]]:
    """Run a primary, and a standby without which it acknowledges nothing."""
    with directory() as place:
        try:
            primary, standby = Cluster(place, "primary"), Cluster(place, "standby")
        except postgresql.Unavailable as error:
            pytest.skip(str(error))
        try:
            primary.create()
            primary.start()
            standby.copy(primary)
            standby.start(wal_retrieve_retry_interval="100ms")
            primary.kill()
            primary.start(synchronous_standby_names="*")
            yield primary, standby
        finally:
            primary.kill()
            standby.kill()


@contextlib.contextmanager
def pgbouncer(server: URL, connections: int) -> Iterator[int]:
    """Run PgBouncer in transaction mode in front of *server*, with so many connections; yields its port."""
    program = shutil.which("pgbouncer", path=f"/usr/sbin:{os.environ['PATH']}")
    if program is None:
        pytest.skip("PgBouncer is not installed")
    port = free_port()
    with directory() as place:
        host, behind = server.query.get("host") or server.host, server.query.get("port") or server.port or 5432
        settings = {
            "listen_addr": "127.0.0.1",
            "listen_port": port,
            "unix_socket_dir": "",
            "auth_type": "any",
            "pool_mode": "transaction",
            "default_pool_size": connections,
        }
        lines = [f"{name} = {value}" for name, value in settings.items()]
        target = f"* = host={host} port={behind} user={server.username}"
        file = place.directory / "pgbouncer.ini"
        file.write_text("\n".join(["[databases]", target, "[pgbouncer]", *lines]))
        file.chmod(0o644)
        started = place.start(program, file)
        try:
            yield port
        finally:
            started.terminate()
            started.wait(PATIENCE)


def url_of(*clusters: Cluster) -> str:
    """Return the URL of the first database on whichever of *clusters* takes changes."""
    places = tuple(f"127.0.0.1:{cluster.port}" for cluster in clusters)
    query = {"host": places, "target_session_attrs": "read-write"}
    return URL.create("postgresql", username="evercard", database="postgres", query=query).render_as_string()
