"""What must be true of the past that is kept: a profile's earlier states, and what each viewer was shown."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import select

from sync.models import Audience, Connection, DisclosedAudience, DisclosedField, Field, FieldState, Membership
from sync.pictures.past_fields import CONTENT, content_of, with_pictures
from sync.sharing import cards
from sync.verification.owners import composition_in, grants_of
from sync.verification.reading import Page, Problem, names_of


def history_of(page: Page) -> Iterator[Problem]:
    """Yield where the newest state of a profile's history is not the profile."""
    state, field = FieldState, Field
    newest = with_pictures(select(state.owner_id, state.field_id, state.position, state.kind, *CONTENT))
    kept = page.rows(newest.where(state.until.is_(None)), state.owner_id)
    now = page.rows(select(field.owner_id, field.id, field.position, field.kind, field.content), field.owner_id)
    for owner_id in page.logins:
        if {(*row[:3], content_of(*row[3:])) for row in kept[owner_id]} != set(map(tuple, now[owner_id])):
            yield owner_id, "The newest state in the history of the profile is not the profile."


def shown_to(page: Page) -> Iterator[Problem]:
    """Yield where it is not known which fields an audience is shown, so that one might become a viewer's own."""
    noted: dict[tuple[int, int], set[int]] = {}
    columns = (DisclosedField.owner_id, DisclosedField.audience_id, DisclosedField.field_id)
    shown = page.rows(select(*columns).where(DisclosedField.until.is_(None)), DisclosedField.owner_id)
    for owner_id, rows in shown.items():
        for audience_id, field_id in rows:
            noted.setdefault((owner_id, audience_id), set()).add(field_id)
    grants = grants_of(page)
    fields = page.rows(select(Field.owner_id, Field.id), Field.owner_id)
    columns_of_audiences = (Audience.owner_id, Audience.id, Audience.kind, Audience.composition)
    audiences = select(*columns_of_audiences).where(Audience.kind != cards.SELF)
    for owner_id, rows in page.rows(audiences, Audience.owner_id).items():
        existing = frozenset(field_id for (field_id,) in fields[owner_id])
        for audience_id, kind, text in rows:
            # What cannot be read is named already by what looks at the cards.
            composition = composition_in(text, kind)
            said = noted.get((owner_id, audience_id), set())
            if composition is not None and said != grants[owner_id].visible(composition) & existing:
                yield owner_id, f"It is not noted rightly which fields audience {audience_id} is shown."


def audiences_of(page: Page) -> Iterator[Problem]:
    """Yield where it is not known in which audience somebody is."""
    columns = (DisclosedAudience.owner_id, DisclosedAudience.viewer_id, DisclosedAudience.audience_id)
    noted = page.rows(select(*columns).where(DisclosedAudience.until.is_(None)), DisclosedAudience.owner_id)
    columns = (Connection.owner_id, Connection.viewer_id, Connection.audience_id)
    connected = page.rows(select(*columns), Connection.owner_id)
    joined = select(Membership.owner_id, Membership.organisation_id, Membership.audience_id)
    joined = joined.where(Membership.joined_at.is_not(None))
    for owner_id, rows in page.rows(joined, Membership.owner_id).items():
        connected[owner_id] += rows
    found: list[tuple[int, int, bool]] = []
    for owner_id in page.logins:
        there = dict(connected[owner_id])
        found += [(owner_id, viewer_id, viewer_id in there) for viewer_id in _different(there, dict(noted[owner_id]))]
    names = names_of(page.session, {viewer_id for _, viewer_id, _ in found})
    for owner_id, viewer_id, is_connected in found:
        if is_connected:
            yield owner_id, f"It is not noted in which audience {names[viewer_id]} is."
        else:
            yield owner_id, f"{names[viewer_id]} is noted to be in an audience without being connected."


def _different(one: dict[int, int], other: dict[int, int]) -> list[int]:
    """Return whose values differ, or are in one of the two only."""
    return sorted({key for key, _ in one.items() ^ other.items()})
