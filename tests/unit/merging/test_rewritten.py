"""What programs rewrite without being asked is no edit."""

from __future__ import annotations

import base64
import io

import pytest
from PIL import Image, ImageDraw

from sync.fields import FieldContent, field_from_photo, field_from_text, fields_of
from sync.merging import matching, merge
from sync.merging.rewritten import undone
from sync.vcard import parse_one
from sync.vcard.photos import is_copy
from tests.support.pictures import picture, portrait


def sent(*lines: str, version: str = "4.0") -> list[FieldContent]:
    """Return the fields of a card with these lines."""
    return fields_of(parse_one("\r\n".join(["BEGIN:VCARD", f"VERSION:{version}", *lines, "END:VCARD", ""])))


def compressed(data: bytes, quality: int, side: int = 0) -> bytes:
    """Return a picture as a program that compresses it anew sends it."""
    written = io.BytesIO()
    with Image.open(io.BytesIO(data)) as image:
        made = image.resize((side, side)) if side else image
        made.save(written, "JPEG", quality=quality)
    return written.getvalue()


@pytest.mark.parametrize("quality", [40, 60, 75, 85, 95])
@pytest.mark.parametrize("side", [0, 96, 160])
def test_a_picture_compressed_anew_is_the_same(quality: int, side: int) -> None:
    for number in range(20):
        assert is_copy(portrait(number), compressed(portrait(number), quality, side))


def test_another_picture_is_another_one() -> None:
    for number in range(20):
        assert not is_copy(portrait(number), portrait(number + 1))
        assert not is_copy(portrait(number), picture(number))
        assert not is_copy(picture(number), picture(number + 1))
    assert not is_copy(portrait(1), b"no picture")


def test_a_retouched_picture_is_another_one() -> None:
    """Whatever a person sees, down to a spot of the size of an eye, is an edit; so is another cut."""
    with Image.open(io.BytesIO(portrait(1))) as image:
        for box in ((0, 0, 15, 15), (100, 100, 115, 112), (300, 300, 319, 319)):
            touched = image.copy()
            ImageDraw.Draw(touched).rectangle(box, fill="black" if sum(image.getpixel(box[:2])) > 300 else "white")  # type: ignore[arg-type]
            written = io.BytesIO()
            touched.save(written, "JPEG", quality=75)
            assert not is_copy(portrait(1), written.getvalue())
        written = io.BytesIO()
        image.crop((0, 0, 320, 240)).save(written, "JPEG")
        assert not is_copy(portrait(1), written.getvalue())


def test_one_s_own_photo_compressed_anew_stays_as_it_is() -> None:
    """It would lose quality with every edit, and go to everybody each time."""
    own = field_from_photo(portrait(1))
    data = base64.b64encode(compressed(portrait(1), 75)).decode()
    (kept,), matches = matching.edited([own], sent(f"PHOTO:data:image/jpeg;base64,{data}"))
    assert (kept, matches) == (own, [0])


def test_the_owner_s_photo_compressed_anew_is_not_the_viewer_s() -> None:
    """Taken for the viewer's own, it would hide every later photo of the owner's."""
    base = [field_from_photo(portrait(1))]
    data = base64.b64encode(compressed(portrait(1), 75)).decode()
    back = sent(f"PHOTO:data:image/jpeg;base64,{data}")
    assert merge.additions(back, base, base) == []
    assert merge.additions(back, base, [field_from_photo(portrait(2))]) == []
    mine = [field_from_photo(portrait(3))]
    assert merge.additions(mine, base, base) == mine
    assert merge.additions(back, base, base, back) == back


@pytest.mark.parametrize(
    "line",
    [
        "RELATED;VALUE=text;TYPE=savings:999",
        "RELATED;TYPE=Savings;VALUE=text:999",
        "item1.X-ABRELATEDNAMES:999\r\nitem1.X-ABLabel:Savings",
        "RELATED;VALUE=text;TYPE=savings:1000",
    ],
)
def test_a_labelled_field_is_known_by_its_label_however_a_program_writes_it(line: str) -> None:
    """It keeps its identity, and with it who may see it; a changed value is a change of that field."""
    bank, school = field_from_text("bank-account", "999", "Savings"), field_from_text("school", "Tsinghua")
    contents, matches = matching.edited([school, bank], sent(line, "RELATED;VALUE=text;TYPE=school:Tsinghua"))
    assert matches == [1, 0]
    assert contents[0].kind == "bank-account"
    assert contents[0].main.value == ("1000" if "1000" in line else "999")
    assert contents[1] == school


def test_a_relation_stays_one() -> None:
    friend = field_from_text("related", "Li Si", "Friend")
    back = sent("RELATED;VALUE=text;TYPE=friend:Li Si", "RELATED;VALUE=text;TYPE=school:Wang Wu")
    assert undone([friend], back) == back


@pytest.mark.parametrize("text", ["one\\n\\n\\ntwo", "two\\none", "one\\ntwo\\n"])
def test_notes_that_were_put_together_are_apart_again(text: str) -> None:
    """Each note may be shown to others; what is written besides is a new one, which nobody was granted yet."""
    notes = [field_from_text("note", "one"), field_from_text("note", "two")]
    contents, matches = matching.edited(notes, sent(f"NOTE:{text}"))
    assert (contents, matches) == (notes, [0, 1])
    contents, matches = matching.edited(notes, sent(f"NOTE:{text}\\nthree"))
    assert matches == [0, 1, None]
    assert contents[2].main.value == "three"


def test_what_a_program_has_only_one_of_is_not_deleted_by_it() -> None:
    """Of two organizations a phone shows one; sending it back deletes none, sending none back deletes them all."""
    existing = [field_from_text("organization", name) for name in ("Lantern", "ACME")]
    for name in ("Lantern", "ACME", "Another"):
        incoming = sent("TEL:1", f"ORG:{name}")
        _, matches = matching.edited(existing, incoming)
        assert matching.deleted_by_client(existing, matches, incoming) == []
    incoming = sent("TEL:1")
    assert matching.deleted_by_client(existing, [None], incoming) == [0, 1]
    (numbers,) = [[field_from_text("mobile", number) for number in ("1", "2")]]
    assert matching.deleted_by_client(numbers, [0], sent("TEL;TYPE=cell:1")) == [1]
