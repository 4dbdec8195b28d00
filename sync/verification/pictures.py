"""What must be true of pictures that are kept once for all that show them."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import select

from sync.models import Card, FieldState, Picture
from sync.pictures.cutting import digest_of
from sync.verification.reading import Page, Problem


def pictures_of(page: Page) -> Iterator[Problem]:
    """Yield where a card or an earlier field has lost its picture, and which pictures are others or nobody's."""
    named: dict[int, set[str]] = {owner_id: set() for owner_id in page.logins}
    for model in (Card, FieldState):
        found = page.rows(select(model.owner_id, model.picture).where(model.picture.is_not(None)), model.owner_id)
        for owner_id, rows in found.items():
            named[owner_id].update(digest for (digest,) in rows)
    kept: dict[int, set[str]] = {owner_id: set() for owner_id in page.logins}
    for owner_id, pictures in page.stream(select(Picture.owner_id, Picture.digest, Picture.data), Picture.owner_id):
        for _, digest, data in pictures:
            kept[owner_id].add(digest)
            if digest_of(data) != digest:
                yield owner_id, "A picture is not the one that its name says."
    for owner_id in page.logins:
        if named[owner_id] - kept[owner_id]:
            yield owner_id, "A picture of the card or of its past is missing; `evercard render` mends the card."
        if kept[owner_id] - named[owner_id]:
            yield owner_id, "A picture is kept that nothing shows."
