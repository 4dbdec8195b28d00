"""Addresses that would run something: nobody is handed somebody else's."""

from __future__ import annotations

import pytest

from sync.errors import InvalidInput
from sync.fields import field_from_text, fields_of, render
from sync.vcard import parse_one

PROGRAMS = (
    "javascript:alert(1)",
    "JavaScript:alert(1)",
    "java\tscript:alert(1)",
    " javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:x",
)


@pytest.mark.parametrize("version", ["3.0", "4.0"])
@pytest.mark.parametrize(
    "name",
    [
        *("URL", "X-SOCIALPROFILE;TYPE=twitter", "IMPP", "TEL", "TEL;VALUE=uri", "EMAIL", "FBURL", "CALURI"),
        *("RELATED;VALUE=uri", "ORG-DIRECTORY", "SOURCE", "CONTACT-URI"),
    ],
)
@pytest.mark.parametrize("address", PROGRAMS)
def test_others_are_given_no_address_that_runs_something(name: str, address: str, version: str) -> None:
    card = parse_one(f"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:x\r\n{name}:{address}\r\nURL:https://a.test/\r\nEND:VCARD\r\n")
    contents = fields_of(card)
    assert len(contents) == 3
    text = render(contents, version, fallback_name="x")
    assert "script" not in text
    assert "data:" not in text
    assert "https://a.test/" in text


@pytest.mark.parametrize("version", ["3.0", "4.0"])
@pytest.mark.parametrize("name", ["X-EVOLUTION-BLOG-URL", "X-SOMETHING", "LOGO;VALUE=uri", "SOUND;VALUE=uri", "KEY"])
def test_what_this_server_does_not_know_runs_nothing_either(name: str, version: str) -> None:
    card = parse_one(f"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:x\r\n{name}:javascript:alert(1)\r\nEND:VCARD\r\n")
    assert "script" not in render(fields_of(card), version, fallback_name="x")


@pytest.mark.parametrize("name", ["NOTE", "TITLE", "ORG", "NICKNAME"])
def test_what_people_read_may_begin_with_any_word(name: str) -> None:
    card = parse_one(f"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:x\r\n{name}:Javascript: the good parts\r\nEND:VCARD\r\n")
    assert "the good parts" in render(fields_of(card), "3.0", fallback_name="x")


@pytest.mark.parametrize("kind", ["url", "social", "im"])
@pytest.mark.parametrize("address", ["javascript:alert(1)", "DATA:text/html,x"])
def test_nobody_types_an_address_that_runs_something(kind: str, address: str) -> None:
    with pytest.raises(InvalidInput):
        field_from_text(kind, address)
