"""What a person types becomes a field, or a sentence that says what was expected."""

from __future__ import annotations

import base64
import io

import pytest
from PIL import Image

from sync.errors import InvalidInput
from sync.fields import (
    CATALOGUE,
    FieldContent,
    field_from_photo,
    field_from_text,
    fields_of,
    head,
    property_from_line,
    render,
    same_meaning,
)
from sync.vcard import parse_one

TYPED = [kind for kind in CATALOGUE.values() if kind.key != "photo"]


def back(field: FieldContent, version: str) -> list[FieldContent]:
    text = head(version, "u", 0) + render([field], version, fallback_name="login")
    return [found for found in fields_of(parse_one(text)) if found.main.name not in ("FN", "N") or field.kind == "name"]


@pytest.mark.parametrize("kind", TYPED, ids=lambda kind: kind.key)
@pytest.mark.parametrize("label", ["", "My own", "银行, 账号; 1"])
@pytest.mark.parametrize("version", ["3.0", "4.0"])
def test_every_kind_comes_back_as_itself(kind: object, label: str, version: str) -> None:
    """What is typed by its example, and with whatever label, is known again after either version."""
    assert isinstance(kind, type(TYPED[0]))
    field = field_from_text(kind.key, kind.example, label)
    assert field.kind == kind.key
    assert field.text()
    assert FieldContent.load(field.kind, field.dump()) == field
    assert any(same_meaning(field, found) for found in back(field, version))


@pytest.mark.parametrize("kind", ["qq", "hobby", "bank-account", "school", "anniversary", "mobile", "address"])
def test_the_label_that_a_person_gave_wins(kind: str) -> None:
    field = field_from_text(kind, CATALOGUE[kind].example, "My own")
    assert field.label == "My own"
    for version in ("3.0", "4.0"):
        (found,) = back(field, version)
        assert (found.label, found.kind) == ("My own", kind)


@pytest.mark.parametrize(
    ("kind", "text", "shown"),
    [
        ("name", "Zhang;San", "Zhang San"),
        ("birthday", "1980-03-22", "1980-03-22"),
        ("birthday", "--0229", "--02-29"),
        ("anniversary", "--08-20", "--08-20"),
        ("msn", " a@b ", "a@b"),
        ("wechat", "zhang_san", "zhang_san"),
        ("im", "skype:san", "san"),
        ("address", "1 Main Street\nTown", "1 Main Street Town"),
        ("address", ";;1 Main St;Town;State;12345;Country", "1 Main St, Town, State, 12345, Country"),
        ("organization", "ACME, Inc.; Sales", "ACME, Inc., Sales"),
        ("categories", "friends，chess", "friends, chess"),
        ("gender", "female", "F"),
        ("geo", "-1.5 2", "-1.5, 2"),
        ("timezone", "+08:00", "+08:00"),
        ("key", "-----BEGIN-----\nabc", "-----BEGIN----- abc"),
        ("x:x-shoe-size", "42; EU", "42; EU"),
        ("note", "a\n\nb", "a b"),
    ],
)
def test_a_field_is_shown_as_it_was_meant(kind: str, text: str, shown: str) -> None:
    field = field_from_text(kind, text)
    assert (field.kind, field.text()) == (kind, shown)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("mobile", "call me"),
        ("mobile", "++"),
        ("email", "nobody"),
        ("email", "a@b@c"),
        ("email", "a b@c"),
        ("qq", "0123456"),
        ("qq", "1234"),
        ("qq", "12a45"),
        ("wechat", "zhang san"),
        ("im", "zhang"),
        ("birthday", "22.3.1980"),
        ("birthday", "1980-02-30"),
        ("birthday", "--13-01"),
        ("url", "example.com"),
        ("geo", "here"),
        ("language", "Chinese (simplified)"),
        ("photo", "me.jpg"),
        ("note", " \u202e\n"),
        ("nonsense", "x"),
        ("x:uid", "x"),
        ("x:end", "x"),
        ("x:a:b", "x"),
        ("x:", "x"),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence(kind: str, text: str) -> None:
    with pytest.raises(InvalidInput, match=r"^[A-Z].*\.$") as caught:
        field_from_text(kind, text)
    assert not text.strip() or text not in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "text", "meant"),
    [
        ("mobile", "＋８６ 138－0013－8000", "+86 138-0013-8000"),
        ("office-phone", "（010）6278　5001", "(010)6278 5001"),
        ("email", "mei＠example．org", "mei@example.org"),
        ("qq", "１０００１２", "100012"),
        ("birthday", "１９８０－０３－２２", "1980-03-22"),
        ("anniversary", "－－０３－２２", "--03-22"),
        ("geo", "３９．９，１１６．４", "39.9, 116.4"),
        ("timezone", "＋０８：００", "+08:00"),
    ],
)
def test_what_is_typed_with_full_width_letters_is_what_programs_can_read(kind: str, text: str, meant: str) -> None:
    assert field_from_text(kind, text) == field_from_text(kind, meant)


@pytest.mark.parametrize("kind", ["name", "organization", "note", "url"])
def test_full_width_letters_stay_where_people_read_them(kind: str) -> None:
    text = "https://example.org/（株）１" if kind == "url" else "（株）１"
    assert field_from_text(kind, text).text() == text


def test_a_messenger_without_a_name_takes_its_label() -> None:
    assert field_from_text("im", "san", "Skype").main.value == "skype:san"


def test_a_phonetic_name_says_which_part_it_sounds() -> None:
    assert field_from_text("phonetic", "san", "first").main.name == "X-PHONETIC-FIRST-NAME"


def test_a_photo_is_shown_as_format_and_size() -> None:
    written = io.BytesIO()
    Image.new("RGB", (600, 300), "red").save(written, "PNG")
    field = field_from_photo(written.getvalue())
    assert field.text() == "JPEG, 1 kB"
    assert property_from_line("KEY;ENCODING=b:" + base64.b64encode(b"x" * 5_000).decode()).text() == "key, 5 kB"
    with pytest.raises(InvalidInput):
        field_from_photo(b"no picture")


def test_a_field_of_a_newer_release_is_not_guessed_at() -> None:
    with pytest.raises(InvalidInput, match="newer release"):
        FieldContent.load("note", '[2,"5.0",[]]')


def test_the_catalogue_says_how_each_kind_is_written() -> None:
    for key, kind in CATALOGUE.items():
        assert kind.key == key
        assert kind.help.startswith("vCard 3.0: ")
