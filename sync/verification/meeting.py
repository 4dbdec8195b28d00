"""What must be true of how people are found: no key finds who does not want it."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from sync.models import OwnSearchKey, SearchKey
from sync.sharing import search_keys
from sync.verification.reading import Page, Problem, chunks


def listing_of(page: Page) -> Iterator[Problem]:
    """Yield what is wrong with the keys by which people are found."""
    rows = page.rows(select(OwnSearchKey.owner_id, OwnSearchKey.key), OwnSearchKey.owner_id)
    found_by = {owner_id: {key for (key,) in those} for owner_id, those in rows.items()}
    kept = {each: {key for key in keys if not key.startswith(search_keys.OWN)} for each, keys in found_by.items()}
    wanted = search_keys.wanted_of(page.session, [owner_id for owner_id, keys in kept.items() if keys])
    held = _held(page, kept)
    for owner_id, keys in kept.items():
        if keys - wanted.get(owner_id, frozenset()):
            yield owner_id, "The directory has keys by which the person does not want to be found."
        if held.get(owner_id, set()) != keys:
            yield owner_id, "The directory does not have the keys that the person is listed under."


def _held(page: Page, kept: dict[int, set[str]]) -> dict[int, set[str]]:
    """Return by person which of their keys the directory has."""
    held: dict[int, set[str]] = {}
    for some in chunks(sorted(set().union(*kept.values()))):
        # Somebody else may have the same name; theirs is asked for with them.
        for key, owner_id in page.session.execute(
            select(SearchKey.key, SearchKey.account_id).where(
                SearchKey.key.in_(some), page.theirs(SearchKey.account_id)
            )
        ):
            if key in kept.get(owner_id, ()):
                held.setdefault(owner_id, set()).add(key)
    return held


def directory(session: Session) -> Iterator[str]:
    """Yield whether the directory has keys that nobody is listed under; what is missing there, `listing_of` finds."""
    held = session.scalars(select(func.count()).select_from(SearchKey)).one()
    listed = session.scalars(select(func.count()).select_from(OwnSearchKey)).one()
    if held > listed:
        yield f"The directory has {held} keys, and people are listed under {listed}."
