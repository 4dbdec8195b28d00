"""What Thunderbird does not show is said in lines that it does, and comes back as nothing."""

from __future__ import annotations

import pytest

from sync.books.spelled_out import spelled_out
from sync.fields import fields_of, head, property_from_line, render
from sync.fields.typed import field_from_text
from sync.vcard import parse_one

FIELDS = [
    field_from_text("name", "Anna"),
    field_from_text("school", "Tsinghua"),
    field_from_text("bank-account", "6222"),
    field_from_text("hobby", "Sailing", "爱好"),
    field_from_text("mobile", "+1 555 0100", "Boat"),
    property_from_line("RELATED;TYPE=spouse;VALUE=text:Jenny"),
    field_from_text("email", "a@example.org"),
]


def card(*lines: str, count: int = len(FIELDS)) -> str:
    body = render(FIELDS[:count], "4.0", fallback_name="")
    more = "".join(f"{line}\r\n" for line in lines)
    return head("4.0", "u", 0) + body.replace("END:VCARD", f"{more}END:VCARD")


def customs(text: str) -> list[str]:
    return [f"{item.name[-1]} {item.value}" for item in parse_one(text).properties if item.name.startswith("X-CUSTOM")]


def test_labelled_fields_are_said_with_their_labels() -> None:
    assert customs(spelled_out(card(count=4))) == ["1 School: Tsinghua", "2 Bank account: 6222", "3 爱好: Sailing"]


def test_what_does_not_fit_stands_together_in_the_last_line() -> None:
    assert customs(spelled_out(card())) == [
        "1 School: Tsinghua",
        "2 Bank account: 6222",
        "3 爱好: Sailing",
        "4 Boat: +1 555 0100 · Spouse: Jenny",
    ]


def test_lines_that_somebody_uses_are_left_to_them() -> None:
    text = spelled_out(card("X-CUSTOM1:mine", "X-CUSTOM2:mine", "X-CUSTOM4:mine", count=3))
    assert customs(text)[3:] == ["3 School: Tsinghua · Bank account: 6222"]


@pytest.mark.parametrize("edited", [False, True])
def test_what_comes_back_is_no_field(*, edited: bool) -> None:
    text = spelled_out(card())
    if edited:
        text = text.replace(":School: Tsinghua", ":School: Peking")
    assert fields_of(parse_one(text)) == fields_of(parse_one(card()))


def test_a_card_without_such_fields_is_left_as_it_is() -> None:
    assert spelled_out(card(count=1)) == card(count=1)
