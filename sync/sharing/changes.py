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
from collections.abc import Iterator, Sequence
from dataclasses import replace

from sqlalchemy import bindparam, update
from sqlalchemy.orm import Session

from sync.database.engine import all_or_nothing, settings_of
from sync.database.prepared import ask
from sync.disclosure import disclosure_thinning
from sync.errors import LimitExceeded, NotFound
from sync.models import Base, now
from sync.pipeline.answers import Answer
from sync.push import news
from sync.revisions import (
    address_books,
    fan_out,
    link_revisions,
    list_states,
    roster_news,
    shared_fields,
)
from sync.sharing import cards, history, search_keys
from sync.sharing.unit_of_work import Change, Extent, OwnCard
from sync.sharing.visibility import StoredField

__all__ = ["Change", "change", "hold", "render_anew"]


@contextlib.contextmanager
def change(session: Session, *owner_ids: int, wants_fields: bool = False) -> Iterator[Change]:
    """
    Do the statements of the block as one change of what these owners show; whether it *wants fields* of theirs at once.

    If the block raises, nothing of it stays, whatever the caller does about the error.

    Raises:
        NotFound: One of the owners does not exist.
        LimitExceeded: A profile that was changed has more, or larger, fields than it may have, or is too large as a
        whole.
    """
    with all_or_nothing(session):
        at = now()
        owners = sorted(set(owner_ids))
        under_way, locks = Change(session, at, {}), {each: _lock(session, each, at) for each in owners}
        for owner_id in owners if wants_fields else ():
            under_way.ask_fields(owner_id)
        under_way.versions.update({owner_id: _locked(asked) for owner_id, asked in locks.items()})
        yield under_way
        session.flush()
        rewritten = [owner_id for owner_id in owners if _carry(under_way, owner_id).fields]
        viewers = under_way.told.union(*under_way.entries.values())
        if others := list_states.shown_by(session, under_way.listed - viewers):
            list_states.lock(session, viewers.union(others))
        browsers = address_books.raise_revisions(session, viewers, at)
        for entry_id, holders in sorted(under_way.entries.items()):
            address_books.stamp(session, holders, entry_id, at, under_way.versions.get(entry_id))
        roster_news.reach(session, under_way.rostered, under_way.restated, at, under_way.versions)
        # Of those whose books were not locked before, nobody can have chosen lists for a device since.
        for viewer_id in others + list_states.shown_by(session, under_way.listed & viewers):
            list_states.renew(session, viewer_id, at)
        states = {each: history.close(session, each, under_way.versions[each], at) for each in rewritten}
        for owner_id, holders in sorted(under_way.entries.items()):
            if owner_id in under_way.versions:
                news.note_card(session, browsers, holders, owner_id, under_way.versions[owner_id])
        for owner_id, asked in states.items():
            _close(under_way, owner_id, asked)
        for owner_id, version in under_way.versions.items():
            disclosure_thinning.ask(session, owner_id, version, at)


def hold(session: Session, owner_id: int) -> None:
    """Take the lock that `change` takes first, where something else must be locked or looked at before the change."""
    fan_out.hold(session, owner_id)


def _lock(session: Session, owner_id: int, at: int) -> Answer:
    return ask(session, _LOCK, {"owner": owner_id, "at": at})


def _locked(asked: Answer) -> int:
    for (version,) in asked.rows:
        return int(version)
    raise NotFound("There is no such person.")


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
    fields, shared = under_way.fields_of(owner_id), None
    if extent.fields:
        _check_limits(session, fields)
        history.record(session, owner_id, fields, extent.fields, version)
        shared = shared_fields.ask(session, owner_id, extent.fields)
    refreshed = cards.refresh(session, owner_id, fields, version, under_way.at, extent)
    if shared is not None and shared.rows:
        shared_fields.note(session, owner_id, *under_way.respoken(owner_id), under_way.at)
    if extent.everything or search_keys.is_about_names(under_way.kinds_of(owner_id, extent.fields | extent.regranted)):
        search_keys.renew_names(session, owner_id)
    _tell(under_way, owner_id, refreshed)


def _tell(under_way: Change, owner_id: int, refreshed: cards.Refreshed) -> None:
    if refreshed.own in refreshed.changed:
        under_way.touch(owner_id, owner_id)
        under_way.own_cards[owner_id] = OwnCard(refreshed.changed[refreshed.own], 0, under_way.at)
    if refreshed.linked:
        link_revisions.raise_shown(under_way.session, owner_id, refreshed.linked, under_way.at)
    others = {refreshed.own, *refreshed.linked, *refreshed.rostered}
    held = [card_id for card_id in refreshed.changed if card_id not in others]
    decided = fan_out.plan(under_way.session, owner_id, held, refreshed.rostered)
    if decided.viewers:
        under_way.touch_all(decided.viewers, owner_id)
    for organisation_id in decided.organisations:
        under_way.rostered[organisation_id].add(owner_id)
        under_way.restated[organisation_id].add(owner_id)
    fan_out.defer(under_way.session, owner_id, decided.deferred, under_way.at, under_way.versions[owner_id])


def _close(under_way: Change, owner_id: int, asked: Answer) -> None:
    """Note of what was kept of the state that a profile is in, now that everybody concerned was told."""
    revision = history.closed(under_way.session, owner_id, under_way.versions[owner_id], asked)
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
