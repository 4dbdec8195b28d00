"""
A person's own contacts edited field by field.

A field is named by its place among those of its contact and by what it said when it was looked at. Where a device
wrote the contact anew meanwhile, it is that very field which is changed, wherever it stands by now; and nothing, where
it says something else.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from sync import fields
from sync.contacts import own_entries
from sync.errors import Conflict, InvalidInput, NotFound
from sync.fields import FieldContent, field_from_text, full_name
from sync.fields.parts import NAME, Parts, put_together
from sync.merging import line_edits
from sync.models import Entry, now
from sync.revisions import address_books
from sync.vcard import split_structured

_NAMES = ("FN", "N")
PHOTO = "photo"


@dataclass(frozen=True, slots=True)
class PlacedField:
    """A field of a contact, and its place among them. One of a name is not removed, because a card has one."""

    place: int
    content: FieldContent

    @property
    def is_name(self) -> bool:
        """Whether this is what the contact is called."""
        return self.content.main.name in _NAMES


def fields_of(session: Session, viewer_id: int, entry_id: int) -> list[PlacedField]:
    """
    Return the fields of a contact in their order, a name once where it is written twice.

    Raises:
        NotFound: There is no such contact.
        InvalidVCard: It is stored as something that is no card.
    """
    return shown(line_edits.contents_of(own_entries.octets(session, own_entries.find(session, viewer_id, entry_id))))


def shown(contents: Sequence[FieldContent]) -> list[PlacedField]:
    """Return *contents* with their places, and of a name and its parts that which says more, if both say the same."""
    left_out = set()
    written, divided = _place_of(contents, "FN"), _place_of(contents, "N")
    if written is not None and divided is not None and _say_the_same(contents[divided], contents[written]):
        left_out = {written if _is_divided(contents[divided]) else divided}
    return [PlacedField(place, content) for place, content in enumerate(contents) if place not in left_out]


def add(session: Session, viewer_id: int, contents: Sequence[FieldContent]) -> int:
    """
    Make a contact with these fields, for the person alone, and return its entry's id.

    Raises:
        InvalidInput: It would say nothing.
        NotFound: There is no such person.
        LimitExceeded, TooLarge: As in `sync.books.entries.write`.
    """
    if not contents:
        raise InvalidInput("A contact says something: a name, a number or an address.")
    book = address_books.find_book(session, viewer_id, address_books.CONTACTS_PATH)
    if book is None:
        raise NotFound("There is no such person.")
    uid = str(uuid.uuid4())
    called = fields.called(contents, fields.UNNAMED)
    text = fields.export_card(contents, "3.0", uid=uid, revised=now(), fallback_name=called)
    own_entries.write(session, book, f"{uid}.vcf", text.encode())
    mine = (Entry.viewer_id == viewer_id, Entry.book_id == book.id, Entry.href == f"{uid}.vcf")
    return session.scalars(select(Entry.id).where(*mine)).one()


def add_field(session: Session, viewer_id: int, entry_id: int, content: FieldContent) -> None:
    """
    Let a contact have one more field.

    Raises:
        NotFound: There is no such contact.
        LimitExceeded, TooLarge: As in `sync.books.entries.write`.
    """
    _edit(session, viewer_id, entry_id, lambda data: line_edits.edited(data, {}, [content]))


def set_field(
    session: Session,
    viewer_id: int,
    entry_id: int,
    field: tuple[int, str],
    change: Callable[[FieldContent], FieldContent],
) -> None:
    """
    Give a field the value that *change* makes of what it says; *field* is its place, and the digest of what it said.

    The name as it is written follows the name in its parts where it said the same.

    Raises:
        NotFound: There is no such contact.
        Conflict: The contact has no field any more that says this.
        InvalidInput: What *change* raises.
        LimitExceeded, TooLarge: As in `sync.books.entries.write`.
    """

    def edited(data: bytes) -> bytes:
        contents = line_edits.contents_of(data)
        place = _find(contents, *field)
        changes: dict[int, FieldContent | None] = {place: change(contents[place])}
        return line_edits.edited(data, {**changes, **_names(contents, place, changes[place])})

    _edit(session, viewer_id, entry_id, edited)


def photo_of(placed: Sequence[PlacedField]) -> PlacedField | None:
    """Return the photo among the fields of a contact."""
    return next((field for field in placed if field.content.kind == PHOTO), None)


def set_photo(session: Session, viewer_id: int, entry_id: int, photo: FieldContent, *, seen: str) -> None:
    """
    Give a contact a photo in place of what it has; *seen* is the digest of that, empty where there was none.

    Raises:
        NotFound: There is no such contact.
        Conflict: It has another photo by now.
        LimitExceeded, TooLarge: As in `sync.books.entries.write`.
    """

    def edited(data: bytes) -> bytes:
        contents = line_edits.contents_of(data)
        place = next((place for place, content in enumerate(contents) if content.kind == PHOTO), None)
        if seen != ("" if place is None else contents[place].digest):
            raise Conflict("This field was changed meanwhile; look at what it says now.")
        return line_edits.edited(data, {} if place is None else {place: photo}, [photo] if place is None else [])

    _edit(session, viewer_id, entry_id, edited)


def remove_field(session: Session, viewer_id: int, entry_id: int, field: tuple[int, str]) -> None:
    """
    Take a field off a contact; *field* is as in `set_field`.

    Raises:
        NotFound: There is no such contact.
        Conflict: The contact has no field any more that says this.
        InvalidInput: It is the contact's name.
    """

    def edited(data: bytes) -> bytes:
        contents = line_edits.contents_of(data)
        place = _find(contents, *field)
        if contents[place].main.name in _NAMES:
            raise InvalidInput("A contact keeps its name.")
        return line_edits.edited(data, {place: None})

    _edit(session, viewer_id, entry_id, edited)


def _edit(session: Session, viewer_id: int, entry_id: int, change: Callable[[bytes], bytes]) -> None:
    with session.begin_nested():
        books = own_entries.lock(session, viewer_id)
        entry = own_entries.find(session, viewer_id, entry_id)
        data = own_entries.octets(session, entry)
        own_entries.write(session, books[entry.book_id], entry.href, change(data))


def _find(contents: Sequence[FieldContent], place: int, seen: str) -> int:
    says = [number for number, content in enumerate(contents) if content.digest == seen]
    if not says:
        raise Conflict("This field was changed meanwhile; look at what it says now.")
    return place if place in says else says[0]


def _names(
    contents: Sequence[FieldContent], place: int, changed: FieldContent | None
) -> dict[int, FieldContent | None]:
    """What becomes of the other one of a name and its parts, which said the same before."""
    if changed is None or changed == contents[place] or contents[place].main.name not in _NAMES:
        return {}
    written, divided = _place_of(contents, "FN"), _place_of(contents, "N")
    if written is None or divided is None or place not in (written, divided):
        return {}
    if not _say_the_same(contents[divided], contents[written]):
        return {}
    name = full_name([changed], "")
    if place == divided:
        return {written: field_from_text("name", name, "")} if name else {}
    if _is_divided(contents[divided]):
        return {}
    return {divided: put_together("name", Parts(NAME, {"family": name}), contents[divided])}


def _place_of(contents: Sequence[FieldContent], name: str) -> int | None:
    return next((place for place, content in enumerate(contents) if content.main.name == name), None)


def _say_the_same(divided: FieldContent, written: FieldContent) -> bool:
    one, other = (sorted(full_name([content], "").casefold().split()) for content in (divided, written))
    return one == other or "".join(one) == "".join(other)


def _is_divided(content: FieldContent) -> bool:
    return sum(any(value.strip() for value in values) for values in split_structured(content.main.value)) > 1
