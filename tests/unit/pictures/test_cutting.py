"""What is cut out of a text can be put in again octet for octet, or it is not cut out."""

from __future__ import annotations

import base64
import hashlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sync.fields import FieldContent
from sync.pictures.cutting import LEAST, cut_card, cut_field, whole_card, whole_field
from sync.vcard import Property, content_line, escape
from sync.vcard.serializer import fold
from tests.support.pictures import portrait

OCTETS = st.integers(LEAST * 3 // 4, 3_000).map(lambda size: hashlib.shake_256(b"%d" % size).digest(size))
#: What stands before a picture on its line, of every length that a first line leaves room for, and more.
BEGINNINGS = st.integers(1, 160).map(lambda count: "X" * count)
#: Parts of texts that look like a picture, or like what is left of one.
PIECES = st.sampled_from(
    (
        "A" * 74,
        "\r\n ",
        "\r\n",
        ":",
        ",",
        ";",
        "=",
        "==",
        "/+",
        "é",
        "\n",
        '"',
        "PHOTO:data:image/jpeg;base64,",
        "NOTE:",
    )
)


def line(octets: bytes, beginning: str = "PHOTO;ENCODING=b;TYPE=JPEG") -> str:
    return fold(f"{beginning}:{base64.b64encode(octets).decode()}")


@given(OCTETS, BEGINNINGS, st.text(max_size=40), st.text(max_size=40))
def test_a_card_with_a_picture_is_kept_without_it_and_becomes_what_it_was(
    octets: bytes, beginning: str, before: str, after: str
) -> None:
    text = content_line(Property("", "NOTE", (), escape(before))) + line(octets, beginning) + fold(f"NOTE:{after}")
    cut = cut_card(text)
    assert cut is not None
    assert cut.data == base64.b64encode(octets).decode()
    assert cut.digest == hashlib.sha256(octets).hexdigest()
    assert cut.data not in cut.rest.replace("\r\n ", "")
    assert whole_card(cut.rest, cut.at, cut.data) == text


@given(st.lists(PIECES, max_size=60).map("".join))
@example("A" * 74 * 20)
@example(":" + ("A" * 74 + "\r\n ") * 12)
@example(":" + "A" * 5 + "\r\n " + ("A" * 73 + "\r\n ") * 12 + "A\r\n")
@example(":" + "\r\n " * 400)
@example(":" + "\r\n ".join(["A" * 74] * 12) + "===\r\n")
def test_whatever_a_text_says_it_becomes_what_it_was(text: str) -> None:
    for cut, whole in ((cut_card(text), whole_card), (cut_field(text), whole_field)):
        assert cut is None or (whole(cut.rest, cut.at, cut.data) == text and len(cut.data) >= LEAST)


@pytest.mark.parametrize("version", ["3.0", "4.0"])
def test_the_field_of_a_photo_is_kept_without_it(version: str) -> None:
    octets = portrait(1)
    data = base64.b64encode(octets).decode()
    value = data if version == "3.0" else f"data:image/jpeg;base64,{data}"
    text = FieldContent("photo", version, (Property("", "PHOTO", (), value),)).dump()
    cut = cut_field(text)
    assert cut is not None
    assert (cut.data, cut.digest) == (data, hashlib.sha256(octets).hexdigest())
    assert data not in cut.rest
    assert whole_field(cut.rest, cut.at, cut.data) == text


@pytest.mark.parametrize("wrong", ["short", "padded", "unfolded", "another fold", "bits that nobody reads", "lower"])
def test_what_is_no_picture_or_written_in_another_way_stays_where_it_is(wrong: str) -> None:
    data = base64.b64encode(portrait(2)).decode()
    text = {
        "short": fold(f"PHOTO:{data[: LEAST - 4]}"),
        "padded": fold(f"PHOTO:{data[:1200]}===="),
        "unfolded": f"PHOTO:{data}\r\n",
        "another fold": "PHOTO:" + "\r\n ".join(data[at : at + 60] for at in range(0, len(data), 60)) + "\r\n",
        "bits that nobody reads": fold(f"PHOTO:{data[:1200]}AB=="),
        "lower": fold(f"PHOTO:{data[:1201]}"),
    }[wrong]
    assert cut_card(text) is None


def test_the_largest_of_several_pictures_is_cut_out() -> None:
    small, large = (hashlib.shake_256(b"x").digest(size) for size in (900, 2_000))
    for order in ((small, large), (large, small)):
        cut = cut_card("".join(map(line, order)))
        assert cut is not None
        assert cut.digest == hashlib.sha256(large).hexdigest()
