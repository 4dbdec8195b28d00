"""
One change of what an owner shows.

Everything that alters a profile, its groups, grants or connections happens inside `change`.

It takes the owner's lock first, and afterwards renders, compares and carries, once for all that was done inside. So
no caller has to know what its change means for whom, and none can forget to tell.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from sync.database.engine import all_or_nothing, settings_of
from sync.database.models import Base, Field, now
from sync.errors import LimitExceeded, NotFound
from sync.revisions import address_books, fan_out
from sync.sharing import cards, disclosure, history, search_keys
from sync.sharing.visibility import fields_of


@dataclass(slots=True)
class Change:
    """
    A change under way.

    *at* is its time. `touch` is for entries that come or go, `moved` for those that were given another card,
    `rewritten` for owners whose fields changed, and `left` for those of whose audiences somebody went; everything else
    follows from the cards.
    """

    session: Session
    at: int
    #: The version that each owner's profile has from now on.
    versions: dict[int, int]
    #: Viewers by entry id.
    entries: dict[int, set[int]] = field(default_factory=dict)
    #: Digest of the card that the viewer had before, by owner and viewer.
    moves: dict[tuple[int, int], str] = field(default_factory=dict)
    rewritten: set[int] = field(default_factory=set)
    left: set[int] = field(default_factory=set)

    def touch(self, viewer_id: int, entry_id: int) -> None:
        """Note that this entry of the viewer's book changes, whatever its card does."""
        self.entries.setdefault(entry_id, set()).add(viewer_id)

    def moved(self, owner_id: int, viewer_id: int, digest: str) -> None:
        """Note that the viewer was given another card than that of *digest*; with the same text it is no change."""
        self.moves.setdefault((owner_id, viewer_id), digest)


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


def hold(session: Session, owner_id: int) -> None:
    """Take the lock that `change` takes first, where something else must be locked or looked at before the change."""
    session.execute(_HOLD, {"owner": owner_id})


def _lock(session: Session, owner_id: int, at: int) -> int:
    version: int | None = session.scalars(_LOCK, {"owner": owner_id, "at": at}).first()
    if version is None:
        raise NotFound("There is no such person.")
    return version


def _carry(under_way: Change, owner_id: int) -> None:
    session, version = under_way.session, under_way.versions[owner_id]
    if owner_id in under_way.left:
        cards.drop_unused(session, owner_id)
    fields = fields_of(session, owner_id)
    size = cards.size_of_own(session, owner_id) if owner_id in under_way.rewritten else 0
    refreshed = cards.refresh(session, owner_id, fields, under_way.at)
    disclosure.show(session, owner_id, refreshed.visible, version)
    if owner_id in under_way.rewritten:
        _check_limits(session, fields)
        _check_size(session, owner_id, size)
        history.record(session, owner_id, fields, version, under_way.at)
    search_keys.renew_names(session, owner_id)
    for (mover, viewer_id), before in under_way.moves.items():
        if mover == owner_id and cards.digest_for(session, owner_id, viewer_id) != before:
            under_way.touch(viewer_id, owner_id)
    if not refreshed.changed:
        return
    if refreshed.own in refreshed.changed:
        under_way.touch(owner_id, owner_id)
    held = [card_id for card_id in refreshed.changed if card_id != refreshed.own]
    decided = fan_out.plan(session, owner_id, held)
    for viewer_id in decided.viewers:
        under_way.touch(viewer_id, owner_id)
    fan_out.defer(session, owner_id, decided.deferred, under_way.at)


def render_anew(session: Session, owner_id: int) -> None:
    """
    Write an owner's cards as this release writes them, and carry those that differ from what is stored.

    Raises:
        NotFound: There is no such person.
    """
    with change(session, owner_id):
        # Whatever is changed, every card is rendered and compared; here nothing else is.
        pass


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
