"""What every command works on: the configuration that was named, and the database that follows from it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from radicale_plugin.cli import accountable, output
from sync.errors import InvalidInput

if TYPE_CHECKING:
    from radicale import config

    from sync.database.engine import Database, Session

T = TypeVar("T")


class Site:
    """One installation of Evercard. Nothing is read or opened before a command needs it."""

    def __init__(self, path: str | None) -> None:
        """Use the configuration file at *path*, or none."""
        self.path = path
        self._configuration: config.Configuration | None = None
        self._database: Database | None = None

    @property
    def configuration(self) -> config.Configuration:
        """The configuration."""
        if self._configuration is None:
            from radicale_plugin import settings

            self._configuration = settings.load(self.path)
        return self._configuration

    @property
    def database(self) -> Database:
        """The database, which has the schema of this version; that it is used is written down (see `accountable`)."""
        if self._database is None:
            from radicale_plugin import settings

            database = settings.database(self.configuration)
            database.condition.is_logged = False
            database.require_newest()
            accountable.note(database)
            self._database = database
        return self._database

    def read(self) -> AbstractContextManager[Session]:
        """Open one snapshot of the database, in which nothing is shown that is over."""
        self._settle()
        return self.database.reading()

    def write(self, change: Callable[[Session], T]) -> T:
        """Make a change, and carry it to everybody whom it concerns before returning."""
        self._settle()
        result = self.database.write(change)
        self._carry()
        return result

    def _settle(self) -> None:
        from sync.ends import carrying

        carrying.work(self.database)

    def _carry(self) -> None:
        from sync.revisions import fan_out

        with self.read() as session:
            owed = fan_out.owed(session)
        if not owed:
            return
        with output.progress("Reaching address books", owed) as bar:
            reached = fan_out.work(self.database, progress=bar.update)
        if reached < owed:
            click.echo(f"The server's worker reaches the other {owed - reached}.", err=True)


pass_site = click.make_pass_decorator(Site)


def read_file(path: str) -> bytes:
    """
    Return what is in a file, or on standard input where *path* is ``-``.

    Raises:
        InvalidInput: It cannot be read.
    """
    try:
        return sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    except OSError as error:
        raise InvalidInput(f"The file {path!r} cannot be read: {error.strerror}.") from error
