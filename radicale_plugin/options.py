"""
Evercard's options in Radicale's configuration: what each is called, may be, is where nobody says it, and is for.

All of them are in the section ``[storage]``, because Radicale takes additional ones only beside a plugin.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from sync.settings import Ldap, Organisation, Sending

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


def is_here(host: str | None) -> bool:
    """Whether a host is this machine, as an address names it."""
    return host in ("127.0.0.1", "::1", "localhost")


def _issuer(text: str) -> str:
    address = urlsplit(text)
    if text and (not address.hostname or address.query or address.fragment or address.scheme not in ("http", "https")):
        raise ValueError("must be the address that the provider says of itself, such as https://id.example.org")
    if address.scheme == "http" and not is_here(address.hostname):
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


def _groups(text: str) -> tuple[tuple[str, str], ...]:
    parts = [each.partition("=") for each in text.replace("\n", ";").split(";") if each.strip()]
    pairs = tuple((name.strip(), wanted.strip()) for name, _, wanted in parts)
    for name, wanted in pairs:
        if not name or wanted[:1] + wanted[-1:] != "()" or wanted.count("(") != wanted.count(")"):
            raise ValueError(
                "must be names and filters in brackets, such as Club = (memberOf=cn=club,dc=example,dc=org)"
            )
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
        "ldap_organisations": {
            "value": "",
            "type": _groups,
            "help": "whom it has in organisations: NAME = (FILTER), with semicolons between several",
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
