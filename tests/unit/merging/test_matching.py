"""A property of a card that comes back is the field that it was, whatever the program did to it."""

from __future__ import annotations

import pytest

from sync.fields import FieldContent, field_from_text, fields_of
from sync.merging.matching import deleted_by_client, edited, match, ordered, unmatched
from sync.vcard import parse_one


def contents(*lines: str, version: str = "3.0") -> list[FieldContent]:
    """Return the fields of a card with these content lines."""
    return fields_of(parse_one("\n".join(["BEGIN:VCARD", f"VERSION:{version}", *lines, "END:VCARD"])))


NUMBERS = ("TEL;TYPE=CELL:1", "TEL;TYPE=CELL:2", "TEL;TYPE=HOME:3")


@pytest.mark.parametrize(
    ("incoming", "matches"),
    [
        (NUMBERS, [0, 1, 2]),
        (NUMBERS[::-1], [2, 1, 0]),
        (("TEL;type=cell;type=voice;type=pref:2", "item1.TEL;TYPE=home:3"), [1, 2]),
        (("TEL;TYPE=CELL;TYPE=pref:2", "TEL;TYPE=CELL;TYPE=WORK:1"), [1, 0]),
        (("TEL;TYPE=WORK:2", "TEL;VALUE=uri:tel:1"), [1, 0]),
        (("TEL;TYPE=CELL:9", *NUMBERS[1:]), [0, 1, 2]),
        (("TEL;TYPE=CELL:9", *NUMBERS), [None, 0, 1, 2]),
        (("TEL;TYPE=CELL:8", "TEL;TYPE=CELL:9"), [0, 1]),
        # One of the two mobile numbers was deleted: nobody can tell which the other was.
        (("TEL;TYPE=HOME:9", "TEL;TYPE=CELL:8"), [2, None]),
        (("EMAIL:a@example.org",), [None]),
        (("TEL;TYPE=CELL:1", "TEL;TYPE=CELL:1"), [0, 1]),
        ((), []),
    ],
    ids=lambda part: ", ".join(map(str, part))[:40],
)
def test_the_same_value_comes_first_then_the_same_label_in_order(
    incoming: tuple[str, ...], matches: list[int | None]
) -> None:
    assert match(contents(*NUMBERS), contents(*incoming), replace=True) == matches


def test_a_number_that_one_may_have_often_is_another_one_unless_the_card_replaces() -> None:
    existing = contents("TEL;TYPE=CELL:1", "BDAY:1980-03-22")
    incoming = contents("TEL;TYPE=CELL:9", "BDAY:1980-03-23")
    assert match(existing, incoming, replace=False) == [None, 1]


@pytest.mark.parametrize(
    ("classic", "modern"),
    [
        (["a.X-ABRELATEDNAMES:Jenny", "a.X-ABLabel:_$!<Spouse>!$_"], "RELATED;TYPE=spouse;VALUE=text:Jane"),
        (["a.X-ABDATE:2009-08-08", "a.X-ABLabel:_$!<Anniversary>!$_"], "ANNIVERSARY:20100808"),
        (["a.X-ABRELATEDNAMES:Sailing", "a.X-ABLabel:Hobby"], "HOBBY:Rowing"),
        (["X-GENDER:M"], "GENDER:F"),
        (["X-ICQ:1"], "IMPP:icq:2"),
    ],
)
def test_a_value_that_changes_in_the_other_version_is_the_same_field(classic: list[str], modern: str) -> None:
    existing = contents("TEL:1", *classic)
    assert match(existing, contents(modern, version="4.0"), replace=True) == [1]


def test_no_field_is_taken_twice() -> None:
    assert match(contents("TEL:1"), contents("TEL:1", "TEL:1", "TEL:2"), replace=True) == [0, None, None]


def deleted(existing: list[FieldContent], *sent: str) -> list[int]:
    incoming = contents(*sent)
    return deleted_by_client(existing, match(existing, incoming, replace=True), incoming)


def test_what_every_program_keeps_is_deleted_by_leaving_it_out() -> None:
    assert deleted(contents("FN:A", "TEL:1", "EMAIL:a@b", "NOTE:x"), "TEL:1") == [0, 2, 3]


@pytest.mark.parametrize("line", ["X-PET:Mimi", "IMPP:xmpp:a@b", "ROLE:x", "CATEGORIES:a", "LOGO;VALUE=uri:http://a"])
def test_what_not_every_program_keeps_is_not(line: str) -> None:
    assert deleted(contents("TEL:1", line, "X-OTHER:1", "TZ:-05:00"), "TEL:1", "X-OTHER:1", "TZ:-05:00") == []


def test_what_came_back_beside_another_of_its_name_is_deleted_when_that_does_not() -> None:
    existing = contents("X-PET:Mimi", "X-PET:Momo", "IMPP:xmpp:a@b", "IMPP:icq:1", "X-AIM:1")
    assert deleted(existing, "X-PET:Momo", "IMPP:xmpp:a@b") == [0, 3, 4]


def test_a_name_is_known_as_it_is_served() -> None:
    """An extension is served as the property that means the same, which who drops extensions keeps."""
    existing = contents("X-ICQ:1", "X-AIM:1", "IMPP:xmpp:a@b")
    assert deleted_by_client(existing, [2], contents("IMPP:xmpp:a@b")) == [0, 1]
    assert deleted_by_client(existing, [2], contents("IMPP:xmpp:a@b", version="4.0")) == [0, 1]


def test_who_sends_somebody_elses_picture_knows_pictures() -> None:
    (own,) = contents("X-PET:Mimi")
    assert deleted_by_client([own], [], []) == []
    assert deleted_by_client([own], [], contents("X-PET:Momo")) == [0]


LABELLED = ("a.TEL:1", "a.X-ABLabel:Boat", "b.X-ABRELATEDNAMES:Tsinghua", "b.X-ABLabel:School")


@pytest.mark.parametrize("version", ["3.0", "4.0"])
def test_labels_stay_where_a_program_knows_none(version: str) -> None:
    existing = contents(*LABELLED)
    sent = contents("TEL:1", "X-ABRELATEDNAMES:Tsinghua", version=version)
    assert edited(existing, sent) == (existing, [0, 1])
    changed, matches = edited(existing, contents("TEL:2", "X-ABRELATEDNAMES:Peking", version=version))
    assert matches == [0, 1]
    assert [(item.main.value, item.label, item.kind) for item in changed] == [
        ("2", "Boat", "phone"),
        ("Peking", "School", "school"),
    ]


def test_a_label_goes_where_others_come_back() -> None:
    changed, matches = edited(contents(*LABELLED), contents("TEL:1", *LABELLED[2:]))
    assert (matches, changed[0].label, changed[1].label) == ([0, 1], "", "School")


def test_a_house_keeps_its_label_in_either_version() -> None:
    existing = contents("a.ADR:;;1 Main Street;;;;", "a.LABEL:1 Main\\nStreet", "a.X-ABADR:us")
    bare = contents("ADR:;;1 Main Street;;;;")
    modern = contents('ADR;LABEL="1 Main^nStreet":;;1 Main Street;;;;', version="4.0")
    for sent in (bare, modern):
        assert edited(existing, sent) == (existing, [0])


@pytest.mark.parametrize(
    ("before", "sent", "after"),
    [
        ("NOTE:tea\\; milk", "NOTE:tea\\\\; milk", "NOTE:tea\\; milk"),
        ("NOTE:tea\\; milk", "NOTE:tea\\\\; salt", "NOTE:tea\\; salt"),
        ("NOTE:tea\\\\\\; milk", "NOTE:tea\\\\; milk\\, x", "NOTE:tea\\\\; milk\\, x"),
        ("NOTE:tea", "NOTE:tea\\\\; milk", "NOTE:tea\\\\; milk"),
    ],
)
def test_a_program_that_cannot_read_semicolons_adds_no_backslashes(before: str, sent: str, after: str) -> None:
    (content,), _ = edited(contents(before), contents(sent))
    assert content == contents(after)[0]


@pytest.mark.parametrize(
    ("matches", "gone", "order"),
    [
        ([0, 1, 2, 3], [], [0, 1, 2, 3]),
        ([2, 0, 1, 3], [], [0, 1, 2, 3]),
        ([2, 0, 3], [], [0, 1, 2, 3]),
        ([2, 0, 3], [1], [0, 2, 3]),
        ([2, 0, None, 3], [], [0, 6, 1, 2, 3]),
        ([2, 0, 1, 3, None], [], [0, 1, 2, 3, 8]),
        ([2, 3, 0], [1], [2, 3, 0]),
        ([3, 0], [], [3, 0, 1, 2]),
        ([None], [0, 1, 2, 3], [4]),
    ],
)
def test_only_another_order_moves_fields(matches: list[int | None], gone: list[int], order: list[int]) -> None:
    """What a card leaves out stays behind what it stood behind, and that names come first is no order."""
    existing = contents("TEL:0", "X-B:1", "FN:2", "EMAIL:3")
    assert ordered(existing, matches, gone) == order
    assert unmatched(4, matches) == [index for index in range(4) if index not in matches]


def test_backslashes_that_were_put_before_a_semicolon_more_than_once_go() -> None:
    note = field_from_text("note", "Call me; or not")
    for count in (1, 2, 3):
        back = contents("NOTE:Call me" + "\\" * count + "\\; or not")
        assert edited([note], back) == ([note], [0])
