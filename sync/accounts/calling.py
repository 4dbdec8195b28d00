"""
By which names devices call: a login, the login with the server's name behind an ``@``, or a proved e-mail address.

A device's password is of one account and cannot be guessed, so a name may stand for several: a family's address lets in
whose password it is. What a name stands for is remembered, and checked with every request.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import unquote

from sqlalchemy import bindparam, select

from sync.accounts import identifiers
from sync.database.engine import Database
from sync.models import NOBODY, SearchKey
from sync.sharing import search_keys

#: So many may share an address and still sign in by it (RFC 6764, 7).
SHARING = 4
_NAMES = 100_000
_LONGEST = 400
_HOLDER = "SELECT account_id FROM login_name WHERE name = ?"
_OWNERS = select(SearchKey.account_id).where(SearchKey.key == bindparam("key"))
_OWNERS = _OWNERS.order_by(SearchKey.account_id).limit(SHARING)


@dataclass(frozen=True, slots=True)
class Called:
    """
    Whom a name may mean: who has the *login*, and who proved the *email* address; each None where it is no such name.

    Where there is nobody there is `NOBODY`, so that a check is as long whoever there is.
    """

    login: str | None
    email: str | None
    by_login: int = NOBODY
    by_email: tuple[int, ...] = (NOBODY,) * SHARING


class Names:
    """What names stand for, as one process knows it."""

    def __init__(self, database: Database) -> None:
        """Know nothing yet."""
        self._database = database
        self._holder = database.placeholders(_HOLDER)
        self._known: dict[str, Called] = {}

    def known(self, name: str) -> Called:
        """Return what is remembered of *name*, which is nobody where it is nothing."""
        found = self._known.get(name)
        if found is None:
            meant = identifiers.read(self._database.settings, name)
            found = Called(meant.login, meant.email)
        return found

    def look_up(self, called: Called) -> Called:
        """Return whom a name means now. What is sent depends on the form of the name only."""
        if called.login is not None:
            row = self._database.quick(self._holder, (called.login,))
            called = replace(called, by_login=row[0] if row else NOBODY)
        if called.email is not None:
            rows = self._database.quick_rows(_OWNERS, {"key": search_keys.OWN + called.email})
            owners = [row[0] for row in rows]
            called = replace(called, by_email=(*owners, *[NOBODY] * (SHARING - len(owners))))
        return called

    def remember(self, name: str, called: Called | None) -> None:
        """Remember what a name stands for that somebody was let in by, or forget what did not let in."""
        if called is None:
            self._known.pop(name, None)
            return
        if len(self._known) > _NAMES:
            self._known.clear()
        self._known[name] = called


def spelled(login: str) -> tuple[str, ...]:
    """Return what a device may mean: a name as it is, and decoded, as iPhones encode its ``@`` (client fact I-23)."""
    name = login.lower()[:_LONGEST]
    return (name, unquote(name).lower()) if "%" in name else (name,)
