"""
Who is meant by what somebody types to say who they are: a login, ``login@host`` of this server, or a proved address.

However it is spelled, it is looked up and counted as one; and it takes the same statements whoever there is.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from sqlalchemy import select
from sqlalchemy.orm import Session

from sync.accounts import addresses
from sync.database import accounts
from sync.errors import InvalidInput
from sync.models import NOBODY, LoginName
from sync.settings import Settings
from sync.sharing import search_keys

_LONGEST = 300


@dataclass(frozen=True, slots=True)
class Identifier:
    """What somebody may have meant: a *login* that is possible, an *email* address, both, or neither."""

    login: str | None
    email: str | None
    typed: str

    @property
    def key(self) -> tuple[str, ...]:
        """What tries for it are counted by, in whatever spelling it is given."""
        return (self.login or "", self.email or "") if self.login or self.email else ("", "", self.typed)


@dataclass(frozen=True, slots=True)
class Holders:
    """Whose an identifier is: who has the login, and who proved the address, which a family may share."""

    by_login: int | None
    by_email: tuple[int, ...]

    @property
    def only(self) -> int | None:
        """
        The one account that is meant. A family that shares an address sign in with their logins.

        Who proved an address comes before somebody whose login with this server's name looks like it.
        """
        return self.by_email[0] if len(self.by_email) == 1 else None if self.by_email else self.by_login


def read(settings: Settings, text: str) -> Identifier:
    """Return what is meant by *text* on a server with *settings*, without a look at who there is."""
    typed = addresses.plain(text)[:_LONGEST].casefold()
    login = typed if accounts.is_possible(typed) else None
    email = _email(typed)
    local, at, host = (email or typed).rpartition("@")
    if at and accounts.is_possible(local) and _is_own(settings, host):
        login = local
    return Identifier(login, email, typed)


def holders(session: Session, meant: Identifier) -> Holders:
    """Return whose an identifier is. The statements that are sent depend on its form only."""
    by_login = None
    if meant.login is not None:
        by_login = session.scalars(select(LoginName.account_id).where(LoginName.name == meant.login)).first()
    by_email = search_keys.owners_of_email(session, meant.email) if meant.email is not None else ()
    # The login of somebody who left stays taken.
    return Holders(by_login if by_login != NOBODY else None, tuple(by_email))


def _email(text: str) -> str | None:
    try:
        return addresses.email_of(text)
    except InvalidInput:
        return None


def _is_own(settings: Settings, host: str) -> bool:
    """Whether this is the name of this server, which may be written as addresses are, or as URLs are (RFC 5891)."""
    own = (urlsplit(settings.base_url).hostname or "").rstrip(".")
    shown = (_email(f"x@{own}") or f"x@{own}").removeprefix("x@")
    return bool(own) and host.rstrip(".") in (own, shown)
