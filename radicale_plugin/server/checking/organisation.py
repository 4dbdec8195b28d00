"""Looks at the provider that people sign in by, and asks it what it says of itself."""

from __future__ import annotations

from collections.abc import Iterator

from radicale_plugin import settings
from radicale_plugin.server.checking.finding import Finding, Installation, doubtful, good, wrong
from sync.errors import InvalidInput, OrganisationUnavailable


def look(installation: Installation) -> Iterator[Finding]:
    """Yield what is doubtful."""
    if not installation.values["oidc_issuer"]:
        return
    if "offline_access" not in installation.values["oidc_scopes"].split():
        yield doubtful("oidc_scopes", "Without offline_access, who is gone at the provider keeps their devices here.")
    if installation.values["oidc_issuer"].startswith("http://"):
        yield doubtful("oidc_issuer", "It is not encrypted.")


def try_provider(installation: Installation) -> Iterator[Finding]:
    """Yield whether the provider answers, and says of itself that it is the one that is configured."""
    from sync.sign_in.openid import Attempt, Provider

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
