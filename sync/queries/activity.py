"""
Activity: what changed last in the cards of the people whom a person is connected to, as the person was shown it.

It is read from what is kept of every profile and of who was shown what (`sync.sharing.history`,
`sync.disclosure`), so it says nothing that the person's devices were not told. What somebody does not show
any more is named by its kind alone.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Select, bindparam, select
from sqlalchemy.orm import Session

from sync.database import accounts
from sync.database.distribution import is_distributed
from sync.database.lists import among, among_parameter
from sync.database.prepared import read
from sync.fields import FieldContent
from sync.models import Card, DisclosedAudience, DisclosedField, Entry, FieldState, ProfileState
from sync.revisions import entry_cards
from sync.revisions.address_books import PRESENT
from sync.sharing.connections import CONNECTION

NEW, CHANGED, GONE = "new", "changed", "gone"


@dataclass(frozen=True, slots=True)
class FieldChange:
    """
    One field of a card that is ``new``, ``changed`` or ``gone``.

    *content* is what it says now; absent for one that is gone, of which the reader has no right to more than the kind.
    """

    what: str
    kind: str
    content: FieldContent | None


@dataclass(frozen=True, slots=True)
class CardChange:
    """The last change of somebody's card. *changes* is empty where all of it is new: the two were just connected."""

    owner_id: int
    login: str
    at: int
    changes: list[FieldChange]


def latest(session: Session, viewer_id: int, *, count: int = 20, offset: int = 0) -> list[CardChange]:
    """
    Return the last change of each connection's card, newest first, *count* of them after *offset*.

    People whose entries the person hid are left out.
    """
    newest = functools.partial(_newest, is_apart=is_distributed(session))
    found_rows = read(session, newest, {"viewer": viewer_id, "count": count, "offset": offset})
    rows = list(entry_cards.read(session, found_rows, viewer_id, Card.changed_at))
    owners = [owner_id for owner_id, _, _ in rows]
    names = accounts.logins(session, owners)
    stays = _stays(session, viewer_id, owners)
    disclosed = _disclosed(session, stays)
    found = {owner_id: _last_change(stays[owner_id], disclosed[owner_id]) for owner_id in owners}
    times = _times(session, {owner_id: version for owner_id, (version, _) in found.items()})
    latest_changes = []
    for owner_id, entry_at, card_at in rows:
        version, changes = found[owner_id]
        # A version that changed no field of the profile changed who sees what.
        moved = not changes or any(stay.since == version for stay in stays[owner_id])
        at = times.get((owner_id, version)) or (entry_at if moved else card_at)
        latest_changes.append(CardChange(owner_id, names.get(owner_id, ""), at, changes))
    return latest_changes


def since(session: Session, viewer_id: int, versions: Mapping[int, int]) -> dict[int, list[FieldChange]]:
    """
    Return by owner what somebody is shown now that is new or changed since these versions of the owners' profiles.

    What was changed back, or is not shown any more, is nothing new; neither is anything of an owner who was not shown
    to them without a break since then. Such owners are left out.
    """
    present = select(Entry.id).where(
        Entry.viewer_id == viewer_id,
        among(session, Entry.id, list(versions)),
        Entry.kind == CONNECTION,
        Entry.state == PRESENT,
    )
    owners = session.scalars(present).all()
    stays = _stays(session, viewer_id, owners)
    disclosed = _disclosed(session, stays)
    found = {}
    for owner_id in owners:
        version, all_of_it = versions[owner_id], disclosed[owner_id]
        was_there = stays[owner_id] and _beginning(stays[owner_id]) <= version
        changes = _news(_seen_at(all_of_it, version), _seen_at(all_of_it, _NEVER - 1)) if was_there else []
        if changes:
            found[owner_id] = sorted(changes, key=lambda change: change.kind)
    return found


class _Stay(NamedTuple):
    """Between which versions of an owner's profile the viewer was in an audience."""

    owner_id: int
    audience_id: int
    since: int
    until: int | None


@dataclass(frozen=True, slots=True)
class _Disclosed:
    """One value of a field, and the versions of the profile between which the viewer was shown it."""

    field_id: int
    kind: str
    content: str
    since: int
    until: int


_NEVER = 2**62


def _stays(session: Session, viewer_id: int, owners: Sequence[int]) -> dict[int, list[_Stay]]:
    found: dict[int, list[_Stay]] = {owner_id: [] for owner_id in owners}
    for row in read(session, _chosen_stays, {"viewer": viewer_id}, owners=owners):
        stay = _Stay(*row)
        found[stay.owner_id].append(stay)
    return found


def _disclosed(session: Session, stays: Mapping[int, Sequence[_Stay]]) -> dict[int, list[_Disclosed]]:
    audiences = {stay.audience_id for each in stays.values() for stay in each}
    shown = read(session, _chosen_fields, {}, owners=list(stays), audiences=audiences)
    found: dict[int, list[_Disclosed]] = {owner_id: [] for owner_id in stays}
    for owner_id, audience_id, shown_since, shown_until, field_id, kind, content, said_since, said_until in shown:
        for stay in stays[owner_id]:
            since = max(stay.since, shown_since, said_since)
            until = min(end if end is not None else _NEVER for end in (stay.until, shown_until, said_until))
            if audience_id == stay.audience_id and since < until:
                found[owner_id].append(_Disclosed(field_id, kind, content, since, until))
    return found


def _times(session: Session, versions: Mapping[int, int]) -> dict[tuple[int, int], int]:
    """Return when profiles came to be at these versions, by owner and version; those that changed no field are none."""
    found = read(session, _chosen_times, {}, owners=list(versions), versions=set(versions.values()))
    return {(owner_id, version): at for owner_id, version, at in found}


@functools.cache
def _newest(_dialect: str, *, is_apart: bool) -> Select[*tuple[Any, ...]]:
    entries = (
        select(Entry.id, Entry.changed_at)
        .where(Entry.viewer_id == bindparam("viewer"), Entry.kind == CONNECTION, Entry.state == PRESENT)
        .order_by(Entry.changed_at.desc(), Entry.id)
        .limit(bindparam("count"))
        .offset(bindparam("offset"))
    )
    return entry_cards.apart(entries) if is_apart else entry_cards.together(entries, Card.changed_at)


@functools.cache
def _chosen_stays(dialect: str) -> Select[int, int, int, int | None]:
    columns = [getattr(DisclosedAudience, name) for name in _Stay._fields]
    chosen = select(*columns).where(among_parameter(dialect, DisclosedAudience.owner_id, "owners"))
    return chosen.where(DisclosedAudience.viewer_id == bindparam("viewer")).order_by(DisclosedAudience.since)


@functools.cache
def _chosen_fields(dialect: str) -> Select[*tuple[Any, ...]]:
    same = (FieldState.owner_id == DisclosedField.owner_id) & (FieldState.field_id == DisclosedField.field_id)
    return (
        select(
            DisclosedField.owner_id,
            DisclosedField.audience_id,
            DisclosedField.since,
            DisclosedField.until,
            FieldState.field_id,
            FieldState.kind,
            FieldState.content,
            FieldState.since,
            FieldState.until,
        )
        .join(FieldState, same)
        .where(
            among_parameter(dialect, DisclosedField.owner_id, "owners"),
            among_parameter(dialect, DisclosedField.audience_id, "audiences"),
        )
    )


@functools.cache
def _chosen_times(dialect: str) -> Select[int, int, int]:
    return select(ProfileState.owner_id, ProfileState.version, ProfileState.changed_at).where(
        among_parameter(dialect, ProfileState.owner_id, "owners"),
        among_parameter(dialect, ProfileState.version, "versions"),
    )


def _last_change(stays: Sequence[_Stay], disclosed: list[_Disclosed]) -> tuple[int, list[FieldChange]]:
    """Return the version of the profile with which a card became what it is, and what changed then."""
    # The two may have been connected before; what counts is this time.
    began = _beginning(stays)
    points = {point for seen in disclosed for point in (seen.since, seen.until) if began < point < _NEVER}
    return _last_difference(disclosed, sorted(points, reverse=True)) or (began, [])


def _beginning(stays: Sequence[_Stay]) -> int:
    began = 0
    before: int | None = -1
    for stay in stays:
        if stay.since != before:
            began = stay.since
        before = stay.until
    return began


def _last_difference(disclosed: list[_Disclosed], points: list[int]) -> tuple[int, list[FieldChange]] | None:
    # An edge between two times of the same value, as when somebody moves from one group to another, is none.
    for point in points:
        before, after = _seen_at(disclosed, point - 1), _seen_at(disclosed, point)
        changes = _news(before, after)
        changes += [FieldChange(GONE, seen.kind, None) for field_id, seen in before.items() if field_id not in after]
        if changes:
            return point, changes
    return None


def _news(before: Mapping[int, _Disclosed], after: Mapping[int, _Disclosed]) -> list[FieldChange]:
    return [
        FieldChange(CHANGED if field_id in before else NEW, seen.kind, FieldContent.load(seen.kind, seen.content))
        for field_id, seen in after.items()
        if field_id not in before or before[field_id].content != seen.content
    ]


def _seen_at(disclosed: list[_Disclosed], version: int) -> dict[int, _Disclosed]:
    return {seen.field_id: seen for seen in disclosed if seen.since <= version < seen.until}
