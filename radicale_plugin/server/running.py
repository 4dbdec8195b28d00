"""
What the processes of one running server share: the end of the one that started them, and a directory until then.

In it the worker shows that it is alive, and serving processes write down what they measure.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from radicale_plugin.server.shared_spending import SharedSpending
from sync.accounts.spending import Spending

#: How processes of `serve` find the directory. Under another server there is none.
DIRECTORY = "EVERCARD_RUNNING"
#: Seconds without a sign of the worker, after which it counts as dead. A large fan-out gives none for a while.
SILENCE = 120.0
#: What is in the directory of a server that runs no worker.
_ELSEWHERE = "worker-elsewhere"


def when_ended(parent: int, call: Callable[[], object]) -> None:
    """Call *call* once *parent*, the process that started this one, has ended in whatever way."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        call()

    threading.Thread(target=watch, daemon=True).start()


def begin(*, with_worker: bool = True) -> Path:
    """
    Make the directory, and name it to the processes that are started from now on. It goes with this process.

    *with_worker* says that the server runs a worker, which shows in it that it is alive.
    """
    made = Path(tempfile.mkdtemp(prefix="evercard-"))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    os.environ[DIRECTORY] = str(made)
    if with_worker:
        sign_of_life()
    else:
        (made / _ELSEWHERE).touch()
    return made


def metrics_directory(shared: Path) -> Path:
    """
    Make a directory in *shared* into which processes that are started from now on write what they measure.

    The library for that looks for it once, when it is first imported.
    """
    made = shared / "metrics"
    made.mkdir()
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(made)
    return made


def place() -> Path | None:
    """Return the directory, or None where no server of ours runs this process."""
    found = os.environ.get(DIRECTORY)
    return Path(found) if found else None


def sign_of_life() -> None:
    """Show that the worker is alive."""
    if shared := place():
        with contextlib.suppress(OSError):
            (shared / "worker").touch()


def is_worker_alive() -> bool | None:
    """Whether the worker showed that it is; None where no server of ours has started one, as when it runs elsewhere."""
    shared = place()
    if shared is None or (shared / _ELSEWHERE).exists():
        return None
    try:
        return time.time() - (shared / "worker").stat().st_mtime < SILENCE
    except OSError:
        return False


def spending(writes_a_day: int) -> Spending:
    """Return the count of what people may write still: one for all processes of a server of ours, else one for this."""
    shared = place()
    return SharedSpending(writes_a_day, shared / "spending") if shared is not None else Spending(writes_a_day)
