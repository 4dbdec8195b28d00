"""Whatever a reader makes of a card that it was served and sends back, nothing of the owner's becomes the sender's."""

from __future__ import annotations

import base64
from datetime import date
from functools import partial

import vobject
from hypothesis import example, given
from hypothesis import strategies as st

from sync.errors import InvalidVCard
from sync.fields import FieldContent, fields_of, head, render, same_meaning
from sync.merging.likeness import echoes, likeness, readings
from sync.merging.merge import additions
from sync.vcard import Property, VCard, escape, join_structured, parse_one
from tests.properties.readers import READERS, Reader, bare_addresses, careful

VERSIONS = st.sampled_from(["3.0", "4.0"])
WORD = st.text("abcXYZäßжИ张三", min_size=2, max_size=8)
WORDS = st.lists(WORD, min_size=1, max_size=4).map(" ".join)
TEXT = st.tuples(WORDS, st.sampled_from([", ", "; ", "\n", " \\ ", " (", ": "]), WORDS).map("".join)
DIGITS = st.text("0123456789", min_size=7, max_size=9)


def degrees(most: int) -> st.SearchStrategy[str]:
    return st.decimals(-most, most, allow_nan=False, places=9).map(lambda number: f"{number:f}")


def line(name: str, value: str, *params: tuple[str, tuple[str, ...]]) -> Property:
    return Property("", name, params, value)


PREFIX = st.sampled_from(["+86 ", "+1-", "+49 (0)", "0", ""])
EXTENSION = st.sampled_from(["", " x12", ";ext=7"])
DAY = st.dates(date(1800, 1, 1), date(2100, 12, 31)).map(date.isoformat)
TIME = st.sampled_from(["", "T10:22:00Z", "T23:10:00-05:00", "T06:00"])
HOST = st.sampled_from(["example.org", "EXAMPLE.com", "bücher.example", "a.example:443", "例え.example"])
PATH = st.sampled_from(["", "/", "/~anna", "/a b", "/張/x", "/a%20b/"])
AGENT = st.tuples(WORDS, DIGITS).map(
    lambda said: escape(f"BEGIN:VCARD\nVERSION:3.0\nFN:{said[0]}\nTEL:{said[1]}\nEND:VCARD\n")
)
CLASSIC = st.one_of(
    st.tuples(degrees(89), degrees(179)).map(lambda pair: line("GEO", ";".join(pair))),
    st.tuples(
        st.sampled_from(["+86 ", "+1-", "+49 (0)", "0", ""]), DIGITS, st.sampled_from(["", " x12", ";ext=7"])
    ).map(lambda said: line("TEL", "".join(said))),
    st.tuples(DAY, TIME).map(lambda said: line("BDAY", "".join(said))),
    DAY.map(lambda said: line("BDAY", "1604" + said[4:], ("X-APPLE-OMIT-YEAR", ("1604",)))),
    st.tuples(DAY, TIME).map(lambda said: line("X-ANNIVERSARY", "".join(said))),
    st.tuples(st.sampled_from(["https://", "http://"]), HOST, PATH).map(lambda said: line("URL", "".join(said))),
    st.tuples(HOST, PATH).map(lambda said: line("X-SOCIALPROFILE", "https://" + "".join(said))),
    WORD.map(lambda said: line("EMAIL", f"{said}@Example.ORG")),
    WORD.map(lambda said: line("IMPP", f"xmpp:{said}@Example.ORG")),
    st.binary(min_size=5, max_size=99).map(
        lambda octets: line("KEY", base64.b64encode(octets).decode(), ("ENCODING", ("b",)), ("TYPE", ("PGP",)))
    ),
    st.binary(min_size=5, max_size=99).map(
        lambda octets: line("LOGO", base64.b64encode(octets).decode(), ("ENCODING", ("b",)), ("TYPE", ("PNG",)))
    ),
    AGENT.map(partial(line, "AGENT")),
    TEXT.map(lambda said: line("NOTE", escape(said))),
    TEXT.map(lambda said: line("TITLE", escape(said))),
    TEXT.map(lambda said: line("X-ABRELATEDNAMES", escape(said))),
    st.lists(WORDS, min_size=2, max_size=3).map(lambda said: line("ORG", join_structured([[part] for part in said]))),
    st.lists(WORDS, min_size=7, max_size=7).map(lambda said: line("ADR", join_structured([[part] for part in said]))),
    st.sampled_from(["+08:00", "-05:30", "-05:00", "+00:00"]).map(partial(line, "TZ")),
)


def served(contents: list[FieldContent], version: str) -> VCard:
    body = render(contents, version, fallback_name="login")
    return parse_one(head(version, "uid", 0) + body)


def sent_by(reader: Reader, card: VCard) -> list[FieldContent]:
    return fields_of(VCard(card.version, tuple(item for one in card.properties for item in reader(one))))


@given(st.lists(CLASSIC, min_size=1, max_size=4), VERSIONS, st.sampled_from(READERS))
@example([line("GEO", "52.500000;13.366667")], "4.0", READERS[1])
@example([line("URL", "https://a.example:443")], "3.0", bare_addresses)
def test_what_was_granted_is_never_an_addition(lines: list[Property], version: str, reader: Reader) -> None:
    """Neither while it is granted nor once it is taken back, so a revocation removes all of it."""
    owners = fields_of(VCard("3.0", tuple(lines)))
    sent = sent_by(reader, served(owners, version))
    assert additions(sent, owners, owners) == []
    assert additions(sent, owners, []) == []


@given(st.lists(CLASSIC, min_size=1, max_size=4))
def test_what_was_granted_is_no_addition_of_vobject(lines: list[Property]) -> None:
    """A whole other parser and writer, which Radicale itself uses, is one of the readers."""
    owners = [
        content
        for content in fields_of(VCard("3.0", tuple(lines)))
        if content.main.name not in ("AGENT", "LOGO", "KEY")
    ]
    text = head("3.0", "uid", 0) + render(owners, "3.0", fallback_name="login")
    written = vobject.readOne(text, allowQP=True).serialize(validate=False)
    try:
        sent = fields_of(parse_one(written))
    except InvalidVCard:
        return
    assert additions(sent, owners, []) == []


@given(CLASSIC, VERSIONS)
def test_a_careful_reader_changes_no_meaning(item: Property, version: str) -> None:
    owners = fields_of(VCard("3.0", (item,)))
    (content,) = owners
    sent = [found for found in sent_by(careful, served(owners, version)) if found.main.name not in ("FN", "N")]
    assert [same_meaning(content, found) for found in sent] == [True]


@given(CLASSIC, CLASSIC)
def test_what_is_like_a_value_is_an_echo_of_it(one: Property, other: Property) -> None:
    """All three agree, so that nothing is both the owner's and not."""
    first, second = fields_of(VCard("3.0", (one, other)))
    assert likeness(first) in readings(first) <= echoes(first)
    if same_meaning(first, second):
        assert likeness(first) == likeness(second)
