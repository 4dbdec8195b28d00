"""What must be true of the card links that people have."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import select

from sync.models import Audience, CardLink
from sync.sharing import cards
from sync.sharing.visibility import Composition
from sync.verification.owners import composition_in
from sync.verification.reading import Page, Problem


def links_of(page: Page) -> Iterator[Problem]:
    """Yield what is wrong with people's card links: above all, that one shows another card than that of its group."""
    shown = (Audience.owner_id == CardLink.owner_id) & (Audience.id == CardLink.audience_id)
    columns = (CardLink.owner_id, CardLink.label, CardLink.group_id, Audience.kind, Audience.composition)
    found = page.rows(select(*columns).outerjoin(Audience, shown), CardLink.owner_id)
    for owner_id, rows in found.items():
        for label, group_id, kind, text in rows:
            alone = Composition(frozenset({group_id}), connected=False)
            if kind != cards.LINK or composition_in(text, kind) != alone:
                yield owner_id, f"The card link {label!r} shows another card than that of its group alone."
