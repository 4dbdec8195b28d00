"""What a card says besides its fields, and what it never says."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.fields import (
    CATALOGUE,
    FieldContent,
    export_card,
    field_from_text,
    fields_of,
    full_name,
    head,
    property_from_line,
    render,
)
from sync.vcard import Property, content_line, parse_one
from sync.vcard.text import escape

REMOTE = [property_from_line(f"{name};VALUE=uri:https://example.com/x") for name in ("PHOTO", "LOGO", "SOUND")]
MOBILE = field_from_text("mobile", "+86 138 0013 8000")
QQ = field_from_text("qq", "10001234")


def lines(*fields: FieldContent, version: str = "3.0", fallback_name: str = "login") -> list[str]:
    return render(fields, version, fallback_name=fallback_name).replace("\r\n ", "").split("\r\n")


def test_the_head_names_version_identity_and_revision() -> None:
    assert head("3.0", "a-b", 1_700_000_000) == (
        "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:a-b\r\nREV:2023-11-14T22:13:20Z\r\n"
    )
    assert head("4.0", "a-b", 1_700_000_000).endswith("UID:a-b\r\nREV:20231114T221320Z\r\n")


def test_an_identity_injects_nothing() -> None:
    assert head("3.0", "a\r\nTEL:1", 0).count("\r\n") == 4


@given(st.integers(0, 4_102_444_799), st.sampled_from(["3.0", "4.0"]))
def test_every_second_is_written_as_the_calendar_has_it(second: int, version: str) -> None:
    form = "%Y%m%dT%H%M%SZ" if version == "4.0" else "%Y-%m-%dT%H:%M:%SZ"
    assert f"\r\nREV:{datetime.fromtimestamp(second, UTC).strftime(form)}\r\n" in head(version, "u", second)


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=90))
def test_the_line_of_a_uid_is_the_one_of_any_text(uid: str) -> None:
    assert (
        head("4.0", uid, 0).split("VERSION:4.0\r\n")[1].startswith(content_line(Property("", "UID", (), escape(uid))))
    )


@pytest.mark.parametrize(
    ("given", "name"),
    [
        (["FN:Zhang San", "N:a;b;;;", "NICKNAME:c"], "Zhang San"),
        (["N:张;三;;;", "NICKNAME:c"], "张三"),
        (["N:홍;길동;;;"], "홍길동"),
        (["N:Doe;John;Quentin,Paul;Dr.;Jr."], "John Quentin Paul Doe"),
        (["N:;;;Dr.;"], "Dr."),
        (["N:Doe"], "Doe"),
        (["NICKNAME:Jim,Jimmie"], "Jim"),
        (["TEL:1"], "login"),
        ([], "login"),
    ],
)
def test_there_is_always_a_full_name(given: list[str], name: str) -> None:
    """The name, else the parts of the name in the order of their script, else the nickname, else the login."""
    fields = [property_from_line(line) for line in given]
    assert full_name(fields, "login") == name
    for version in ("3.0", "4.0"):
        card = parse_one(f"BEGIN:VCARD\nVERSION:{version}\n" + render(fields, version, fallback_name="login"))
        assert [item.value for item in card.all("FN")] == [name]


def test_3_has_an_n_that_divides_nothing() -> None:
    assert lines(property_from_line(r"FN:Doe\; John\, Jr.")) == [
        r"N:Doe\; John\, Jr.;;;;",
        r"FN:Doe\; John\, Jr.",
        "END:VCARD",
        "",
    ]
    assert lines(field_from_text("name", "A"), version="4.0") == ["FN:A", "END:VCARD", ""]


def test_the_name_comes_first_and_the_rest_as_given() -> None:
    fields = [MOBILE, property_from_line("N:a;b;;;"), field_from_text("note", "x"), field_from_text("name", "c")]
    assert [line.split(":")[0] for line in lines(*fields)] == ["N", "FN", "TEL;TYPE=CELL", "NOTE", "END", ""]


def test_groups_are_numbered_over_the_fields_of_this_card() -> None:
    """A gap in the numbers would tell that there is a field which the reader may not see."""
    hobby = field_from_text("hobby", "Sailing")
    assert "item2.X-ABRELATEDNAMES:Sailing" in lines(QQ, MOBILE, hobby)
    assert "item1.X-ABRELATEDNAMES:Sailing" in lines(MOBILE, hobby)


@pytest.mark.parametrize("version", ["3.0", "4.0"])
def test_media_from_elsewhere_are_for_their_owner_only(version: str) -> None:
    """A client that fetched them would tell whoever runs that place who reads this card, and when."""
    assert "example.com" not in render(REMOTE, version, fallback_name="a")
    own = export_card(REMOTE, version, uid="u", revised=0, fallback_name="a")
    assert own.count("https://example.com/x") == 3
    assert own.startswith(head(version, "u", 0))


@pytest.mark.parametrize(
    "name", ["BEGIN", "END", "VERSION", "UID", "REV", "PRODID", "A:B", "A\r\nTEL", "", "TEL.A", "Ä"]
)
def test_a_stored_field_with_a_bad_name_is_not_written(name: str) -> None:
    """One poisoned field is left out; it neither forges a line nor stops the card."""
    poisoned = FieldContent("x:bad", "3.0", (Property("", name, (), "x"),))
    assert lines(poisoned, MOBILE) == lines(MOBILE)


@pytest.mark.parametrize(
    "item",
    [
        Property("", "NOTE", (), "x\r\nTEL:evil"),
        Property("", "GEO", (), "1;2\nTEL:evil"),
        Property("evil\r\nTEL", "NOTE", (), "x"),
        Property("", "TEL", (("TYPE", ("a\r\nTEL:evil",)),), "1"),
        Property("", "TEL", (("TY\r\nTEL:evil", ("a",)),), "1"),
        Property("", "TEL", (("A=b:evil;B", ("a",)),), "1"),
    ],
)
@pytest.mark.parametrize("version", ["3.0", "4.0"])
def test_nothing_in_a_field_becomes_another_line(item: Property, version: str) -> None:
    text = render([FieldContent("note", "3.0", (item,))], version, fallback_name="a")
    card = parse_one(f"BEGIN:VCARD\nVERSION:{version}\n{text}")
    assert {found.name for found in card.properties} <= {"FN", "N", item.name}
    assert all(found.value != "evil" for found in card.properties)


def test_rendering_has_no_product_and_is_the_same_every_time() -> None:
    assert "PRODID" not in render([MOBILE, QQ], "3.0", fallback_name="a")
    assert render([MOBILE, QQ], "3.0", fallback_name="a") == render([MOBILE, QQ], "3.0", fallback_name="a")


@pytest.mark.parametrize("version", ["3.0", "4.0"])
@pytest.mark.parametrize("kind", ["hobby", "interest", "expertise", "school", "bank-account"])
def test_what_phones_know_no_property_for_is_written_where_they_show_it(kind: str, version: str) -> None:
    """Android and Apple show a relation with its label, and pass over the properties that RFC 6715 has for some."""
    typed = field_from_text(kind, "Sailing")
    text = render([typed], version, fallback_name="x")
    label = CATALOGUE[kind].title
    assert f"item1.X-ABRELATEDNAMES:Sailing\r\nitem1.X-ABLabel:{label}\r\n" in text
    assert fields_of(parse_one(f"BEGIN:VCARD\r\nVERSION:{version}\r\n{text}"))[-1].kind == kind
    if kind.upper() in ("HOBBY", "INTEREST", "EXPERTISE"):
        (said,) = fields_of(parse_one(f"BEGIN:VCARD\r\nVERSION:4.0\r\n{kind}:Sailing\r\nEND:VCARD\r\n"))
        assert render([said], version, fallback_name="x") == text
