"""Escapes, structured values, and what no client may get."""

from __future__ import annotations

import pytest

from sync.vcard import clean, escape, join_structured, split_structured, unescape


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (r"Hello\, world", "Hello, world"),
        (r"a\;b", "a;b"),
        (r"one\ntwo\Nthree", "one\ntwo\nthree"),
        (r"C:\\new", r"C:\new"),
        (r"http\://example.com", "http://example.com"),
        (r"\"AS IS\"", '"AS IS"'),
        ("ends in \\", "ends in \\"),
        (r"\x stays", r"\x stays"),
        ("plain, with a comma", "plain, with a comma"),
    ],
)
def test_unescape_is_lenient(raw: str, text: str) -> None:
    """Every escape that programs write is read, and a backslash that escapes nothing stands for itself."""
    assert unescape(raw) == text


def test_every_line_end_is_escaped_as_one_line_feed() -> None:
    assert escape("a\r\nb\rc\nd") == r"a\nb\nc\nd"


def test_escaped_separators_do_not_separate() -> None:
    assert split_structured(r"Doe;John;Richter\, James,Jim;;a\;b\\") == [
        ["Doe"],
        ["John"],
        ["Richter, James", "Jim"],
        [""],
        ["a;b\\"],
    ]


def test_more_components_than_the_standard_knows_are_kept() -> None:
    raw = ";".join(str(number) for number in range(18))
    assert join_structured(split_structured(raw)) == raw


@pytest.mark.parametrize(
    "code",
    [0, 0x0B, 0x0C, 0x0D, 0x1C, 0x1D, 0x1E, 0x7F, 0x85, 0x200F, 0x2028, 0x2029, 0x202E, 0x2066, 0xD800, 0xFFFE, 0xFFFF],
)
def test_clean_takes_out_what_clients_stumble_over(code: int) -> None:
    """Nothing is left that ends a line, reverses a text or cannot be encoded."""
    assert clean(f"a{chr(code)}b") == "ab"


@pytest.mark.parametrize("good", ["\t", "\n", "é", "张三", "👩‍👩‍👧", "\u3000", "\u00a0", "\u00ad"])
def test_clean_leaves_what_people_write(good: str) -> None:
    assert clean(f"a{good}b") == f"a{good}b"
