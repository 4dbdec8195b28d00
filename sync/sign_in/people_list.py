"""
Who has an account, for administrators: logins, when somebody was here last, with how many devices, and how much room.

Nothing of anybody's card is in it. It is searched and paged in the database, and whatever is said of the people of one
page is asked for all of them at once.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from sync.accounts import usage
from sync.database.lists import among
from sync.errors import NotFound
from sync.models import Account, BrowserSession, Device

#: How many are on one page.
PAGE = 50
#: Which people are listed.
ALL, DISABLED, ADMINISTRATORS = "all", "disabled", "administrators"
STATES: dict[str, tuple[ColumnElement[bool], ...]] = {
    ALL: (),
    DISABLED: (Account.disabled_at.is_not(None),),
    ADMINISTRATORS: (Account.administrator_since.is_not(None),),
}


@dataclass(frozen=True, slots=True)
class ListedPerson:
    """
    Somebody who has an account. *last_used_at* is when a device or browser of theirs was here last, to the hour.

    *devices* is how many passwords of devices work, *octets* how much room everything of theirs takes.
    """

    account_id: int
    login: str
    created_at: int
    is_disabled: bool
    is_leaving: bool
    is_administrator: bool
    last_used_at: int | None
    devices: int
    octets: int


@dataclass(frozen=True, slots=True)
class PeoplePage:
    """Some people: page *number*, counted from 1, of *pages*; *total* are all that are looked for."""

    people: Sequence[ListedPerson]
    number: int
    pages: int
    total: int


def page_of(session: Session, text: str = "", number: int = 1, *, state: str = ALL) -> PeoplePage:
    """Return those whose login has *text* in it, in the order of their logins. An unknown *state* is everybody."""
    wanted = [*STATES.get(state, ())]
    if text.strip():
        wanted.append(Account.login.contains(text.strip().lower(), autoescape=True))
    return _page(session, select(Account).where(*wanted).order_by(Account.login, Account.id), number)


def newest(session: Session, number: int = 1) -> PeoplePage:
    """Return everybody, who came last first."""
    return _page(session, select(Account).order_by(Account.created_at.desc(), Account.id), number)


def one(session: Session, account_id: int) -> ListedPerson:
    """
    Return one of them.

    Raises:
        NotFound: There is no such person.
    """
    found = _listed(session, session.scalars(select(Account).where(Account.id == account_id)).all())
    if not found:
        raise NotFound("There is no such person.")
    return found[0]


def _page(session: Session, wanted: Select[Account], number: int) -> PeoplePage:
    counted = select(func.count()).select_from(wanted.order_by(None).subquery())
    total = session.scalars(counted).one()
    pages = max(1, -(-total // PAGE))
    number = min(max(1, number), pages)
    accounts = session.scalars(wanted.limit(PAGE).offset((number - 1) * PAGE)).all()
    return PeoplePage(_listed(session, accounts), number, pages, total)


def _listed(session: Session, accounts: Sequence[Account]) -> list[ListedPerson]:
    ids = [account.id for account in accounts]
    devices, seen = _devices(session, ids), _seen(session, ids)
    sizes = usage.of(session, ids)
    found = []
    for each in accounts:
        count, used_at = devices.get(each.id, (0, None))
        last = max((at for at in (used_at, seen.get(each.id)) if at is not None), default=None)
        states = (each.disabled_at is not None, each.deletion_began_at is not None)
        is_administrator = each.administrator_since is not None
        octets = sizes[each.id].octets
        found.append(ListedPerson(each.id, each.login, each.created_at, *states, is_administrator, last, count, octets))
    return found


def _devices(session: Session, ids: Collection[int]) -> dict[int, tuple[int, int | None]]:
    working = (among(session, Device.viewer_id, ids), Device.revoked_at.is_(None))
    counted = select(Device.viewer_id, func.count(), func.max(Device.last_used_at)).where(*working)
    return {row[0]: (row[1], row[2]) for row in session.execute(counted.group_by(Device.viewer_id))}


def _seen(session: Session, ids: Collection[int]) -> dict[int, int]:
    whose = BrowserSession.owner_id
    seen = select(whose, func.max(BrowserSession.last_seen_at)).where(among(session, whose, ids))
    return dict(session.execute(seen.group_by(whose)).all())
