"""Which days of every year a card has."""

from __future__ import annotations

from datetime import date

import pytest

from sync.calendars.occasions import ANNIVERSARY, BIRTHDAY, OTHER, Occasion, occasions_of


def found(*lines: str, version: str = "4.0", name: str = "Anna") -> list[Occasion]:
    body = "".join(f"{line}\r\n" for line in lines)
    return list(occasions_of("u", f"BEGIN:VCARD\r\nVERSION:{version}\r\nFN:{name}\r\n{body}END:VCARD\r\n", 7))


@pytest.mark.parametrize(
    ("version", "line", "first", "has_year"),
    [
        ("4.0", "BDAY:19800322", date(1980, 3, 22), True),
        ("4.0", "BDAY:--0229", date(1972, 2, 29), False),
        ("4.0", "BDAY;VALUE=date-and-or-time:19800322T101112Z", date(1980, 3, 22), True),
        ("3.0", "BDAY:1980-03-22", date(1980, 3, 22), True),
        ("3.0", "BDAY;X-APPLE-OMIT-YEAR=1604:1604-03-22", date(1972, 3, 22), False),
    ],
)
def test_a_birthday_is_a_day_with_its_year_or_without(version: str, line: str, first: date, *, has_year: bool) -> None:
    (day,) = found(line, version=version)
    assert (day.kind, day.name, day.label, day.first, day.has_year) == (BIRTHDAY, "Anna", "", first, has_year)
    assert day.changed_at == 7


@pytest.mark.parametrize("line", ["BDAY:19800230", "BDAY;VALUE=text:in spring", "BDAY:", "NOTE:19800322", "BDAY:0000"])
def test_what_is_no_day_of_a_year_is_left_out(line: str) -> None:
    assert found(line) == []


def test_what_is_no_card_has_no_days() -> None:
    assert list(occasions_of("u", "BDAY:19800322", 0)) == []


def test_anniversaries_and_own_days_have_what_the_owner_calls_them() -> None:
    days = found(
        "ANNIVERSARY:20050618",
        "a.X-ABDATE:2010-05-01",
        "a.X-ABLabel:Moved in",
        "b.X-ABDATE:2012-05-01",
        "b.X-ABLabel:Moved in",
        version="4.0",
    )
    assert [(day.kind, day.label, day.first.year) for day in days] == [
        (ANNIVERSARY, "", 2005),
        (OTHER, "Moved in", 2010),
        (OTHER, "Moved in", 2012),
    ]
    assert len({day.uid for day in days}) == 3


def test_a_day_keeps_its_uid_when_it_is_put_right() -> None:
    assert found("BDAY:19800322")[0].uid == found("BDAY:--0323", name="Anna Chen")[0].uid
