"""Whatever is served can be put back unchanged, at every limit; a picture that is none costs nothing but itself."""

from __future__ import annotations

import base64
import io
import random

import pytest
from PIL import Image
from sqlalchemy import update

from sync import verification
from sync.books import entries
from sync.database.engine import Database
from sync.errors import LimitExceeded, TooLarge
from sync.fields import FieldContent, field_from_photo, fields_of
from sync.models import Field, Profile
from sync.profiles import profiles, renewing
from sync.settings import Limits
from sync.sharing import grants
from sync.sharing.cards import content_of
from sync.sharing.visibility import fields_of as stored_fields
from sync.vcard import Property, parse_one
from sync.vcard.photos import MAX_OCTETS
from tests.support.factories import (
    book_in,
    connected,
    contents,
    field,
    href_of,
    person,
    put,
    served,
    strangers,
    values_in,
    vcard,
)
from tests.support.pictures import encoded, portrait

VERSIONS = pytest.mark.parametrize("version", ["3.0", "4.0"])
LIMITS = Limits()
HEIC = base64.b64encode(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0" * 200).decode()


def noise(quality: int = 95) -> bytes:
    """Return a picture that no format makes small."""
    image = Image.frombytes("RGB", (512, 512), random.Random(7).randbytes(512 * 512 * 3))
    written = io.BytesIO()
    image.save(written, "JPEG", quality=quality)
    return written.getvalue()


def own(database: Database, owner_id: int, version: str = "3.0") -> entries.EntryText:
    found = served(database, owner_id, owner_id, version)
    assert found is not None
    return found


def said(database: Database, owner_id: int) -> list[str]:
    with database.reading() as session:
        return [stored.content for stored in stored_fields(session, owner_id)]


def add(database: Database, owner_id: int, content: FieldContent) -> int:
    return database.write(lambda session: profiles.add_field(session, owner_id, content))


@VERSIONS
def test_the_largest_photo_can_be_put_back(database: Database, version: str) -> None:
    """On the own card, on somebody else's, and on a contact."""
    anna, bo = connected(database, "anna", "bo")
    field(database, anna, "name", "Anna")
    photo = add(database, anna, field_from_photo(noise()))
    add(database, anna, field_from_photo(portrait(1)))
    group = strangers(database, anna)
    database.write(lambda session: grants.grant(session, anna, group, [photo]))
    before = said(database, anna)
    text = own(database, anna, version)
    put(database, anna, text.href, text.text.encode())
    assert said(database, anna) == before
    shown = served(database, bo, anna, version)
    assert shown is not None
    put(database, bo, shown.href, shown.text.encode())
    again = served(database, bo, anna, version)
    assert again is not None
    assert values_in(again.text, "PHOTO") == values_in(shown.text, "PHOTO")
    data = shown.text.replace(shown.uid, "kept").encode()
    put(database, bo, "kept.vcf", data)
    put(database, bo, "kept.vcf", data)


@VERSIONS
def test_a_profile_is_as_large_as_can_be_put_back_and_added_to(database: Database, version: str) -> None:
    anna = person(database, "anna")
    add(database, anna, field_from_photo(noise()))

    def fill() -> None:
        for _ in range(20):
            field(database, anna, "note", "ä" * 9_000)

    with pytest.raises(LimitExceeded, match="A whole card has at most 320 kB"):
        fill()
    before = said(database, anna)
    text = own(database, anna, version)
    assert len(text.text.encode()) > LIMITS.card_size
    put(database, anna, text.href, text.text.encode())
    assert said(database, anna) == before
    put(database, anna, text.href, text.text.replace("END:VCARD", "TEL:+1 555 0100\r\nEND:VCARD").encode())
    assert len(said(database, anna)) == len(before) + 1


@VERSIONS
def test_what_a_viewer_added_at_the_limit_can_be_put_back(database: Database, version: str) -> None:
    anna, bo = connected(database, "anna", "bo")
    name = field(database, bo, "name", "Bo")
    group = strangers(database, bo)
    database.write(lambda session: grants.grant(session, bo, group, [name]))
    href = href_of(database, anna, bo)

    def fill() -> None:
        for number in range(20):
            shown = served(database, anna, bo, "3.0")
            assert shown is not None
            more = f"X-MINE-{number}:{'x' * 30_000}\r\nEND:VCARD"
            put(database, anna, href, shown.text.replace("END:VCARD", more).encode())

    with pytest.raises(LimitExceeded):
        fill()
    shown = served(database, anna, bo, version)
    assert shown is not None
    put(database, anna, href, shown.text.encode())
    again = served(database, anna, bo, version)
    assert again is not None
    assert sorted(values_in(again.text, *[f"X-MINE-{number}" for number in range(20)])) == sorted(
        values_in(shown.text, *[f"X-MINE-{number}" for number in range(20)])
    )


@VERSIONS
def test_a_list_of_people_at_the_limit_can_be_put_back(database: Database, version: str) -> None:
    """What members are called is longer in 3.0, so the same list is larger there than any card that is new may be."""
    anna = person(database, "anna")
    members = "".join(f"MEMBER:urn:uuid:{number:036}\r\n" for number in range(4_800))
    data = f"BEGIN:VCARD\r\nVERSION:4.0\r\nUID:club\r\nKIND:group\r\nFN:Club\r\n{members}END:VCARD\r\n".encode()
    assert len(data) <= LIMITS.card_size
    put(database, anna, "club.vcf", data)
    (text,) = [entry.text for entry in contents(database, anna, version) if entry.kind == "private"]
    put(database, anna, "club.vcf", text.encode())
    (again,) = [entry.text for entry in contents(database, anna, "4.0") if entry.kind == "private"]
    assert len(parse_one(again).all("MEMBER")) == 4_800
    with pytest.raises(TooLarge):
        put(database, anna, "new.vcf", vcard("new", "NOTE:" + "x" * 300_000))


@pytest.mark.parametrize("data", [HEIC, encoded(1)[:80], "not base64!"], ids=["HEIC", "cut", "no base64"])
def test_a_picture_that_is_none_costs_itself_and_the_old_one_stays(database: Database, data: str) -> None:
    anna, bo = connected(database, "anna", "bo")
    add(database, anna, field_from_photo(portrait(1)))
    kept = values_in(own(database, anna).text, "PHOTO")
    broken = f"PHOTO;ENCODING=b;TYPE=HEIC:{data}"
    apple = "PRODID:-//Apple Inc.//iPhone OS 17//EN"
    text = own(database, anna)
    put(database, anna, text.href, _card(text.uid, apple, broken, "TEL:+1 555 0100"))
    assert sorted(values_in(own(database, anna).text, "PHOTO", "TEL")) == sorted([*kept, "+1 555 0100"])
    shown = served(database, anna, bo)
    assert shown is not None
    mine = f"PHOTO;ENCODING=b;TYPE=JPEG:{base64.b64encode(portrait(2)).decode()}"
    put(database, anna, shown.href, _card(shown.uid, apple, mine))
    put(database, anna, shown.href, _card(shown.uid, apple, broken, "TEL:+1 555 0101"))
    again = served(database, anna, bo)
    assert again is not None
    assert sorted(values_in(again.text, "PHOTO", "TEL")) == sorted([mine.partition(":")[2], "+1 555 0101"])


def test_a_contact_that_is_too_large_keeps_the_picture_that_it_had(database: Database) -> None:
    anna = person(database, "anna")
    put(database, anna, "a.vcf", vcard("one", f"PHOTO;ENCODING=b;TYPE=JPEG:{encoded(1)}"))
    large = f"PHOTO;ENCODING=b;TYPE=HEIC:{HEIC}{'A' * 400_000}"
    put(database, anna, "a.vcf", vcard("one", large, "TEL:+1 555 0100"))
    put(database, anna, "b.vcf", vcard("two", large, "TEL:+1 555 0101"))
    first, second = [entry.text for entry in contents(database, anna) if entry.kind == "private"]
    pictures = {values_in(text, "TEL")[0]: values_in(text, "PHOTO") for text in (first, second)}
    assert pictures == {"+1 555 0100": [encoded(1)], "+1 555 0101": []}


def test_an_upgrade_repairs_what_was_stored_and_verification_says_what_needs_it(database: Database) -> None:
    """A photo that an earlier release took, and cards as it wrote them."""
    anna, bo = connected(database, "anna", "bo")
    photo = add(database, anna, field_from_photo(portrait(1)))
    group = strangers(database, anna)
    database.write(lambda session: grants.grant(session, anna, group, [photo]))
    large = noise()
    assert len(large) > MAX_OCTETS
    main = Property("", "PHOTO", (("ENCODING", ("b",)), ("TYPE", ("JPEG",))), base64.b64encode(large).decode())
    old = FieldContent("photo", "3.0", (main,)).dump()
    database.write(lambda session: session.execute(update(Field).where(Field.owner_id == anna).values(content=old)))
    database.write(lambda session: session.execute(update(Profile).values(rendering=0)))
    with database.reading() as session:
        assert any("photo of the profile is larger" in str(each) for each in verification.findings(session))
    assert renewing.work(database) == 2
    assert renewing.work(database) == 0
    with database.reading() as session:
        assert list(verification.findings(session)) == []
        (stored,) = stored_fields(session, anna)
        assert len(base64.b64decode(content_of(stored).main.value)) <= MAX_OCTETS
        shown = next(iter(entries.texts(session, book_in(session, bo), hrefs=[href_of(database, bo, anna)])))
    assert [content.kind for content in fields_of(parse_one(shown.text))].count("photo") == 1
    text = own(database, anna)
    put(database, anna, text.href, text.text.encode())


def _card(uid: str, *lines: str) -> bytes:
    return "\r\n".join(["BEGIN:VCARD", "VERSION:3.0", f"UID:{uid}", *lines, "END:VCARD", ""]).encode()
