"""What an organisation says of somebody, whoever asks it and however; and what may be made of that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sync.settings import Ldap, Organisation, Scim

OIDC, LDAP, SCIM = "oidc", "ldap", "scim"
#: By what somebody gets an account that is here already.
EMAIL, LOGIN = "email", "login"


@dataclass(frozen=True, slots=True)
class Told:
    """
    What is said: *subject* is the person for ever, *claims* all of it; and what to ask with later.

    *login* and *email* are what the person is called and written to there, where the organisation itself says so.
    """

    subject: str
    claims: Mapping[str, Any]
    refresh_token: str | None = None
    login: str = ""
    email: str = ""

    def text(self, claim: str) -> str:
        """Return a claim that is a text, else nothing."""
        found = self.claims.get(claim)
        return found.strip() if isinstance(found, str) else ""

    @property
    def called(self) -> str:
        """What the person is called there."""
        return self.login or self.text("preferred_username") or self.text("email")

    @property
    def proved_email(self) -> str:
        """The address that is proved to be the person's there; empty where none is."""
        return self.email or (self.text("email") if self.claims.get("email_verified") is True else "")


@dataclass(frozen=True, slots=True)
class Source:
    """
    Who says something, by *kind*, and what follows from it. Subjects mean somebody within a *namespace*.

    Whoever comes first gets an account with *sign_up*, or the one that is here already by *link_by*. *fields* are pairs
    of a kind of field and the claim that fills it, whose name begins with *prefix* where it is kept.
    """

    kind: str
    namespace: str
    sign_up: bool
    link_by: str
    fields: tuple[tuple[str, str], ...]
    prefix: str = ""


def of_provider(known: Organisation) -> Source:
    """Return what follows from what a provider of OpenID Connect says."""
    return Source(OIDC, known.issuer, known.sign_up, EMAIL if known.link_by_email else "", known.fields)


def of_directory(known: Ldap) -> Source:
    """Return what follows from what is in a directory."""
    return Source(LDAP, f"ldap {known.id.lower()}", known.sign_up, known.link_by, known.fields, "ldap:")


def of_scim(known: Scim) -> Source:
    """Return what follows from what an organisation tells of people."""
    return Source(SCIM, SCIM, True, known.link_by, known.fields, "scim:")


class Gone(Exception):
    """The provider knows the person no more, or does not let them in."""
