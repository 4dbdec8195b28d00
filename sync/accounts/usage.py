"""How much room everybody takes, for whoever looks after the server."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from sync.database.lists import among
from sync.models import Account, EntryVersion, Field, FieldState, Picture, PrivateCard


@dataclass(frozen=True, slots=True)
class Usage:
    """
    What a person takes, in octets.

    *profile* is their own card, *history* its earlier states, with every picture once, *contacts* their private
    entries, *versions* what devices replaced or deleted. *entries* is how many contacts those are.
    """

    login: str
    profile: int
    history: int
    entries: int
    contacts: int
    versions: int

    @property
    def octets(self) -> int:
        """Everything together."""
        return self.profile + self.history + self.contacts + self.versions


def of_everybody(session: Session) -> Iterator[Usage]:
    """Yield what each person takes, in the order of their logins."""
    yield from of(session, None).values()


def of(session: Session, account_ids: Collection[int] | None) -> dict[int, Usage]:
    """Return what each of these people takes, or everybody, by their id, in the order of their logins."""
    profile = _sums(session, account_ids, Field.owner_id, Field.content)
    states = _sums(session, account_ids, FieldState.owner_id, FieldState.stored)
    pictures = _sums(session, account_ids, Picture.owner_id, Picture.data)
    cards = _sums(session, account_ids, PrivateCard.viewer_id, PrivateCard.data)
    kept = _sums(session, account_ids, EntryVersion.viewer_id, EntryVersion.content)
    nothing, found = (0, 0), {}
    people = _among(session, select(Account.id, Account.login), account_ids, Account.id)
    for account_id, login in session.execute(people.order_by(Account.login)):
        entries, contacts = cards.get(account_id, nothing)
        found[account_id] = Usage(
            login,
            profile.get(account_id, nothing)[1],
            states.get(account_id, nothing)[1] + pictures.get(account_id, nothing)[1],
            entries,
            contacts,
            kept.get(account_id, nothing)[1],
        )
    return found


def _sums(
    session: Session,
    account_ids: Collection[int] | None,
    person: InstrumentedAttribute[int],
    content: InstrumentedAttribute[Any],
) -> dict[int, tuple[int, int]]:
    every = select(person, func.count(), func.sum(func.length(content))).group_by(person)
    counted = _among(session, every, account_ids, person)
    return {account_id: (count, octets or 0) for account_id, count, octets in session.execute(counted)}


def _among(
    session: Session,
    wanted: Select[*tuple[Any, ...]],
    account_ids: Collection[int] | None,
    person: InstrumentedAttribute[int],
) -> Select[*tuple[Any, ...]]:
    return wanted if account_ids is None else wanted.where(among(session, person, account_ids))
