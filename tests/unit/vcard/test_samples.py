"""Cards of real programs: read without loss, written in both versions, and read again with the same meaning."""

from __future__ import annotations

from pathlib import Path

import pytest

from sync.errors import InvalidVCard
from sync.fields import FieldContent, fields_of, head, render, same_meaning
from sync.vcard import VCard, modernize, parse, parse_one, serialize

FOLDER = Path(__file__).parents[2] / "data" / "vcards"
COUNTS = {"John_Doe_ANDROID.vcf": 6, "rfc2426-example.vcf": 2}
#: The photo of this card was shortened by whoever made the sample, so it is none.
BROKEN_PHOTO = ("John_Doe_ANDROID.vcf", 52)


def cards() -> list[tuple[str, VCard]]:
    return [
        (f"{path.stem}:{card.line}", card)
        for path in sorted(FOLDER.glob("*.vcf"))
        for card in parse(path.read_bytes())
        if not (path.name == BROKEN_PHOTO[0] and card.first("PHOTO"))
    ]


def missing(given: list[FieldContent], wanted: list[FieldContent]) -> list[FieldContent]:
    return [field for field in wanted if not any(same_meaning(field, other) for other in given)]


def rewritten(fields: list[FieldContent], version: str) -> list[FieldContent]:
    text = head(version, "some-uid", 0) + render(fields, version, fallback_name="login", remote_media=True)
    card = parse_one(text)
    assert card.version == version
    return fields_of(card)


ALL = pytest.mark.parametrize("card", [card for _, card in cards()], ids=[name for name, _ in cards()])
BOTH = pytest.mark.parametrize("version", ["3.0", "4.0"])


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.vcf")), ids=lambda path: path.stem)
def test_every_card_survives_being_written(path: Path) -> None:
    found = parse(path.read_bytes())
    assert len(found) == COUNTS.get(path.name, 1)
    for card in found:
        assert parse_one(serialize(card)) == card
        assert parse_one(serialize(modernize(card))) == modernize(card)


def test_a_photo_that_is_none_is_named_by_its_line() -> None:
    name, line = BROKEN_PHOTO
    found = []
    for card in parse((FOLDER / name).read_bytes()):
        try:
            fields_of(card)
        except InvalidVCard as error:
            found.append(error.line)
    assert found == [line]


@ALL
@BOTH
def test_every_field_keeps_its_meaning(card: VCard, version: str) -> None:
    """Nothing but a name that every card must have is added, and nothing is lost."""
    fields = fields_of(card)
    again = rewritten(fields, version)
    assert missing(again, fields) == []
    assert {field.kind for field in missing(fields, again)} <= {"name"}


@ALL
@BOTH
def test_meaning_survives_the_way_there_and_back(card: VCard, version: str) -> None:
    """A field that went to a client of the other version and came back is still the same field."""
    fields = fields_of(card)
    for other in ("3.0", "4.0", version):
        again = rewritten(rewritten(fields, version), other)
        assert missing(again, fields) == []


@ALL
@BOTH
def test_rendering_is_settled_after_once(card: VCard, version: str) -> None:
    once = rewritten(fields_of(card), version)
    text = render(once, version, fallback_name="login", remote_media=True)
    twice = fields_of(parse_one(head(version, "u", 0) + text))
    assert render(twice, version, fallback_name="login", remote_media=True) == text


@ALL
def test_every_field_is_stored_without_loss(card: VCard) -> None:
    for field in fields_of(card):
        assert FieldContent.load(field.kind, field.dump()) == field
        assert field.text()


@ALL
@BOTH
def test_no_line_is_longer_than_clients_expect(card: VCard, version: str) -> None:
    text = head(version, "u", 0) + render(fields_of(card), version, fallback_name="login")
    assert max(len(line.encode()) for line in text.split("\r\n")) <= 75
    assert text.endswith("END:VCARD\r\n")
