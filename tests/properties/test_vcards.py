"""What holds for every card that anybody could write, and for every field that anybody could have."""

from __future__ import annotations

import re
import string

import vobject
from hypothesis import example, given
from hypothesis import strategies as st

from sync.errors import InvalidInput
from sync.fields import FieldContent, field_from_text, fields_of, head, meaning, render, same_meaning
from sync.fields.cardinality import written
from sync.vcard import (
    Property,
    VCard,
    clean,
    content_line,
    escape,
    join_structured,
    parse,
    parse_one,
    serialize,
    split_structured,
    unescape,
)

TEXT = st.text(max_size=60)
WRITTEN = TEXT.map(lambda text: clean(text).replace("\n", ""))
"""Text as it stands in a line that was written by somebody careful."""
TOKEN = st.text(string.ascii_letters + string.digits + "-", min_size=1, max_size=12)
NAME = TOKEN.map(str.upper).filter(lambda name: name not in ("BEGIN", "END", "VERSION", "AGENT"))
PARAMETER_NAME = TOKEN.map(str.upper).filter(lambda name: name not in ("ENCODING", "B", "BASE64", "QUOTED-PRINTABLE"))
PARAMETERS = st.lists(st.tuples(PARAMETER_NAME, st.lists(TEXT.map(clean), max_size=3).map(tuple)), max_size=3).map(
    tuple
)
PROPERTY = st.builds(Property, st.just("") | TOKEN, NAME, PARAMETERS, WRITTEN)
CARD = st.builds(VCard, st.sampled_from(["3.0", "4.0"]), st.lists(PROPERTY, max_size=6).map(tuple))
VERSION = st.sampled_from(["3.0", "4.0"])

KNOWN = st.sampled_from(
    [
        "TEL",
        "EMAIL",
        "N",
        "FN",
        "ADR",
        "ORG",
        "BDAY",
        "ANNIVERSARY",
        "X-ABDATE",
        "IMPP",
        "X-QQ",
        "X-AIM",
        "RELATED",
        "X-ABRELATEDNAMES",
        "HOBBY",
        "GEO",
        "TZ",
        "GENDER",
        "X-GENDER",
        "KEY",
        "LOGO",
        "SOUND",
        "URL",
        "NOTE",
        "LABEL",
        "CATEGORIES",
        "NICKNAME",
        "X-SOCIALPROFILE",
        "SORT-STRING",
        "LANG",
        "KIND",
        "X-ABLABEL",
        "X-ABADR",
        "MEMBER",
    ]
)
LIKELY_VALUE = st.sampled_from(
    [
        "+1 555;ext=5",
        "tel:+1-555",
        "a;b;c",
        r"a\,b\;c,d;;",
        "19800322",
        "1604-08-20",
        "--0820",
        "qq:1",
        "x-apple:a b",
        "xmpp:a@b",
        "geo:1,2",
        "1;2",
        "-05:00",
        "M;x",
        "data:image/png;base64,AAAA",
        "data:,x",
        "http://a/b",
        "AAAA",
        "Hobby",
        "_$!<Spouse>!$_",
        "_$!<Anniversary>!$_",
        "urn:uuid:1",
        "Bank account",
        ":",
        "\\",
        "张;三",
    ]
)
LIKELY_PARAMETERS = st.lists(
    st.sampled_from(
        [
            ("TYPE", ("HOME",)),
            ("TYPE", ("work,voice", "pref")),
            ("TYPE", ("spouse",)),
            ("TYPE", ("JPEG",)),
            ("PREF", ("1",)),
            ("PREF", ("2",)),
            ("VALUE", ("uri",)),
            ("VALUE", ("text",)),
            ("ENCODING", ("b",)),
            ("X-SERVICE-TYPE", ("QQ",)),
            ("X-APPLE-OMIT-YEAR", ("1604",)),
            ("X-EVERCARD-KIND", ("hobby",)),
            ("SORT-AS", ("a", "b")),
            ("LABEL", ("a\nb",)),
            ("MEDIATYPE", ("x/y",)),
            ("ALTID", ("1",)),
        ]
    ),
    max_size=3,
).map(tuple)
LIKELY = st.builds(
    Property, st.sampled_from(["", "a", "b"]), KNOWN, LIKELY_PARAMETERS | PARAMETERS, LIKELY_VALUE | WRITTEN
)
LIKELY_CARD = st.builds(VCard, VERSION, st.lists(LIKELY, max_size=6).map(tuple))


@given(CARD)
def test_what_is_written_is_read_back(card: VCard) -> None:
    """Any card of any properties survives being written: nothing is lost, added or reordered."""
    assert parse_one(serialize(card)) == card


@given(
    st.text(max_size=300) | st.lists(st.sampled_from(list('ABEGINDVCR:;=",\\ \t\r\n^.é')), max_size=200).map("".join)
)
@example('BEGIN:VCARD\nVERSION:3.0\nTEL;A="b\n :c\nEND:VCARD')
def test_any_text_is_read_or_refused(text: str) -> None:
    """There is no text at which reading stumbles: it gives cards, or an error that says what is wrong."""
    for source in (text, text.encode("utf-8", "replace"), f"BEGIN:VCARD\nVERSION:2.1\n{text}\nEND:VCARD"):
        try:
            cards = parse(source)
        except InvalidInput:
            continue
        for card in cards:
            assert len(parse(serialize(card))) == 1


@given(st.binary(max_size=300))
def test_any_octets_are_read_or_refused(octets: bytes) -> None:
    try:
        parse(octets)
    except InvalidInput:
        return


@given(PROPERTY | st.builds(Property, st.just(""), NAME, PARAMETERS, TEXT))
def test_no_physical_line_is_too_long_and_each_is_unicode(item: Property) -> None:
    octets = content_line(item).encode()
    assert octets.endswith(b"\r\n")
    for line in octets[:-2].split(b"\r\n"):
        assert len(line) <= 75
        assert (
            line.decode().isprintable()
            or re.sub(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029]", "", line.decode()).strip("\t") == ""
        )


@given(TEXT)
def test_escaping_can_be_undone(text: str) -> None:
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    assert unescape(escape(text)) == plain
    assert not re.search(r"(?<!\\)(?:\\\\)*[;,\n]", escape(text))


@given(
    st.lists(st.lists(TEXT.map(lambda text: text.replace("\r", "")), min_size=1, max_size=4), min_size=1, max_size=6)
)
def test_structure_can_be_read_back(components: list[list[str]]) -> None:
    assert split_structured(join_structured(components)) == components


@given(TEXT)
def test_cleaning_is_done_after_once(text: str) -> None:
    assert clean(clean(text)) == clean(text)
    assert clean(text).encode().decode() == clean(text)


def fields(card: VCard) -> list[FieldContent]:
    if not card.all("N"):
        # What sorts a name joins the N that 3.0 makes where there is none.
        card = VCard(card.version, tuple(item for item in card.properties if item.name != "SORT-STRING"))
    try:
        return fields_of(card)
    except InvalidInput:
        return []


@given(LIKELY_CARD)
def test_fields_are_stored_without_loss(card: VCard) -> None:
    for field in fields(card):
        assert FieldContent.load(field.kind, field.dump()) == field
        assert same_meaning(field, field)
        assert isinstance(hash(meaning(field)), int)
        assert "\n" not in field.text()


@given(LIKELY_CARD)
def test_rendering_in_the_same_version_keeps_every_field(card: VCard) -> None:
    wanted = fields(card)
    text = render(wanted, card.version, fallback_name="login", remote_media=True)
    again = fields_of(parse_one(head(card.version, "u", 0) + text))
    added = len(again) - len(wanted)
    assert 0 <= added <= 2
    for field in wanted:
        assert any(same_meaning(field, other) for other in again)
    assert render(again, card.version, fallback_name="login", remote_media=True) == text


@given(LIKELY_CARD, VERSION)
def test_a_card_says_nothing_but_its_fields(card: VCard, version: str) -> None:
    """Every line of a rendered card is one of a given field, or a name that every card must have."""
    wanted = fields(card)
    text = render(wanted, version, fallback_name="login")
    rendered = parse_one(head(version, "u", 0) + text)
    assert rendered.uid == "u"
    allowed = {(item.name, item.value) for block in written(wanted, version) for item in block}
    made = [item for item in rendered.properties[2:] if (item.name, clean(item.value)) not in allowed]
    assert {item.name for item in made} <= {"FN", "N"}
    assert text.splitlines(keepends=True)[-1] == "END:VCARD\r\n"
    assert text.count("END:VCARD\r\n") == 1 or "END:VCARD" in str(wanted)


@given(
    st.lists(st.builds(Property, TEXT, TEXT, st.lists(st.tuples(TEXT, st.tuples(TEXT))).map(tuple), TEXT), max_size=4)
)
def test_poisoned_fields_forge_nothing(items: list[Property]) -> None:
    """Whatever got into the store, a card is one card, and has no property that was not in it."""
    poisoned = [FieldContent("note", "3.0", (item,)) for item in items]
    for version in ("3.0", "4.0"):
        text = head(version, "u", 0) + render(poisoned, version, fallback_name="login")
        names = {item.name for item in parse_one(text).properties}
        assert len(names) <= 4 + len(items)
        assert not names & {"BEGIN", "END", "VERSION", "PRODID"}


@given(st.sampled_from(["name", "note", "nickname", "hobby", "school", "bank-account", "wechat", "x:x-a"]), TEXT, TEXT)
def test_what_is_typed_is_what_is_shown(kind: str, text: str, label: str) -> None:
    try:
        field = field_from_text(kind, text, label)
    except InvalidInput:
        return
    for version in ("3.0", "4.0"):
        card = parse_one(head(version, "u", 0) + render([field], version, fallback_name="login"))
        assert any(same_meaning(field, other) for other in fields_of(card))


PLAIN = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=120)


@given(PLAIN, PLAIN, st.lists(PLAIN, min_size=1, max_size=3), st.sampled_from(["HOME", "WORK", "CELL"]))
def test_an_independent_reader_understands_us(name: str, note: str, units: list[str], kind: str) -> None:
    """vobject, where it is right, reads the same from what is written here, and what it writes is read here."""
    structured = join_structured([[unit] for unit in units])
    card = VCard(
        "3.0",
        (
            Property("", "FN", (), escape(name)),
            Property("", "N", (), join_structured([[name], [note], [""], [""], [""]])),
            Property("", "NOTE", (), escape(note)),
            Property("", "ORG", (), structured),
            Property("", "TEL", (("TYPE", (kind,)),), "+1 555 0100"),
        ),
    )
    theirs = vobject.readOne(serialize(card))
    assert (theirs.fn.value, theirs.note.value, theirs.org.value) == (name, note, units)
    assert (theirs.n.value.family, theirs.n.value.given) == (name, note)
    assert (theirs.tel.value, theirs.tel.params["TYPE"]) == ("+1 555 0100", [kind])
    ours = parse_one(theirs.serialize())
    assert [unescape(item.value) for item in (*ours.all("FN"), *ours.all("NOTE"))] == [name, note]
    assert split_structured(ours.all("ORG")[0].value) == [[unit] for unit in units]
