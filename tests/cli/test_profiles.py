"""`evercard profile`."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from sync import vcard
from tests.cli.conftest import Command

SAMPLES = sorted((Path(__file__).parents[1] / "data" / "vcards").glob("*.vcf"))


def values(evercard: Command, login: str = "anna") -> dict[str, str]:
    """Return what a profile says, by the names of its fields."""
    return {field["field"]: field["value"] for field in evercard.json("profile", "show", login)}


def field(evercard: Command, name: str) -> dict[str, Any]:
    return next(field for field in evercard.json("profile", "show", "anna") if field["field"] == name)


def test_a_field_is_added_by_its_kind_and_changed_by_it(anna: Command) -> None:
    assert "added" in anna("profile", "set", "anna", "mobile", "+86 1")
    assert "changed" in anna("profile", "set", "anna", "mobile", "+86 2")
    assert values(anna) == {"mobile": "+86 2"}


def test_a_changed_field_stays_the_field_that_was_granted(anna: Command) -> None:
    anna("profile", "set", "anna", "mobile", "+86 1")
    anna("grant", "give", "anna", "family", "mobile")
    before = field(anna, "mobile")
    anna("profile", "set", "anna", "mobile", "+86 2")
    after = field(anna, "mobile")
    assert (after["id"], after["groups"]) == (before["id"], ["family"])


def test_of_several_fields_one_is_named_by_its_place_its_label_or_its_id(anna: Command) -> None:
    anna("profile", "add", "anna", "mobile", "+86 1")
    anna("profile", "add", "anna", "mobile", "+852 1", "--label", "Hong Kong")
    anna("profile", "set", "anna", "mobile:1", "+86 2")
    anna("profile", "set", "anna", "mobile:hong kong", "+852 2")
    assert values(anna) == {"mobile:1": "+86 2", "mobile:2": "+852 2"}
    assert field(anna, "mobile:2")["label"] == "Hong Kong"
    anna("profile", "set", "anna", field(anna, "mobile:1")["id"], "+86 3")
    assert values(anna)["mobile:1"] == "+86 3"


def test_an_ambiguous_field_is_refused_with_the_choices(anna: Command) -> None:
    for number in ("+86 1", "+86 2"):
        anna("profile", "add", "anna", "mobile", number)
    assert "mobile:1, mobile:2." in anna.error("profile", "set", "anna", "mobile", "+86 3")
    assert "mobile:1, mobile:2, mobile:all." in anna.error("profile", "unset", "anna", "mobile")
    assert "it has mobile:1, mobile:2." in anna.error("profile", "set", "anna", "mobile:3", "+86 3")
    anna("profile", "unset", "anna", "mobile:all")
    assert values(anna) == {}


def test_an_unknown_kind_is_refused_with_what_may_be_meant(anna: Command) -> None:
    assert "did you mean 'mobile'?" in anna.error("profile", "set", "anna", "mobil", "1")
    assert "evercard profile kinds" in anna.error("profile", "set", "anna", "qwertz", "1")
    assert "bank-account" in anna("profile", "kinds")


def test_a_value_that_does_not_fit_is_refused_with_what_was_expected(anna: Command) -> None:
    assert "in 2009" not in anna.error("profile", "set", "anna", "birthday", "in 2009")
    assert "digits" in anna.error("profile", "set", "anna", "qq", "no number")


def test_a_value_may_begin_with_hyphens(anna: Command) -> None:
    anna("profile", "set", "anna", "birthday", "--03-22")
    anna("profile", "set", "anna", "geo", "-33.9, 151.2")
    assert values(anna) == {"birthday": "--03-22", "geo": "-33.9, 151.2"}


def test_a_line_of_a_vcard_is_a_value(anna: Command) -> None:
    anna("profile", "set", "anna", "--property", "EMAIL;TYPE=home:a@x.example")
    anna("profile", "set", "anna", "email", "b@x.example")
    assert "EMAIL;TYPE=HOME:b@x.example" in anna("profile", "export", "anna")
    assert "no field of the kind 'qq'" in anna.error("profile", "set", "anna", "qq", "--property", "TEL:1")


def test_a_label_stays_unless_another_is_given(anna: Command) -> None:
    anna("profile", "set", "anna", "email", "a@x.example", "--label", "Club")
    anna("profile", "set", "anna", "email", "b@x.example")
    assert field(anna, "email")["label"] == "Club"
    anna("profile", "set", "anna", "email", "b@x.example", "--label", "")
    assert field(anna, "email")["label"] == ""


def test_a_photo_comes_from_a_file(anna: Command, tmp_path: Path) -> None:
    written = io.BytesIO()
    Image.new("RGB", (900, 900), "red").save(written, "PNG")
    (tmp_path / "me.png").write_bytes(written.getvalue())
    anna("profile", "set", "anna", "photo", "--file", str(tmp_path / "me.png"))
    assert values(anna)["photo"].startswith("JPEG")
    anna("profile", "set", "anna", "--file", "-", given=written.getvalue())
    assert len(values(anna)) == 1
    assert "Only a photo" in anna.error("profile", "set", "anna", "note", "--file", str(tmp_path / "me.png"))
    assert "cannot be read" in anna.error("profile", "set", "anna", "photo", "--file", str(tmp_path / "none"))


@pytest.mark.parametrize("arguments", [[], ["mobile"], ["mobile", "1", "--property", "TEL:1"]])
def test_without_one_value_the_usage_is_told(anna: Command, arguments: list[str]) -> None:
    assert anna.run("profile", "set", "anna", *arguments).exit_code == 2


def test_whoever_sees_a_field_is_shown_beside_it(anna: Command) -> None:
    anna("profile", "set", "anna", "hobby", "Chess")
    anna("grant", "give", "anna", "family", "hobby")
    anna("grant", "except", "anna", "bo", "hobby", "--withhold")
    anna("grant", "except", "anna", "chiara", "hobby", "--show")
    assert "family, chiara but not bo" in anna("profile", "show", "anna")
    shown = field(anna, "hobby")
    assert (shown["groups"], shown["shown_to"], shown["withheld_from"]) == (["family"], ["chiara"], ["bo"])


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.stem)
def test_every_card_of_every_sample_can_be_imported(evercard: Command, sample: Path) -> None:
    evercard("user", "add", "anna")
    cards = len(vcard.parse(sample.read_bytes()))
    for number in range(1, cards + 1):
        evercard("profile", "import", "anna", str(sample), "--card", str(number), "--replace")
        assert values(evercard)
    if cards > 1:
        assert f"There are {cards} cards in this file" in evercard.error("profile", "import", "anna", str(sample))


def test_what_is_exported_is_imported_without_a_change(anna: Command) -> None:
    anna("profile", "set", "anna", "name", "陈安娜 Anna Chen")
    anna("profile", "add", "anna", "mobile", "+86 1", "--label", "Hong Kong")
    anna("profile", "add", "anna", "bank-account", "6222 0000")
    for version in ("3.0", "4.0"):
        card = anna("profile", "export", "anna", "--vcard-version", version)
        assert "0 fields" in anna("profile", "import", "anna", "-", given=card)


def test_an_export_is_written_to_a_file(anna: Command, tmp_path: Path) -> None:
    anna("profile", "export", "anna", "-o", str(tmp_path / "me.vcf"))
    assert (tmp_path / "me.vcf").read_bytes().startswith(b"BEGIN:VCARD\r\n")
    assert "cannot be written" in anna.error("profile", "export", "anna", "-o", str(tmp_path))


def test_a_file_without_a_card_is_refused(anna: Command) -> None:
    assert anna.error("profile", "import", "anna", "-", given="") == "-: There is no vCard in this file."


def test_a_line_that_cannot_be_read_is_named_and_costs_nothing_else(anna: Command) -> None:
    card = b"BEGIN:VCARD\nVERSION:3.0\nrubbish\nNOTE:Gr\xfc\xdfe\nEND:VCARD\n"
    result = anna.run("profile", "import", "anna", "-", given=card)
    assert result.exit_code == 0
    assert "Left out: line 3: The line has no colon." in result.output
    assert values(anna)["note"] == "Grüße"


def test_a_card_that_the_file_does_not_have_is_refused(anna: Command) -> None:
    card = "BEGIN:VCARD\nVERSION:3.0\nFN:A\nEND:VCARD\n"
    assert "it has 1" in anna.error("profile", "import", "anna", "-", "--card", "2", given=card)


@pytest.mark.parametrize(
    ("text", "names"),
    [("Anna Neu", {"Anna Neu"}), ("Neu;Anna;;;", {"Anna Neu", "Neu Anna"})],
)
def test_a_name_that_stands_twice_is_changed_as_one(anna: Command, tmp_path: Path, text: str, names: set[str]) -> None:
    """A card from a phone has it as a whole and in parts."""
    card = "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Anna Alt\r\nN:Alt;Anna;;;\r\nEND:VCARD\r\n"
    (tmp_path / "card.vcf").write_text(card)
    anna("profile", "import", "anna", str(tmp_path / "card.vcf"))
    anna("profile", "set", "anna", "name", text)
    shown = [field["value"] for field in anna.json("profile", "show", "anna") if field["kind"] == "name"]
    assert len(shown) == 2
    assert {" ".join(value.split()) for value in shown} == names


@pytest.mark.parametrize("given", [("--property", "TEL:+1 555 0100"), ("--file", "anna.jpg")])
def test_a_label_without_a_text_is_refused(anna: Command, given: tuple[str, str]) -> None:
    result = anna.run("profile", "add", "anna", *given, "--label", "Hong Kong")
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert "--label goes with a text" in result.stderr
