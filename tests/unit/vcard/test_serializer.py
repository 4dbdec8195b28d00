"""Writing cards: folded where clients expect it, and safe whatever is written."""

from __future__ import annotations

import pytest

from sync.errors import InvalidInput
from sync.vcard import Property, VCard, content_line, parse_one, serialize


def unfolded(line: str) -> str:
    return line.replace("\r\n ", "")


@pytest.mark.parametrize("value", ["x" * 500, "é" * 200, "张" * 100, "👩‍👩‍👧" * 30, "x" + "张三" * 60])
def test_lines_are_folded_at_75_octets_between_characters(value: str) -> None:
    line = content_line(Property("item1", "NOTE", (), value))
    pieces = line.encode().removesuffix(b"\r\n").split(b"\r\n")
    assert max(map(len, pieces)) <= 75
    assert all(piece.decode() for piece in pieces)
    assert all(len(piece) >= 72 for piece in pieces[:-1])
    assert unfolded(line) == f"item1.NOTE:{value}\r\n"


@pytest.mark.parametrize("length", range(65, 85))
def test_a_line_of_75_octets_is_not_folded(length: int) -> None:
    line = content_line(Property("", "NOTE", (), "x" * (length - len("NOTE:"))))
    assert line.count("\r\n") == (1 if length <= 75 else 2)


@pytest.mark.parametrize(
    "item",
    [
        Property("", "NOTE", (), "a\r\nTEL:1"),
        Property("", "GEO", (), "1;2\nTEL:1"),
        Property("", "TEL", (("TYPE", ("home\r\nTEL:1",)),), "x"),
        Property("", "TEL", (("TYPE", ('ho"me:;,\n',)),), "x"),
        Property("", "NOTE", (), "a\u2028TEL:1\u0085TEL:2\x0bTEL:3\x0cTEL:4\x1cTEL:5"),
        Property("", "NOTE", (), "\ud800"),
    ],
)
def test_nothing_in_a_value_becomes_a_line_of_its_own(item: Property) -> None:
    """Whoever splits the text at any kind of line end sees one line, and it can be encoded."""
    line = content_line(item)
    assert line.encode()
    assert len(unfolded(line).splitlines()) == 1
    assert [found.name for found in parse_one(f"BEGIN:VCARD\nVERSION:3.0\n{line}END:VCARD").properties] == [item.name]


@pytest.mark.parametrize("name", ["", "A:B", "A;B", "A\r\nB", "A.B", "Ä", "A B"])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput):
        content_line(Property("", name, (), "x"))
    if name:
        with pytest.raises(InvalidInput):
            content_line(Property(name, "TEL", (), "x"))


def test_what_is_no_name_of_a_parameter_becomes_one() -> None:
    """Old telephones write such names, and a card is not lost for one of them."""
    item = Property("", "TEL", (("X-CUSTOM(A", ("x",)), ("B:evil\r\nC", ())), "1")
    assert content_line(item) == "TEL;X-CUSTOM-A=x;B-evil--C:1\r\n"


def test_parameters_are_quoted_only_where_they_must_be() -> None:
    params = (("TYPE", ("home", "a b")), ("LABEL", ('1, "Main" St\n^',)), ("CELL", ()))
    assert content_line(Property("", "ADR", params, "x")) == (
        "ADR;TYPE=home,a b;LABEL=\"1, ^'Main^' St^n^^\";CELL:x\r\n"
    )


def test_quoted_printable_is_not_folded() -> None:
    """A fold behind an equals sign would be taken for a soft line break."""
    item = Property("", "NOTE", (("ENCODING", ("QUOTED-PRINTABLE",)),), "=C3=91" * 40)
    card = VCard("2.1", (item,))
    assert parse_one(serialize(card)) == card


def test_labels_are_spelled_as_apple_spells_them() -> None:
    assert content_line(Property("item1", "X-ABLABEL", (), "QQ")) == "item1.X-ABLabel:QQ\r\n"
