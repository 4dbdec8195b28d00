"""What a person has and has not done yet, in numbers, for the first page that they see."""

from __future__ import annotations

import functools
from typing import NamedTuple

from sqlalchemy import BindParameter, Select, bindparam, exists, func, select
from sqlalchemy.orm import Session

from sync import fields
from sync.database.prepared import read
from sync.discovery import refusals
from sync.models import IN, WAITING, Account, Address, Connection, Device, Field, Grant, Request
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


class Greeting(NamedTuple):
    """
    What every page says of who is signed in.

    *name* is what their card calls them, else the login; *asking* how many people wait for an answer of theirs;
    *has_proved* whether they proved an address or a number, by which they come in again without their password.
    """

    name: str
    asking: int
    has_proved: bool


def greeting(session: Session, account_id: int) -> Greeting:
    """Return what every page says of a person to themselves."""
    proved = exists().where(Address.owner_id == Account.id).correlate(Account)
    login, has_proved = session.execute(select(Account.login, proved).where(Account.id == account_id)).one()
    names = session.scalars(
        select(Field).where(Field.owner_id == account_id, Field.kind == "name").order_by(Field.position)
    ).all()
    waiting = session.scalars(
        select(Request.other_id).where(
            Request.owner_id == account_id, Request.direction == IN, Request.state == WAITING
        )
    ).all()
    asking = set(waiting) - refusals.barred(session, account_id, waiting) if waiting else set()
    return Greeting(fields.full_name([content_of(field) for field in names], login), len(asking), has_proved)
