"""Fields changed in the text of a card: every other line stays byte for byte as it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from sync.fields import field_from_text
from sync.fields.parts import Parts, parts_of, put_together
from sync.merging import line_edits
from sync.vcard import parse, serialize

CARD = (
    b"BEGIN:VCARD\r\nVERSION:3.0\r\nPRODID:-//Odd//EN\r\nUID:a\r\nN:Chen;Anna;;;\r\nFN:Anna Chen\r\n"
    b"item1.TEL;type=pref:+86 138\r\n  0013 8000\r\nitem1.X-ABLabel:Ferry\r\nx-odd;foo=bar:zzz\r\n"
    b"NOTE:hel\r\n lo\r\nEND:VCARD\r\n"
)
FILES = sorted((Path(__file__).parents[2] / "data" / "vcards").glob("*.vcf"))


def place(data: bytes, kind: str) -> int:
    return [content.kind for content in line_edits.contents_of(data)].index(kind)


def typed(data: bytes, at: int, text: str, label: str | None = None) -> bytes:
    before = line_edits.contents_of(data)[at]
    parts = parts_of(before)
    assert parts is not None
    wanted = Parts(parts.shape, {"text": text}, parts.label if label is None else label)
    return line_edits.edited(data, {at: put_together(before.kind, wanted, before)})


def test_a_number_changes_and_its_label_and_every_other_line_stays() -> None:
    changed = typed(CARD, place(CARD, "phone"), "+1 555 0100")
    assert changed == CARD.replace(b"item1.TEL;type=pref:+86 138\r\n  0013 8000", b"item1.TEL;TYPE=pref:+1 555 0100")


def test_a_label_changes_and_the_number_stays_as_it_was_written() -> None:
    changed = typed(CARD, place(CARD, "phone"), "+86 138 0013 8000", "Cabin")
    assert changed == CARD.replace(b"Ferry", b"Cabin")


def test_a_label_that_comes_gets_a_group_that_is_not_taken() -> None:
    bare = CARD.replace(b"NOTE:", b"TEL;TYPE=home:+1 555 0199\r\nNOTE:")
    changed = typed(bare, place(bare, "home-phone"), "+1 555 0199", "Cabin")
    assert b"item2.TEL" in changed
    assert b"item2.X-ABLabel:Cabin" in changed
    assert b"item1.X-ABLabel:Ferry" in changed


def test_a_field_goes_with_its_label_and_one_comes_behind_the_others() -> None:
    changed = line_edits.edited(CARD, {place(CARD, "phone"): None}, [field_from_text("email", "a@example.org", "")])
    gone = CARD.replace(b"item1.TEL;type=pref:+86 138\r\n  0013 8000\r\nitem1.X-ABLabel:Ferry\r\n", b"")
    assert changed.startswith(gone.removesuffix(b"END:VCARD\r\n"))
    assert changed.removeprefix(gone.removesuffix(b"END:VCARD\r\n")).startswith(b"EMAIL")
    assert changed.endswith(b"\r\nEND:VCARD\r\n")


def test_a_label_of_two_numbers_stays_with_the_one_that_did_not_change() -> None:
    both = CARD.replace(b"x-odd", b"item1.EMAIL:a@example.org\r\nx-odd")
    changed = typed(both, place(both, "phone"), "+1 555 0100", "Cabin")
    labels = {content.kind: content.label for content in line_edits.contents_of(changed)}
    assert (labels["phone"], labels["email"]) == ("Cabin", "Ferry")


def test_nothing_changes_where_nothing_was_changed() -> None:
    unusual = CARD.replace(b"\r\n", b"\n")
    contents = line_edits.contents_of(unusual)
    assert line_edits.edited(unusual, dict(enumerate(contents))) == unusual


def test_line_ends_stay_as_they_are() -> None:
    changed = typed(CARD.replace(b"\r\n", b"\n"), place(CARD, "note"), "x")
    assert b"\r" not in changed


def test_a_card_of_an_old_version_is_written_as_one_that_phones_read() -> None:
    old = b"BEGIN:VCARD\r\nVERSION:2.1\r\nN:Chen;Anna\r\nTEL;CELL:138\r\nEND:VCARD\r\n"
    changed = typed(old, place(old, "mobile"), "139")
    assert b"VERSION:3.0" in changed
    assert [content.text() for content in line_edits.contents_of(changed) if content.kind == "mobile"] == ["139"]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_in_the_cards_of_real_programs_each_field_can_be_taken_away_alone(file: Path) -> None:
    for card in parse(file.read_bytes()):
        data = serialize(card).encode()
        contents = line_edits.contents_of(data)
        for at, content in enumerate(contents):
            if content.kind == "photo":
                continue
            left = line_edits.contents_of(line_edits.edited(data, {at: None}))
            lines = {item.line for item in content.properties}
            shared = [
                other for other in contents if other is not content and lines & {i.line for i in other.properties}
            ]
            expected = [other.dump() for number, other in enumerate(contents) if number != at]
            assert shared or [other.dump() for other in left] == expected, content.main.name
