"""A private entry reaches each client as it was stored, or in the version that the client asks for."""

from __future__ import annotations

import pytest

from sync.books import served
from sync.vcard import parse_one

AT = 1_000_000_000


def card(version: str, *lines: str) -> bytes:
    """Write a card as a client stores it."""
    return "\r\n".join(["BEGIN:VCARD", f"VERSION:{version}", "UID:one", *lines, "END:VCARD", ""]).encode()


def told(data: bytes, version: str | None) -> str:
    return served.private(data, version, "one", AT)


def values(text: str) -> list[tuple[str, str]]:
    """Return the properties of a card but for its first ones."""
    return [(item.name, item.value) for item in parse_one(text).properties if item.name not in ("UID", "REV")]


CLASSIC = card("3.0", "FN:Plumber", "N:Plumber;;;;", "TEL;type=CELL;type=pref:1", "BDAY:1980-03-22", "X-PET:Mimi")
MODERN = card("4.0", "FN:Plumber", "TEL;VALUE=uri;TYPE=cell:tel:+1-2", "BDAY:--0322", "IMPP:qq:10001")
LEGACY = card("2.1", "N:Plumber", "TEL;CELL:1", "NOTE;ENCODING=QUOTED-PRINTABLE:a=3Bb, c")


@pytest.mark.parametrize("data", [CLASSIC, MODERN, LEGACY])
def test_who_names_no_version_gets_what_was_stored(data: bytes) -> None:
    assert told(data, None).encode() == data


@pytest.mark.parametrize(("data", "version"), [(CLASSIC, "3.0"), (MODERN, "4.0"), (LEGACY, "2.1")])
def test_what_is_stored_in_the_version_that_is_asked_for_is_not_touched(data: bytes, version: str) -> None:
    assert told(data, version).encode() == data


def test_a_modern_card_is_classic_for_who_asks_so() -> None:
    text = told(MODERN, "3.0")
    assert text.startswith("BEGIN:VCARD\r\nVERSION:3.0\r\nUID:one\r\nREV:2001-09-09T01:46:40Z\r\n")
    assert values(text) == [
        ("N", "Plumber;;;;"),
        ("FN", "Plumber"),
        ("TEL", "+1-2"),
        ("BDAY", "1604-03-22"),
        ("IMPP", "x-apple:10001"),
        ("X-ABLABEL", "QQ"),
    ]


@pytest.mark.parametrize(("data", "number"), [(CLASSIC, "1"), (LEGACY, "1")])
def test_an_older_card_is_modern_for_who_asks_so(data: bytes, number: str) -> None:
    text = told(data, "4.0")
    assert text.startswith("BEGIN:VCARD\r\nVERSION:4.0\r\nUID:one\r\nREV:20010909T014640Z\r\n")
    assert ("TEL", number) in values(text)
    assert ("FN", "Plumber") in values(text)


def test_an_old_card_is_classic_for_who_asks_so() -> None:
    assert values(told(LEGACY, "3.0")) == [("FN", "Plumber"), ("N", "Plumber"), ("TEL", "1"), ("NOTE", "a\\;b\\, c")]


@pytest.mark.parametrize("version", [None, "3.0", "4.0"])
def test_no_control_character_is_served(version: str | None) -> None:
    """One such character stops a phone for good."""
    text = told(card("3.0", "FN:a\x00b\x0b\x1fc\ufffe\uffff"), version)
    assert ("FN", "abc") in values(text)


@pytest.mark.parametrize("data", [b"no card", card("5.0", "FN:A")])
def test_what_cannot_be_read_is_served_as_it_is(data: bytes) -> None:
    assert told(data, "3.0").encode() == data


@pytest.mark.parametrize("photos", [["data:image/jpeg;base64,AAAA"], ["data:,A"] * 50])
def test_a_line_that_cannot_be_translated_is_left_out(photos: list[str]) -> None:
    """Photos that are none do not keep the rest from a program that takes no other version, however many there are."""
    data = card("4.0", "FN:A", *(f"PHOTO:{photo}" for photo in photos), "NOTE:b")
    assert values(told(data, "3.0")) == [("N", "A;;;;"), ("FN", "A"), ("NOTE", "b")]
    assert told(data, "4.0").encode() == data


def test_octets_that_are_no_text_are_replaced() -> None:
    assert told(card("3.0", "FN:A").replace(b"A", b"\xff", 2), None).count("\ufffd") == 2


def test_a_list_of_people_is_one_in_both_versions() -> None:
    classic = card(
        "3.0", "FN:Club", "N:Club;;;;", "X-ADDRESSBOOKSERVER-KIND:group", "X-ADDRESSBOOKSERVER-MEMBER:urn:uuid:1"
    )
    modern = card("4.0", "KIND:group", "FN:Club", "MEMBER:urn:uuid:1")
    assert {("KIND", "group"), ("MEMBER", "urn:uuid:1")} <= set(values(told(classic, "4.0")))
    apple = {("X-ADDRESSBOOKSERVER-KIND", "group"), ("X-ADDRESSBOOKSERVER-MEMBER", "urn:uuid:1")}
    assert apple <= set(values(told(modern, "3.0")))
    for item in parse_one(told(modern, "3.0")).properties:
        assert not item.group


@pytest.mark.parametrize(
    ("data", "expected"),
    [(CLASSIC, True), (MODERN, False), (LEGACY, False), (card("3.0", "FN:\x0b"), False), (b"no card", False)],
)
def test_only_a_clean_classic_card_is_served_byte_for_byte_to_everybody(data: bytes, *, expected: bool) -> None:
    assert served.is_verbatim(data) is expected


@pytest.mark.parametrize(
    ("text", "version"), [("version: 3.0 \n", "3.0"), ("VERSION:4.0\r\n", "4.0"), ("NOTE:VERSION:4.0", ""), ("", "")]
)
def test_a_card_says_what_version_it_has(text: str, version: str) -> None:
    assert served.version_of(text) == version
