"""
Evercard's options in Radicale's configuration, and the one database of a process that follows from them.

All options are in the section ``[storage]``, because Radicale takes additional ones only beside a plugin. Each can
also be given as ``EVERCARD_<NAME>`` in the environment, and secrets as the name of a file that holds them.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from radicale import config

from sync.database import Database
from sync.errors import InvalidInput
from sync.settings import Settings


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError("must be 1 or more")
    return number


def _not_negative(text: str) -> int:
    number = int(text)
    if number < 0:
        raise ValueError("must be 0 or more")
    return number


def _connection_edits(text: str) -> str:
    if text not in ("overlay", "refuse"):
        raise ValueError("must be overlay or refuse")
    return text


SCHEMA: dict[str, dict[str, Any]] = {
    "storage": {
        "database_url": {
            "value": "sqlite:///evercard.sqlite3",
            "type": str,
            "help": "the database: sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME",
        },
        "database_url_file": {"value": "", "type": str, "help": "a file that holds database_url"},
        "secret": {
            "value": "",
            "type": str,
            "help": "keys the hashes of device passwords; empty: the database keeps a key",
        },
        "secret_file": {"value": "", "type": str, "help": "a file that holds secret"},
        "pool_size": {"value": "8", "type": _positive, "help": "database connections that a process keeps open"},
        "inline_viewers": {
            "value": "2000",
            "type": _positive,
            "help": "up to so many viewers a change reaches in its own transaction",
        },
        "chunk_viewers": {
            "value": "10000",
            "type": _positive,
            "help": "viewers that the worker reaches in one transaction",
        },
        "connection_edits": {
            "value": "overlay",
            "type": _connection_edits,
            "help": "what a device changes in somebody else's card: overlay (kept for that viewer) or refuse",
        },
        "keep_versions_days": {
            "value": "30",
            "type": _not_negative,
            "help": "days for which what a device replaced or deleted can be restored; 0 keeps nothing",
        },
        "workers": {"value": "2", "type": _positive, "help": "processes that `evercard serve` answers with"},
        "threads": {"value": "8", "type": _positive, "help": "threads of each of these processes"},
    },
}

ENVIRONMENT_PREFIX = "EVERCARD_"


@dataclass(frozen=True, slots=True)
class Serving:
    """How `evercard serve` runs: how many processes, and threads in each."""

    workers: int
    threads: int


def load(path: str | None) -> config.Configuration:
    """
    Read a configuration file over Radicale's defaults.

    Raises:
        InvalidInput: The file cannot be read or has an option that does not exist.
    """
    try:
        return config.load([(path, False)] if path else [])
    except (RuntimeError, ValueError) as error:
        raise InvalidInput(f"The configuration cannot be used: {error}") from error


def serving(configuration: config.Configuration) -> Serving:
    """Return how `evercard serve` is to run."""
    values = _values(configuration)
    return Serving(values["workers"], values["threads"])


def database(configuration: config.Configuration) -> Database:
    """
    Return this process's database; every plugin gets the same, because Radicale makes several of each.

    Raises:
        InvalidInput: An option is wrong.
    """
    values = _values(configuration)
    engine = Settings(
        pool_size=values["pool_size"],
        inline_viewers=values["inline_viewers"],
        chunk_viewers=values["chunk_viewers"],
        accept_overlays=values["connection_edits"] == "overlay",
        keep_versions_days=values["keep_versions_days"],
        secret=_secret(values, "secret"),
    )
    key = (os.getpid(), _secret(values, "database_url"), engine)
    with _lock:
        if key not in _databases:
            _databases[key] = Database(key[1], engine)
        return _databases[key]


_databases: dict[tuple[int, str, Settings], Database] = {}
_lock = threading.Lock()


def _values(configuration: config.Configuration) -> dict[str, Any]:
    if configuration.get("storage", "type") == "multifilesystem":
        configuration = config.load()
        configuration.update({"storage": {"type": "radicale_plugin.storage"}}, "evercard")
    overrides = {
        option: os.environ[ENVIRONMENT_PREFIX + option.upper()]
        for option in SCHEMA["storage"]
        if ENVIRONMENT_PREFIX + option.upper() in os.environ
    }
    try:
        ours = configuration.copy(SCHEMA)
        ours.update({"storage": overrides}, "environment")
    except (RuntimeError, ValueError) as error:
        raise InvalidInput(f"The configuration cannot be used: {error}") from error
    return {option: ours.get("storage", option) for option in SCHEMA["storage"]}


def _secret(values: dict[str, Any], option: str) -> str:
    path: str = values[f"{option}_file"]
    if not path:
        return str(values[option])
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise InvalidInput(f"The file {path!r} that {option}_file names cannot be read: {error.strerror}.") from error
