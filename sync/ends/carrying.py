"""Carrying out ends: taking back what is over, as its owner would by hand."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from sync import faults
from sync.database.engine import Database, all_or_nothing
from sync.database.lists import among
from sync.ends import next_ends
from sync.models import CardLink, Ending, Grant, now
from sync.reach import Round
from sync.sharing import changes, connections, grants, link_audiences
from sync.sharing.visibility import Adjustment

#: How many owners are looked up at a time.
_PAGE = 100


def work(database: Database, *, buckets: Sequence[int] | None = None) -> int:
    """
    Carry out everything that is over, and return of how many owners that was.

    Raises:
        DatabaseUnavailable: A machine is out of reach; whatever concerns nobody on it was carried out.
    """

    def find(count: int) -> Sequence[int]:
        with database.reading() as session:
            return next_ends.due(session, now(), count, buckets)

    round_ = Round.of_people(database, faults.ENDS)
    done = round_.pages(find, functools.partial(carry_out, database), _PAGE)
    round_.end()
    return done


def carry_out(database: Database, owner_id: int) -> None:
    """
    Carry out what is over of an owner's.

    Raises:
        DatabaseUnavailable: It could not be; nobody must be shown what this owner gave.
    """
    at = now()
    with database.reading() as session:
        parted = _over(session, owner_id, at).people
    for viewer_id in parted:
        database.write(lambda session, viewer_id=viewer_id: part(session, owner_id, viewer_id, at))  # type: ignore[misc]
    database.write(lambda session: withdraw(session, owner_id, at))


def all_over(session: Session, owner_id: int, at: int) -> None:
    """Carry out in one transaction what of an owner's is over at a time."""
    with all_or_nothing(session):
        for viewer_id in _over(session, owner_id, at).people:
            part(session, owner_id, viewer_id, at)
        withdraw(session, owner_id, at)


def part(session: Session, owner_id: int, viewer_id: int, at: int) -> None:
    """Part two people whose connection is over at a time, as the first of them wanted; else nothing happens."""
    with all_or_nothing(session):
        for each in sorted((owner_id, viewer_id)):
            changes.hold(session, each)
        if viewer_id in _over(session, owner_id, at).people:
            connections.disconnect(session, owner_id, viewer_id)


def withdraw(session: Session, owner_id: int, at: int) -> None:
    """Take back all grants, exceptions and addresses of cards of an owner's that are over at a time, in one go."""
    with all_or_nothing(session):
        changes.hold(session, owner_id)
        over = _over(session, owner_id, at)
        whole = select(Grant.group_id, Grant.field_id).where(Grant.owner_id == owner_id)
        of_groups = session.execute(whole.where(among(session, Grant.group_id, over.groups))).all()
        ended = or_(Ending.group_id.is_not(None), Ending.field_id.is_not(None))
        session.execute(delete(Ending).where(Ending.owner_id == owner_id, Ending.ends_at <= at, ended))
        link_audiences.end(session, owner_id, CardLink.ends_at <= at)
        # What follows asks whether anything is due still.
        next_ends.renew(session, owner_id)
        pairs = over.grants.union((group_id, field_id) for group_id, field_id in of_groups)
        if pairs:
            grants.adjust(session, owner_id, Adjustment(taken_back=pairs))
        if over.exceptions:
            grants.end_exceptions(session, owner_id, over.exceptions)


@dataclass(frozen=True, slots=True)
class _Over:
    """What of an owner's is over: ids of groups, pairs of group and field, people and fields, and people."""

    groups: frozenset[int]
    grants: frozenset[tuple[int, int]]
    exceptions: dict[int, set[int]]
    people: tuple[int, ...]


def _over(session: Session, owner_id: int, at: int) -> _Over:
    columns = (Ending.group_id, Ending.viewer_id, Ending.field_id)
    rows = session.execute(select(*columns).where(Ending.owner_id == owner_id, Ending.ends_at <= at)).all()
    exceptions: dict[int, set[int]] = {}
    for _, viewer_id, field_id in rows:
        if viewer_id is not None and field_id is not None:
            exceptions.setdefault(field_id, set()).add(viewer_id)
    return _Over(
        frozenset(group for group, _, field in rows if group is not None and field is None),
        frozenset((group, field) for group, _, field in rows if group is not None and field is not None),
        exceptions,
        tuple(sorted(viewer for _, viewer, field in rows if viewer is not None and field is None)),
    )
