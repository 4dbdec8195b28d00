"""
What the options say: as Radicale's configuration has it, or ``EVERCARD_<NAME>`` in the environment, which counts more.

A secret can be given as the name of a file that holds it instead.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from radicale import config

from radicale_plugin.options import SCHEMA
from sync.errors import InvalidInput

#: Fewer characters than this can be guessed by whoever has a copy of the database.
SHORTEST_SECRET = 16
ENVIRONMENT_PREFIX = "EVERCARD_"


def values_of(configuration: config.Configuration) -> dict[str, Any]:
    """
    Return the value of each of Evercard's own options, as the environment and the configuration have it.

    Raises:
        InvalidInput: One of them cannot be used.
    """
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


def secret_of(values: dict[str, Any], option: str) -> str:
    """
    Return what *option* says, or the file that is named instead.

    Raises:
        InvalidInput: The file cannot be read.
    """
    path: str = values[f"{option}_file"]
    given = str(values[option])
    if path and given != SCHEMA["storage"][option]["value"]:
        raise InvalidInput(f"Set {option} or {option}_file, not both.")
    text = given
    if path:
        try:
            text = read_file(path, f"{option}_file").decode().strip()
        except UnicodeError as error:
            raise InvalidInput(f"The file {path!r} that {option}_file names is no text.") from error
        if not text:
            raise InvalidInput(f"The file {path!r} that {option}_file names is empty.")
    if option == "secret" and 0 < len(text) < SHORTEST_SECRET:
        raise InvalidInput(f"A secret has at least {SHORTEST_SECRET} characters; `openssl rand -hex 32` makes one.")
    return text


def read_file(path: str, option: str) -> bytes:
    """
    Return what is in the file at *path*, which *option* names.

    Raises:
        InvalidInput: It cannot be read.
    """
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise InvalidInput(f"The file {path!r} that {option} names cannot be read: {error.strerror}.") from error
