"""The worker: whatever committed changes still owe, done in the background until it is told to stop."""

from __future__ import annotations

import logging
import threading

from sync import fan_out
from sync.database import Database

logger = logging.getLogger("evercard.worker")

#: Seconds between two looks at an empty outbox.
INTERVAL = 0.5
#: Seconds to wait after something went wrong.
PAUSE_AFTER_ERROR = 5.0


def run(database: Database, stop: threading.Event) -> None:
    """Work until *stop* is set. Several workers may run; what fails is tried again when its lease is over."""
    while not stop.is_set():
        try:
            reached = fan_out.work(database)
        except Exception:
            # Whatever it was, the jobs are still in the database, and the next look may find it mended.
            logger.exception("The worker could not finish a job")
            stop.wait(PAUSE_AFTER_ERROR)
            continue
        if reached:
            logger.info("Reached %d address books", reached)
        stop.wait(INTERVAL)
