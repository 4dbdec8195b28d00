"""
Evercard's options in Radicale's configuration, and the one database of a process that follows from them.

All options are in the section ``[storage]``, because Radicale takes additional ones only beside a plugin. Each can
also be given as ``EVERCARD_<NAME>`` in the environment, and secrets as the name of a file that holds them.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from radicale import config

from sync.database.engine import Database
from sync.errors import InvalidInput
from sync.settings import Sending, Settings


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


def _one_of(*words: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in words:
            raise ValueError(f"must be one of {', '.join(words)}")
        return text

    return read


def _base_url(text: str) -> str:
    address = urlsplit(text)
    if text and (address.scheme not in ("http", "https") or not address.hostname or address.query or address.fragment):
        raise ValueError("must be an address such as https://cards.example.org")
    return text.rstrip("/")


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
            "type": _one_of("overlay", "refuse"),
            "help": "what a device changes in somebody else's card: overlay (kept for that viewer) or refuse",
        },
        "keep_versions_days": {
            "value": "30",
            "type": _not_negative,
            "help": "days for which what a device replaced or deleted can be restored; 0 keeps nothing",
        },
        "base_url": {
            "value": "",
            "type": _base_url,
            "help": "the address by which people reach this server; without it no link can be sent to anybody",
        },
        "sign_up": {
            "value": "invited",
            "type": _one_of("invited", "open", "closed"),
            "help": "who may make an account in the portal: who was invited, anybody (open), or nobody (closed)",
        },
        "phone_region": {
            "value": "",
            "type": str,
            "help": "the country, such as CN, of phone numbers without a country code",
        },
        "smtp_host": {
            "value": "",
            "type": str,
            "help": "the mail server that e-mail is handed to; empty: none is sent",
        },
        "smtp_port": {"value": "587", "type": _positive, "help": "its port"},
        "smtp_security": {
            "value": "starttls",
            "type": _one_of("starttls", "tls", "none"),
            "help": "how the connection to it is encrypted",
        },
        "smtp_user": {"value": "", "type": str, "help": "the account there; empty: none is needed"},
        "smtp_password": {"value": "", "type": str, "help": "its password"},
        "smtp_password_file": {"value": "", "type": str, "help": "a file that holds smtp_password"},
        "mail_from": {"value": "", "type": str, "help": "the sender of e-mail, such as Evercard <cards@example.org>"},
        "sms_url": {"value": "", "type": str, "help": "the https address of a gateway for text messages; empty: none"},
        "sms_headers": {
            "value": "",
            "type": str,
            "help": "headers for it, one a line, such as Authorization: Bearer …",
        },
        "sms_headers_file": {"value": "", "type": str, "help": "a file that holds sms_headers"},
        "sms_body": {
            "value": Sending().sms_body,
            "type": str,
            "help": "what is sent to it; {to} and {text} become JSON strings",
        },
        "sms_allow_local": {
            "value": "False",
            "type": bool,
            "help": "let sms_url be http or an address of this network",
        },
        "trusted_proxies": {
            "value": "0",
            "type": _not_negative,
            "help": "how many reverse proxies stand in front, each of which adds to X-Forwarded-For",
        },
        "workers": {"value": "2", "type": _positive, "help": "processes that `evercard serve` answers with"},
        "threads": {"value": "8", "type": _positive, "help": "requests that each of these processes works on at once"},
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


def trusted_proxies(configuration: config.Configuration) -> int:
    """Return how many reverse proxies stand in front, whose word for a client's address counts."""
    number: int = _values(configuration)["trusted_proxies"]
    return number


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
        base_url=values["base_url"],
        phone_region=values["phone_region"].upper(),
        sign_up=values["sign_up"],
        sending=Sending(
            smtp_host=values["smtp_host"],
            smtp_port=values["smtp_port"],
            smtp_security=values["smtp_security"],
            smtp_user=values["smtp_user"],
            smtp_password=_secret(values, "smtp_password"),
            mail_from=values["mail_from"],
            sms_url=values["sms_url"],
            sms_headers=_secret(values, "sms_headers"),
            sms_body=values["sms_body"],
            allow_local=values["sms_allow_local"],
        ),
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
