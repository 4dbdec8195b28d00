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

from sync.database.engine import Database, parse_url
from sync.errors import InvalidInput
from sync.settings import Organisation, Sending, Settings


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


def _issuer(text: str) -> str:
    address = urlsplit(text)
    here = address.hostname in ("127.0.0.1", "::1", "localhost")
    if text and (not address.hostname or address.query or address.fragment or address.scheme not in ("http", "https")):
        raise ValueError("must be the address that the provider says of itself, such as https://id.example.org")
    if address.scheme == "http" and not here:
        raise ValueError("must be https")
    return text


def _filled(text: str) -> tuple[tuple[str, str], ...]:
    pairs = [
        tuple(part.strip() for part in each.split("=")) for each in text.replace("\n", ",").split(",") if each.strip()
    ]
    if not pairs:
        return ()
    from sync.fields import CATALOGUE

    if any(len(pair) != 2 or pair[0] not in CATALOGUE or pair[0] == "photo" or not pair[1] for pair in pairs):
        raise ValueError("must be kinds of fields and claims, such as name=name, office-phone=phone_number")
    if len({claim for _, claim in pairs}) < len(pairs):
        raise ValueError("must name each claim once")
    return tuple((kind, claim[:64]) for kind, claim in pairs)


def _listening(text: str) -> str:
    host, colon, port = text.rpartition(":")
    if text and not (host and colon and port.isdecimal() and 0 < int(port) < 65536):
        raise ValueError("must be an address and a port, such as 127.0.0.1:9464")
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
        "pooler": {
            "value": "none",
            "type": _one_of("none", "transaction"),
            "help": "transaction: PostgreSQL is reached through PgBouncer, which lends a connection for a transaction",
        },
        "inline_viewers": {
            "value": "2000",
            "type": _positive,
            "help": "up to so many viewers a change reaches in its own transaction",
        },
        "chunk_viewers": {
            "value": "10000",
            "type": _positive,
            "help": "viewers that the worker reaches in one transaction at most; it takes fewer where that takes long",
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
        "oidc_issuer": {
            "value": "",
            "type": _issuer,
            "help": "the provider of OpenID Connect that people may sign in to the portal by; empty: none",
        },
        "oidc_client_id": {"value": "", "type": str, "help": "what this server is called there"},
        "oidc_client_secret": {"value": "", "type": str, "help": "its secret there; empty: it has none"},
        "oidc_client_secret_file": {"value": "", "type": str, "help": "a file that holds oidc_client_secret"},
        "oidc_name": {"value": "", "type": str, "help": "what people call the organisation, for the page to sign in"},
        "oidc_scopes": {
            "value": Organisation().scopes,
            "type": str,
            "help": "what is asked for there; offline_access lets this server ask later who is still there",
        },
        "oidc_sign_up": {
            "value": "False",
            "type": bool,
            "help": "whoever signs in there and has no account here gets one",
        },
        "oidc_link_by_email": {
            "value": "False",
            "type": bool,
            "help": "whoever signs in there gets the account with the same e-mail address, where both have proved it",
        },
        "oidc_fields": {
            "value": "",
            "type": _filled,
            "help": "fields that it fills and keeps, such as name=name, office-phone=phone_number",
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
        "push": {
            "value": "True",
            "type": bool,
            "help": "tell phones of changes at once, by the push service that each of them names; needs base_url",
        },
        "push_allow_local": {
            "value": "False",
            "type": bool,
            "help": "let push services be http or an address of this network",
        },
        "trusted_proxies": {
            "value": "0",
            "type": _not_negative,
            "help": "how many reverse proxies stand in front, each of which adds to X-Forwarded-For",
        },
        "workers": {"value": "2", "type": _positive, "help": "processes that `evercard serve` answers with"},
        "threads": {"value": "8", "type": _positive, "help": "requests that each of these processes works on at once"},
        "metrics_address": {
            "value": "",
            "type": _listening,
            "help": "where `evercard serve` shows Prometheus what it does, such as 127.0.0.1:9464; empty: nowhere",
        },
        "log_format": {
            "value": "text",
            "type": _one_of("text", "json"),
            "help": "how lines of the log are written: text for people, json for programs",
        },
    },
}

#: Fewer characters than this can be guessed by whoever has a copy of the database.
SHORTEST_SECRET = 16
ENVIRONMENT_PREFIX = "EVERCARD_"


@dataclass(frozen=True, slots=True)
class Serving:
    """How `evercard serve` runs: how many processes, and threads in each."""

    workers: int
    threads: int


def load(path: str | None, *, checked: bool = True) -> config.Configuration:
    """
    Read a configuration file over Radicale's defaults, and check all of Evercard's options.

    Where it is not *checked*, `check` says of options that exist whether they can be used.

    Raises:
        InvalidInput: The file cannot be read, or has an option that does not exist or cannot be used.
    """
    try:
        loaded = config.load([(path, False)] if path else [])
    except (RuntimeError, ValueError, OSError) as error:
        raise InvalidInput(f"The configuration cannot be used: {error}") from error
    if checked:
        check(loaded)
    return loaded


def serving(configuration: config.Configuration) -> Serving:
    """Return how `evercard serve` is to run."""
    values = values_of(configuration)
    return Serving(values["workers"], values["threads"])


def trusted_proxies(configuration: config.Configuration) -> int:
    """Return how many reverse proxies stand in front, whose word for a client's address counts."""
    number: int = values_of(configuration)["trusted_proxies"]
    return number


def database(configuration: config.Configuration) -> Database:
    """
    Return this process's database; every plugin gets the same, because Radicale makes several of each.

    Raises:
        InvalidInput: An option is wrong.
    """
    values = values_of(configuration)
    engine = Settings(
        pool_size=values["pool_size"],
        pooler=values["pooler"] == "transaction",
        inline_viewers=values["inline_viewers"],
        chunk_viewers=values["chunk_viewers"],
        accept_overlays=values["connection_edits"] == "overlay",
        keep_versions_days=values["keep_versions_days"],
        secret=secret_of(values, "secret"),
        base_url=values["base_url"],
        phone_region=values["phone_region"].upper(),
        sign_up=values["sign_up"],
        sending=sending_of(values),
        organisation=organisation_of(values),
        push=values["push"],
        push_to_local=values["push_allow_local"],
    )
    key = (os.getpid(), secret_of(values, "database_url"), engine)
    with _lock:
        if key not in _databases:
            _databases[key] = Database(key[1], engine)
        return _databases[key]


def sending_of(values: dict[str, Any]) -> Sending:
    """
    Return how messages leave.

    Raises:
        InvalidInput: A file that holds a secret cannot be read.
    """
    return Sending(
        smtp_host=values["smtp_host"],
        smtp_port=values["smtp_port"],
        smtp_security=values["smtp_security"],
        smtp_user=values["smtp_user"],
        smtp_password=secret_of(values, "smtp_password"),
        mail_from=values["mail_from"],
        sms_url=values["sms_url"],
        sms_headers=secret_of(values, "sms_headers"),
        sms_body=values["sms_body"],
        allow_local=values["sms_allow_local"],
    )


def organisation_of(values: dict[str, Any]) -> Organisation:
    """
    Return the provider that people may sign in by.

    Raises:
        InvalidInput: A file that holds a secret cannot be read.
    """
    return Organisation(
        issuer=values["oidc_issuer"],
        client_id=values["oidc_client_id"],
        client_secret=secret_of(values, "oidc_client_secret"),
        name=values["oidc_name"],
        scopes=values["oidc_scopes"],
        sign_up=values["oidc_sign_up"],
        link_by_email=values["oidc_link_by_email"],
        fields=values["oidc_fields"],
    )


_databases: dict[tuple[int, str, Settings], Database] = {}
_lock = threading.Lock()


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


def check(configuration: config.Configuration) -> None:
    """
    Make sure that every option can be used, and that they do not contradict each other.

    Raises:
        InvalidInput: One cannot, or two do.
    """
    values = values_of(configuration)
    parse_url(secret_of(values, "database_url"))
    for option in ("secret", "smtp_password", "sms_headers", "oidc_client_secret"):
        secret_of(values, option)
    if values["oidc_issuer"] and not (values["oidc_client_id"] and values["base_url"]):
        raise InvalidInput("Signing in by OpenID Connect needs oidc_client_id and base_url beside oidc_issuer.")
    if "openid" not in values["oidc_scopes"].split():
        raise InvalidInput("oidc_scopes must have openid in it.")
    if values["smtp_host"] and not values["mail_from"]:
        raise InvalidInput("E-mail needs a sender: set mail_from beside smtp_host.")
    region = values["phone_region"]
    if region and not (len(region) == 2 and region.isascii() and region.isalpha()):
        raise InvalidInput("phone_region has the two letters of a country, such as CN.")
    if configuration.get("server", "ssl"):
        for option in ("certificate", "key"):
            _read(str(configuration.get("server", option)), f"{option} in the section [server]")


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
            text = _read(path, f"{option}_file").decode().strip()
        except UnicodeError as error:
            raise InvalidInput(f"The file {path!r} that {option}_file names is no text.") from error
        if not text:
            raise InvalidInput(f"The file {path!r} that {option}_file names is empty.")
    if option == "secret" and 0 < len(text) < SHORTEST_SECRET:
        raise InvalidInput(f"A secret has at least {SHORTEST_SECRET} characters; `openssl rand -hex 32` makes one.")
    return text


def _read(path: str, option: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise InvalidInput(f"The file {path!r} that {option} names cannot be read: {error.strerror}.") from error
