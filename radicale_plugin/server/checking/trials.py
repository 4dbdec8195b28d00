"""Tries what the server needs: room on the disk, an address to listen at, the database, the clock."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from radicale_plugin import option_values
from radicale_plugin.server.checking.finding import Finding, Installation, doubtful, good, wrong
from sync import faults
from sync.database import state
from sync.database.clock import read_clock
from sync.database.engine import parse_url
from sync.database.standby import BEHIND, Condition
from sync.errors import DatabaseUnavailable, EvercardError, InvalidInput
from sync.pipeline.held_back import Synchronous

_MEGABYTE = 1_000_000
#: Megabytes of room below which the next change may not be kept, and below which somebody should look.
LITTLE, SOME = 100, 1000
#: Seconds by which two clocks may differ.
_APART = 5


def disk(installation: Installation) -> Iterator[Finding]:
    """Yield whether there is room where the database is kept, and whether it may be written there."""
    folder = folder_of(installation)
    if folder is None:
        return
    if not folder.is_dir():
        yield wrong("database_url", f"There is no directory {folder} to keep the database in.")
        return
    if not os.access(folder, os.W_OK | os.X_OK):
        yield wrong("database_url", f"The directory {folder} cannot be written; give this user the right to write it.")
        return
    free = shutil.disk_usage(folder).free // _MEGABYTE
    if free < LITTLE:
        yield wrong("disk", f"There are {free} MB left for the database.")
    elif free < SOME:
        yield doubtful("disk", f"There are only {free} MB left for the database.")
    else:
        yield good("disk", f"There are {free // 1000} GB left for the database.")


def folder_of(installation: Installation) -> Path | None:
    """Return where a SQLite database is kept, or None."""
    try:
        url = parse_url(option_values.secret_of(installation.values, "database_url"))
    except InvalidInput:
        return None
    return Path(str(url.database)).parent if url.get_backend_name() == "sqlite" else None


def address(installation: Installation) -> Iterator[Finding]:
    """Yield where nothing can listen."""
    from radicale_plugin.server import inherited, serving

    try:
        address = serving.address_of(installation.configuration)
        if not inherited.is_given():
            serving.require_free(*address)
    except InvalidInput as error:
        yield wrong("hosts", str(error))


def database(installation: Installation) -> Iterator[Finding]:
    """Yield whether the database can be read and written, and has the tables of this version."""
    try:
        found = state.of(installation.database)
    except DatabaseUnavailable as error:
        yield wrong("database", f"{error} ({error.reason})" if error.reason else str(error))
        return
    except EvercardError as error:
        yield wrong("database", str(error))
        return
    if not found.is_made:
        yield doubtful("database", "It has no tables yet; `evercard serve` or `evercard migrate` makes them.")
    elif not found.is_newest:
        yield doubtful(
            "database", "It is of an older version; `evercard serve` or `evercard migrate` brings it up to date."
        )
    else:
        yield good("database", "It can be read and written.")
    if found.encoding not in ("UTF8", "UTF-8"):
        yield wrong("database", f"Its encoding is {found.encoding}; it must be UTF8, for names in every script.")
    wanted = connections_wanted(installation)
    if installation.values["pooler"] == "none" and found.connections is not None and wanted > found.connections:
        yield doubtful(
            "pool_size", f"Up to {wanted} connections may be asked for, and PostgreSQL has {found.connections}."
        )


def synchronous(installation: Installation) -> Iterator[Finding]:
    """Yield whether changes wait for a synchronous standby that is not there."""
    about = "synchronous_standby_names"
    try:
        found = None if installation.database.is_sqlite else Synchronous.of(installation.database.quick)
    except EvercardError:
        return
    if found is None:
        return
    if found.in_step:
        yield good(about, "There is a standby that is in step.")
    elif found.in_step == 0:
        yield wrong(
            about,
            "No standby is in step, and every change waits for one. Start it; or ALTER SYSTEM RESET"
            f" {about}, then SELECT pg_reload_conf().",
        )
    else:
        yield doubtful(
            about,
            "This user cannot see whether a standby is in step, and where none is, every change waits for one."
            " GRANT pg_read_all_stats to it to have that looked at.",
        )


def standby(installation: Installation) -> Iterator[Finding]:
    """Yield whether the standby that is named, if any, answers polls; the primary does wherever it cannot."""
    try:
        asked = installation.database.standby
        found = asked.condition() if asked is not None else None
    except DatabaseUnavailable as error:
        reason = f" ({error.reason})" if error.reason else ""
        yield doubtful("standby_url", f"It cannot be reached, and the primary answers all polls.{reason}")
        return
    except EvercardError:
        return
    if found is Condition.CLOSE:
        yield good("standby_url", "The standby answers polls.")
    elif found is Condition.BEHIND:
        yield doubtful("standby_url", f"It is more than {BEHIND:.0f} s behind, and the primary answers all polls.")
    elif found is Condition.ANOTHER:
        yield doubtful("standby_url", "It is no standby of the primary, which answers all polls; look which one it is.")


def connections_wanted(installation: Installation) -> int:
    """Return how many connections to the database the processes of `evercard serve` have open at the most."""
    workers, pool = installation.values["workers"], 3 * installation.values["pool_size"]
    # Each thread that works may have one for polls as well, and each process one by which it tells the worker what it
    # leaves to it. The worker is a process with one more to read by, one to hear by and one to tell by.
    return int(workers * (pool + installation.values["threads"] + 1) + pool + 3)


def worker(installation: Installation) -> Iterator[Finding]:
    """Yield whether the worker could do everything that it tried."""
    try:
        if not state.of(installation.database).is_newest:
            return
        with installation.database.reading() as session:
            failing = faults.count(session)
    except EvercardError:
        return  # said of the database
    if failing:
        yield doubtful(
            "worker",
            f"It could not do {failing} of what it tried, and goes on trying; `evercard outbox failing` says what.",
        )
    else:
        yield good("worker", "Whatever it tried could be done.")


def clock(installation: Installation) -> Iterator[Finding]:
    """Yield whether the clock agrees with the database's, and with what was written down before."""
    try:
        found = read_clock(installation.database)
    except EvercardError:
        return
    here = time.time()
    if found.there is not None and abs(found.there - here) > _APART:
        yield wrong("clock", f"It is {abs(found.there - here):.0f} seconds apart from the database server's.")
    elif found.newest > here + _APART:
        yield wrong("clock", "It is behind a moment that the database has written down: it went wrong, then or now.")
    else:
        yield good("clock", "It agrees with the database.")
