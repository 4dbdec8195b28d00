"""What a check says."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

from radicale import config

from radicale_plugin import settings
from sync.database.engine import Database


class Level(Enum):
    """Whether something is as it should be, should be looked at, or would stop the server or what it is for."""

    GOOD = "good"
    DOUBTFUL = "doubtful"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Finding:
    """One sentence *about* an option or a part of the installation. It never holds a secret."""

    level: Level
    about: str
    text: str


@dataclass(frozen=True, slots=True)
class Installation:
    """
    What is checked: the configuration, its file at *path*, and Evercard's own options as *values*.

    *opened* is the database of a server that runs.
    """

    path: str | None
    configuration: config.Configuration
    values: dict[str, Any]
    mail_to: str
    opened: Database | None = None

    @property
    def database(self) -> Database:
        """
        The database.

        Raises:
            InvalidInput: An option is wrong.
        """
        return self.opened or settings.database(self.configuration)


def good(about: str, text: str) -> Finding:
    """Say that something is as it should be."""
    return Finding(Level.GOOD, about, text)


def doubtful(about: str, text: str) -> Finding:
    """Say that something should be looked at, and why."""
    return Finding(Level.DOUBTFUL, about, text)


def wrong(about: str, text: str) -> Finding:
    """Say that something does not work."""
    return Finding(Level.WRONG, about, text)
