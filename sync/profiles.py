"""Profiles: the fields that a person keeps about themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from sync import cards, fields
from sync.cards import content_of
from sync.changes import Change, change
from sync.database import settings_of
from sync.errors import InvalidInput, LimitExceeded, NotFound
from sync.fields import FieldContent
from sync.models import Account, Entry, Field, new_id
from sync.vcard import VCard
from sync.visibility import fields_of


def add_field(session: Session, owner_id: int, content: FieldContent) -> int:
    """
    Add a field at the end of a profile and return its id. Nobody but the owner sees it until it is granted.

    Raises:
        NotFound: There is no such person.
        LimitExceeded: The profile is full, or the field too large.
    """
    with change(session, owner_id) as under_way:
        existing = fields_of(session, owner_id)
        position = existing[-1].position + 1 if existing else 0
        field_id = _insert(under_way, owner_id, content, position)
        _check_limits(session, owner_id)
        return field_id


def set_field(session: Session, owner_id: int, field_id: int, content: FieldContent) -> None:
    """
    Give a field another value. It stays the same field: whoever was granted it sees the new value.

    Raises:
        NotFound: There is no such field.
        InvalidInput: *content* is of another kind; what is granted as a mobile number must not become a bank account.
        LimitExceeded: The field is too large.
    """
    with change(session, owner_id) as under_way:
        field = _own(session, owner_id, field_id)
        if field.kind != content.kind:
            raise InvalidInput(f"This field is of the kind {field.kind}; add another field for {content.kind}.")
        _update(under_way, owner_id, field_id, content)
        _check_limits(session, owner_id)


def remove_field(session: Session, owner_id: int, field_id: int) -> None:
    """
    Delete a field, with everything that was granted of it.

    Raises:
        NotFound: There is no such field.
    """
    with change(session, owner_id):
        _own(session, owner_id, field_id)
        _delete(session, owner_id, [field_id])


def import_card(session: Session, owner_id: int, card: VCard, *, replace: bool = False) -> int:
    """
    Take the properties of *card* into a profile and return how many fields were added or changed.

    A property that is in the profile already, in whatever spelling, stays the field that it is. One of a kind that a
    person has once (a name, a birthday) changes the value of that field. Anything else is added as a new field that
    nobody was granted yet. With *replace*, the profile becomes what *card* says: a property also takes over a field
    of its kind and label with another value, and fields that the card does not have are deleted.

    Raises:
        InvalidVCard: A property cannot be stored; the message names the line, and nothing was changed.
        LimitExceeded: The card has more, or larger, fields than a profile may have; nothing was changed.
    """
    incoming = fields.fields_of(card)
    with change(session, owner_id) as under_way:
        existing = fields_of(session, owner_id)
        matches = match([content_of(field) for field in existing], incoming, replace=replace)
        count = 0
        for position, (content, matched) in enumerate(zip(incoming, matches, strict=True)):
            if matched is None:
                count += 1
                _insert(under_way, owner_id, content, position if replace else len(existing) + position)
            elif not fields.same_meaning(content_of(existing[matched]), content):
                count += 1
                _update(under_way, owner_id, existing[matched].id, content)
            if matched is not None and replace:
                _place(session, owner_id, existing[matched].id, position)
        if replace:
            kept = {matched for matched in matches if matched is not None}
            gone = [field.id for index, field in enumerate(existing) if index not in kept]
            count += len(gone)
            _delete(session, owner_id, gone)
        _check_limits(session, owner_id)
        return count


def match(existing: Sequence[FieldContent], incoming: Sequence[FieldContent], *, replace: bool) -> list[int | None]:
    """
    Decide which existing field each incoming one is: its index, or None for a new field. No field is taken twice.

    The same meaning wins, wherever it stands; then, among what is left, the same kind and label, in order, for kinds
    that a person has once or with
    *replace*; then, with *replace*, the same kind in order.
    """
    result: list[int | None] = [None] * len(incoming)
    free = dict(enumerate(existing))

    def settle(same: Callable[[FieldContent, FieldContent], bool]) -> None:
        for index, content in enumerate(incoming):
            if result[index] is None:
                found = next((number for number, candidate in free.items() if same(candidate, content)), None)
                if found is not None:
                    result[index] = found
                    del free[found]

    settle(fields.same_meaning)
    settle(lambda old, new: (replace or not repeatable(new)) and _signature(old) == _signature(new))
    if replace:
        settle(lambda old, new: old.kind == new.kind and old.properties[0].name == new.properties[0].name)
    return result


def repeatable(content: FieldContent) -> bool:
    """Whether a person may have several fields like this one."""
    kind = fields.CATALOGUE.get(content.kind)
    return kind is None or kind.repeatable


def export(session: Session, owner_id: int, version: str = "3.0") -> str:
    """
    Return a profile as one vCard, with everything in it and the UID of the person's own entry.

    Raises:
        NotFound: There is no such person.
    """
    login = session.scalars(select(Account.login).where(Account.id == owner_id)).first()
    entry = session.scalars(select(Entry).where(Entry.viewer_id == owner_id, Entry.id == owner_id)).first()
    if login is None or entry is None:
        raise NotFound("There is no such person.")
    contents = [content_of(field) for field in fields_of(session, owner_id)]
    rendering = cards.render(contents, login, own=True)
    body = rendering.body_4 if version == "4.0" else rendering.body_3
    return fields.head(version, entry.uid or "", entry.changed_at) + body


def _own(session: Session, owner_id: int, field_id: int) -> Field:
    field = session.scalars(select(Field).where(Field.owner_id == owner_id, Field.id == field_id)).first()
    if field is None:
        raise NotFound("There is no such field.")
    return field


def _signature(content: FieldContent) -> tuple[object, ...]:
    main = content.properties[0]
    types = sorted(value.lower() for name, values in main.params if name == "TYPE" for value in values)
    return content.kind, main.name, content.label, [kind for kind in types if kind != "pref"]


def _insert(under_way: Change, owner_id: int, content: FieldContent, position: int) -> int:
    field_id = new_id()
    under_way.session.execute(
        insert(Field).values(
            owner_id=owner_id,
            id=field_id,
            position=position,
            kind=content.kind,
            content=content.dump(),
            changed_at=under_way.at,
        )
    )
    return field_id


def _update(under_way: Change, owner_id: int, field_id: int, content: FieldContent) -> None:
    under_way.session.execute(
        update(Field)
        .where(Field.owner_id == owner_id, Field.id == field_id)
        .values(kind=content.kind, content=content.dump(), changed_at=under_way.at)
    )


def _place(session: Session, owner_id: int, field_id: int, position: int) -> None:
    session.execute(
        update(Field)
        .where(Field.owner_id == owner_id, Field.id == field_id, Field.position != position)
        .values(position=position)
    )


def _delete(session: Session, owner_id: int, field_ids: Iterable[int]) -> None:
    gone = frozenset(field_ids)
    session.execute(delete(Field).where(Field.owner_id == owner_id, Field.id.in_(gone)))
    cards.forget(session, owner_id, fields=gone)


def _check_limits(session: Session, owner_id: int) -> None:
    limits = settings_of(session).limits
    existing = fields_of(session, owner_id)
    if len(existing) > limits.fields:
        raise LimitExceeded(f"A profile has at most {limits.fields} fields.")
    for field in existing:
        if len(field.content) > limits.field_size:
            raise LimitExceeded(f"A field ({field.kind}) is larger than {limits.field_size} characters.")
