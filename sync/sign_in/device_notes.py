"""
What is noted about devices: when one was used, and what it was given.

It is gathered in memory and written once a second for all of a process, in one transaction. Nobody waits for it, no
request fails by it, and what a crash loses is noted again at the device's next request.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass

from sqlalchemy import bindparam, or_, select, update
from sqlalchemy.orm import Session

from sync.database.engine import Database
from sync.models import CONTACTS, Base

logger = logging.getLogger("evercard")

#: Seconds between two times that everything is written.
INTERVAL = 1.0
#: Seconds that whoever lets go of the database waits for what is being written.
PATIENCE = 5.0
#: How many devices are written in one transaction, and how many are remembered at most.
CHUNK, MOST = 500, 100_000
#: Of two processes that were told of the same device within so many seconds, the one with more is right.
TOGETHER = 5

#: A device, by its person and its id.
DeviceKey = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Given:
    """The device has everything up to *revision* of the address book's *epoch* since *at*."""

    epoch: int
    revision: int
    at: int


class DeviceNotes:
    """The notes of one process."""

    def __init__(self, database: Database) -> None:
        """Write to *database*, from a thread of its own that starts with the first note."""
        self._database = database
        self._lock = threading.Lock()
        self._used: dict[DeviceKey, int] = {}
        self._given: dict[DeviceKey, Given] = {}
        self._writer: threading.Thread | None = None
        self._stopped = threading.Event()
        database.before_disposal(self._stop)

    def used(self, device: DeviceKey, at: int) -> None:
        """Note that the device was used."""
        with self._lock:
            if len(self._used) < MOST:
                self._used[device] = at
            self._keep_writing()

    def given(self, device: DeviceKey, given: Given) -> None:
        """Note what the device has."""
        with self._lock:
            if len(self._given) < MOST:
                self._given[device] = given
            self._keep_writing()

    def flush(self) -> bool:
        """Write everything down now, and return whether it could be; what could not is kept for the next time."""
        with self._lock:
            used, self._used = self._used, {}
            given, self._given = self._given, {}
        done = True
        devices = sorted(used.keys() | given.keys())
        for start in range(0, len(devices), CHUNK):
            part = devices[start : start + CHUNK]
            notes = ({key: used[key] for key in part if key in used}, {key: given[key] for key in part if key in given})
            if not self._database.write_if_free(lambda session, notes=notes: _write(session, *notes)):  # type: ignore[misc]
                self._take_back(*notes)
                done = False
        return done

    def _take_back(self, used: dict[DeviceKey, int], given: dict[DeviceKey, Given]) -> None:
        with self._lock:
            self._used = used | self._used
            self._given = given | self._given

    def _keep_writing(self) -> None:
        if self._writer is None or not self._writer.is_alive():
            self._stopped = threading.Event()
            self._writer = threading.Thread(
                target=self._write_all, args=(self._stopped,), name="device notes", daemon=True
            )
            self._writer.start()

    def _stop(self) -> None:
        """Wait until nothing is being written, and write nothing more until there is another note."""
        with self._lock:
            writer, self._writer = self._writer, None
            self._stopped.set()
        if writer is not None:
            writer.join(PATIENCE)

    def _write_all(self, stopped: threading.Event) -> None:
        while not stopped.wait(INTERVAL):
            try:
                self.flush()
            except Exception:
                logger.exception("What is noted about devices could not be written")
            with self._lock:
                if stopped.is_set():
                    return
                if not self._used and not self._given:
                    self._writer = None
                    return


def _write(session: Session, used: dict[DeviceKey, int], given: dict[DeviceKey, Given]) -> None:
    if used:
        session.connection().execute(_USED, [_named(key) | {"at": at} for key, at in used.items()])
    if given:
        rows = [
            _named(key) | {"epoch": each.epoch, "revision": each.revision, "at": each.at} for key, each in given.items()
        ]
        session.connection().execute(_GIVEN, rows)


def _named(key: DeviceKey) -> dict[str, int]:
    return {"viewer": key[0], "device": key[1]}


_DEVICES, _BOOKS = Base.metadata.tables["device"], Base.metadata.tables["address_book"]
_EPOCH = (
    select(_BOOKS.c.epoch).where(_BOOKS.c.viewer_id == bindparam("viewer"), _BOOKS.c.id == CONTACTS).scalar_subquery()
)
_MINE = (_DEVICES.c.viewer_id == bindparam("viewer"), _DEVICES.c.id == bindparam("device"))
_USED = update(_DEVICES).where(*_MINE).values(last_used_at=bindparam("at"))
# A backup that was put back meanwhile knows nothing of the epoch. A device that begins anew has less than before; a
# time that is ahead was written before the clock was put back.
_GIVEN = (
    update(_DEVICES)
    .where(
        *_MINE,
        bindparam("epoch") == _EPOCH,
        or_(
            _DEVICES.c.synced_at.is_(None),
            _DEVICES.c.synced_revision < bindparam("revision"),
            _DEVICES.c.synced_at < bindparam("at") - TOGETHER,
            _DEVICES.c.synced_at > bindparam("at") + TOGETHER,
        ),
    )
    .values(synced_revision=bindparam("revision"), synced_at=bindparam("at"))
)
