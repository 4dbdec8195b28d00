"""
Earlier versions of what a person's devices wrote: their private entries, and what they added to other people's cards.

Some clients overwrite and delete without looking (client facts T-7, E-1), so what they replace is kept for a while.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from sync.database import settings_of
from sync.models import Entry, EntryVersion, now

_DAY = 86_400


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


def of_person(session: Session, viewer_id: int) -> Sequence[tuple[Entry, EntryVersion]]:
    """Return every version that is kept of a person's entries, with its entry, the last that was replaced first."""
    rows = session.execute(
        select(Entry, EntryVersion)
        .join(EntryVersion, (EntryVersion.viewer_id == Entry.viewer_id) & (EntryVersion.entry_id == Entry.id))
        .where(Entry.viewer_id == viewer_id)
        .order_by(EntryVersion.replaced_at.desc(), EntryVersion.revision.desc())
    )
    return [(entry, version) for entry, version in rows]
