"""A search that looks cards over finds what a search that parses them finds, whatever a card is like."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from hypothesis import event, example, given, settings
from hypothesis import strategies as st

from radicale_plugin.dav.filter_xml import ParamFilter, PropFilter, TextMatch
from radicale_plugin.dav.filters import Search
from sync.errors import InvalidInput
from sync.vcard import Property, lines_named, parse_one, read_line, unescape

CARDS = Path(__file__).parent.parent / "data" / "vcards"
NAMES = (
    *("FN", "N", "NICKNAME", "EMAIL", "TEL", "ORG", "UID", "NOTE", "ADR", "TITLE", "PHOTO", "X-ABLABEL", "VERSION"),
    *("BEGIN", "END", "AGENT", "REV", "fn", "item1.TEL", "ITEM1.X-ABLABEL", "a.b", ".TEL", "ﬁ", "tEl", "", "N.FN", "É"),
)
#: What may make a line something else than it seems to be.
PIECES = (
    *(
        "\r\n",
        "\n",
        "\r",
        "\n ",
        "\r\n ",
        "\r\n\t",
        "\n\n ",
        "\r\n\r\n",
        " ",
        "\t",
        "=",
        "=\r\n",
        "=\n",
        ":",
        ";",
        ",",
        '"',
    ),
    *("\\", "\\n", "\\,", "\\\\", "^n", "^'", "A", "é", "ß", "\u0345", "\u0301", "\ufeff", "\u2028", "\x0b", "ſ", "K"),
    *("\r\nBEGIN:VCARD\r\n", "\r\nEND:VCARD\r\n", "\r\nend:vcard", "\r\nVERSION:4.0\r\n", "\nVERSION:2.1\n"),
    *(
        "\r\nAGENT:\r\n",
        "\r\nagent:\n",
        "\r\nx.BEGIN:VCARD",
        "\r\nFN:Ada\\, Gräfin\r\n",
        "\r\nitem1.TEL;TYPE=cell:+1 5\r\n",
    ),
    *("\r\nNO\r\n TE:split\r\n", "\nNO\n TE:split\n", "\r\nTEL;TY\r\n PE=home:1\r\n", "\r\nFN;a:", "\r\nno colon\r\n"),
    *("\r\nPHOTO;ENCODING=b:AAAA\r\nBBBB\r\n", "\r\nPHOTO;BASE64:AAA\n", "\r\nPHOTO;ENCODING=b:AAAA\r\n FN:x\r\n"),
    *(
        "\r\nFN;ENCODING=QUOTED-PRINTABLE:a=\r\nb\r\n",
        "\nNOTE;quoted-printable:=C3=\nTEL:1\n",
        ';X="quoted-printable":=',
    ),
    *('\r\nTEL;TYPE="a:b,c":1\r\n', '\r\nFN;X="a;b:c', ';X=a"b:c"d', ';a,"b:c"', "\r\nIMPP;X-SERVICE-TYPE=QQ:qq:1\r\n"),
    *(";" * 101, "," * 200, ";X=" + "a," * 101, "\r\n" * 3, "\r\nX:1" * 2_001, "\r\nX:1\r\n 2" * 1_100),
)
LINES = (
    *("FN:Jörg Doe", "NOTE:a\\,b", "NOTE;ENCODING=QUOTED-PRINTABLE:a=", "NOTE;quoted-printable:=", "NOTE:a\\", "FN:n"),
    *("PHOTO;ENCODING=b:AAAA", "PHOTO;BASE64:AA==", "NO", " TE:split", "FN:BEGIN:VCARD", "AAAA", "AGENT:", "x.AGENT:"),
    *(
        "BEGIN:VCARD",
        "END:VCARD",
        "VERSION:3.0",
        "FN:x",
        " FN:folded",
        "\tEMAIL:",
        "",
        'FN;X="a:b":c',
        'FN;X="a:b;Y=c:d"',
    ),
    *("FN:e\u0301\\\u0323", "FN:\u03b1\u0345\\\u0301", "item1.TEL:1", "item1.X-ABLabel:Mob", ":", "FN;TYPE=QQ:qq"),
)
TEXTS = st.sampled_from(
    [
        *(
            "",
            "a",
            "doe",
            "John",
            "JOHN DOE",
            "example",
            "+1",
            "5",
            ",",
            "\\",
            "\\n",
            "n",
            "\n",
            ";",
            "a b",
            "é",
            "E\u0301",
        ),
        *("gräfin", "GRA", "ss", "ß", "ι", "\u0345", "\u0301", "ﬁ", "cell", "work", '"', "3.0", "split", "b:c", "\r\n"),
    ]
)
MATCH = st.builds(
    TextMatch,
    TEXTS,
    st.sampled_from(["i;unicode-casemap", "i;ascii-casemap", "i;octet"]),
    st.sampled_from(["contains", "equals", "starts-with", "ends-with"]),
    st.booleans(),
)
PARAM = st.builds(ParamFilter, st.sampled_from(["TYPE", "type", "X", "ENCODING"]), st.booleans(), st.none() | MATCH)
FILTER = st.builds(
    PropFilter,
    st.sampled_from(NAMES),
    st.booleans(),
    st.booleans(),
    st.lists(MATCH, max_size=2).map(tuple),
    st.just(()) | st.lists(PARAM, max_size=2).map(tuple),
)
FILTERS = st.lists(FILTER, min_size=1, max_size=3)
#: An example takes half a millisecond, and most have nothing in them that matters.
MANY = settings(max_examples=max(1_000, settings().max_examples))


@cache
def cards() -> list[str]:
    """Return two plain cards and the sample cards."""
    texts = [file.read_bytes().decode("utf-8", "replace") for file in sorted(CARDS.glob("*.vcf"))]
    plain = "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Jörg Doe\r\nN:Doe;Jörg;;;\r\nitem1.TEL;TYPE=cell:+1 5\r\nEND:VCARD\r\n"
    return [plain, plain.replace("\r", ""), *(text.replace("\r\r", "\r") for text in texts)]


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """Return a real card into which something was put, or out of which something was taken, in a few places."""
    text = draw(st.sampled_from(cards()))
    if len(text) > 20_000:
        text = text[:600] + text[-600:]
    for _ in range(draw(st.integers(0, 2))):
        start = draw(st.integers(0, len(text)))
        # Most of what can go wrong begins where a line does.
        start = text.find("\n", start) if draw(st.booleans()) and "\n" in text[start:] else start
        end = min(len(text), start + draw(st.integers(0, 3)))
        text = text[:start] + draw(st.sampled_from(PIECES)) + text[end:]
    return text


@st.composite
def odd(draw: st.DrawFn) -> str:
    """Return a card of lines that mean something else beside each other."""
    lines = ["BEGIN:VCARD", "VERSION:3.0", *draw(st.lists(st.sampled_from(LINES), min_size=1, max_size=4)), "END:VCARD"]
    return "".join(line + draw(st.sampled_from(["\r\n"] * 8 + ["\n", "\r"])) for line in lines)


TEXT = mutated() | odd()


def parsed(text: str) -> tuple[Property, ...] | None:
    """Return what filters may be about, read by the parser; None where it refuses the card."""
    try:
        card = parse_one(text)
    except InvalidInput:
        return None
    return (Property("", "VERSION", (), card.version), *card.properties)


@MANY
@given(TEXT, st.frozensets(st.sampled_from([name.upper() for name in NAMES]), max_size=5))
@example("BEGIN:VCARD\r\nVERSION:3.0\r\nPHOTO;ENCODING=b:AA\r\nNO\r\n TE:x\r\nEND:VCARD\r\n", frozenset({"NOTE"}))
def test_lines_are_found_as_the_parser_reads_them(text: str, names: frozenset[str]) -> None:
    """Where lines can be told at all without parsing; a card that the parser refuses is never taken for a good one."""
    found = lines_named(text, names)
    event(f"told without parsing: {found is not None}")
    if found is not None:
        properties = parsed(text)
        assert properties is not None
        # A version is compared without the spaces around it.
        assert [read_line(line) for line in found] == [line for line in properties if line.name in names]


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ("NOTE:a\\,b", "a,b"),
        ("NOTE:a\\nb", "A\nB"),
        ("NOTE:a\\\\nb", "a\\n"),
        ("NOTE:Straße", "STRASSE"),
        # Where a backslash parts marks that would change places without it.
        ("NOTE:e\u0301\\\u0323", "e\u0301"),
        ("NOTE:\u03b1\u0345\\\u0301", "\u03b1\u0345"),
        ("item1.NOTE;X=QQ:a", "a"),
    ],
)
def test_what_a_value_says_is_found_however_it_is_written(line: str, part: str) -> None:
    text = f"BEGIN:VCARD\r\nVERSION:3.0\r\n{line}\r\nEND:VCARD\r\n"
    assert lines_named(text, frozenset({"NOTE"})) == [line]
    assert Search([PropFilter("NOTE", matches=(TextMatch(part),))], all_of=False).finds(text)


@MANY
@given(TEXT, FILTERS, st.booleans())
def test_a_search_finds_what_parsing_would_find(text: str, filters: list[PropFilter], all_of: bool) -> None:  # noqa: FBT001 - a value of the test
    search = Search(filters, all_of=all_of)
    try:
        found = search.finds(text)
    except InvalidInput:
        # Larger than any card that is stored.
        assert parsed(text) is None
        return
    properties = parsed(text)
    assert found == (properties is not None and search.accepts(properties))


@MANY
@given(TEXT, st.sampled_from(["FN", "NOTE", "TEL", "N"]), st.integers(0, 8), st.integers(1, 8), st.booleans())
def test_every_part_of_a_value_is_found(text: str, name: str, start: int, length: int, upper: bool) -> None:  # noqa: FBT001 - a value of the test
    """What is looked for is cut out of what is there, so that there is something to be overlooked."""
    for line in parsed(text) or ():
        if line.name != name:
            continue
        part = unescape(line.value)[start : start + length]
        wanted = [PropFilter(name, matches=(TextMatch(part.upper() if upper else part),))]
        search = Search(wanted, all_of=True)
        assert search.finds(text) == search.accepts(parsed(text) or ())
