"""
The real server, as its own processes: ``evercard serve`` on a free port of this machine.

    with Server(database_url, tmp_path, workers=2, threads=4) as server:
        httpx.get(server.url + "/.health")

`Server.processes` finds the processes that it consists of, so that a test can end one of them; leaving the block ends
all of them.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import httpx
from typing_extensions import override

#: How long a loaded machine may take to start or end a server, in seconds.
PATIENCE = 60.0
ROOT = Path(__file__).parents[2]

_CONFIGURATION = """
[server]
hosts = 127.0.0.1:{port}
[auth]
type = radicale_plugin.auth
[rights]
type = radicale_plugin.rights
[storage]
type = radicale_plugin.storage
[web]
type = {web}
[logging]
level = warning
"""

#: Becomes ``evercard serve`` with a socket where systemd puts it.
_HAND = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1"}
os.execv(sys.executable, [sys.executable, "-m", "radicale_plugin.cli", "serve"])
"""
Role = Literal["main", "server", "worker", "other"]


class Server:
    """
    A server for the database at *database_url*, whose schema is brought up to date at the start.

    *directory* takes its configuration and its log (`log`). *options* are Evercard's own, by their name in the
    configuration; *environment* is added to that of its processes. *command* replaces ``evercard serve``.
    """

    #: Radicale's web plugin.
    web = "none"
    #: Files that its main process is handed.
    handed: Sequence[int] = ()

    def __init__(
        self,
        database_url: str,
        directory: Path,
        *,
        workers: int = 1,
        threads: int = 4,
        options: Mapping[str, str] | None = None,
        environment: Mapping[str, str] | None = None,
        command: Sequence[str] = ("-m", "radicale_plugin.cli", "serve"),
    ) -> None:
        """Prepare; nothing is started yet."""
        self.port = self.chosen_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = directory / f"server-{self.port}.log"
        self.configuration = directory / f"server-{self.port}.conf"
        self.configuration.write_text(_CONFIGURATION.format(port=self.port, web=self.web))
        given = {"database_url": database_url, "workers": str(workers), "threads": str(threads)}
        if self.web != "none":
            given |= {"base_url": self.url, "sign_up": "open"}
        given.update(options or {})
        # A proxy that is set outside would be asked for addresses of this machine.
        inherited = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        self._environment = {
            **inherited,
            "RADICALE_CONFIG": str(self.configuration),
            **{f"EVERCARD_{name.upper()}": value for name, value in given.items()},
            **(environment or {}),
        }
        self._command = [sys.executable, *command]
        self._process: subprocess.Popen[bytes] | None = None

    def chosen_port(self) -> int:
        """Return where it is to listen."""
        return free_port()

    def __enter__(self) -> Self:
        """Start it."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it."""
        self.stop()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=ROOT,
                env=self._environment,
                start_new_session=True,
                pass_fds=self.handed,
            )
        try:
            self.wait_until_healthy()
        except BaseException:
            self.stop()
            raise

    def wait_until_healthy(self) -> None:
        """Wait until the server answers."""
        deadline = time.monotonic() + PATIENCE
        with httpx.Client(base_url=self.url, trust_env=False) as client:
            while True:
                with contextlib.suppress(httpx.TransportError):
                    if client.get("/.health").status_code == 200:
                        return
                ended = self._process is None or self._process.poll() is not None
                assert not ended, f"the server ended:\n{self.log.read_text()}"
                assert time.monotonic() < deadline, f"the server does not answer:\n{self.log.read_text()}"
                time.sleep(0.05)

    def processes(self, role: Role | None = None) -> list[int]:
        """
        Return the ids of its processes, of one *role* or all.

        ``main`` started the others, ``server`` ones answer requests, a ``worker`` works off the outbox.
        """
        if self._process is None:
            return []
        main = self._process.pid
        roles = {main: "main", **{pid: _role(pid) for pid in descendants(main)}}
        return [pid for pid, found in roles.items() if role in (None, found)]

    def command(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run ``evercard`` with its configuration, but for what *environment* says."""
        called = [sys.executable, "-m", "radicale_plugin.cli", *arguments]
        given = {**self._environment, **environment}
        return subprocess.run(
            called, capture_output=True, text=True, check=False, cwd=ROOT, env=given, timeout=PATIENCE
        )

    def stop(self, *, at_once: bool = False) -> None:
        """End it and everything that it started: in order, or *at_once* as when the power fails."""
        process, self._process = self._process, None
        if process is None:
            return
        started = [process.pid, *descendants(process.pid)]
        if not at_once:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(PATIENCE / 4)
        for pid in started:
            with contextlib.suppress(ProcessLookupError):
                # Nobody else can be meant: these have not been waited for, or are in the session that we made.
                if pid == process.pid or os.getsid(pid) == process.pid:
                    os.kill(pid, signal.SIGKILL)
        process.wait(PATIENCE)


class HandedServer(Server):
    """A server that listens at a socket which it is handed, as systemd does it."""

    def __init__(self, kept: socket.socket, database_url: str, directory: Path, *, workers: int = 1) -> None:
        """Prepare to hand *kept* over; nothing is started yet."""
        self._port: int = kept.getsockname()[1]
        self.handed = (kept.fileno(),)
        super().__init__(database_url, directory, workers=workers, command=("-c", _HAND, str(kept.fileno())))

    @override
    def chosen_port(self) -> int:
        return self._port


def free_port() -> int:
    """Return a port of the loopback address that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def descendants(pid: int) -> list[int]:
    """Return the ids of the processes that a process started, and that those started, oldest first."""
    result = []
    for child in _children(pid):
        result += [child, *descendants(child)]
    return result


def _children(pid: int) -> list[int]:
    """Return whom each of its threads started; a process or a thread may end while it is looked at."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(OSError):
                found += map(int, (task / "children").read_text().split())
    return found


def _role(pid: int) -> Role:
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return "other"
    if b"worker" in command:
        return "worker"
    return "other" if any(b"resource_tracker" in word for word in command) else "server"
