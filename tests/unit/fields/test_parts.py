"""Fields in a form: taken apart, and put together again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from sync.errors import InvalidInput
from sync.fields import CATALOGUE, FieldContent, field_from_text, fields_of, parts, property_from_line, same_meaning
from sync.fields.parts import Parts, parts_of, put_together, shape_of_kind
from sync.vcard import parse_one

#: Lines as programs write them, with what a form has no place for.
LINES = (
    "N:Zhang;San,Sanzi;;Dr.,Prof.;",
    'N;SORT-AS="Zhang,San":Zhang;San',
    "FN:Zhang San\\, the elder",
    'ADR;TYPE="work,pref";LABEL="1 Main Street":;;1 Main Street,Rear building;Springfield;IL;62701;USA',
    "ADR:;;Chengfu Road 35",
    "ORG:ACME;Sales;North, East",
    "ORG:ACME",
    "BDAY:1980-03-22",
    "BDAY;X-APPLE-OMIT-YEAR=1604:1604-03-22",
    "ANNIVERSARY:20090808",
    "GENDER:O;it's complicated",
    "X-GENDER:Female",
    "NOTE:One\\nTwo\\; three",
    "NICKNAME:Sanzi,Little Three",
    "TEL;TYPE=HOME,VOICE,pref:+1 555 0100",
    "IMPP;X-SERVICE-TYPE=Skype;type=HOME:skype:san",
    "IMPP;X-SERVICE-TYPE=QQ:x-apple:10001234",
    "X-PHONETIC-FIRST-NAME:san",
    "CATEGORIES:friends,chess",
    "X-SPOUSE:Li Si",
    "GEO:39.9;116.4",
    "TZ:+08:00",
)


def typed(shape: str = parts.TEXT, label: str = "", **texts: str) -> Parts:
    return Parts(shape, texts, label)


def changed(before: Parts, **texts: str) -> Parts:
    return replace(before, texts={**before.texts, **texts})


@pytest.mark.parametrize("line", LINES)
def test_what_nobody_touched_stays_the_very_field(line: str) -> None:
    content = property_from_line(line)
    taken = parts_of(content)
    assert taken is not None
    assert tuple(taken.texts) == parts.SHAPES[taken.shape]
    assert put_together(content.kind, taken, content) is content


@pytest.mark.parametrize("kind", [key for key in CATALOGUE if key != "photo"])
def test_every_kind_can_be_taken_apart_and_typed_anew(kind: str) -> None:
    content = field_from_text(kind, CATALOGUE[kind].example)
    taken = parts_of(content)
    assert taken is not None
    assert taken.shape == shape_of_kind(kind)
    assert same_meaning(put_together(kind, taken), content)
    assert put_together(kind, replace(taken, label="Mine"), content).kind == kind


@pytest.mark.parametrize(
    "line",
    [
        "PHOTO;VALUE=uri:https://example.com/a.jpg",
        "BDAY;VALUE=text:circa 1800",
        "N:a;b;c;d;e;f",
        "X-THING;X-UNIT=m:3",
        "KEY;ENCODING=b;TYPE=PGP:AAAA",
        "GENDER:Q",
    ],
)
def test_what_no_form_has_a_place_for_is_not_taken_apart(line: str) -> None:
    assert parts_of(property_from_line(line)) is None


@pytest.mark.parametrize(
    ("line", "change", "expected"),
    [
        ("N:Zhang;San,Sanzi;;;", {"family": "Li"}, "Li;San,Sanzi;;;"),
        ("ADR;TYPE=work;X=1:;;1 Street,Rear;A;;;", {"city": "B; C"}, "ADR;TYPE=work;X=1:;;1 Street,Rear;B\\; C;;;"),
        ("ORG:ACME;Sales", {"units": "Sales;North"}, "ORG:ACME;Sales;North"),
        ("ORG:ACME;Sales", {"units": ""}, "ORG:ACME"),
        ("BDAY:1980-03-22", {"year": ""}, "BDAY;X-APPLE-OMIT-YEAR=1604:1604-03-22"),
        ("BDAY:1980-03-22", {"day": "7"}, "BDAY:1980-03-07"),
        ("GENDER:F", {"identity": "a; b"}, "GENDER:F;a\\; b"),
        ("TEL;TYPE=CELL,VOICE:+1 555 0100", {"text": "+1 555 0101"}, "TEL;TYPE=CELL,VOICE:+1 555 0101"),
    ],
)
def test_a_changed_part_changes_nothing_else(line: str, change: Mapping[str, str], expected: str) -> None:
    before = property_from_line(line)
    taken = parts_of(before)
    assert taken is not None
    after = put_together(before.kind, changed(taken, **change), before)
    wanted = property_from_line(expected if expected.startswith(before.main.name) else f"{before.main.name}:{expected}")
    assert same_meaning(after, wanted)
    assert after.main.value == wanted.main.value


def labelled(*lines: str) -> FieldContent:
    text = "\n".join(["BEGIN:VCARD", "VERSION:3.0", *lines, "END:VCARD", ""])
    return fields_of(parse_one(text))[0]


def test_what_is_outdated_by_another_value_goes_and_the_rest_stays() -> None:
    before = labelled(
        'a.ADR;GEO="geo:1,2";X=1:;;1 Street;A;;;',
        "a.X-ABLABEL:Cabin",
        "a.X-ABADR:us",
        "a.LABEL:1 Street\\, A",
        "a.X-ABMORE:y",
    )
    taken = parts_of(before)
    assert taken is not None
    after = put_together("address", changed(taken, city="B"), before)
    assert [(item.name, item.value) for item in after.properties[1:]] == [("X-ABLABEL", "Cabin"), ("X-ABMORE", "y")]
    assert after.main.params == (("X", ("1",)),)
    renamed = put_together("address", replace(taken, label="Hut"), before)
    assert renamed.label == "Hut"
    assert {item.name for item in renamed.properties} == {"ADR", "X-ABLABEL", "X-ABADR", "LABEL", "X-ABMORE"}


@pytest.mark.parametrize("place", ["home", "work", ""])
def test_an_address_is_for_home_for_work_or_for_neither(place: str) -> None:
    content = put_together("address", typed(parts.ADDRESS, street="1 Street", place=place))
    assert content.main.types() == ({place} if place else set())
    taken = parts_of(content)
    assert taken is not None
    assert taken.texts["place"] == place
    for other in parts.PLACES:
        moved = put_together("address", changed(taken, place=other), content)
        assert moved.main.types() == ({other} if other else set())


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("name", typed(parts.NAME)),
        ("address", typed(parts.ADDRESS, place="home")),
        ("address", typed(parts.ADDRESS, street="x", place="moon")),
        ("gender", typed(parts.GENDER, sex="X")),
        ("gender", typed(parts.GENDER)),
        ("birthday", typed(parts.DATE)),
        ("birthday", typed(parts.DATE, year="1980", month="13", day="1")),
        ("birthday", typed(parts.DATE, year="1980", month="2", day="30")),
        ("birthday", typed(parts.DATE, year="x", month="2", day="3")),
        ("birthday", typed(parts.DATE, year="0", month="2", day="3")),
        ("mobile", typed(text="\x00\x01")),
        ("photo", typed(text="x")),
        ("nonsense", typed(text="x")),
    ],
)
def test_what_makes_no_sense_is_refused(kind: str, given: Parts) -> None:
    with pytest.raises(InvalidInput):
        put_together(kind, given)


def test_a_part_is_one_line_without_what_no_client_may_get() -> None:
    content = put_together("address", typed(parts.ADDRESS, street="1\r\nStreet\x00\u202e;,\\"))
    assert content.main.value == ";;1 Street\\;\\,\\\\;;;;"
