"""What must be true of what people gave until a certain time."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import func, select

from sync.database.distribution import buckets_of
from sync.models import CardLink, Ending, NextEnd
from sync.verification.reading import Page, Problem


def ends_of(page: Page) -> Iterator[Problem]:
    """Yield what is wrong with people's ends: that something would be shown for longer than they said."""
    kinds = [
        page.rows(select(model.owner_id, func.min(model.ends_at)).group_by(model.owner_id), model.owner_id)
        for model in (Ending, CardLink)
    ]
    buckets = buckets_of(page.session)
    # They are kept by bucket, so that whoever is not in one of these is not read.
    chosen = select(NextEnd.owner_id, NextEnd.bucket, NextEnd.due_at).where(NextEnd.bucket.in_(buckets.numbers))
    looked_for = page.rows(chosen, NextEnd.owner_id)
    for owner_id in page.logins:
        firsts = [first for of_kind in kinds for (first,) in of_kind[owner_id] if first is not None]
        in_time = [due_at for bucket, due_at in looked_for[owner_id] if bucket == buckets.of(owner_id)]
        if firsts and not any(due_at <= min(firsts) for due_at in in_time):
            yield owner_id, "Something of this person's ends, and nobody would look for it in time."
