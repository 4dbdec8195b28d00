"""Own contacts edited field by field, as if a device had sent them."""

from __future__ import annotations

import re
from functools import partial

import pytest
from sqlalchemy import select

from sync.contacts import editing, own_contacts
from sync.contacts.editing import PlacedField
from sync.database.engine import Database, Session
from sync.errors import Conflict, InvalidInput, NotFound
from sync.fields import FieldContent, field_from_photo, field_from_text
from sync.fields.parts import NAME, Parts, put_together
from sync.models import Entry
from tests.support.factories import book, connected, contents, person, put
from tests.support.pictures import encoded, picture

CARD = (
    "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:mum\r\nN:Chen;Mei;;;\r\nFN:Mei Chen\r\nx-odd;foo=bar:zzz\r\n"
    "TEL;type=CELL:+86 138\r\n  0013 8000\r\nNOTE:Allergic to nuts\r\nEND:VCARD\r\n"
)


@pytest.fixture
def anna(database: Database) -> int:
    """Anna, who has a contact."""
    account_id = person(database, "anna")
    put(database, account_id, "mum.vcf", CARD.encode())
    return account_id


def entry_of(database: Database, viewer_id: int, href: str = "mum.vcf") -> int:
    with database.reading() as session:
        return session.scalars(select(Entry.id).where(Entry.viewer_id == viewer_id, Entry.href == href)).one()


def fields(database: Database, viewer_id: int, entry_id: int) -> dict[str, PlacedField]:
    with database.reading() as session:
        return {each.content.kind: each for each in editing.fields_of(session, viewer_id, entry_id)}


def text(database: Database, viewer_id: int, href: str = "mum.vcf") -> str:
    return next(entry.text for entry in contents(database, viewer_id) if entry.href == href)


def say(content: FieldContent, _before: FieldContent) -> FieldContent:
    return content


def test_one_line_changes_and_devices_hear_of_it(database: Database, anna: int) -> None:
    entry_id, before = entry_of(database, anna), book(database, anna).revision
    field = fields(database, anna, entry_id)["mobile"]
    new = partial(say, field_from_text("mobile", "+1 555 0100", ""))
    key = (field.place, field.content.digest)
    database.write(lambda session: editing.set_field(session, anna, entry_id, key, new))
    changed = text(database, anna)
    assert changed.replace("\r\nTEL;TYPE=CELL:+1 555 0100", "\r\nTEL;type=CELL:+86 138\r\n  0013 8000") == CARD
    assert book(database, anna).revision == before + 1


def test_a_photo_comes_is_changed_and_goes_while_the_rest_stays_byte_for_byte(database: Database, anna: int) -> None:
    entry_id = entry_of(database, anna)
    seen = ""
    for number in (1, 2):
        photo = field_from_photo(picture(number))
        database.write(lambda session, it=photo, was=seen: editing.set_photo(session, anna, entry_id, it, seen=was))  # type: ignore[misc]
        stored = text(database, anna)
        rest = re.sub(r"PHOTO;ENCODING=b;TYPE=JPEG:[^\r]+\r\n(?: [^\r]+\r\n)*", "", stored)
        assert rest == CARD
        assert encoded(number) in stored.replace("\r\n ", "")
        now = fields(database, anna, entry_id)["photo"]
        seen = now.content.digest
    with pytest.raises(Conflict):
        database.write(lambda session: editing.set_photo(session, anna, entry_id, photo, seen=""))
    database.write(lambda session: editing.remove_field(session, anna, entry_id, (now.place, seen)))
    assert text(database, anna) == CARD


def test_what_a_device_made_of_another_field_meanwhile_stays(database: Database, anna: int) -> None:
    entry_id = entry_of(database, anna)
    field = fields(database, anna, entry_id)["note"]
    put(
        database,
        anna,
        "mum.vcf",
        CARD.replace("TEL;", "EMAIL:mei@example.org\r\nTEL;").replace("8000", "9000").encode(),
    )
    new = partial(say, field_from_text("note", "Likes nuts", ""))
    key = (field.place, field.content.digest)
    database.write(lambda session: editing.set_field(session, anna, entry_id, key, new))
    changed = text(database, anna)
    assert "Likes nuts" in changed
    assert "Allergic" not in changed
    assert "0013 9000" in changed
    assert "mei@example.org" in changed


def test_a_field_that_says_something_else_by_now_is_not_changed(database: Database, anna: int) -> None:
    entry_id = entry_of(database, anna)
    field = fields(database, anna, entry_id)["note"]
    put(database, anna, "mum.vcf", CARD.replace("nuts", "milk").encode())
    key = (field.place, field.content.digest)
    for change in (
        lambda session: editing.set_field(session, anna, entry_id, key, partial(say, field.content)),
        lambda session: editing.remove_field(session, anna, entry_id, key),
    ):
        with pytest.raises(Conflict):
            database.write(change)
    assert "milk" in text(database, anna)


def test_fields_come_and_go_and_a_name_stays(database: Database, anna: int) -> None:
    entry_id = entry_of(database, anna)

    def add(session: Session) -> None:
        editing.add_field(session, anna, entry_id, field_from_text("email", "mei@example.org", "Shop"))

    database.write(add)
    found = fields(database, anna, entry_id)
    assert found["email"].content.label == "Shop"
    key = (found["note"].place, found["note"].content.digest)
    database.write(lambda session: editing.remove_field(session, anna, entry_id, key))
    assert "NOTE" not in text(database, anna)
    name = (found["name"].place, found["name"].content.digest)
    with pytest.raises(InvalidInput):
        database.write(lambda session: editing.remove_field(session, anna, entry_id, name))


def test_a_name_that_is_written_twice_is_shown_once_and_changes_twice(database: Database, anna: int) -> None:
    entry_id = entry_of(database, anna)
    field = fields(database, anna, entry_id)["name"]
    assert field.content.main.name == "N"

    def rename(before: FieldContent) -> FieldContent:
        return put_together("name", Parts(NAME, {"family": "Li", "given": "Mei"}), before)

    key = (field.place, field.content.digest)
    database.write(lambda session: editing.set_field(session, anna, entry_id, key, rename))
    assert "N:Li;Mei" in text(database, anna)
    assert "FN:Mei Li" in text(database, anna)


def test_a_contact_is_made_for_the_person_alone(database: Database) -> None:
    anna, bo = connected(database, "anna", "bo")
    said = [field_from_text("name", "Dora", ""), field_from_text("mobile", "+1 555 0100", "")]
    entry_id = database.write(lambda session: editing.add(session, anna, said))
    with database.reading() as session:
        card, _seen = own_contacts.text_of(session, anna, entry_id)
        with pytest.raises(NotFound):
            editing.fields_of(session, bo, entry_id)
    assert "FN:Dora" in card
    assert not any("Dora" in entry.text for entry in contents(database, bo))
    with pytest.raises(InvalidInput):
        database.write(lambda session: editing.add(session, anna, []))


def test_nobody_edits_somebody_s_card_or_contact_of_somebody_else(database: Database) -> None:
    anna, bo = connected(database, "anna", "bo")
    put(database, bo, "mum.vcf", CARD.encode())
    theirs = entry_of(database, bo)
    for entry_id in (theirs, bo, anna):
        with pytest.raises(NotFound):
            database.write(
                lambda session, it=entry_id: editing.add_field(  # type: ignore[misc]
                    session, anna, it, field_from_text("note", "x", "")
                )
            )
