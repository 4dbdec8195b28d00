"""Whether this server can do its work now: its database, its disk, its schema and its worker."""

from __future__ import annotations

import shutil
from pathlib import Path

from radicale_plugin.server import running
from sync.database import schema
from sync.database.engine import Database
from sync.errors import DatabaseUnavailable

#: Octets of room below which the next change may not be kept.
ROOM = 100_000_000
OK = "ok"


def readiness(database: Database) -> dict[str, str]:
    """Say of each part that it is ``ok``, or in a sentence what is wrong; nothing of where it is or who is in it."""
    found = {"database": OK, "migrations": OK, "disk": OK, "worker": OK}
    try:
        row = database.quick("SELECT version_num FROM alembic_version", ())
    except DatabaseUnavailable as error:
        found["database"] = str(error)
        found["migrations"] = "Nobody knows while the database cannot be used."
    else:
        if row is None or row[0] != schema.newest():
            found["migrations"] = "The database is of another version of Evercard."
    if database.is_sqlite and not _has_room(Path(str(database.url.database)).parent):
        found["disk"] = "There is no room left for the database."
    if running.is_worker_alive() is False:
        found["worker"] = "The worker has shown no sign of life for a while."
    return found


def _has_room(folder: Path) -> bool:
    try:
        return shutil.disk_usage(folder).free >= ROOM
    except OSError:
        return False
