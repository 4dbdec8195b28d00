"""Workers, each a process of its own, as `evercard worker` is one."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sync import worker
from sync.database.engine import Database
from sync.settings import Settings


@contextmanager
def running(url: str, settings: Settings, count: int = 1) -> Iterator[None]:
    """Run *count* workers on the database at *url*; they are ended at once."""
    spawning = multiprocessing.get_context("spawn")
    processes = [spawning.Process(target=_work, args=(url, settings), daemon=True) for _ in range(count)]
    for process in processes:
        process.start()
    try:
        yield
    finally:
        for process in processes:
            process.terminate()
            process.join()


def _work(url: str, settings: Settings) -> None:
    worker.run(Database(url, settings), threading.Event())
