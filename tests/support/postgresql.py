"""
A throwaway PostgreSQL cluster for one run of the tests.

All processes of a run share one directory. Whoever needs the cluster first starts a *keeper*
(`tests/support/keeper.py`), which makes the cluster, starts it and then waits for the end of the run: the process that
leads the run holds a lock on a file in that directory until it ends, in whatever way it ends. Then the keeper stops the
server and deletes everything. The server listens only on a socket in a directory that nobody else may enter.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

KEEPER = Path(__file__).with_name("keeper.py")
#: How long a loaded machine may take to make and start a cluster.
PATIENCE = 60.0


class Unavailable(Exception):
    """There is no PostgreSQL to test with."""


class Run:
    """
    One run of the tests, as the process that leads it sees it.

    *directory* is what the other processes of the run must be told.
    """

    def __init__(self) -> None:
        """Make the directory and hold the lock that says that the run is alive."""
        self.directory = Path(tempfile.mkdtemp(prefix="evercard-tests-"))
        # The server runs as another user when the tests run as root: it must be able to pass through, not to look.
        self.directory.chmod(0o711)
        self._alive = lock(self.directory / "alive")

    def end(self) -> None:
        """Let the keeper stop the cluster, and wait until it has; without a keeper just delete the directory."""
        started = (self.directory / "keeper").exists()
        self._alive.close()
        deadline = time.monotonic() + PATIENCE
        while started and self.directory.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        shutil.rmtree(self.directory, ignore_errors=True)


def server(directory: Path) -> str:
    """
    Return the URL of the cluster of the run in *directory*, and start it if nobody has yet.

    The environment variable EVERCARD_TEST_POSTGRESQL may name a server that runs already; its user must be allowed to
    create databases.

    Raises:
        Unavailable: PostgreSQL is not installed.
    """
    given = os.environ.get("EVERCARD_TEST_POSTGRESQL")
    if given:
        return given
    programs = find_programs()
    with locked(directory / "starting"):
        ready = directory / "ready"
        if not ready.exists():
            _start_keeper(directory, programs)
        return ready.read_text()


def find_programs() -> Path:
    """
    Return the directory of the newest `initdb` and `postgres` of this machine.

    Raises:
        Unavailable: There are none.
    """
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name), reverse=True)
    for directory in [*debian, *map(Path, os.get_exec_path())]:
        if (directory / "initdb").exists() and (directory / "postgres").exists():
            # Called through a link from elsewhere, the programs would look for their files in the wrong place.
            return (directory / "initdb").resolve().parent
    raise Unavailable("PostgreSQL binaries are not installed: there is no initdb in /usr/lib/postgresql/*/bin or PATH")


def lock(path: Path) -> IO[str]:
    """Wait for the lock on *path* and return the file that holds it until it is closed or this process ends."""
    file = path.open("a")
    fcntl.flock(file, fcntl.LOCK_EX)
    return file


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock on *path* inside the block."""
    file = lock(path)
    try:
        yield
    finally:
        file.close()


def _start_keeper(directory: Path, programs: Path) -> None:
    log = directory / "keeper"
    with log.open("a") as output:
        keeper = subprocess.Popen(
            [sys.executable, str(KEEPER), str(directory), str(programs)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            # An interrupt from the keyboard must not reach it: it ends the server in its own time.
            start_new_session=True,
        )
    deadline = time.monotonic() + PATIENCE
    while not (directory / "ready").exists():
        if keeper.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"PostgreSQL did not start:\n{log.read_text()}")
        time.sleep(0.02)
    # It outlives this process on purpose.
    keeper.returncode = 0
