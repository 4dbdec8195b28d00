"""Fields that a person's organisation fills: nobody else changes them, by any door; who sees them is for the person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy.orm import Session

from sync.fields import CATALOGUE, FieldContent, same_meaning
from sync.profiles.field_rows import fill_field, insert_field
from sync.sharing.cards import content_of
from sync.sharing.changes import change
from sync.sharing.visibility import StoredField

#: What the names of claims begin with that do not come from a provider of OpenID Connect.
PREFIXES = ("ldap:", "scim:")


def fill(session: Session, owner_id: int, said: Mapping[str, FieldContent], prefix: str = "") -> int:
    """
    Let a profile have what the organisation says, by what of it (the claim) fills a field; returns how many changed.

    One that the person has already, or of a kind that a person has once, is taken over: it stays the same field, seen
    by the same people. Anything else is a new field, which nobody is granted. What the organisation says no more stays
    as it is, and is the person's to change again. Claims of another *prefix* are another's, and stay.

    Raises:
        LimitExceeded: There are more, or larger, fields than a profile may have.
        NotFound: There is no such person.
    """
    count = 0
    with change(session, owner_id) as under_way:
        existing = under_way.fields_of(owner_id)
        position = existing[-1].position + 1 if existing else 0
        filled = {field.claim: field for field in existing if field.claim is not None and _is_of(field.claim, prefix)}
        others = {field.kind for field in existing if field.claim is not None} - {each.kind for each in filled.values()}
        for claim, content in said.items():
            if content.kind in others and not CATALOGUE[content.kind].repeatable:
                continue
            field = filled.get(claim)
            if field is None or field.kind != content.kind:
                field = _to_take_over(existing, content)
            if field is None:
                insert_field(under_way, owner_id, content, position, claim=claim)
                position, count = position + 1, count + 1
            elif field.claim != claim or content_of(field) != content:
                fill_field(under_way, owner_id, field.id, content, claim)
                count += 1
        for claim, field in filled.items():
            if claim not in said:
                fill_field(under_way, owner_id, field.id, content_of(field), None)
                count += 1
    return count


def _is_of(claim: str, prefix: str) -> bool:
    return claim.startswith(prefix) if prefix else not claim.startswith(PREFIXES)


def _to_take_over(existing: Sequence[StoredField], content: FieldContent) -> StoredField | None:
    own = [field for field in existing if field.claim is None]
    same = next((field for field in own if same_meaning(content_of(field), content)), None)
    if same is not None or CATALOGUE[content.kind].repeatable:
        return same
    return next((field for field in own if field.kind == content.kind), None)
