"""What a person has and has not done yet, in numbers, for the first page that they see."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from sync import fields
from sync.discovery import refusals
from sync.models import IN, WAITING, Account, Connection, Device, Field, Grant, Request
from sync.sharing.cards import content_of


@dataclass(frozen=True, slots=True)
class Overview:
    """
    Numbers about a person.

    *name* is what their card calls them, else the login. *grants* are pairs of a group and a field that it sees,
    *devices* those that have been in use, and *asking* the people who wait for an answer.
    """

    name: str
    fields: int
    grants: int
    connections: int
    devices: int
    asking: int

    @property
    def is_begun(self) -> bool:
        """Whether the person has done everything once that the first steps are about."""
        return bool(self.fields and self.grants and self.connections and self.devices)


def of(session: Session, account_id: int) -> Overview:
    """Return a person's numbers."""
    name, asking = greeting(session, account_id)
    return Overview(
        name=name,
        fields=_count(session, Field.owner_id == account_id),
        grants=_count(session, Grant.owner_id == account_id),
        connections=_count(session, Connection.owner_id == account_id),
        devices=_count(
            session,
            Device.viewer_id == account_id,
            Device.revoked_at.is_(None),
            Device.last_used_at.is_not(None),
        ),
        asking=asking,
    )


def greeting(session: Session, account_id: int) -> tuple[str, int]:
    """Return what a person's card calls them, else the login, and how many people wait for an answer of theirs."""
    login = session.scalars(select(Account.login).where(Account.id == account_id)).one()
    names = session.scalars(
        select(Field).where(Field.owner_id == account_id, Field.kind == "name").order_by(Field.position)
    ).all()
    waiting = session.scalars(
        select(Request.other_id).where(
            Request.owner_id == account_id, Request.direction == IN, Request.state == WAITING
        )
    ).all()
    asking = set(waiting) - refusals.barred(session, account_id, waiting) if waiting else set()
    return fields.full_name([content_of(field) for field in names], login), len(asking)


def _count(session: Session, *conditions: object) -> int:
    return session.scalars(select(func.count()).where(*conditions)).one()  # type: ignore[arg-type]
