"""
One change of what an owner shows.

Everything that alters a profile, its groups, grants or connections happens inside `change`.

It takes the owner's lock first, and afterwards renders, compares and carries, once for all that was done inside. So
no caller has to know what its change means for whom. Only what a change can alter is rendered: which fields say
something else is noted in the `Change`, and what makes an audience or writes a grant notes it in the `Change`, without
which it cannot do so.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from sync.database.engine import all_or_nothing, settings_of
from sync.database.prepared import value
from sync.disclosure import disclosure_thinning
from sync.errors import LimitExceeded, NotFound
from sync.models import Base, Membership, now
from sync.push import news
from sync.revisions import (
    address_books,
    fan_out,
    link_revisions,
    list_states,
    roster_changes,
    roster_news,
    rosters,
    shared_fields,
)
from sync.sharing import cards, history, search_keys
from sync.sharing.unit_of_work import Change, Extent, OwnCard
from sync.sharing.visibility import StoredField

__all__ = ["Change", "change", "hold", "render_anew"]


@contextlib.contextmanager
def change(session: Session, *owner_ids: int) -> Iterator[Change]:
    """
    Do the statements of the block as one change of what these owners show.

    If the block raises, nothing of it stays, whatever the caller does about the error.

    Raises:
        NotFound: One of the owners does not exist.
        LimitExceeded: A profile that was changed has more, or larger, fields than it may have, or is too large as a
        whole.
    """
    with all_or_nothing(session):
        at = now()
        owners = sorted(set(owner_ids))
        under_way = Change(session, at, {owner_id: _lock(session, owner_id, at) for owner_id in owners})
        yield under_way
        session.flush()
        rewritten = [owner_id for owner_id in owners if _carry(under_way, owner_id).fields]
        viewers = under_way.told.union(*under_way.entries.values())
        if others := list_states.shown_by(session, under_way.listed - viewers):
            list_states.lock(session, viewers.union(others))
        browsers = address_books.raise_revisions(session, viewers, at)
        for entry_id, holders in sorted(under_way.entries.items()):
            address_books.stamp(session, holders, entry_id, at, under_way.versions.get(entry_id))
            if entry_id in under_way.versions:
                news.note_card(session, browsers, holders, entry_id, under_way.versions[entry_id])
        revisions = rosters.stamp(session, under_way.rostered, at, under_way.versions)
        roster_changes.note(session, under_way.restated, under_way.versions, at, revisions)
        roster_news.ask(session, under_way.rostered, at, revisions)
        # Of those whose books were not locked before, nobody can have chosen lists for a device since.
        for viewer_id in others + list_states.shown_by(session, under_way.listed & viewers):
            list_states.renew(session, viewer_id, at)
        for owner_id in rewritten:
            _close(under_way, owner_id)
        for owner_id, version in under_way.versions.items():
            disclosure_thinning.ask(session, owner_id, version, at)


def hold(session: Session, owner_id: int) -> None:
    """Take the lock that `change` takes first, where something else must be locked or looked at before the change."""
    fan_out.hold(session, owner_id)


def _lock(session: Session, owner_id: int, at: int) -> int:
    version: int | None = value(session, _LOCK, {"owner": owner_id, "at": at})
    if version is None:
        raise NotFound("There is no such person.")
    return version


def _carry(under_way: Change, owner_id: int) -> Extent:
    session, extent = under_way.session, under_way.extent(owner_id)
    cards.drop_unused(session, owner_id, under_way.left.get(owner_id, ()))
    if extent:
        _render(under_way, owner_id, extent)
    moves = under_way.moves.get(owner_id, {})
    digests = cards.digests_for(session, owner_id, moves.keys()) if moves else {}
    for viewer_id, before in moves.items():
        if digests.get(viewer_id, "") != before:
            under_way.touch(viewer_id, owner_id)
    return extent


def _render(under_way: Change, owner_id: int, extent: Extent) -> None:
    session, version = under_way.session, under_way.versions[owner_id]
    fields = under_way.fields_of(owner_id)
    if extent.fields:
        _check_limits(session, fields)
        history.record(session, owner_id, fields, extent.fields, version)
        shared_fields.note(session, owner_id, *under_way.respoken(owner_id), under_way.at)
    refreshed = cards.refresh(session, owner_id, fields, version, under_way.at, extent)
    if extent.everything or search_keys.is_about_names(under_way.kinds_of(owner_id, extent.fields | extent.regranted)):
        search_keys.renew_names(session, owner_id)
    _tell(under_way, owner_id, refreshed)


def _tell(under_way: Change, owner_id: int, refreshed: cards.Refreshed) -> None:
    if refreshed.own in refreshed.changed:
        under_way.touch(owner_id, owner_id)
        under_way.own_cards[owner_id] = OwnCard(refreshed.changed[refreshed.own], 0, under_way.at)
    if refreshed.linked:
        link_revisions.raise_shown(under_way.session, owner_id, refreshed.linked, under_way.at)
    if refreshed.rostered:
        _tell_members(under_way, owner_id, refreshed.rostered)
    others = {refreshed.own, *refreshed.linked, *refreshed.rostered}
    held = [card_id for card_id in refreshed.changed if card_id not in others]
    decided = fan_out.plan(under_way.session, owner_id, held)
    if decided.viewers:
        under_way.touch_all(decided.viewers, owner_id)
    fan_out.defer(under_way.session, owner_id, decided.deferred, under_way.at, under_way.versions[owner_id])


def _tell_members(under_way: Change, owner_id: int, audience_ids: Collection[int]) -> None:
    session = under_way.session
    shown = (Membership.owner_id == owner_id, Membership.audience_id.in_(sorted(audience_ids)))
    for organisation_id in session.scalars(select(Membership.organisation_id).where(*shown)):
        under_way.rostered[organisation_id].add(owner_id)
        under_way.restated[organisation_id].add(owner_id)


def _close(under_way: Change, owner_id: int) -> None:
    """Keep the state that a profile is in, now that everybody concerned was told."""
    version = under_way.versions[owner_id]
    revision = history.close(under_way.session, owner_id, version, under_way.at)
    own = under_way.own_cards.pop(owner_id, None)
    if own is not None and revision is not None:
        under_way.own_cards[owner_id] = replace(own, revision=revision)


def render_anew(session: Session, owner_id: int) -> None:
    """
    Write an owner's cards as this release writes them, and carry those that differ from what is stored.

    Raises:
        NotFound: There is no such person.
    """
    with change(session, owner_id) as under_way:
        under_way.anew.add(owner_id)


def _check_limits(session: Session, fields: Sequence[StoredField]) -> None:
    limits = settings_of(session).limits
    if len(fields) > limits.fields:
        raise LimitExceeded(f"A profile has at most {limits.fields} fields.")
    for stored in fields:
        if len(stored.content) > limits.field_size:
            raise LimitExceeded(f"A field ({stored.kind}) is larger than {limits.field_size} characters.")


_PROFILES = Base.metadata.tables["profile"]
_LOCK = (
    update(_PROFILES)
    .where(_PROFILES.c.owner_id == bindparam("owner"))
    .values(version=_PROFILES.c.version + 1, changed_at=bindparam("at"))
    .returning(_PROFILES.c.version)
)
