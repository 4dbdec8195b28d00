"""Looks at the provider and the directory that people sign in by, and asks them."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator
from urllib.parse import urlsplit

from radicale_plugin import settings
from radicale_plugin.server.checking.finding import Finding, Installation, doubtful, good, wrong
from sync.database import state
from sync.database.engine import Database
from sync.errors import EvercardError, InvalidInput, LdapUnavailable, OrganisationUnavailable


def look(installation: Installation) -> Iterator[Finding]:
    """Yield what is doubtful."""
    yield from _look_at_directory(installation)
    if not installation.values["oidc_issuer"]:
        return
    if "offline_access" not in installation.values["oidc_scopes"].split():
        yield doubtful("oidc_scopes", "Without offline_access, who is gone at the provider keeps their devices here.")
    if installation.values["oidc_issuer"].startswith("http://"):
        yield doubtful("oidc_issuer", "It is not encrypted.")


def _look_at_directory(installation: Installation) -> Iterator[Finding]:
    values = installation.values
    address = urlsplit(values["ldap_url"])
    if not values["ldap_url"]:
        return
    if address.scheme == "ldap" and not values["ldap_starttls"]:
        yield doubtful("ldap_starttls", "Passwords go to the directory unencrypted.")
    if not values["ldap_bind_dn"]:
        yield doubtful("ldap_bind_dn", "There is none: nobody is found unless the directory shows people to everybody.")
    if values["ldap_link_by"] == "login":
        yield doubtful("ldap_link_by", "Whoever can choose a login in the directory gets the account of that login.")


def try_directory(installation: Installation) -> Iterator[Finding]:
    """Yield whether the directory answers and shows people, and who is missing there."""
    from sync.ldap.client import Client

    try:
        ldap = settings.ldap_of(installation.values)
    except InvalidInput:
        return
    if not ldap.is_known:
        return
    try:
        is_anybody = Client(ldap).try_out()
    except LdapUnavailable as error:
        yield wrong("ldap_url", f"The directory does not answer, or not as it should: {error.reason}.")
        return
    if is_anybody:
        yield good("ldap_url", "The directory answers and shows people.")
    else:
        yield wrong("ldap_filter", "The directory answers, and nobody fits ldap_base, ldap_filter and ldap_id.")
    with contextlib.suppress(EvercardError):
        missing = _missing(installation.database)
        if missing:
            yield doubtful("ldap_close_at_most", f"{missing} people are missing; see `evercard ldap look`.")
        for name in _not_there(installation.database, ldap.organisations):
            yield doubtful(
                "ldap_organisations", f"There is no organisation {name}; see `evercard organisation create`."
            )


def _missing(database: Database) -> int:
    from sync.ldap import looking

    if not state.of(database).is_newest:
        return 0
    with database.reading() as session:
        return looking.held_back(session)


def _not_there(database: Database, named: Collection[tuple[str, str]]) -> list[str]:
    from sync.ldap import group_members

    if not named or not state.of(database).is_newest:
        return []
    with database.reading() as session:
        return group_members.missing_organisations(session, named)


def try_provider(installation: Installation) -> Iterator[Finding]:
    """Yield whether the provider answers, and says of itself that it is the one that is configured."""
    from sync.openid.provider import Attempt, Provider

    try:
        organisation = settings.organisation_of(installation.values)
    except InvalidInput:
        return
    if not organisation.is_known:
        return
    try:
        Provider(organisation, "").begin(Attempt.begin())
    except OrganisationUnavailable:
        yield wrong("oidc_issuer", "The provider does not answer, or says of itself that it is another one.")
    else:
        yield good("oidc_issuer", "The provider answers.")
