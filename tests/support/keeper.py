"""Make a PostgreSQL cluster, run it until the tests are over, and delete it: ``keeper.py RUN-DIRECTORY PROGRAMS``."""

from __future__ import annotations

import fcntl
import os
import pwd
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

#: Nothing here has to survive a crash, so nothing waits for a disk.
SETTINGS = {
    "autovacuum": "off",
    "fsync": "off",
    "full_page_writes": "off",
    "listen_addresses": "",
    "max_connections": "200",
    "max_wal_size": "4GB",
    "shared_buffers": "64MB",
    "synchronous_commit": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}


def main(run: Path, programs: Path) -> None:
    """Keep the cluster of *run* until nobody holds the lock on the file ``alive`` any more."""
    home = run / "postgresql"
    user = _server_user()
    try:
        server = _start(home, programs, user)
        try:
            (run / "ready.new").write_text(f"postgresql://evercard@/postgres?host={home}")
            (run / "ready.new").rename(run / "ready")
            with (run / "alive").open("a") as alive:
                fcntl.flock(alive, fcntl.LOCK_EX)
        finally:
            _stop(server)
    finally:
        shutil.rmtree(run, ignore_errors=True)


def _server_user() -> str | None:
    """Return as whom the server must run, or None for as ourselves: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in ("postgres", "nobody") if name in names)


def _start(home: Path, programs: Path, user: str | None) -> subprocess.Popen[bytes]:
    home.mkdir(mode=0o700)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    group = None
    if user is not None:
        entry = pwd.getpwnam(user)
        group = entry.pw_gid
        os.chown(home, entry.pw_uid, group)
        environment["HOME"] = str(home)
    groups: list[str | int] | None = [] if user is not None else None
    data = home / "data"
    initdb: list[str | Path] = [
        programs / "initdb",
        "--username=evercard",
        "--auth=trust",
        "--no-sync",
        "--encoding=UTF8",
    ]
    subprocess.run(
        [*initdb, "--locale=C.UTF-8", f"--pgdata={data}"],
        check=True,
        cwd=home,
        env=environment,
        user=user,
        group=group,
        extra_groups=groups,
    )
    settings = [argument for name, value in SETTINGS.items() for argument in ("-c", f"{name}={value}")]
    server = subprocess.Popen(
        [programs / "postgres", "-D", data, "-k", home, *settings],
        cwd=home,
        env=environment,
        user=user,
        group=group,
        extra_groups=groups,
    )
    while not _is_ready(data / "postmaster.pid"):
        if server.poll() is not None:
            sys.exit(f"postgres ended with status {server.returncode}")
        time.sleep(0.02)
    return server


def _is_ready(pid_file: Path) -> bool:
    """Whether the server accepts connections: the last line of its pid file says so."""
    return pid_file.exists() and pid_file.read_text().rstrip().endswith("ready")


def _stop(server: subprocess.Popen[bytes]) -> None:
    # "Immediate" shutdown: there is nothing to save.
    server.send_signal(signal.SIGQUIT)
    try:
        server.wait(10)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
