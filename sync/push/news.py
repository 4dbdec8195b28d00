"""
News: who registered for a collection, or for the cards of people, and is to be told that something changed.

They are noted in the transaction of the change, by one statement however many people it reaches, and only for those
who can see it. What is said is not decided here. Whoever makes a change can name registrations that are not to hear of
it, because their device made it.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Insert,
    Update,
    and_,
    bindparam,
    case,
    exists,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from sync.database.hints import leaves_work
from sync.database.lists import SQLITE, among_parameter, ids
from sync.database.prepared import ask
from sync.models import Base, Device, PushSubscription
from sync.pipeline.answers import Answer, Rows

#: Seconds after the first change until a browser is told: whoever edits their card mostly changes more than one thing.
QUIET = 20
#: Where a transaction keeps which registrations do not hear of it.
_SILENT = "push_silent"


class Browsers:
    """The registrations of browsers, which are asked for still, and known once somebody looks at them."""

    def __init__(self, asked: Answer) -> None:
        """Wait for the rows of `_note`."""
        self._asked = asked
        self._known: dict[int, list[tuple[int, int]]] | None = None

    @property
    def by_viewer(self) -> Mapping[int, Sequence[tuple[int, int]]]:
        """By viewer each registration, with the number of its news."""
        if self._known is None:
            self._known = {}
            for viewer_id, subscription_id, number, session_id in self._asked.rows:
                if session_id is not None:
                    self._known.setdefault(viewer_id, []).append((subscription_id, number))
        return self._known


def is_registered(viewer: str, book: str) -> ColumnElement[bool]:
    """
    Return whether anybody registered for the collection that parameters of these names name.

    Where nobody did, nothing has to be noted. It can stand in RETURNING, in which SQLite knows columns by bare names.
    """
    named = (_SUBSCRIPTIONS.c.viewer_id == bindparam(viewer), _SUBSCRIPTIONS.c.book_id == bindparam(book))
    return exists().where(*named)


def note_content(
    session: Session, viewer_ids: Iterable[int], book_id: int, at: int, *, with_browsers: bool = False
) -> Browsers:
    """
    Note that members of one collection of each viewer changed, in the transaction that changes them.

    To be called once the viewers' books are locked: so nobody waits for each other. *with_browsers* says that these may
    be cards of others: then the viewers' browsers are returned, for `note_card` to note whose.
    """
    return Browsers(_note(session, "cards" if with_browsers else "has_content", viewer_ids, book_id, at))


def note_properties(session: Session, viewer_id: int, book_id: int, at: int) -> None:
    """Note that properties of a collection changed, in the transaction that changes them."""
    _note(session, "has_properties", [viewer_id], book_id, at)


def note_lists(session: Session, viewer_id: int, book_id: int, at: int) -> None:
    """Note that members of a collection changed for those devices alone that show groups as lists."""
    _note(session, "lists", [viewer_id], book_id, at)


def note_card(
    session: Session, browsers: Browsers | None, viewer_ids: Iterable[int], owner_id: int, version: int
) -> None:
    """
    Note for the browsers of these viewers, which `note_content` returned, that somebody's card is another one to them.

    *version* is the owner's profile's with the change.
    """
    found = browsers.by_viewer if browsers is not None else {}
    rows = [
        {"viewer": viewer_id, "subscription": subscription_id, "owner": owner_id, "before": version - 1, "seen": number}
        for viewer_id in (sorted(set(viewer_ids) - {owner_id}) if found else ())
        for subscription_id, number in found.get(viewer_id, ())
    ]
    if rows:
        session.connection().execute(_noting_card(session.get_bind().dialect.name), rows)


def silence(session: Session, viewer_id: int, device_id: int, named: Iterable[int] | None) -> None:
    """
    Let registrations not hear of what this transaction changes: those of the device that are *named*, None for all.

    All means all of the person's; nobody decides what other people are told.
    """
    mine = select(PushSubscription.id).where(PushSubscription.viewer_id == viewer_id)
    if named is not None:
        mine = mine.where(PushSubscription.device_id == device_id, PushSubscription.id.in_(list(named)))
    session.info[_SILENT] = list(session.scalars(mine))


def _note(session: Session, what: str, viewer_ids: Iterable[int], book_id: int, at: int) -> Answer:
    dialect = session.get_bind().dialect.name
    silent: list[int] = session.info.get(_SILENT, [])
    values = {"viewers": ids(dialect, sorted(set(viewer_ids))), "silent": ids(dialect, silent)}

    def found(rows: Rows) -> None:
        if rows:
            leaves_work(session)

    return ask(session, _noting(dialect, what), {**values, "book": book_id, "at": at}, found)


_SUBSCRIPTIONS, _CARDS = Base.metadata.tables["push_subscription"], Base.metadata.tables["card_news"]
_IS_BROWSER = _SUBSCRIPTIONS.c.session_id.is_not(None)
_WANTS = {
    "has_content": _SUBSCRIPTIONS.c.wants_content,
    "has_properties": _SUBSCRIPTIONS.c.wants_properties,
    "cards": or_(_SUBSCRIPTIONS.c.wants_content, _IS_BROWSER),
    "lists": _SUBSCRIPTIONS.c.wants_content,
}


@functools.cache
def _noting(dialect: str, what: str) -> Update:
    mine, at = _SUBSCRIPTIONS.c, bindparam("at", type_=BigInteger)
    wanted = [_WANTS[what]]
    if what == "lists":
        theirs = among_parameter(dialect, Device.viewer_id, "viewers")
        wanted += [theirs, Device.viewer_id == mine.viewer_id, Device.id == mine.device_id, Device.lists.is_not(None)]
    is_first = and_(_IS_BROWSER, mine.waiting_since.is_(None), mine.not_before < at + QUIET)
    return (
        update(_SUBSCRIPTIONS)
        .where(
            among_parameter(dialect, mine.viewer_id, "viewers"),
            mine.book_id == bindparam("book"),
            *wanted,
            ~among_parameter(dialect, mine.id, "silent"),
        )
        .values(
            {
                "has_properties" if what == "has_properties" else "has_content": True,
                "news": mine.news + 1,
                "waiting_since": func.coalesce(mine.waiting_since, at),
                "not_before": case((is_first, at + QUIET), else_=mine.not_before),
            }
        )
        .returning(mine.viewer_id, mine.id, mine.news, mine.session_id)
    )


@functools.cache
def _noting_card(dialect: str) -> Insert:
    made = (sqlite.insert if dialect == SQLITE else postgresql.insert)(_CARDS).values(
        viewer_id=bindparam("viewer"),
        subscription_id=bindparam("subscription"),
        owner_id=bindparam("owner"),
        version=bindparam("before"),
        news=bindparam("seen"),
    )
    # What a browser was told last stays what the next message goes on from.
    return made.on_conflict_do_update(index_elements=_CARDS.primary_key.columns, set_={"news": made.excluded.news})
