"""What the options amount to: that they can be used together, how to serve, and the one database of a process."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from radicale import config

from radicale_plugin.option_values import read_file, secret_of, values_of
from radicale_plugin.options import is_here
from sync.database.engine import Database, parse_url
from sync.errors import InvalidInput
from sync.settings import Ldap, Organisation, Scim, Sending, Settings


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
        organisations=values["ldap_organisations"],
    )


_databases: dict[tuple[int, str, Settings], Database] = {}
_lock = threading.Lock()


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
            read_file(str(configuration.get("server", option)), f"{option} in the section [server]")


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
        read_file(ldap.ca_file, "ldap_ca_file")
    address = urlsplit(ldap.url)
    if address.scheme == "ldap" and not (ldap.start_tls or may_be_plain or is_here(address.hostname)):
        raise InvalidInput("Passwords would go to the directory unencrypted; ldap_starttls must be True there.")
