"""How much room everybody takes, for whoever looks after the server."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from sync.models import Account, EntryVersion, Field, FieldState, PrivateCard


@dataclass(frozen=True, slots=True)
class Usage:
    """
    What a person takes, in octets.

    *profile* is their own card, *history* its earlier states, *contacts* their private entries, *versions* what devices
    replaced or deleted. *entries* is how many contacts those are.
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
    profile = _sums(session, Field.owner_id, Field.content)
    states = _sums(session, FieldState.owner_id, FieldState.content)
    cards = _sums(session, PrivateCard.viewer_id, PrivateCard.data)
    kept = _sums(session, EntryVersion.viewer_id, EntryVersion.content)
    nothing = (0, 0)
    for account_id, login in session.execute(select(Account.id, Account.login).order_by(Account.login)):
        entries, contacts = cards.get(account_id, nothing)
        yield Usage(
            login,
            profile.get(account_id, nothing)[1],
            states.get(account_id, nothing)[1],
            entries,
            contacts,
            kept.get(account_id, nothing)[1],
        )


def _sums(
    session: Session, person: InstrumentedAttribute[int], content: InstrumentedAttribute[Any]
) -> dict[int, tuple[int, int]]:
    counted = select(person, func.count(), func.sum(func.length(content))).group_by(person)
    return {account_id: (count, octets or 0) for account_id, count, octets in session.execute(counted)}
