"""What a person has and has not done yet, in numbers, for the first page that they see."""

from __future__ import annotations

import functools
from typing import NamedTuple

from sqlalchemy import BindParameter, Select, bindparam, func, select
from sqlalchemy.orm import Session

from sync import fields
from sync.database.prepared import read
from sync.discovery import refusals
from sync.models import IN, WAITING, Account, Connection, Device, Field, Grant, Request
from sync.sharing.cards import content_of


class Overview(NamedTuple):
    """
    Numbers about a person.

    *grants* are pairs of a group and a field that it sees, *devices* those that have been in use.
    """

    fields: int
    grants: int
    connections: int
    devices: int

    @property
    def is_begun(self) -> bool:
        """Whether the person has done everything once that the first steps are about."""
        return all(self)


def of(session: Session, account_id: int) -> Overview:
    """Return a person's numbers."""
    return Overview(*read(session, _counted, {"person": account_id})[0])


@functools.cache
def _counted(_dialect: str) -> Select[*tuple[int, ...]]:
    me: BindParameter[int] = bindparam("person")
    in_use = (Device.viewer_id == me, Device.revoked_at.is_(None), Device.last_used_at.is_not(None))
    asked = ((Field.owner_id == me,), (Grant.owner_id == me,), (Connection.owner_id == me,), in_use)
    return select(*(select(func.count()).where(*each).scalar_subquery() for each in asked))


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
