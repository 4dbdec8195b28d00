"""Signing in by an organisation: by its provider, as the browser goes there and comes back, or its directory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from flask import session

from radicale_plugin.web.portal import Portal
from radicale_plugin.web.signed_in import portal
from sync.errors import SignInRefused
from sync.openid.provider import Attempt, Provider

if TYPE_CHECKING:
    from sync.ldap.client import Client

#: Where browsers come back to, below the portal's address.
BACK = "/organisation/back"
_ATTEMPT, _CAME = "organisation", "came by organisation"


def install(made: Portal) -> None:
    """Let templates ask ``organisation`` and ``ldap``, what people call them: empty where nobody signs in so."""
    made.context_processor(lambda: {"organisation": called(made), "ldap": called_by_ldap(made)})


def called(made: Portal) -> str:
    """Return what people call the organisation; empty where there is none."""
    known = made.database.settings.organisation
    return known.name or known.issuer.partition("://")[2].partition("/")[0] if known.is_known else ""


def called_by_ldap(made: Portal) -> str:
    """Return what people call the organisation whose directory they may sign in by; empty where there is none."""
    known = made.database.settings.ldap
    return known.name or str(urlsplit(known.url).hostname) if known.is_known else ""


def ldap() -> Client | None:
    """Return the directory, which remembers whether it answered; None where there is none."""
    made = portal()
    if made.ldap is None and made.database.settings.ldap.is_known:
        from sync.ldap.client import Client

        made.ldap = Client(made.database.settings.ldap)
    return made.ldap


def provider() -> Provider:
    """Return the provider, which remembers what it said of itself."""
    made = portal()
    if made.provider is None:
        made.provider = Provider(made.database.settings.organisation, f"{made.place.base_url}/.web{BACK}")
    return made.provider


def keep(attempt: Attempt, wanted: str) -> None:
    """Let the browser keep a sign-in that was begun, and which page is wanted."""
    session[_ATTEMPT] = [attempt.state, attempt.nonce, attempt.verifier, attempt.begun_at, wanted]


def take() -> tuple[Attempt, str]:
    """
    Return the sign-in that this browser began, once.

    Raises:
        SignInRefused: It began none.
    """
    kept: Any = session.pop(_ATTEMPT, None)
    if not isinstance(kept, list) or len(kept) != 5:
        raise SignInRefused
    return Attempt(*kept[:4]), str(kept[4])


def note_arrival() -> None:
    """Note that this session began at the organisation, where it can be ended as well."""
    session[_CAME] = True


def came() -> bool:
    """Whether this session began at the organisation."""
    return bool(session.get(_CAME))
