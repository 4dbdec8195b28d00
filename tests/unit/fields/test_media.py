"""Base64 in a card is whatever a client sent."""

from __future__ import annotations

import pytest

from sync.errors import InvalidVCard
from sync.fields import fields_of, translate
from sync.fields.media import encoded_data, octets_of
from sync.merging.rewritten import is_same_picture
from sync.vcard import Property, parse_one
from tests.support import pictures

NO_BASE64 = ["äö", "A", "A===", "====", "\u0660\u0661", "A\udcffB=", "!!!!", "AAAA*", "\x00"]


@pytest.mark.parametrize("text", [None, "", *NO_BASE64])
def test_what_is_no_base64_has_no_octets(text: str | None) -> None:
    assert octets_of(text) is None


@pytest.mark.parametrize("text", ["+/8=", "+/8", "-_8=", " +/\n8=\t"])
def test_octets_are_read_from_every_spelling_of_base64(text: str) -> None:
    assert octets_of(text) == b"\xfb\xff"


def test_a_data_uri_may_be_escaped() -> None:
    assert encoded_data(Property("", "LOGO", (), "data:image/png;base64,%2B%2F8%3D")) == "+/8="


@pytest.mark.parametrize("text", NO_BASE64)
@pytest.mark.parametrize("name", ["LOGO", "SOUND", "KEY", "PHOTO"])
def test_no_base64_is_more_than_one_broken_line(text: str, name: str) -> None:
    """A picture is refused with its line; what nobody has to decode is served as it came, in both versions."""
    for version, line in (("3.0", f"{name};ENCODING=b:{text}"), ("4.0", f"{name}:data:image/png;base64,{text}")):
        card = parse_one(f"BEGIN:VCARD\nVERSION:{version}\n{line}\nEND:VCARD\n")
        if name == "PHOTO" and (text.strip("\x00") or version == "4.0"):
            with pytest.raises(InvalidVCard, match="line 3"):
                fields_of(card)
            continue
        for content in fields_of(card):
            assert translate(content, "3.0")
            assert translate(content, "4.0")
            assert not is_same_picture(content, content)
            assert content.text()


def test_a_picture_is_the_same_however_its_base64_is_written() -> None:
    data = pictures.encoded(1)
    one, other = (
        fields_of(parse_one(f"BEGIN:VCARD\nVERSION:4.0\nPHOTO:data:image/jpeg;base64,{text}\nEND:VCARD\n"))[0]
        for text in (data, data.replace("+", "%2B").replace("=", "%3D"))
    )
    assert is_same_picture(one, other)
