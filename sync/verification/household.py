"""What must be true of fields that several people have on their cards."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeAlias

from sqlalchemy import select

from sync.database.distribution import buckets_of
from sync.models import CARRIED, LEFT, OFFERED, CarriedField, Field, Job, SharedField
from sync.revisions.shared_fields import HOUSEHOLD, Said, says_the_same
from sync.verification.reading import Page, Problem, matching, names_of

#: An owner, a field of theirs, and who carries it.
_Share: TypeAlias = tuple[int, int, int]
_OPEN = (OFFERED, CARRIED)


def shared_of(page: Page) -> Iterator[Problem]:
    """Yield where somebody does not carry what its owner shares with them, or their card says something else."""
    columns = (SharedField.owner_id, SharedField.field_id, SharedField.carrier_id, SharedField.state)
    chosen = select(*columns, SharedField.is_owed).where(SharedField.state.in_(_OPEN))
    shared = [(owner_id, *row) for owner_id, rows in page.rows(chosen, SharedField.owner_id).items() for row in rows]
    held = _held(page, {(carrier_id, owner_id) for owner_id, _, carrier_id, *_ in shared})
    carried = {(carrier_id, own_id) for (_, _, carrier_id), (_, own_id) in held.items() if own_id is not None}
    said = _said(page, {*carried, *((owner_id, field_id) for owner_id, field_id, *_ in shared)})
    names = names_of(page.session, {carrier_id for _, _, carrier_id, *_ in shared})
    for owner_id, field_id, carrier_id, state, is_owed in shared:
        there, own_id = held.get((owner_id, field_id, carrier_id), ("", None))
        if there not in (state, LEFT):
            yield owner_id, f"{names[carrier_id]} does not have what the person shares with them."
        elif not is_owed and (owner_id, field_id) not in said:
            yield owner_id, f"{names[carrier_id]} is offered or carries a field that is gone."
        elif there == CARRIED and not is_owed and not _agree(said, (owner_id, field_id), (carrier_id, own_id)):
            yield owner_id, f"{names[carrier_id]} carries a field of this person's that says something else by now."


def carried_of(page: Page) -> Iterator[Problem]:
    """Yield where somebody is offered or carries what nobody shares with them."""
    columns = (CarriedField.owner_id, CarriedField.source_id, CarriedField.source_field_id, CarriedField.is_owed)
    chosen = select(*columns).where(CarriedField.state.in_(_OPEN) | CarriedField.is_owed)
    carried = page.rows(chosen, CarriedField.owner_id)
    pairs = {(source_id, carrier_id) for carrier_id, rows in carried.items() for source_id, *_ in rows}
    key = (SharedField.owner_id, SharedField.carrier_id)
    found = select(SharedField.owner_id, SharedField.field_id, SharedField.carrier_id)
    shared = {tuple(row) for row in matching(page.session, found.where(SharedField.state.in_(_OPEN)), key, [*pairs])}
    for carrier_id, rows in carried.items():
        if any((source_id, field_id, carrier_id) not in shared for source_id, field_id, _ in rows):
            yield carrier_id, "The person has what nobody shares with them."


def owed_of(page: Page) -> Iterator[Problem]:
    """Yield where others are to follow somebody's card, or to learn what they left, and nobody would see to it."""
    buckets = buckets_of(page.session)
    # Jobs are kept by bucket, so that whoever is not in one of these is not read.
    jobs = select(Job.owner_id, Job.bucket).where(Job.bucket.in_(buckets.numbers), Job.kind == HOUSEHOLD)
    asked = page.rows(jobs, Job.owner_id)
    owed = [
        page.rows(select(model.owner_id).where(model.is_owed), model.owner_id) for model in (SharedField, CarriedField)
    ]
    for person_id in page.logins:
        if any(rows[person_id] for rows in owed) and [buckets.of(person_id)] not in asked[person_id]:
            yield person_id, "Others are to follow a change of this person's, and nobody would see to it."


def _held(page: Page, pairs: Iterable[tuple[int, int]]) -> dict[_Share, tuple[str, int | None]]:
    """Return how it stands by the rows of carriers, of these pairs of a carrier and an owner."""
    key = (CarriedField.owner_id, CarriedField.source_id)
    chosen = select(*key, CarriedField.source_field_id, CarriedField.state, CarriedField.field_id)
    rows = matching(page.session, chosen, key, [*pairs])
    return {(source_id, field_id, carrier_id): (state, own) for carrier_id, source_id, field_id, state, own in rows}


def _agree(said: dict[tuple[int, int], Said], one: tuple[int, int], other: tuple[int, int | None]) -> bool:
    held = said.get((other[0], other[1] or 0))
    return held is not None and says_the_same(said[one], held)


def _said(page: Page, keys: Iterable[tuple[int, int]]) -> dict[tuple[int, int], Said]:
    """Return what these fields say, each by its owner and its id."""
    key = (Field.owner_id, Field.id)
    rows = matching(page.session, select(*key, Field.kind, Field.content), key, [*keys])
    return {(owner_id, field_id): (kind, content) for owner_id, field_id, kind, content in rows}
