"""Merging three ways: what was not touched stays, what was is made, and what both touched is told."""

from __future__ import annotations

from sync.fields import FieldContent, fields_of
from sync.merging import three_way
from sync.merging.three_way import Base, Clash
from sync.vcard import parse_one


def contents(*lines: str) -> list[FieldContent]:
    return fields_of(parse_one("\r\n".join(["BEGIN:VCARD", "VERSION:3.0", *lines, "END:VCARD", ""])))


def values(found: list[FieldContent]) -> list[str]:
    return [content.main.value for content in found]


def merged(base: list[str], sent: list[str], now: list[str]) -> tuple[list[str], list[Clash]]:
    """Return what becomes of *now*, in which each field of *base* is told by its place."""
    had, current = contents(*base), contents(*now)
    found = three_way.merge(three_way.linked(had, current), contents(*sent), current)
    return values(found.result(current)), found.clashes


def test_what_the_device_did_not_touch_stays_as_it_is_now() -> None:
    base = ["TEL:111", "NOTE:a", "EMAIL:a@b.c"]
    now = ["TEL:222", "NOTE:a", "URL:https://a.example"]
    assert merged(base, [*base, "TITLE:b"], now) == (["222", "a", "b", "https://a.example"], [])
    assert merged(base, base, now) == (["222", "a", "https://a.example"], [])


def test_both_sides_may_do_the_same() -> None:
    assert merged(["TEL:111", "NOTE:a"], ["TEL:222", "NOTE:a"], ["TEL:222", "NOTE:a"]) == (["222", "a"], [])
    assert merged(["NOTE:a"], ["TEL:222", "NOTE:a"], ["NOTE:a", "TEL:222"]) == (["a", "222"], [])
    assert merged(["TEL:111", "NOTE:a"], ["NOTE:a"], ["NOTE:a"]) == (["a"], [])


def test_the_later_one_wins_what_both_changed_and_says_so() -> None:
    found, (clash,) = merged(["TEL:111"], ["TEL:333"], ["TEL:222"])
    assert (found, clash.won and clash.won.main.value, clash.lost and clash.lost.main.value) == (["333"], "333", "222")
    found, (clash,) = merged(["TEL:111", "NOTE:a"], ["NOTE:a"], ["TEL:222", "NOTE:a"])
    assert (found, clash.won, clash.lost and clash.lost.main.value) == (["a"], None, "222")
    found, (clash,) = merged(["TEL:111", "NOTE:a"], ["TEL:333", "NOTE:a"], ["NOTE:a"])
    assert (found, clash.lost) == (["333", "a"], None)


def test_what_a_person_has_once_is_there_once_when_two_add_it() -> None:
    found, (clash,) = merged(["NOTE:a"], ["NOTE:a", "BDAY:1990-01-01"], ["NOTE:a", "BDAY:1991-01-01"])
    assert (found, clash.lost and clash.lost.main.value) == (["a", "1990-01-01"], "1991-01-01")


def test_an_order_that_the_device_did_not_change_is_that_which_is_now() -> None:
    base, now = ["TEL:1", "EMAIL:2", "URL:3"], ["URL:3", "TEL:1", "EMAIL:2"]
    assert [value for value in merged(base, [*base, "TITLE:4"], now)[0] if value != "4"] == ["3", "1", "2"]
    assert merged(base, base[::-1], now)[0] == ["3", "2", "1"]


def test_a_field_that_comes_back_is_the_field_that_it_was() -> None:
    base = Base(contents("TEL:111", "NOTE:a"), [None, 0], [7, 8])
    found = three_way.merge(base, contents("TEL:333", "NOTE:a"), contents("NOTE:a"))
    assert (values(found.contents), found.matches, found.ids) == (["333", "a"], [None, 0], [7, 0])
