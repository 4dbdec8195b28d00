"""How much room everybody takes, for whoever looks after the server."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from sync.database.models import Account, EntryVersion, Field, FieldState, PrivateCard


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
    profile = _sums(session, select(Field.owner_id, func.count(), func.sum(func.length(Field.content))))
    states = _sums(session, select(FieldState.owner_id, func.count(), func.sum(func.length(FieldState.content))))
    cards = _sums(session, select(PrivateCard.viewer_id, func.count(), func.sum(func.length(PrivateCard.data))))
    kept = _sums(session, select(EntryVersion.viewer_id, func.count(), func.sum(func.length(EntryVersion.content))))
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


def _sums(session: Session, statement: Select[Any]) -> dict[int, tuple[int, int]]:
    person = statement.selected_columns[0]
    rows = session.execute(statement.group_by(person)).all()
    return {row[0]: (row[1], row[2] or 0) for row in rows}
