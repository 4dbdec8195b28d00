"""
News: who registered for a collection, and is to be told that it changed.

They are noted in the transaction of the change, by one statement however many people it reaches, and only for those
who can see it. What is said is not decided here. Whoever makes a change can name registrations that are not to hear of
it, because their device made it.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable

from sqlalchemy import Update, bindparam, func, select, update
from sqlalchemy.orm import Session

from sync.database.hints import leaves_work
from sync.database.lists import among_parameter, ids
from sync.database.prepared import execute
from sync.models import Base, PushSubscription

#: Where a transaction keeps which registrations do not hear of it.
_SILENT = "push_silent"


def note_content(session: Session, viewer_ids: Iterable[int], book_id: int, at: int) -> None:
    """
    Note that members of one collection of each viewer changed, in the transaction that changes them.

    To be called once the viewers' books are locked: so nobody waits for each other.
    """
    _note(session, "has_content", viewer_ids, book_id, at)


def note_properties(session: Session, viewer_id: int, book_id: int, at: int) -> None:
    """Note that properties of a collection changed, in the transaction that changes them."""
    _note(session, "has_properties", [viewer_id], book_id, at)


def silence(session: Session, viewer_id: int, device_id: int, named: Iterable[int] | None) -> None:
    """
    Let registrations not hear of what this transaction changes: those of the device that are *named*, None for all.

    All means all of the person's; nobody decides what other people are told.
    """
    mine = select(PushSubscription.id).where(PushSubscription.viewer_id == viewer_id)
    if named is not None:
        mine = mine.where(PushSubscription.device_id == device_id, PushSubscription.id.in_(list(named)))
    session.info[_SILENT] = list(session.scalars(mine))


def _note(session: Session, what: str, viewer_ids: Iterable[int], book_id: int, at: int) -> None:
    dialect = session.get_bind().dialect.name
    silent: list[int] = session.info.get(_SILENT, [])
    values = {"viewers": ids(dialect, sorted(set(viewer_ids))), "silent": ids(dialect, silent)}
    if execute(session, _noting(dialect, what), {**values, "book": book_id, "at": at}).rowcount:
        leaves_work(session)


_SUBSCRIPTIONS = Base.metadata.tables["push_subscription"]
_WANTS = {"has_content": _SUBSCRIPTIONS.c.wants_content, "has_properties": _SUBSCRIPTIONS.c.wants_properties}


@functools.cache
def _noting(dialect: str, what: str) -> Update:
    mine = _SUBSCRIPTIONS.c
    return (
        update(_SUBSCRIPTIONS)
        .where(
            among_parameter(dialect, mine.viewer_id, "viewers"),
            mine.book_id == bindparam("book"),
            _WANTS[what],
            ~among_parameter(dialect, mine.id, "silent"),
        )
        .values(
            {what: True, "news": mine.news + 1, "waiting_since": func.coalesce(mine.waiting_since, bindparam("at"))}
        )
    )
