"""
Thinning out the history of a profile, which has a budget as versions of entries have (`sync.revisions.versions`).

Every second state goes, the oldest first, so that there are the fewer the older they are; what is now and what was just
before stay. What a field said goes with the last state that needs it, unless somebody else was shown it: that is kept
for as long again, because it tells what a viewer sends back from what they added (`sync.disclosure.records`).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import BigInteger, bindparam, delete, exists, func, literal, select, update
from sqlalchemy.orm import Session

from sync.database.engine import settings_of
from sync.database.prepared import execute, later
from sync.models import NOT_KEPT, Base, DeviceCopy, DisclosedAudience, DisclosedField, FieldState, ProfileState
from sync.pictures import keeping
from sync.pictures.past_fields import SIZE, with_pictures

#: How full the budget is afterwards, so that this is not done with every change.
_AFTERWARDS = 0.9
_LAST = 2**62
_FOR_EVER = literal(_LAST, BigInteger)


@dataclass(frozen=True, slots=True)
class Past:
    """What a field said from version *since* of the profile on and before version *until*, in *size* characters."""

    field_id: int
    since: int
    until: int
    size: int


def thin_out(session: Session, owner_id: int) -> None:
    """Let go of earlier states of a profile until what is kept fits into the budget. The caller holds its lock."""
    limits = settings_of(session).limits
    ((states, used),) = execute(session, _USED, {"owner": owner_id})
    if states <= limits.profile_states and used <= limits.profile_states_size:
        return
    past = _past(session, owner_id)
    chosen = select(ProfileState.version, ProfileState.revision).where(ProfileState.owner_id == owner_id)
    rows = session.execute(chosen.order_by(ProfileState.version.desc()))
    told = {row.version: row.revision for row in rows}
    number, size = (int(limit * _AFTERWARDS) for limit in (limits.profile_states, limits.profile_states_size))
    gone = superfluous(list(told), past, number, size)
    _forget_states(session, owner_id, told, gone)
    kept = sorted(told.keys() - gone)
    unneeded = [each for each in past if not _is_needed(kept, each)]
    _forget_fields(session, owner_id, _unwanted(unneeded, _shown(session, owner_id), size))


def superfluous(versions: Sequence[int], past: Iterable[Past], number: int, size: int) -> set[int]:
    """
    Return which states of a profile go so that *number* of them remain, whose *past* fields have *size* together.

    *versions* are those of the states, the newest first. The newest stays, and the one before it for longest.
    """
    left, gone = list(versions), set[int]()
    first = _by_first_need(versions, past)
    used = sum(each.size for needed in first.values() for each in needed)
    while (len(left) > number or used > size) and len(left) > 1:
        following = dict(zip(left[1:], left, strict=False))
        for version in reversed(left[2::2] or left[1:]):
            if len(versions) - len(gone) <= number and used <= size:
                break
            gone.add(version)
            after = following[version]
            needed = first.pop(version)
            first[after] += [each for each in needed if each.until > after]
            used -= sum(each.size for each in needed if each.until <= after)
        left = [version for version in left if version not in gone]
    return gone


def _by_first_need(versions: Sequence[int], past: Iterable[Past]) -> dict[int, list[Past]]:
    """Return *past* by the first state that needs it; what none needs is left out."""
    first: dict[int, list[Past]] = {version: [] for version in versions}
    oldest_first = sorted(versions)
    for each in past:
        place = bisect_left(oldest_first, each.since)
        if place < len(oldest_first) and oldest_first[place] < each.until:
            first[oldest_first[place]].append(each)
    return first


def _is_needed(kept: Sequence[int], each: Past) -> bool:
    place = bisect_left(kept, each.since)
    return place < len(kept) and kept[place] < each.until


def _unwanted(unneeded: Sequence[Past], shown: Collection[tuple[int, int]], size: int) -> Iterator[Past]:
    """Yield what nobody was shown, and of the rest the oldest that is beyond *size*."""
    used = 0
    for each in sorted(unneeded, key=lambda each: -each.until):
        is_shown = (each.field_id, each.since) in shown
        used += each.size if is_shown else 0
        if not is_shown or used > size:
            yield each


def _past(session: Session, owner_id: int) -> list[Past]:
    chosen = with_pictures(select(FieldState.field_id, FieldState.since, FieldState.until, SIZE))
    ended = chosen.where(FieldState.owner_id == owner_id, FieldState.until.is_not(None))
    return [Past(*row) for row in session.execute(ended)]


def _shown(session: Session, owner_id: int) -> set[tuple[int, int]]:
    """Return which past states of fields somebody else was shown, as field and version."""
    seen_by_others = exists().where(
        DisclosedField.owner_id == FieldState.owner_id,
        DisclosedField.field_id == FieldState.field_id,
        DisclosedField.since < FieldState.until,
        func.coalesce(DisclosedField.until, _FOR_EVER) > FieldState.since,
        DisclosedAudience.owner_id == FieldState.owner_id,
        DisclosedAudience.audience_id == DisclosedField.audience_id,
        DisclosedAudience.since < FieldState.until,
        func.coalesce(DisclosedAudience.until, _FOR_EVER) > FieldState.since,
    )
    ended = (FieldState.owner_id == owner_id, FieldState.until.is_not(None))
    rows = session.execute(select(FieldState.field_id, FieldState.since).where(*ended, seen_by_others))
    return {(field_id, since) for field_id, since in rows}


def _forget_states(session: Session, owner_id: int, told: Mapping[int, int | None], gone: Collection[int]) -> None:
    """Let states go; of a device that has one of them it is noted that what it has is not kept."""
    following = dict(zip(list(told)[1:], told.values(), strict=False))
    had = [(told[version], following[version]) for version in gone]
    spans = [{"owner": owner_id, "first": first, "next": _LAST if to is None else to} for first, to in had if first]
    if spans:
        session.connection().execute(_NOT_KEPT, spans)
    if gone:
        session.connection().execute(_FORGET_STATE, [{"owner": owner_id, "state": version} for version in gone])


def _forget_fields(session: Session, owner_id: int, gone: Iterable[Past]) -> None:
    keys = [{"owner": owner_id, "field": each.field_id, "at": each.since} for each in gone]
    if keys:
        session.connection().execute(_FORGET_FIELD, keys)
        later(session, keeping.LET_GO, {"owner": owner_id})


_STATES, _FIELDS, _COPIES = (
    Base.metadata.tables[model.__tablename__] for model in (ProfileState, FieldState, DeviceCopy)
)
_ENDED = (FieldState.owner_id == bindparam("owner"), FieldState.until.is_not(None))
_SIZE = with_pictures(select(func.coalesce(func.sum(SIZE), 0))).where(*_ENDED).scalar_subquery()
_USED = select(func.count(), _SIZE).select_from(_STATES).where(_STATES.c.owner_id == bindparam("owner"))
_NOT_KEPT = (
    update(_COPIES)
    .where(
        _COPIES.c.viewer_id == bindparam("owner"),
        _COPIES.c.entry_id == bindparam("owner"),
        _COPIES.c.sent.is_(None),
        _COPIES.c.revision >= bindparam("first"),
        _COPIES.c.revision < bindparam("next"),
    )
    .values(revision=NOT_KEPT)
)
_FORGET_STATE = delete(_STATES).where(_STATES.c.owner_id == bindparam("owner"), _STATES.c.version == bindparam("state"))
_FORGET_FIELD = delete(_FIELDS).where(
    _FIELDS.c.owner_id == bindparam("owner"),
    _FIELDS.c.field_id == bindparam("field"),
    _FIELDS.c.since == bindparam("at"),
)
