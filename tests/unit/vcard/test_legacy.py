"""vCard 2.1 becomes 3.0 without a guess."""

from __future__ import annotations

import pytest

from sync.vcard import Property, modernize, parse_one


def modern(*lines: str) -> Property:
    card = modernize(parse_one("\r\n".join(["BEGIN:VCARD", "VERSION:2.1", *lines, "END:VCARD"])))
    assert card.version == "3.0"
    return card.properties[0]


@pytest.mark.parametrize(
    ("line", "params", "value"),
    [
        ("TEL;CELL;PREF:1", (("TYPE", ("CELL",)), ("TYPE", ("PREF",))), "1"),
        ("PHOTO;BASE64;JPEG:AA AA", (("ENCODING", ("b",)), ("TYPE", ("JPEG",))), "AAAA"),
        ("PHOTO;TYPE=JPEG;ENCODING=BASE64:AAAA", (("ENCODING", ("b",)), ("TYPE", ("JPEG",))), "AAAA"),
        ("PHOTO;VALUE=URL:http://x/", (("VALUE", ("uri",)),), "http://x/"),
        ("NOTE;8BIT;VALUE=INLINE:a", (), "a"),
        ("N;LANGUAGE=en-us:Doe;John;Richter,James;;", (("LANGUAGE", ("en-us",)),), r"Doe;John;Richter\,James;;"),
        (r"ADR:;;1 Main St\; Apt 2;Town;;;", (), r";;1 Main St\; Apt 2;Town;;;"),
        ("NOTE:Hello, world; bye", (), r"Hello\, world\; bye"),
        ("FN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=E5=BC=A0=E4=B8=89", (), "张三"),
        ("FN;CHARSET=GB2312;QUOTED-PRINTABLE:=D5=C5=C8=FD", (), "张三"),
        ("FN;CHARSET=ISO-8859-1;QUOTED-PRINTABLE:Andr=E9", (), "André"),
        ("FN;QUOTED-PRINTABLE:Andr=E9", (), "André"),
        ("FN;QUOTED-PRINTABLE:Andr=C3=A9", (), "André"),
        ("NOTE;QUOTED-PRINTABLE:a=0D=0Ab", (), r"a\nb"),
        ("N;QUOTED-PRINTABLE:=3Ba=5C=3B;b", (), r"\;a\;;b"),
        ("URL:http://x/?a=1,2;3", (), "http://x/?a=1,2;3"),
        ("GEO:37.24,-17.87", (), "37.24;-17.87"),
    ],
)
def test_a_property_is_rewritten(line: str, params: object, value: str) -> None:
    found = modern(line)
    assert (found.params, found.value) == (params, value)


def test_the_nested_card_of_an_agent_is_not_escaped_twice() -> None:
    assert modern("AGENT:", "BEGIN:VCARD", "FN:A;B", "END:VCARD").value == r"BEGIN:VCARD\nFN:A\;B\nEND:VCARD"


@pytest.mark.parametrize("name", ["punycode", "idna", "rot13", "zip", "base64", "unknown", "\0"])
def test_only_character_sets_are_decoded(name: str) -> None:
    """A codec that is no character set, or takes quadratic time, is none; the octets tell what they are written in."""
    assert modern(f"FN;CHARSET={name};ENCODING=QUOTED-PRINTABLE:=41=C3=BC").value == "Aü"
    assert modern(f"FN;CHARSET={name};ENCODING=QUOTED-PRINTABLE:=D5=C5=C8=FD").value == "张三"


@pytest.mark.parametrize("version", ["3.0", "4.0"])
def test_newer_cards_are_returned_as_they_are(version: str) -> None:
    card = parse_one(f"BEGIN:VCARD\nVERSION:{version}\nNOTE;QUOTED-PRINTABLE:=41\nEND:VCARD")
    assert modernize(card) is card
