"""Profiles: the fields that a person keeps about themselves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from sync import fields
from sync.errors import Conflict, InvalidInput, NotFound, Refused
from sync.fields import FieldContent
from sync.merging import matching, programs, rewritten, three_way
from sync.merging.three_way import Clash, Merged
from sync.models import Account, Entry
from sync.profiles import edits
from sync.profiles.device_edits import Had, Login, base_of, is_left_over, is_made_of
from sync.profiles.field_rows import delete_field, insert_field, place_fields, update_field
from sync.sharing import history
from sync.sharing.cards import content_of
from sync.sharing.changes import Change, change
from sync.sharing.unit_of_work import OwnCard
from sync.sharing.visibility import StoredField, fields_of
from sync.vcard import VCard


@dataclass(frozen=True, slots=True)
class Edited:
    """
    What a device's card made of a profile.

    *clashes* are fields that others changed as well; *own_card* is what the person's own entry shows since, None where
    it shows what it did.
    """

    clashes: list[Clash]
    own_card: OwnCard | None


def add_field(session: Session, owner_id: int, content: FieldContent) -> int:
    """
    Add a field at the end of a profile and return its id. Nobody but the owner sees it until it is granted.

    Raises:
        NotFound: There is no such person.
        LimitExceeded: The profile is full, or the field too large.
    """
    return add_fields(session, owner_id, [content])[0]


def add_fields(session: Session, owner_id: int, contents: Sequence[FieldContent]) -> list[int]:
    """
    Add fields at the end of a profile, as `add_field` does, and return their ids.

    Raises:
        NotFound: There is no such person.
        LimitExceeded: The profile is full, or a field too large; nothing was changed.
    """
    with change(session, owner_id) as under_way:
        existing = under_way.fields_of(owner_id)
        position = existing[-1].position + 1 if existing else 0
        return [insert_field(under_way, owner_id, content, position + place) for place, content in enumerate(contents)]


def set_field(
    session: Session, owner_id: int, field_id: int, content: FieldContent, *, seen: str | None = None
) -> None:
    """
    Give a field another value. It stays the same field: whoever was granted it sees the new value.

    *seen* is the digest of what it said when its owner looked at it last.

    Raises:
        NotFound: There is no such field.
        Conflict: It says something else than what was seen.
        InvalidInput: *content* is of another kind; what is granted as a mobile number must not become a bank account.
        LimitExceeded: The field is too large.
        Refused: The person's organisation fills the field.
    """
    with change(session, owner_id) as under_way:
        field = _own(under_way, owner_id, field_id, seen)
        _require_unclaimed(field)
        if field.kind != content.kind:
            raise InvalidInput(f"This field is of the kind {field.kind}; add another field for {content.kind}.")
        update_field(under_way, owner_id, field_id, content)


def remove_field(session: Session, owner_id: int, field_id: int, *, seen: str | None = None) -> None:
    """
    Delete a field, with everything that was granted of it; *seen* is as in `set_field`.

    Raises:
        NotFound: There is no such field.
        Conflict: It says something else than what was seen.
        Refused: The person's organisation fills the field.
    """
    with change(session, owner_id) as under_way:
        _require_unclaimed(_own(under_way, owner_id, field_id, seen))
        delete_field(under_way, owner_id, [field_id])


def move_field(session: Session, owner_id: int, field_id: int, steps: int, *, at: int | None = None) -> None:
    """
    Move a field among the others: towards the end by *steps*, towards the beginning where they are negative.

    *at* says how many fields were before it when that was wanted, so that wanting it twice moves it once. It stops at
    either end. Whoever sees no two fields in another order than before is told nothing.

    Raises:
        NotFound: There is no such field.
    """
    with change(session, owner_id) as under_way:
        existing = under_way.fields_of(owner_id)
        order = [field.id for field in existing]
        if field_id not in order:
            raise NotFound("There is no such field.")
        place = order.index(field_id)
        order.insert(max(0, (place if at is None else at) + steps), order.pop(place))
        positions = sorted({field.position for field in existing})
        if len(positions) < len(existing):
            positions = list(range(len(existing)))
        place_fields(under_way, owner_id, dict(zip(order, positions, strict=True)))


def import_card(session: Session, owner_id: int, card: VCard, *, replace: bool = False, seen: int | None = None) -> int:
    """
    Take the properties of *card* into a profile and return how many fields were added, changed or deleted.

    A property that is in the profile already, in whatever spelling, stays the field that it is. One of a kind that a
    person has once (a name, a birthday) changes the value of that field. Anything else is added as a new field that
    nobody was granted yet. With *replace*, the profile becomes what *card* says: a property also takes over a field of
    its kind and label with another value, and fields that the card does not have are deleted. A name that this server
    put into the profile's own card, for want of one, is no field when it comes back. *seen* is the version of the
    profile's state that its owner saw last (see `sync.profiles.edits.latest`). What the organisation fills stays.

    Raises:
        Conflict: The profile was changed since it was seen.
        InvalidVCard: A property cannot be stored; the message names the line, and nothing was changed.
        LimitExceeded: The card has more, or larger, fields than a profile may have; nothing was changed.
    """
    incoming = fields.fields_of(card)
    with change(session, owner_id) as under_way:
        _require_seen(session, owner_id, seen)
        existing = under_way.fields_of(owner_id)
        contents = [content_of(field) for field in existing]
        if contents:
            login = Login(session, owner_id)
            incoming = [content for content in incoming if not is_made_of(contents, login, content)]
            incoming = rewritten.labels_apart(contents, incoming)
        matches = matching.match(contents, incoming, replace=replace)
        gone = matching.unmatched(len(existing), matches) if replace else []
        # Where the card is not the whole profile, what is new comes behind everything that is there.
        order = matching.ordered(contents, matches, gone) if replace else _appended(existing, matches)
        return _become(under_way, owner_id, existing, Merged(incoming, matches, [], gone, order))


def edit_card(
    session: Session,
    owner_id: int,
    card: VCard,
    check: Callable[[int], None],
    had: Callable[[], Had] = lambda: None,
) -> Edited:
    """
    Make a profile what a client made of the person's own card.

    As `import_card` with *replace*, but a field that is missing is deleted only if the client can be thought to have
    deleted it (see `sync.merging.matching.deleted_by_client`), and what it did not touch of what it *had* stays as it
    is now (see `sync.profiles.device_edits.base_of`). What this server put into the card for want of a name is no
    field. Of a photo that is none, the one that is there stays, and so does what the organisation fills. *check* is
    called once nobody else can change the profile, with its next version, and raises what it likes against it.

    Raises:
        LimitExceeded: As `import_card`.
    """
    incoming, broken = fields.readable_fields(card, know_lines=False)
    with change(session, owner_id, wants_fields=True) as under_way:
        check(under_way.versions[owner_id])
        existing = under_way.fields_of(owner_id)
        contents = [content_of(field) for field in existing]
        login = Login(session, owner_id)
        base = base_of(had(), incoming, existing, contents, login)
        base = replace(base, staying=("photo",) if broken else ())
        incoming = [content for content in incoming if not is_made_of(base.contents, login, content)]
        incoming = [content for content in incoming if not is_left_over(base.contents, content)]
        merged = three_way.merge(base, incoming, contents, programs.kept_by_writer(card))
        _become(under_way, owner_id, existing, merged)
    return Edited(merged.clashes, under_way.own_cards.get(owner_id))


def settle(session: Session, owner_id: int, won: FieldContent | None, lost: FieldContent | None) -> None:
    """
    Make the field that says *won* say *lost*, each None for no such field. Who sees it stays the same.

    Raises:
        NotFound: There is no such person.
        Conflict: No field says *won* any more.
        Refused: The person's organisation fills that field.
    """
    with change(session, owner_id) as under_way:
        existing = under_way.fields_of(owner_id)
        says = [field for field in existing if won is not None and fields.same_meaning(content_of(field), won)]
        if won is not None and not says:
            raise Conflict("This was changed again since; look at what it says now.")
        if says:
            _require_unclaimed(says[0])
        if says and lost is not None and says[0].kind == lost.kind:
            update_field(under_way, owner_id, says[0].id, lost)
            return
        # What is granted as one thing must not become another, and what comes back is seen by nobody.
        delete_field(under_way, owner_id, [field.id for field in says[:1]])
        if lost is not None:
            position = says[0].position if says else existing[-1].position + 1 if existing else 0
            insert_field(under_way, owner_id, lost, position)


def restore(session: Session, owner_id: int, version: int, *, seen: int | None = None) -> int:
    """
    Give a profile back the fields that it had in an earlier version, and return how many changed.

    A field that was deleted since comes back as itself, but nobody is granted it: what was taken back stays so. What
    the organisation fills stays as it is. *seen* is as in `import_card`.

    Raises:
        NotFound: The profile never had this version.
        Conflict: The profile was changed since it was seen.
    """
    with change(session, owner_id) as under_way:
        _require_seen(session, owner_id, seen)
        before = {state.field_id: state for state in history.fields_at(session, owner_id, version)}
        existing = {field.id: field for field in under_way.fields_of(owner_id)}
        count = 0
        for field_id, state in before.items():
            content = FieldContent.load(state.kind, state.content)
            field = existing.get(field_id)
            if field is None:
                insert_field(under_way, owner_id, content, state.position, field_id)
            elif field.claim is None and (field.kind, field.content) != (state.kind, state.content):
                update_field(under_way, owner_id, field_id, content)
            else:
                count -= 1
            count += 1
        place_fields(under_way, owner_id, {field_id: state.position for field_id, state in before.items()})
        gone = {field_id for field_id, field in existing.items() if field.claim is None} - before.keys()
        delete_field(under_way, owner_id, gone)
        return count + len(gone)


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
    name = fields.called(contents, login)
    return fields.export_card(contents, version, uid=entry.uid or "", revised=entry.changed_at, fallback_name=name)


def _become(under_way: Change, owner_id: int, existing: Sequence[StoredField], made: Merged) -> int:
    contents = [content_of(field) for field in existing]
    deleted = [existing[index].id for index in made.gone if existing[index].claim is None]
    delete_field(under_way, owner_id, deleted)
    count, position = len(deleted), -1
    moved: dict[int, int] = {}
    for index in made.order:
        position += 1
        if index >= len(existing):
            place = index - len(existing)
            insert_field(under_way, owner_id, made.contents[place], position, made.ids[place] if made.ids else 0)
            count += 1
            continue
        position = max(position, existing[index].position)
        if position != existing[index].position:
            moved[existing[index].id] = position
    place_fields(under_way, owner_id, moved)
    for content, matched in zip(made.contents, made.matches, strict=True):
        if matched is None or existing[matched].claim is not None:
            continue
        if not fields.same_meaning(contents[matched], content):
            update_field(under_way, owner_id, existing[matched].id, content)
            count += 1
    return count


def _appended(existing: Sequence[StoredField], matches: Sequence[int | None]) -> list[int]:
    new = [len(existing) + place for place, index in enumerate(matches) if index is None]
    return [*range(len(existing)), *new]


def _own(under_way: Change, owner_id: int, field_id: int, seen: str | None) -> StoredField:
    field = under_way.field(owner_id, field_id)
    if field is None:
        raise NotFound("There is no such field.")
    if seen is not None and seen != content_of(field).digest:
        raise Conflict("This field was changed meanwhile; look at what it says now.")
    return field


def _require_unclaimed(field: StoredField) -> None:
    if field.claim is not None:
        raise Refused("This comes from your organisation, and can be changed there only.")


def _require_seen(session: Session, owner_id: int, seen: int | None) -> None:
    if seen is not None and seen != edits.latest(session, owner_id):
        raise Conflict("Your card was changed meanwhile; look at it again.")
