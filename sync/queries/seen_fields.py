"""
Which values of whose fields somebody was shown, between which versions of the owners' profiles, and what changed in it.

It is read from what is kept of every profile and of who was shown what (`sync.sharing.history`, `sync.disclosure`). An
organisation is somebody here: what it was shown, its members were, for as long as they saw the owner by it.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from sync.database.lists import among_parameter
from sync.database.prepared import read
from sync.fields import FieldContent
from sync.models import DisclosedAudience, DisclosedField, FieldState, ProfileState
from sync.pictures.past_fields import CONTENT, content_of, with_pictures

NEW, CHANGED, GONE = "new", "changed", "gone"
#: After every version.
NEVER = 2**62


@dataclass(frozen=True, slots=True)
class FieldChange:
    """
    One field of a card that is ``new``, ``changed`` or ``gone``.

    *content* is what it says now; absent for one that is gone, of which the reader has no right to more than the kind.
    """

    what: str
    kind: str
    content: FieldContent | None


class Stay(NamedTuple):
    """Between which versions of an owner's profile the viewer was in an audience."""

    owner_id: int
    viewer_id: int
    audience_id: int
    since: int
    until: int | None


@dataclass(frozen=True, slots=True)
class Disclosed:
    """One value of a field, and the versions of the profile between which the viewer was shown it."""

    field_id: int
    kind: str
    content: str
    since: int
    until: int


def stays(session: Session, viewer_ids: Collection[int], owners: Collection[int]) -> list[Stay]:
    """Return when each of these viewers was in an audience of each of these owners, by version."""
    return [Stay(*row) for row in read(session, _chosen_stays, {}, viewers=viewer_ids, owners=owners)]


def disclosed(session: Session, stays: Mapping[int, Sequence[Stay]]) -> dict[int, list[Disclosed]]:
    """Return by owner what whoever stayed there was shown."""
    audiences = {stay.audience_id for each in stays.values() for stay in each}
    shown = read(session, _chosen_fields, {}, owners=list(stays), audiences=audiences)
    found: dict[int, list[Disclosed]] = {owner_id: [] for owner_id in stays}
    for owner_id, audience_id, shown_since, shown_until, field_id, kind, said_since, said_until, *said in shown:
        content = content_of(*said)
        for stay in stays[owner_id]:
            since = max(stay.since, shown_since, said_since)
            until = min(end if end is not None else NEVER for end in (stay.until, shown_until, said_until))
            if audience_id == stay.audience_id and since < until:
                found[owner_id].append(Disclosed(field_id, kind, content, since, until))
    return found


def times(session: Session, versions: Mapping[int, int]) -> dict[tuple[int, int], int]:
    """Return when profiles came to be at these versions, by owner and version; those that changed no field are none."""
    found = read(session, _chosen_times, {}, owners=list(versions), versions=set(versions.values()))
    return {(owner_id, version): at for owner_id, version, at in found}


def last_change(began: int, disclosed: Sequence[Disclosed]) -> tuple[int, list[FieldChange]] | None:
    """Return the last version after *began* with which a card said something else, and what; None where none did."""
    points = {point for seen in disclosed for point in (seen.since, seen.until) if began < point < NEVER}
    # An edge between two times of the same value, as when somebody moves from one group to another, is none.
    for point in sorted(points, reverse=True):
        before, after = _seen_at(disclosed, point - 1), _seen_at(disclosed, point)
        changes = _news(before, after)
        changes += [FieldChange(GONE, seen.kind, None) for field_id, seen in before.items() if field_id not in after]
        if changes:
            return point, changes
    return None


def news_since(version: int, disclosed: Sequence[Disclosed]) -> list[FieldChange]:
    """Return what is shown now that is new or changed since a version."""
    changes = _news(_seen_at(disclosed, version), _seen_at(disclosed, NEVER - 1))
    return sorted(changes, key=lambda change: change.kind)


def beginning(stays: Sequence[Stay]) -> int:
    """Return since when a viewer is there without a break, by stays in their order."""
    # The two may have been connected before; what counts is this time.
    began = 0
    before: int | None = -1
    for stay in stays:
        if stay.since != before:
            began = stay.since
        before = stay.until
    return began


def _news(before: Mapping[int, Disclosed], after: Mapping[int, Disclosed]) -> list[FieldChange]:
    return [
        FieldChange(CHANGED if field_id in before else NEW, seen.kind, FieldContent.load(seen.kind, seen.content))
        for field_id, seen in after.items()
        if field_id not in before or before[field_id].content != seen.content
    ]


def _seen_at(disclosed: Sequence[Disclosed], version: int) -> dict[int, Disclosed]:
    return {seen.field_id: seen for seen in disclosed if seen.since <= version < seen.until}


@functools.cache
def _chosen_stays(dialect: str) -> Select[int, int, int, int, int | None]:
    columns = [getattr(DisclosedAudience, name) for name in Stay._fields]
    chosen = select(*columns).where(among_parameter(dialect, DisclosedAudience.owner_id, "owners"))
    theirs = among_parameter(dialect, DisclosedAudience.viewer_id, "viewers")
    return chosen.where(theirs).order_by(DisclosedAudience.since)


@functools.cache
def _chosen_fields(dialect: str) -> Select[*tuple[Any, ...]]:
    same = (FieldState.owner_id == DisclosedField.owner_id) & (FieldState.field_id == DisclosedField.field_id)
    chosen = (
        select(
            DisclosedField.owner_id,
            DisclosedField.audience_id,
            DisclosedField.since,
            DisclosedField.until,
            FieldState.field_id,
            FieldState.kind,
            FieldState.since,
            FieldState.until,
            *CONTENT,
        )
        .join(FieldState, same)
        .where(
            among_parameter(dialect, DisclosedField.owner_id, "owners"),
            among_parameter(dialect, DisclosedField.audience_id, "audiences"),
        )
    )
    return with_pictures(chosen)


@functools.cache
def _chosen_times(dialect: str) -> Select[int, int, int]:
    return select(ProfileState.owner_id, ProfileState.version, ProfileState.changed_at).where(
        among_parameter(dialect, ProfileState.owner_id, "owners"),
        among_parameter(dialect, ProfileState.version, "versions"),
    )
