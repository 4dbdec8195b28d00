"""Reading cards: what programs really write is understood, and what could be read in two ways is refused."""

from __future__ import annotations

import codecs

import pytest

from sync.errors import InvalidVCard, LimitExceeded
from sync.vcard import Limits, Property, parse, parse_one, serialize


def card(*lines: str, version: str = "3.0") -> str:
    return "\r\n".join(["BEGIN:VCARD", f"VERSION:{version}", *lines, "END:VCARD", ""])


def only(*lines: str, version: str = "3.0") -> Property:
    (item,) = parse_one(card(*lines, version=version)).properties
    return item


@pytest.mark.parametrize("line_end", ["\r\n", "\n", "\r", "\r\r\n"])
def test_any_line_end_is_read(line_end: str) -> None:
    text = line_end.join(["BEGIN:VCARD", "VERSION:3.0", "NOTE:one", "  two", "END:VCARD", ""])
    assert [item.value for item in parse_one(text).properties] == ["one two"]


def test_frames_are_read_in_any_case() -> None:
    assert parse_one("begin:vCard\nversion:4.0\nfn:A\nend:vcard").properties == (Property("", "FN", (), "A"),)


def test_empty_lines_stand_between_and_inside_cards() -> None:
    text = "\n\n" + card("FN:A") + "\n \n" + card("FN:B").replace("VERSION", "\n\nVERSION")
    assert [item.first("FN") for item in parse(text)] == [Property("", "FN", (), "A"), Property("", "FN", (), "B")]


def test_a_continuation_may_begin_with_a_tab_and_hold_blanks_only() -> None:
    assert only("NOTE:a", "\tb", "    ", " c").value == "ab   c"


def test_groups_and_names_are_told_apart() -> None:
    assert only("ITEM1.tel:1") == Property("ITEM1", "TEL", (), "1")


def test_values_stay_raw() -> None:
    """Neither escapes nor colons nor commas in a value are touched."""
    raw = r"http\://maps/@52.5,13.4,15z;x=\;\\ and a trailing \ "[:-1] + "\\"
    assert only(f"URL:{raw}").value == raw


def test_parameters_keep_order_case_of_values_and_repetition() -> None:
    assert only("TEL;type=Home;TYPE=voice,pref;X-A=:1").params == (
        ("TYPE", ("Home",)),
        ("TYPE", ("voice", "pref")),
        ("X-A", ("",)),
    )


def test_quoted_values_may_hold_separators() -> None:
    assert only('ADR;LABEL="1 Main St; Town: X, Y";TYPE="work,home":x').params == (
        ("LABEL", ("1 Main St; Town: X, Y",)),
        ("TYPE", ("work,home",)),
    )


def test_quotes_are_literal_where_they_quote_nothing() -> None:
    assert only('TEL;A=b"c;D="e"f;G="h:1').params == (("A", ('b"c',)), ("D", ('"e"f',)), ("G", ('"h',)))


def test_carets_are_decoded() -> None:
    assert only("ADR;LABEL=a^nb^^c^'d^e:x").params == (("LABEL", ('a\nb^c"d^e',)),)


def test_bare_parameters_have_no_values() -> None:
    assert only("TEL;CELL;pref:1", version="2.1").params == (("CELL", ()), ("PREF", ()))


def test_apples_peculiarities_are_read() -> None:
    assert only("BDAY;X-APPLE-OMIT-YEAR=1604:1604-08-20").params == (("X-APPLE-OMIT-YEAR", ("1604",)),)
    assert only("PHOTO;ENCODING=b;X-ABCROP-RECTANGLE=ABClipRect_1&0&0&9&9&x==:AAAA").value == "AAAA"


def test_soft_line_breaks_of_quoted_printable_are_joined() -> None:
    lines = ("NOTE;ENCODING=QUOTED-PRINTABLE:a=", "b=0D=0A=", " c=", "", "TEL:1")
    note, tel = parse_one(card(*lines, version="2.1")).properties
    assert (note.value, tel.value, tel.line) == ("ab=0D=0A c", "1", 7)


def test_a_soft_line_break_does_not_swallow_the_end_of_the_card() -> None:
    assert only("NOTE;QUOTED-PRINTABLE:a=", version="2.1").value == "a"


@pytest.mark.parametrize("indent", ["", " ", "  "])
@pytest.mark.parametrize("empty", [(), ("",)])
def test_base64_goes_on_until_its_lines_end(indent: str, empty: tuple[str, ...]) -> None:
    lines = ("PHOTO;ENCODING=BASE64;JPEG:", f"{indent}AAAA", f"{indent}BBB=", *empty, "TEL:1")
    picture, tel = parse_one(card(*lines, version="2.1")).properties
    assert ("".join(picture.value.split()), tel.value) == ("AAAABBB=", "1")


def test_a_soft_line_break_may_stand_inside_a_fold() -> None:
    assert only("NOTE;QUOTED-PRINTABLE:a", " b=", " c", version="2.1").value == "ab c"


def test_an_agent_may_say_nothing() -> None:
    assert only("AGENT:", version="2.1").value == ""


def test_blanks_in_front_of_the_first_card_say_nothing() -> None:
    assert len(parse(" \t\n\n" + card())) == 1


def test_a_nested_card_becomes_the_text_of_its_agent() -> None:
    nested = ("BEGIN:VCARD", "VERSION:2.1", "FN:Assistant", "AGENT:", "BEGIN:VCARD", "END:VCARD", "END:VCARD")
    agent, tel = parse_one(card("AGENT:", *nested, "TEL:1", version="2.1")).properties
    assert agent.value == r"\n".join(nested)
    assert (tel.value, tel.line) == ("1", 11)


def test_the_line_of_a_property_is_its_first_physical_one() -> None:
    assert [item.line for item in parse_one(card("FN:A", "NOTE:b", " c", "", "TEL:1")).properties] == [3, 4, 7]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("no colon here\n" + card("FN:A"), 1),
        ("FN:A\n" + card("FN:A"), 1),
        (card("FN:A") + "FN:B\n", 5),
        ("BEGIN:VCARD\nVERSION:3.0\nFN:A\n", 1),
        ("BEGIN:VCARD\nVERSION:3.0\n" + card("FN:A"), 3),
        ("BEGIN:VCARD\nVERSION:5.0\nEND:VCARD\n", 2),
        ("BEGIN:VCARD\nVERSION:3.0\nEND:VCALENDAR\n", 3),
        ("BEGIN:VCALENDAR\nEND:VCALENDAR\n", 1),
        ("BEGIN:VCARD\nVERSION:2.1\nAGENT:\nBEGIN:VCARD\n", 3),
        (" FN:A\n", 1),
    ],
)
def test_what_is_no_card_is_refused_by_line(text: str, line: int) -> None:
    with pytest.raises(InvalidVCard) as caught:
        parse(text)
    assert caught.value.line == line


def test_one_card_means_one() -> None:
    with pytest.raises(InvalidVCard, match="no vCard"):
        parse_one("\n")
    with pytest.raises(InvalidVCard, match="more than one") as caught:
        parse_one(card() + card())
    assert caught.value.line == 4


@pytest.mark.parametrize(
    "octets",
    [
        "{}".format(card("FN:张三")).encode(),
        codecs.BOM_UTF8 + card("FN:张三").encode(),
        card("FN:张三").encode("utf-16"),
        codecs.BOM_UTF16_BE + card("FN:张三").encode("utf-16-be"),
    ],
)
def test_octets_are_unicode_with_or_without_a_mark(octets: bytes) -> None:
    assert parse_one(octets).properties[0].value == "张三"


@pytest.mark.parametrize("line_end", [b"\r\n", b"\n", b"\r"])
def test_octets_that_are_no_unicode_are_read_as_what_they_most_likely_are(line_end: bytes) -> None:
    octets = line_end.join([b"BEGIN:VCARD", b"VERSION:3.0", b"FN:Andr\xe9", b"END:VCARD", b""])
    assert parse_one(octets).properties[0].value == "André"


@pytest.mark.parametrize("line", ["no colon here", "TEL;TYPE=home", 'TEL;A="b', "a b c:d", ":d"])
def test_a_line_that_is_no_property_costs_that_line_only(line: str) -> None:
    found = parse_one(card("FN:A", line, "TEL:1"))
    assert [item.name for item in found.properties] == ["FN", "TEL"]
    assert [flaw.line for flaw in found.flaws] == [4]


def test_a_card_that_names_no_version_is_classic() -> None:
    assert parse_one("BEGIN:VCARD\nFN:A\nEND:VCARD\n").version == "3.0"


def test_a_list_of_people_may_be_as_long_as_fits() -> None:
    members = [f"MEMBER:urn:uuid:{number:036}" for number in range(4_500)]
    assert len(parse_one(card("FN:Club", *members, version="4.0")).properties) == 4_501


@pytest.mark.parametrize(
    ("text", "limits"),
    [
        (card("NOTE:" + "x" * 100), Limits(octets=100)),
        (card("FN:A", "NOTE:b"), Limits(properties=1)),
        (card("TEL;A=1;B=2:x"), Limits(parameters_per_line=1)),
        (card("TEL;A=1,2:x"), Limits(parameters_per_line=1)),
        (card("TEL;A;B:x"), Limits(parameters_per_line=1)),
        (card() + card(), Limits(cards=1)),
        (card("AGENT:", "BEGIN:VCARD", "BEGIN:VCARD", "END:VCARD", "END:VCARD"), Limits(depth=1)),
    ],
)
def test_limits_hold(text: str, limits: Limits) -> None:
    parse(text.replace("BEGIN:VCARD\r\nBEGIN:VCARD\r\nEND:VCARD\r\n", "BEGIN:VCARD\r\n"))
    with pytest.raises(LimitExceeded):
        parse(text, limits=limits)


def test_a_card_knows_its_properties_by_name() -> None:
    found = parse_one(card("UID:a\\,b", "TEL:1", "TEL:2"))
    assert found.uid == "a,b"
    assert [item.value for item in found.all("TEL")] == ["1", "2"]
    assert found.first("EMAIL") is None
    assert parse_one(card("UID: ")).uid is None
    assert parse_one(card("FN:A")).uid is None


def test_what_is_written_is_read_back() -> None:
    text = card("item1.TEL;TYPE=CELL:1", "item1.X-ABLabel:a\\,b", 'ADR;LABEL="x, y":;;;;;;')
    assert serialize(parse_one(text)) == text
