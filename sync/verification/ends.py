"""What must be true of what people gave until a certain time."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import func, select

from sync.models import BUCKETS, Ending, NextEnd
from sync.verification.reading import Page, Problem


def ends_of(page: Page) -> Iterator[Problem]:
    """Yield what is wrong with people's ends: that something would be shown for longer than they said."""
    soonest = page.rows(select(Ending.owner_id, func.min(Ending.ends_at)).group_by(Ending.owner_id), Ending.owner_id)
    # They are kept by bucket, so that whoever is not in one of these is not read.
    chosen = select(NextEnd.owner_id, NextEnd.bucket, NextEnd.due_at).where(NextEnd.bucket.in_(range(BUCKETS)))
    looked_for = page.rows(chosen, NextEnd.owner_id)
    for owner_id, found in soonest.items():
        in_time = [due_at for bucket, due_at in looked_for[owner_id] if bucket == owner_id % BUCKETS]
        if found and not any(due_at <= found[0][0] for due_at in in_time):
            yield owner_id, "Something of this person's ends, and nobody would look for it in time."
