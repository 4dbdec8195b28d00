"""Two people: how they stand to each other, and how they come together."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from sync.database import accounts
from sync.database.engine import among
from sync.discovery import refusals
from sync.errors import NotFound
from sync.models import ACCEPTED, IN, OUT, WAITING, Account, Group, Request
from sync.sharing import connections
from sync.sharing.preferences import NOBODY, Preferences, preferences_of
from sync.sharing.visibility import GROUP


def lock(session: Session, one: int, other: int) -> None:
    """
    Let nobody else decide anything about these two until the transaction ends.

    Raises:
        NotFound: One of them does not exist.
    """
    accounts.lock(session, one, other)


def open_to(session: Session, target_id: int, asker_id: int, *, by_link: bool = False) -> Preferences | None:
    """
    Return what *target_id* decided, or None where they are not to be reached by *asker_id* at all.

    A link that the person handed out reaches them *by_link* even where nobody else may.
    """
    enabled = select(Account.id).where(Account.id == target_id, Account.disabled_at.is_(None))
    reachable = session.scalars(enabled).first() is not None
    shut = bool(refusals.barred(session, asker_id, [target_id])) + bool(
        refusals.refusing(session, asker_id, [target_id])
    )
    preferences = preferences_of(session, target_id)
    return preferences if reachable and not shut and (by_link or preferences.connecting != NOBODY) else None


def consents(session: Session, person_id: int, other_id: int) -> bool:
    """Whether the person has asked the other, or has confirmed being introduced, and has not taken it back."""
    decided = select(Request.direction, Request.state).where(
        Request.owner_id == person_id, Request.direction.in_((IN, OUT)), Request.other_id == other_id
    )
    states = {(row.direction, row.state) for row in session.execute(decided)}
    return bool(states & {(OUT, WAITING), (IN, ACCEPTED)})


def join(session: Session, one: int, other: int, *, into: dict[int, Collection[int]] | None = None) -> None:
    """
    Connect two people who both want it, each landing in the other's group for newcomers, or in those of *into*.

    The caller holds their locks, and has made sure that neither has blocked the other.

    Raises:
        AlreadyExists: They are connected.
        NotFound: There is no such group.
    """
    for owner_id, group_ids in (into or {}).items():
        own = select(Group.id).where(Group.owner_id == owner_id, Group.kind == GROUP)
        if not set(group_ids) <= set(session.scalars(own.where(among(session, Group.id, group_ids)))):
            raise NotFound("There is no such group.")
    chosen = {owner_id: (into or {}).get(owner_id, newcomers(session, owner_id)) for owner_id in (one, other)}
    connections.connect(session, one, other, into=chosen)


def newcomers(session: Session, owner_id: int) -> list[int]:
    """Return the ids of the groups, one or none, that new connections of a person land in."""
    group_id = preferences_of(session, owner_id).newcomers_group_id
    return [] if group_id is None else [group_id]
