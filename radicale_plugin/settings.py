"""
Evercard's options in Radicale's configuration, and the one database of a process that follows from them.

All options are in the section ``[storage]``, because Radicale takes additional ones only beside a plugin. Each can
also be given as ``EVERCARD_<NAME>`` in the environment, and secrets as the name of a file that holds them.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from radicale import config

from sync.database.engine import Database, parse_url
from sync.errors import InvalidInput
from sync.settings import Ldap, Organisation, Scim, Sending, Settings

#: The name of an attribute of LDAP (RFC 4512, 2.5), which nothing has to be escaped in.
_ATTRIBUTE = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,57}", re.ASCII)
#: An attribute of SCIM and a part of it (see `sync.scim.attributes`).
_SCIM_ATTRIBUTE = re.compile(r"[A-Za-z]\w{0,28}(\.[A-Za-z]\w{0,28})?", re.ASCII)


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


def _is_here(host: str | None) -> bool:
    return host in ("127.0.0.1", "::1", "localhost")


def _issuer(text: str) -> str:
    address = urlsplit(text)
    if text and (not address.hostname or address.query or address.fragment or address.scheme not in ("http", "https")):
        raise ValueError("must be the address that the provider says of itself, such as https://id.example.org")
    if address.scheme == "http" and not _is_here(address.hostname):
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


def _ldap_url(text: str) -> str:
    address = urlsplit(text)
    is_one = address.scheme in ("ldap", "ldaps") and address.hostname and address.path in ("", "/")
    if text and (not is_one or address.query or address.username):
        raise ValueError("must be an address such as ldaps://ldap.example.org")
    return text.rstrip("/")


def _words(text: str) -> tuple[str, ...]:
    words = tuple(word for word in text.replace(",", " ").split() if word)
    if not words or not all(_ATTRIBUTE.fullmatch(word) for word in words):
        raise ValueError("must be names of attributes, such as uid, mail")
    return words


def _word(text: str) -> str:
    (word, *more) = _words(text)
    if more:
        raise ValueError("must be the name of one attribute, such as entryUUID")
    return word


def _filled_by_attributes(text: str) -> tuple[tuple[str, str], ...]:
    pairs = tuple((kind, attribute.lower()) for kind, attribute in _filled(text))
    if not all(_ATTRIBUTE.fullmatch(attribute) for _, attribute in pairs):
        raise ValueError("must be kinds of fields and attributes, such as name=cn, office-phone=telephoneNumber")
    return pairs


def _filled_by_scim(text: str) -> tuple[tuple[str, str], ...]:
    pairs = _filled(text)
    if not all(_SCIM_ATTRIBUTE.fullmatch(attribute) for _, attribute in pairs):
        raise ValueError("must be kinds of fields and attributes, such as name=displayName, email=emails.work")
    return pairs


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
        "standby_url": {
            "value": "",
            "type": str,
            "help": "a standby of PostgreSQL that answers polls which find nothing new, as database_url; empty: none",
        },
        "standby_url_file": {"value": "", "type": str, "help": "a file that holds standby_url"},
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
        "ldap_url": {
            "value": "",
            "type": _ldap_url,
            "help": "the directory whose passwords people may sign in with: ldaps://HOST, or ldap://HOST; empty: none",
        },
        "ldap_starttls": {"value": "True", "type": bool, "help": "encrypt a connection to ldap://HOST by StartTLS"},
        "ldap_allow_plain": {
            "value": "False",
            "type": bool,
            "help": "let ldap_starttls be False though the directory is on another machine",
        },
        "ldap_ca_file": {
            "value": "",
            "type": str,
            "help": "a file of the certificates that the directory's is checked with; empty: those of the system",
        },
        "ldap_bind_dn": {"value": "", "type": str, "help": "who this server is there, for looking people up"},
        "ldap_bind_password": {"value": "", "type": str, "help": "its password there"},
        "ldap_bind_password_file": {"value": "", "type": str, "help": "a file that holds ldap_bind_password"},
        "ldap_base": {"value": "", "type": str, "help": "where people are, such as ou=people,dc=example,dc=org"},
        "ldap_filter": {"value": Ldap().filter, "type": str, "help": "which of the entries there may sign in"},
        "ldap_logins": {
            "value": ", ".join(Ldap().logins),
            "type": _words,
            "help": "the attributes that people may call themselves by; accounts are named by the first",
        },
        "ldap_id": {
            "value": Ldap().id,
            "type": _word,
            "help": "the attribute that stays somebody's for ever, such as entryUUID or objectGUID",
        },
        "ldap_name": {"value": "", "type": str, "help": "what people call the organisation, for the page to sign in"},
        "ldap_sign_up": {
            "value": "False",
            "type": bool,
            "help": "whoever signs in so and has no account here gets one",
        },
        "ldap_link_by": {
            "value": "none",
            "type": _one_of("none", "email", "login"),
            "help": "by what somebody gets the account that is here already: a proved e-mail address, or the login",
        },
        "ldap_fields": {
            "value": "",
            "type": _filled_by_attributes,
            "help": "fields that it fills and keeps, such as name=cn, office-phone=telephoneNumber",
        },
        "ldap_close_at_most": {
            "value": str(Ldap().close_at_most),
            "type": _not_negative,
            "help": "where more people than this are missing there at once, no account is closed unasked",
        },
        "scim": {
            "value": "False",
            "type": bool,
            "help": "let an organisation tell of its people by SCIM, with a token that `evercard scim add` makes",
        },
        "scim_link_by": {
            "value": "none",
            "type": _one_of("none", "email", "login"),
            "help": "by what somebody it tells of gets the account that is here already",
        },
        "scim_fields": {
            "value": "",
            "type": _filled_by_scim,
            "help": "fields that it fills and keeps, such as name=displayName, office-phone=phoneNumbers.work",
        },
        "scim_delete": {
            "value": "disable",
            "type": _one_of("disable", "delete"),
            "help": "what becomes of the account of somebody whom it deletes",
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
        standby_url=secret_of(values, "standby_url"),
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
        ldap=ldap_of(values),
        scim=Scim(values["scim"], values["scim_link_by"], values["scim_fields"], values["scim_delete"] == "delete"),
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


def ldap_of(values: dict[str, Any]) -> Ldap:
    """
    Return the directory whose passwords people may sign in with.

    Raises:
        InvalidInput: A file that holds a secret cannot be read.
    """
    return Ldap(
        url=values["ldap_url"],
        start_tls=values["ldap_starttls"],
        ca_file=values["ldap_ca_file"],
        bind_dn=values["ldap_bind_dn"],
        bind_password=secret_of(values, "ldap_bind_password"),
        base=values["ldap_base"],
        filter=values["ldap_filter"],
        logins=values["ldap_logins"],
        id=values["ldap_id"],
        name=values["ldap_name"],
        sign_up=values["ldap_sign_up"],
        link_by=values["ldap_link_by"],
        fields=values["ldap_fields"],
        close_at_most=values["ldap_close_at_most"],
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
    _check_databases(secret_of(values, "database_url"), secret_of(values, "standby_url"))
    for option in ("secret", "smtp_password", "sms_headers", "oidc_client_secret", "ldap_bind_password"):
        secret_of(values, option)
    if values["oidc_issuer"] and not (values["oidc_client_id"] and values["base_url"]):
        raise InvalidInput("Signing in by OpenID Connect needs oidc_client_id and base_url beside oidc_issuer.")
    if "openid" not in values["oidc_scopes"].split():
        raise InvalidInput("oidc_scopes must have openid in it.")
    if values["scim"] and not values["base_url"]:
        raise InvalidInput("SCIM needs base_url, below which it is.")
    _check_ldap(ldap_of(values), may_be_plain=values["ldap_allow_plain"])
    if values["smtp_host"] and not values["mail_from"]:
        raise InvalidInput("E-mail needs a sender: set mail_from beside smtp_host.")
    region = values["phone_region"]
    if region and not (len(region) == 2 and region.isascii() and region.isalpha()):
        raise InvalidInput("phone_region has the two letters of a country, such as CN.")
    if configuration.get("server", "ssl"):
        for option in ("certificate", "key"):
            _read(str(configuration.get("server", option)), f"{option} in the section [server]")


def _check_databases(url: str, standby_url: str) -> None:
    names = [parse_url(each).get_backend_name() for each in (url, standby_url) if each]
    if standby_url and names != ["postgresql", "postgresql"]:
        raise InvalidInput("standby_url is for PostgreSQL, and needs database_url to be its primary.")


def _check_ldap(ldap: Ldap, *, may_be_plain: bool) -> None:
    if not ldap.is_known:
        return
    if not ldap.base:
        raise InvalidInput("Signing in by LDAP needs ldap_base beside ldap_url.")
    if ldap.filter[:1] + ldap.filter[-1:] != "()" or ldap.filter.count("(") != ldap.filter.count(")"):
        raise InvalidInput("ldap_filter must be a filter in brackets, such as (objectClass=person).")
    if ldap.bind_dn and not ldap.bind_password:
        raise InvalidInput("ldap_bind_dn needs ldap_bind_password or ldap_bind_password_file.")
    if ldap.ca_file:
        _read(ldap.ca_file, "ldap_ca_file")
    address = urlsplit(ldap.url)
    if address.scheme == "ldap" and not (ldap.start_tls or may_be_plain or _is_here(address.hostname)):
        raise InvalidInput("Passwords would go to the directory unencrypted; ldap_starttls must be True there.")


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
