"""What is stored of a name for lists says what whoever compares the name itself would say."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sync.sorting import list_keys, names
from tests.support import whole_lists

HAN = st.text("王小明吕女单重庆长乐行绿阿哦诶嗯", max_size=6)
NAME = st.one_of(st.text(max_size=12), HAN, st.builds("{} {}".format, HAN, st.text("abvVüÜıß Ⅳé·1", max_size=6)))
TYPED = st.one_of(st.text("abvxmwgnliuyqc ", max_size=8), st.text(max_size=5))


def is_spelled(name: str, text: str) -> bool:
    """Whether the database would find it."""
    letters = names.letters_of_query(text)
    pattern = letters[:1].upper() + "".join(f"[{letter}{letter.upper()}]" for letter in letters[1:])
    return bool(letters) and re.search(pattern, "\x1f".join(names.spelled(name))) is not None


@given(name=NAME, text=TYPED)
@example(name="王小明", text="xiaom")
@example(name="王小明", text="xm")
@example(name="王小明", text="aoming")
@example(name="吕布", text="lyub")
@example(name="ı王", text="iw")
@example(name="王van", text="wyua")
def test_what_is_typed_begins_a_name_where_its_reading_does(name: str, text: str) -> None:
    assert is_spelled(name, text) == whole_lists.sounds_like(name, text)


@given(name=NAME, start=st.integers(0, 20), length=st.integers(2, 8))
def test_every_beginning_of_every_reading_is_found(name: str, start: int, length: int) -> None:
    for way in names.spelled(name):
        text = way.lower()[start : start + length]
        assert is_spelled(name, text) == whole_lists.sounds_like(name, text)


@given(one=NAME, other=NAME)
def test_bytes_are_in_the_order_of_names(one: str, other: str) -> None:
    keys = [list_keys.of_card(f"FN:{name}\r\n", "login").sort_key for name in (one, other)]
    called = [" ".join(name.split()) or "login" for name in (one, other)]
    if "\r" in one + other or "\n" in one + other or "\\" in one + other:
        return
    assert (keys[0] < keys[1]) == (names.sorting_key(called[0]) < names.sorting_key(called[1]))


@given(st.lists(st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=8), min_size=2, max_size=2))
def test_bytes_are_in_the_order_of_numbers(said: list[str]) -> None:
    texts = [f"BEGIN:VCARD\r\nVERSION:3.0\r\nTEL:{each}\r\nEND:VCARD\r\n" for each in said]
    keys = [list_keys.of_contact(text).number_key for text in texts]
    reaches = [whole_lists._contact(0, text).reach for text in texts]
    assert (keys[0] < keys[1]) == (names.number_key(reaches[0]) < names.number_key(reaches[1]))


@pytest.mark.parametrize("text", ["", "no card", "BEGIN:VCARD", "BEGIN:VCARD\r\nTEL\r\nEND:VCARD\r\n", "\0\ud800"])
def test_whatever_is_stored_has_keys(text: str) -> None:
    listed = list_keys.of_contact(text)
    assert (listed.number_key, listed.called) == (list_keys.NO_NUMBER, "")
    assert list_keys.of_overlay(text) == list_keys.Numbers(list_keys.NO_NUMBER, "", "")
