"""
One change of what an owner shows.

Everything that alters a profile, its groups, grants or connections happens inside `change`.

It takes the owner's lock first, and afterwards renders, compares and carries, once for all that was done inside. So
no caller has to know what its change means for whom. Only what a change can alter is rendered: which fields say
something else is read from the history, and what makes an audience or writes a grant notes it in the `Change`, without
which it cannot do so.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import replace

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from sync.database.engine import all_or_nothing, settings_of
from sync.errors import LimitExceeded, NotFound
from sync.models import Base, Field, now
from sync.revisions import address_books, fan_out
from sync.sharing import cards, disclosure_thinning, history, search_keys
from sync.sharing.unit_of_work import Change
from sync.sharing.visibility import fields_of

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
        for owner_id in owners:
            _carry(under_way, owner_id)
        viewers = set().union(*under_way.entries.values())
        address_books.raise_revisions(session, viewers, at)
        for entry_id, holders in sorted(under_way.entries.items()):
            address_books.stamp(session, holders, entry_id, at)
        for owner_id in sorted(under_way.rewritten):
            history.date(session, owner_id, under_way.versions[owner_id])
        for owner_id, version in under_way.versions.items():
            disclosure_thinning.ask(session, owner_id, version, at)


def hold(session: Session, owner_id: int) -> None:
    """Take the lock that `change` takes first, where something else must be locked or looked at before the change."""
    session.execute(_HOLD, {"owner": owner_id})


def _lock(session: Session, owner_id: int, at: int) -> int:
    version: int | None = session.scalars(_LOCK, {"owner": owner_id, "at": at}).first()
    if version is None:
        raise NotFound("There is no such person.")
    return version


def _carry(under_way: Change, owner_id: int) -> None:
    session = under_way.session
    cards.drop_unused(session, owner_id, under_way.left.get(owner_id, ()))
    if owner_id in under_way.rewritten or under_way.extent(owner_id):
        _render(under_way, owner_id)
    moves = under_way.moves.get(owner_id, {})
    digests = cards.digests_for(session, owner_id, moves.keys()) if moves else {}
    for viewer_id, before in moves.items():
        if digests.get(viewer_id, "") != before:
            under_way.touch(viewer_id, owner_id)


def _render(under_way: Change, owner_id: int) -> None:
    session, version = under_way.session, under_way.versions[owner_id]
    extent, fields = under_way.extent(owner_id), fields_of(session, owner_id)
    if owner_id in under_way.rewritten:
        _check_limits(session, fields)
        changed = history.record(session, owner_id, fields, version, under_way.at)
        extent = replace(extent, fields=frozenset(changed))
    if not extent:
        return
    size = cards.size_of_own(session, owner_id) if extent.fields else 0
    refreshed = cards.refresh(session, owner_id, fields, version, under_way.at, extent)
    if extent.fields:
        _check_size(session, owner_id, size)
    if extent.is_about_fields:
        search_keys.renew_names(session, owner_id)
    _tell(under_way, owner_id, refreshed)


def _tell(under_way: Change, owner_id: int, refreshed: cards.Refreshed) -> None:
    if refreshed.own in refreshed.changed:
        under_way.touch(owner_id, owner_id)
    held = [card_id for card_id in refreshed.changed if card_id != refreshed.own]
    decided = fan_out.plan(under_way.session, owner_id, held)
    for viewer_id in decided.viewers:
        under_way.touch(viewer_id, owner_id)
    fan_out.defer(under_way.session, owner_id, decided.deferred, under_way.at)


def render_anew(session: Session, owner_id: int) -> None:
    """
    Write an owner's cards as this release writes them, and carry those that differ from what is stored.

    Raises:
        NotFound: There is no such person.
    """
    with change(session, owner_id) as under_way:
        under_way.anew.add(owner_id)


def _check_limits(session: Session, fields: Sequence[Field]) -> None:
    limits = settings_of(session).limits
    if len(fields) > limits.fields:
        raise LimitExceeded(f"A profile has at most {limits.fields} fields.")
    for stored in fields:
        if len(stored.content) > limits.field_size:
            raise LimitExceeded(f"A field ({stored.kind}) is larger than {limits.field_size} characters.")


def _check_size(session: Session, owner_id: int, before: int) -> None:
    """Make sure that a card did not grow beyond what it may have; one that was larger may become smaller."""
    limit, size = settings_of(session).limits.profile_size, cards.size_of_own(session, owner_id)
    if size > max(limit, before):
        raise LimitExceeded(f"A whole card has at most {limit // 1024} kB; this would make it {size // 1024 + 1} kB.")


_PROFILES = Base.metadata.tables["profile"]
_HOLD = select(_PROFILES.c.version).where(_PROFILES.c.owner_id == bindparam("owner")).with_for_update()
_LOCK = (
    update(_PROFILES)
    .where(_PROFILES.c.owner_id == bindparam("owner"))
    .values(version=_PROFILES.c.version + 1, changed_at=bindparam("at"))
    .returning(_PROFILES.c.version)
)
