"""
Earlier versions of what a person's devices wrote: their private entries, and what they added to other people's cards.

Some clients overwrite and delete without looking (client facts T-7, E-1), so what they replace is kept for a while.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from sync.database.engine import settings_of
from sync.database.models import Entry, EntryVersion, now
from sync.errors import NotFound

#: A version that is kept, after the entry that it is of.
KeptVersion: TypeAlias = tuple[Entry, EntryVersion]
_DAY = 86_400
#: What an overlay was before there was one: it is kept to be compared with, and nobody needs it back.
NOTHING = b"[]"


def keep(session: Session, entry: Entry, content: bytes) -> None:
    """
    Keep what an entry had until now, and let go of what is older than the settings say.

    *content* is the bytes of a private entry, or the text form of an overlay in UTF-8.
    """
    at = now()
    days = settings_of(session).keep_versions_days
    mine = EntryVersion.viewer_id == entry.viewer_id
    session.execute(delete(EntryVersion).where(mine, EntryVersion.replaced_at < at - days * _DAY))
    # Of several changes in one transaction the first had what was there before.
    known = select(EntryVersion.revision).where(
        mine, EntryVersion.entry_id == entry.id, EntryVersion.revision == entry.revision
    )
    if days and session.scalars(known).first() is None:
        session.execute(
            insert(EntryVersion).values(
                viewer_id=entry.viewer_id,
                entry_id=entry.id,
                revision=entry.revision,
                replaced_at=at,
                content=content,
            )
        )


def of_person(session: Session, viewer_id: int, *, count: int | None = None, offset: int = 0) -> Sequence[KeptVersion]:
    """
    Return the versions that are kept of a person's entries, with their entries, the last that was replaced first.

    *count* of them after *offset*; all without *count*.
    """
    newest_first = (EntryVersion.replaced_at.desc(), EntryVersion.revision.desc(), EntryVersion.entry_id)
    chosen = _KEPT.where(Entry.viewer_id == viewer_id, EntryVersion.content != NOTHING).order_by(*newest_first)
    if count is not None:
        chosen = chosen.limit(count).offset(offset)
    return [(entry, version) for entry, version in session.execute(chosen)]


def find(session: Session, viewer_id: int, entry_id: int, revision: int) -> KeptVersion:
    """
    Return one version that is kept of a person's entry, with its entry.

    Raises:
        NotFound: Nothing of that revision is kept.
    """
    chosen = _KEPT.where(Entry.viewer_id == viewer_id, Entry.id == entry_id, EntryVersion.revision == revision)
    for entry, version in session.execute(chosen):
        return entry, version
    raise NotFound("No such version of an entry is kept.")


_KEPT = select(Entry, EntryVersion).join(
    EntryVersion, (EntryVersion.viewer_id == Entry.viewer_id) & (EntryVersion.entry_id == Entry.id)
)
