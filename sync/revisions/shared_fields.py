"""
What a change of somebody's fields means to those who share some of them: noted in the transaction of the change.

Whoever has a field of somebody else's on their card follows in a transaction of their own (`sync.household`): nobody's
work is in another's change. Here is what must not be lost on the way: that somebody is to follow, or left.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import TypeAlias

from sqlalchemy import BigInteger, Delete, Select, Update, bindparam, delete, literal, select, union_all, update
from sqlalchemy.orm import Session

from sync import jobs
from sync.database import prepared
from sync.database.hints import leaves_work
from sync.database.lists import among_parameter, ids
from sync.database.prepared import execute
from sync.fields import FieldContent, same_meaning
from sync.models import CARRIED, LEFT, OFFERED, PARTED, Base, CarriedField
from sync.pipeline.answers import Answer

#: The kind of job by which others come to follow, and owners to know who left.
HOUSEHOLD = "household"
#: The kind and the content of a field, as they are stored.
Said: TypeAlias = tuple[str, str]


def ask(session: Session, owner_id: int, field_ids: Collection[int]) -> Answer:
    """Ask whether `note` may have anything to do about these fields of an owner's, which changed or are gone."""
    dialect = session.get_bind().dialect.name
    return prepared.ask(session, _is_concerned(dialect), {"owner": owner_id, "fields": ids(dialect, field_ids)})


def note(
    session: Session, owner_id: int, changed: Mapping[int, tuple[Said, Said]], gone: Collection[int], at: int
) -> None:
    """
    Note whose cards are to follow fields of an owner's that changed or are gone, and what the owner does not carry now.

    To be called where `ask` found something. Who changes or deletes a field that they carry has it for themselves from
    then on. Of what *changed* both are given, what it said and says; another label, or being preferred to others, as
    phones add it, is no change. The caller holds the owner's lock.
    """
    if not changed and not gone:
        return
    dialect = session.get_bind().dialect.name
    others = [each for each, (before, after) in changed.items() if not says_the_same(before, after)]
    values = {"owner": owner_id, "fields": ids(dialect, {*others, *gone})}
    execute(session, _owe(dialect), values)
    execute(session, _forget(dialect), {"owner": owner_id, "fields": ids(dialect, gone)})
    execute(session, _leave(dialect), {**values, "at": at})
    jobs.ask(session, HOUSEHOLD, owner_id, at)
    leaves_work(session)


def says_the_same(one: Said, other: Said) -> bool:
    """Whether two people have the same on their cards, whatever each calls it."""
    return one == other or same_meaning(_bare(FieldContent.load(*one)), _bare(FieldContent.load(*other)))


def _bare(content: FieldContent) -> FieldContent:
    """Return a field without what each person, and each program, adds to it as they like."""
    main = content.main
    bare = replace(main, params=tuple(each for each in main.params if each[0] not in ("TYPE", "PREF")))
    # In 3.0 only its label tells an anniversary from other days.
    companions = content.properties[1:] if content.kind == "anniversary" else ()
    return replace(content, properties=(bare, *companions))


def part(session: Session, one: int, other: int, at: int) -> None:
    """
    Let two people share nothing more, who are not connected any more: what either carries of the other's is their own.

    The caller holds the locks of both, and deletes what says that they are connected.
    """
    for carrier_id, source_id in ((one, other), (other, one)):
        mine = (CarriedField.owner_id == carrier_id, CarriedField.source_id == source_id)
        session.execute(delete(CarriedField).where(*mine, CarriedField.state == OFFERED))
        session.execute(update(CarriedField).where(*mine).values(is_owed=False))
        ended = update(CarriedField).where(*mine, CarriedField.state == CARRIED)
        session.execute(ended.values(state=PARTED, changed_at=at))


_SHARED, _CARRIED = Base.metadata.tables["shared_field"], Base.metadata.tables["carried_field"]
_IS_OPEN = (_SHARED.c.state == OFFERED) | (_SHARED.c.state == CARRIED)


@functools.cache
def _is_concerned(dialect: str) -> Select[int]:
    shared = select(literal(1, BigInteger).label("one")).where(
        _SHARED.c.owner_id == bindparam("owner"), among_parameter(dialect, _SHARED.c.field_id, "fields")
    )
    carried = select(literal(1, BigInteger).label("one")).where(
        _CARRIED.c.owner_id == bindparam("owner"),
        among_parameter(dialect, _CARRIED.c.field_id, "fields"),
        _CARRIED.c.state == CARRIED,
    )
    return select(union_all(shared, carried).subquery().c.one).limit(1)


@functools.cache
def _owe(dialect: str) -> Update:
    return (
        update(_SHARED)
        .where(
            _SHARED.c.owner_id == bindparam("owner"),
            among_parameter(dialect, _SHARED.c.field_id, "fields"),
            _IS_OPEN,
        )
        .values(is_owed=True)
    )


@functools.cache
def _forget(dialect: str) -> Delete:
    """Who said no to a field, or left it, is of no interest once it is gone."""
    return delete(_SHARED).where(
        _SHARED.c.owner_id == bindparam("owner"),
        among_parameter(dialect, _SHARED.c.field_id, "fields"),
        ~_IS_OPEN,
    )


@functools.cache
def _leave(dialect: str) -> Update:
    return (
        update(_CARRIED)
        .where(
            _CARRIED.c.owner_id == bindparam("owner"),
            among_parameter(dialect, _CARRIED.c.field_id, "fields"),
            _CARRIED.c.state == CARRIED,
        )
        .values(state=LEFT, is_owed=True, changed_at=bindparam("at"))
    )
