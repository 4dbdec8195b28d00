"""A card has no more of a property than its version allows, and yet everything that there is."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

from sync.fields import FieldContent, fields_of, head, render, same_meaning
from sync.fields.cardinality import MORE, ONCE
from sync.merging import matching
from sync.vcard import Property, VCard, parse_one

CASES = Path(__file__).parents[2] / "data" / "cases"
VERSIONS = ["3.0", "4.0"]
TWICE = [
    ("3.0", "BDAY:1980-03-22", "BDAY:1981-03-22"),
    ("4.0", "BDAY:19800322", "BDAY;VALUE=text:in spring"),
    ("4.0", "BDAY:--0322", "BDAY:--0323"),
    ("4.0", "ANNIVERSARY:20090808", "ANNIVERSARY:20100808"),
    ("4.0", "ANNIVERSARY:20090808", "ANNIVERSARY;VALUE=text:the flood"),
    ("3.0", "X-ANNIVERSARY:2009-08-08", "X-MS-ANNIVERSARY:20110113"),
    ("3.0", "X-ANNIVERSARY:2009-08-08", "X-ANNIVERSARY:2010-08-08"),
    ("3.0", "FN:Jo", "FN:Joe"),
    ("3.0", "N:Jo;;;;", "N:Joe;;;;"),
    ("4.0", "N:Jo;;;;", "N;SORT-AS=e:Joe;;;;"),
    ("4.0", "GENDER:M", "GENDER:F"),
    ("4.0", "KIND:org", "KIND:individual"),
    ("4.0", "BIRTHPLACE:here", "BIRTHPLACE:there"),
    ("4.0", "DEATHDATE:19800322", "DEATHDATE:19800323"),
    ("4.0", "LANGUAGE:de", "LANGUAGE:en"),
    ("4.0", "CREATED:20220705T093412Z", "CREATED:20220706T093412Z"),
    ("3.0", "CLASS:PUBLIC", "CLASS:PRIVATE"),
    ("3.0", "item1.BDAY:1980-03-22", "item1.X-ABLabel:Passport", "BDAY:1980-03-23"),
    ("3.0", "BDAY:1980-03-22", "item1.BDAY:1980-03-23", "item1.X-ABLabel:Passport"),
]


def read(version: str, *lines: str) -> list[FieldContent]:
    return fields_of(parse_one("\r\n".join(["BEGIN:VCARD", f"VERSION:{version}", *lines, "END:VCARD", ""])))


def case(name: str) -> list[FieldContent]:
    return fields_of(parse_one((CASES / f"{name}.vcf").read_bytes()))


def card(contents: list[FieldContent], version: str) -> VCard:
    return parse_one(head(version, "uid", 0) + render(contents, version, fallback_name="Made"))


def repeated(found: VCard) -> list[str]:
    """Return what is on a card more often than it may be, where several with one ALTID count as one."""
    said = {(item.name, item.parameter("ALTID") or index) for index, item in enumerate(found.properties)}
    return [
        name for name, count in Counter(name for name, _ in said).items() if count > 1 and name in ONCE[found.version]
    ]


def without_made(contents: list[FieldContent], found: list[FieldContent]) -> list[FieldContent]:
    names = {content.main.name for content in contents}
    return [content for content in found if content.main.name in names or content.main.name not in ("FN", "N")]


CONTENTS = [
    *(read(version, *lines) for version, *lines in TWICE),
    case("anniversary-twice-in-4"),
    case("fn-twice-and-n-altid"),
]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("contents", CONTENTS, ids=lambda contents: contents[-1].main.name)
def test_nothing_is_there_too_often_and_nothing_is_missing(contents: list[FieldContent], version: str) -> None:
    """And what comes back are the very fields that were served, in their order."""
    found = card(contents, version)
    assert repeated(found) == []
    back = without_made(contents, fields_of(found))
    assert len(back) == len(contents)
    _, matches = matching.edited(contents, back)
    assert sorted(index for index in matches if index is not None) == list(range(len(contents)))
    assert all(same_meaning(contents[index or 0], other) for index, other in zip(matches, back, strict=True))


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("contents", CONTENTS, ids=lambda contents: contents[-1].main.name)
def test_what_was_served_can_be_served_again(contents: list[FieldContent], version: str) -> None:
    """A card that is made of a card, as with what a viewer added, says the same."""
    once = card(contents, version)
    again = card(fields_of(once), version)
    assert sorted(again.properties, key=str) == sorted(once.properties, key=str)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("contents", CONTENTS, ids=lambda contents: contents[-1].main.name)
def test_a_program_that_keeps_one_deletes_no_other(contents: list[FieldContent], version: str) -> None:
    """It drops whatever it has no place for: here everything but the first of each ordinary property."""
    kept: dict[str, Property] = {}
    for item in card(contents, version).properties:
        kept.setdefault(item.name, item)
    ordinary = [item for name, item in kept.items() if not name.startswith("X-") and item.group == ""]
    sent = without_made(contents, fields_of(VCard(version, tuple(ordinary))))
    _, matches = matching.edited(contents, sent)
    assert None not in matches
    gone = matching.deleted_by_client(contents, matches, sent)
    assert [contents[index].main.name for index in gone if contents[index].label == ""] == []


def test_an_edit_of_the_one_that_a_program_knows_is_an_edit_of_that_field() -> None:
    contents = read("3.0", "FN:Jo", "FN:Joe", "BDAY:1980-03-22", "BDAY:1981-03-22")
    sent = read("3.0", "FN:Joanna", "BDAY:1980-03-25")
    assert matching.edited(contents, sent)[1] == [0, 2]


def test_the_preferred_name_is_the_one_that_is_shown() -> None:
    found = card(read("4.0", "FN;PREF=2:Jo", "FN;PREF=1:Joe"), "3.0")
    assert [(item.name, item.value) for item in found.properties if "FN" in item.name] == [
        (f"{MORE}FN", "Jo"),
        ("FN", "Joe"),
    ]


def test_names_in_several_languages_are_one_name() -> None:
    """ALTID says that they are, so 4.0 has them all; 3.0 has one."""
    modern, classic = (card(case("fn-twice-and-n-altid"), version) for version in ("4.0", "3.0"))
    assert [item.name for item in modern.properties if item.name.endswith("N")] == ["FN", "FN", "N", "N"]
    assert Counter(item.name for item in classic.properties if item.name.endswith("N")) == {
        "FN": 1,
        "N": 1,
        f"{MORE}FN": 1,
        f"{MORE}N": 1,
    }


def test_two_wedding_days_are_an_anniversary_and_a_labelled_day() -> None:
    found = card(read("4.0", "ANNIVERSARY:20090808", "ANNIVERSARY:20100808"), "4.0")
    lines = [(item.group, item.name, item.value) for item in found.properties][3:]
    assert lines == [
        ("", "ANNIVERSARY", "20090808"),
        ("item1", "X-ABDATE", "2010-08-08"),
        ("item1", "X-ABLABEL", "_$!<Anniversary>!$_"),
    ]


@pytest.mark.parametrize("name", ["UID", "REV", "PRODID", "VERSION", "TEL", "END"])
def test_no_other_property_is_made_of_one_more(name: str) -> None:
    """A client cannot say what only the server says by another name."""
    (found,) = read("4.0", f"{MORE}{name}:x")
    assert found.main.name == f"{MORE}{name}"


def test_more_than_two_stay_in_order() -> None:
    contents = read("4.0", *(f"BDAY:1980032{day}" for day in range(1, 6)))
    back = without_made(contents, fields_of(card(contents, "4.0")))
    assert all(same_meaning(*pair) for pair in zip(contents, back, strict=True))
    assert not any(same_meaning(*pair) for pair in pairwise(back))
