"""Names: found in any case, script and order, and by nothing that is not in them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.sorting import names
from sync.sorting.names import LONGEST, keys_of, keys_of_query


def found(name: str, text: str) -> bool:
    """Whether somebody who types *text* finds whoever is called *name*."""
    return bool(keys_of(name) & set(keys_of_query(text)))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Anna Chen", "anna chen"),
        ("Anna Chen", "CHEN, Anna"),
        ("Anna Chen", "Anna"),
        ("François O’Brien", "francois obrien"),
        ("Francois OBrien", "FRANÇOIS O'Brien"),
        ("Ａｎｎａ　Ｃｈｅｎ", "Anna Chen"),
        ("Weiß", "WEISS"),
        ("Йован", "йован"),
        ("陈安娜", "陈安娜"),
        ("陈安娜", "陈 安娜"),
        ("陈 安娜", "陈安娜"),
        ("陈安娜", "chen anna"),
        ("陈安娜", "Chen An Na"),
        ("陈安娜", "Anna Chen"),
        ("陈安娜", "chénānnà"),
        ("陈 安娜", "安娜"),
        ("陈 安娜", "anna"),
        ("欧阳修", "Xiu Ouyang"),
        ("欧阳修", "ouyang xiu"),
        ("曾国藩", "Zeng Guofan"),
        ("吕布", "lü bu"),
        ("吕布", "lv bu"),
        ("吕布", "Lyu Bu"),
        ("阿凡提·买买提", "阿凡提"),
    ],
)
def test_a_name_is_found(name: str, text: str) -> None:
    assert found(name, text)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Anna Chen", "Ann"),
        ("Anna Chen", "Anna Chen Li"),
        ("Anna Chen", ""),
        ("A B", "a"),
        ("陈安娜", "陈"),
        ("陈安娜", "chen"),
        ("陈 安娜", "chen"),
        ("+86 138 0013 8000", "+86 138 0013 8000"),
        ("Anna 1234", "1234"),
    ],
)
def test_a_name_is_not_found_by_less_or_more(name: str, text: str) -> None:
    assert not found(name, text)


def test_no_name_has_so_many_keys_that_it_floods_the_directory() -> None:
    for name in ("单" * LONGEST, "单 " * 50, "行乐重长" * 2, " ".join(f"w{number}" for number in range(50))):
        assert len(keys_of(name)) < 300
    assert keys_of("x" * (LONGEST + 1)) == set()
    assert keys_of_query("x" * (LONGEST + 1)) == []


@given(st.text(max_size=LONGEST))
def test_whatever_a_name_is_it_is_found_as_it_is_written(name: str) -> None:
    keys = keys_of(name)
    assert all(len(key) >= 2 for key in keys)
    assert set(keys_of_query(name)) <= keys
    for key in keys:
        key.encode()
        assert "\0" not in key


def test_a_list_is_in_the_order_in_which_names_are_read() -> None:
    found = ["王小明", "Älva Berg", "陈博", "Zoe", "adam", "+1 555", "Chen Jie"]
    assert sorted(found, key=names.sorting_key) == ["+1 555", "adam", "Älva Berg", "Chen Jie", "陈博", "王小明", "Zoe"]


@pytest.mark.parametrize(
    ("name", "letter"), [("王", "W"), ("Äpfel", "A"), ("ʻOkina", "#"), ("", "#"), ("7 Sins", "#"), ("Жанна", "#")]
)
def test_a_name_stands_under_its_letter(name: str, letter: str) -> None:
    assert names.letter_of(name) == letter
