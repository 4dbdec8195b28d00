"""
Thinning out what was disclosed: who may turn it over again and again fills no disk, and nothing is forgotten by it.

Of all that is noted (`sync.disclosure`), only this is ever asked: which values a viewer was shown. Each value
needs to be told once for that, so a time at which a field was shown, or somebody was in an audience, can go where a
later one tells all that it told. What is left is therefore bounded: for each viewer and audience by the values that
are kept of the profile (`sync.disclosure.profile_thinning`), however often those came and went. No time is ever made
longer, or somebody would count as having been shown what they were not.

It is done by the worker, in pieces, whenever a person changed something often enough; what it reads need not be what
is there when it writes, because what a later time told then, it tells for ever.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import TypeAlias

from sqlalchemy import Delete, bindparam, delete, func, select
from sqlalchemy.orm import Session

from sync import faults, jobs
from sync.database.engine import Database, among
from sync.database.pacing import Pieces
from sync.models import Audience, Base, DisclosedAudience, DisclosedField, FieldState
from sync.reach import Round

THINNING = "disclosure"
#: A person's last times in audiences stay as they were: what changed last is told from them (`sync.queries.activity`).
KEPT = 16
#: Once in so many changes of an owner's it is asked for, whatever they change.
_SELDOM = 32
#: So often fields may have been shown to an audience again before it is looked at.
_AGAIN = 64
#: Viewers, or audiences, that are read at a time, and rows that go in one transaction.
_PAGE = 200
_LAST = 2**62

#: What a time tells: a field, and since when it said what it then said.
Value: TypeAlias = tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Page:
    """Rows that can go, by their *keys* and the *statement* that takes them; *last* is where the next page begins."""

    statement: Delete
    keys: Sequence[Mapping[str, int]]
    last: int | None


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """From version *since* of a profile on, and before version *until*; *of* says of what, where that matters."""

    since: int
    until: int
    of: int = 0


#: By field, the times at which it said one thing.
_States: TypeAlias = Mapping[int, Sequence[Span]]


def needed_spans(shown: Sequence[Span], stays: Iterable[Span], states: Sequence[Span]) -> set[int]:
    """
    Return the places of those times at which a field was *shown* to an audience that tell what no later one tells.

    *stays* are the times at which anybody was in the audience; *states* those at which the field said one thing. Like
    those at which it was *shown* they are in their order, and none overlaps the next.
    """
    starts, needed = [each.since for each in shown], set[int]()
    for since, until in _moments(stays, states):
        last = bisect_left(starts, until) - 1
        if last >= 0 and shown[last].until > since:
            needed.add(last)
    return needed


def needed_stays(stays: Sequence[Span], told: Callable[[int], Sequence[tuple[Span, Value]]]) -> set[int]:
    """
    Return the places of those of a viewer's *stays*, in their order, that tell what no later one tells, and the last.

    *told* returns for an audience which values it was shown and when.
    """
    known, needed = set[Value](), set[int]()
    for place in range(len(stays) - 1, -1, -1):
        stay = stays[place]
        tells = {value for span, value in told(stay.of) if span.since < stay.until and span.until > stay.since}
        if tells - known or place >= len(stays) - KEPT:
            needed.add(place)
        known |= tells
    return needed


def _moments(stays: Iterable[Span], states: Sequence[Span]) -> Iterator[tuple[int, int]]:
    """Yield when somebody was there while the field said one thing, each once."""
    begins, ends = [each.since for each in states], [each.until for each in states]
    whole, parts = [0] * (len(states) + 1), set[tuple[int, int]]()
    for stay in set(stays):
        first, behind = bisect_right(ends, stay.since), bisect_left(begins, stay.until)
        for at in {first, behind - 1} if first < behind else ():
            parts.add((max(stay.since, begins[at]), min(stay.until, ends[at])))
        if first + 1 < behind - 1:
            whole[first + 1] += 1
            whole[behind - 1] -= 1
    yield from parts
    covering = 0
    for state, change in zip(states, whole, strict=False):
        covering += change
        if covering:
            yield state.since, state.until


def ask(session: Session, owner_id: int, version: int, at: int) -> None:
    """Let the worker look at what was disclosed of an owner, once in so many versions of the profile."""
    if version % _SELDOM == 0:
        jobs.ask(session, THINNING, owner_id, at)


def work(database: Database, *, buckets: Sequence[int] | None = None) -> int:
    """Do what was asked for, and return for how many owners that was. Any number of workers may do this at once."""

    def thin(owner_id: int) -> None:
        thin_out(database, owner_id)
        database.write(partial(jobs.done, kind=THINNING, owner_id=owner_id))

    round_ = Round(database, partial(faults.note_job_of, database, THINNING))
    done = round_.each(jobs.take(database, THINNING, buckets), thin)
    round_.end()
    return done


def thin_out(database: Database, owner_id: int) -> int:
    """Let go of what tells nothing that is not told by something later, and return how many rows that were."""
    with database.reading() as session:
        states = _states(session, owner_id)
    # First who was where, then what was shown there: where nobody is left, nothing was.
    return sum(_thin_out(database, owner_id, partial(page, states=states)) for page in (_stays_page, _shown_page))


def _thin_out(database: Database, owner_id: int, page: Callable[[Session, int, int], _Page]) -> int:
    pieces, gone, after = Pieces(database), 0, 0
    while True:
        with database.reading() as session:
            found = page(session, owner_id, after)
        for at in range(0, len(found.keys), _PAGE):
            some = found.keys[at : at + _PAGE]
            pieces.write(partial(_let_go, owner_id=owner_id, statement=found.statement, keys=some))
        gone += len(found.keys)
        if found.last is None:
            return gone
        after = found.last


def _let_go(session: Session, owner_id: int, statement: Delete, keys: Sequence[Mapping[str, int]]) -> None:
    jobs.renew(session, THINNING, owner_id)
    session.connection().execute(statement, keys)


def _states(session: Session, owner_id: int) -> _States:
    """Return by field the times at which it said one thing."""
    columns = (FieldState.field_id, FieldState.since, func.coalesce(FieldState.until, _LAST))
    rows = session.execute(select(*columns).where(FieldState.owner_id == owner_id).order_by(*columns[:2])).all()
    return {field: [Span(*span) for _, *span in some] for field, some in groupby(rows, key=lambda row: row[0])}


def _stays_page(session: Session, owner_id: int, after: int, states: _States) -> _Page:
    """Find of some viewers, who were in many audiences, which times there tell nothing more."""
    mine = DisclosedAudience.owner_id == owner_id
    viewer, often = DisclosedAudience.viewer_id, func.count() > KEPT
    chosen = select(viewer).where(mine, viewer > after).group_by(viewer).having(often).order_by(viewer).limit(_PAGE)
    viewers = session.scalars(chosen).all()
    columns = (viewer, DisclosedAudience.since, func.coalesce(DisclosedAudience.until, _LAST))
    rows = session.execute(
        select(*columns, DisclosedAudience.audience_id)
        .where(mine, among(session, viewer, viewers))
        .order_by(viewer, DisclosedAudience.since)
    ).all()
    told = _Told(session, owner_id, states)
    gone = list[dict[str, int]]()
    for viewer_id, some in groupby(rows, key=lambda row: row[0]):
        stays = [Span(*span) for _, *span in some]
        needed = needed_stays(stays, told.to)
        lost = [stay for place, stay in enumerate(stays) if place not in needed and stay.until != _LAST]
        gone += [{"owner": owner_id, "viewer": viewer_id, "at": stay.since} for stay in lost]
    return _Page(_FORGET_STAY, gone, viewers[-1] if len(viewers) == _PAGE else None)


class _Told:
    """Which values audiences were shown, read once each."""

    def __init__(self, session: Session, owner_id: int, states: _States) -> None:
        """Read what was shown of this owner, whose *states* these are."""
        self._session, self._owner_id, self._states = session, owner_id, states
        self._known: dict[int, list[tuple[Span, Value]]] = {}

    def to(self, audience_id: int) -> Sequence[tuple[Span, Value]]:
        """Return which values an audience was shown, and when."""
        if audience_id not in self._known:
            rows = _shown(self._session, self._owner_id, [audience_id])
            self._known[audience_id] = [each for _, field_id, span in rows for each in self._values(field_id, span)]
        return self._known[audience_id]

    def _values(self, field_id: int, span: Span) -> Iterator[tuple[Span, Value]]:
        for state in self._states.get(field_id, ()):
            since, until = max(span.since, state.since), min(span.until, state.until)
            if since < until:
                yield Span(since, until), (field_id, state.since)


def _shown(session: Session, owner_id: int, audiences: Sequence[int]) -> list[tuple[int, int, Span]]:
    """Return what these audiences were shown: audience, field and time, in this order."""
    key = (DisclosedField.audience_id, DisclosedField.field_id, DisclosedField.since)
    mine = (DisclosedField.owner_id == owner_id, among(session, DisclosedField.audience_id, audiences))
    rows = session.execute(select(*key, func.coalesce(DisclosedField.until, _LAST)).where(*mine).order_by(*key))
    return [(audience_id, field_id, Span(since, until)) for audience_id, field_id, since, until in rows]


def _shown_page(session: Session, owner_id: int, after: int, states: _States) -> _Page:
    """Find of some audiences, which are gone or were shown a field often, which times at that tell nothing more."""
    mine, audience = DisclosedField.owner_id == owner_id, DisclosedField.audience_id
    there = (Audience.owner_id == DisclosedField.owner_id) & (Audience.id == audience)
    again = func.count() - func.count(DisclosedField.field_id.distinct()) > _AGAIN
    chosen = select(audience).outerjoin(Audience, there).where(mine, audience > after).group_by(audience)
    chosen = chosen.having(again | func.max(Audience.id).is_(None)).order_by(audience).limit(_PAGE)
    audiences = session.scalars(chosen).all()
    existing = set(session.scalars(select(Audience.id).where(Audience.owner_id == owner_id)))
    stays = _stays_in(session, owner_id, audiences)
    gone = list[dict[str, int]]()
    rows = _shown(session, owner_id, audiences)
    for (audience_id, field_id), some in groupby(rows, key=lambda row: row[:2]):
        shown = [span for *_, span in some]
        needed = needed_spans(shown, stays.get(audience_id, ()), states.get(field_id, ()))
        for place, span in enumerate(shown):
            if place not in needed and (span.until != _LAST or audience_id not in existing):
                gone.append({"owner": owner_id, "audience": audience_id, "field": field_id, "at": span.since})
    return _Page(_FORGET_SHOWN, gone, audiences[-1] if len(audiences) == _PAGE else None)


def _stays_in(session: Session, owner_id: int, audiences: Sequence[int]) -> dict[int, list[Span]]:
    """Return by audience when anybody was in it: many came and went together, and count once."""
    columns = (DisclosedAudience.audience_id, DisclosedAudience.since, func.coalesce(DisclosedAudience.until, _LAST))
    mine = (DisclosedAudience.owner_id == owner_id, among(session, DisclosedAudience.audience_id, audiences))
    found: dict[int, list[Span]] = {}
    for audience_id, since, until in session.execute(select(*columns).where(*mine).distinct()):
        found.setdefault(audience_id, []).append(Span(since, until))
    return found


_STAYS, _SHOWN = Base.metadata.tables["disclosed_audience"], Base.metadata.tables["disclosed_field"]
_FORGET_STAY = delete(_STAYS).where(
    _STAYS.c.owner_id == bindparam("owner"),
    _STAYS.c.viewer_id == bindparam("viewer"),
    _STAYS.c.since == bindparam("at"),
)
_FORGET_SHOWN = delete(_SHOWN).where(
    _SHOWN.c.owner_id == bindparam("owner"),
    _SHOWN.c.audience_id == bindparam("audience"),
    _SHOWN.c.field_id == bindparam("field"),
    _SHOWN.c.since == bindparam("at"),
)
