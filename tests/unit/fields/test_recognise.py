"""Every property becomes one field of the right kind, with the lines of its group."""

from __future__ import annotations

import pytest

from sync.errors import InvalidInput, LimitExceeded
from sync.fields import FieldContent, fields_of, property_from_line
from sync.vcard import parse_one


def fields(*lines: str, version: str = "3.0") -> list[FieldContent]:
    return fields_of(parse_one("\r\n".join(["BEGIN:VCARD", f"VERSION:{version}", *lines, "END:VCARD"])))


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("FN:A", "name"),
        ("N:A;B;;;", "name"),
        ("X-PHONETIC-FIRST-NAME:a", "phonetic"),
        ("NICKNAME:a", "nickname"),
        ("TEL;TYPE=CELL:1", "mobile"),
        ("TEL;TYPE=WORK,CELL:1", "mobile"),
        ("TEL;type=iPhone;type=CELL:1", "mobile"),
        ("TEL;TYPE=HOME;TYPE=VOICE:1", "home-phone"),
        ("TEL;TYPE=WORK:1", "office-phone"),
        ("TEL;TYPE=HOME;TYPE=FAX:1", "fax"),
        ("TEL;TYPE=PAGER:1", "phone"),
        ("TEL;TYPE=WORK;TYPE=PAGER:1", "phone"),
        ('TEL;TYPE="cell,voice":1', "mobile"),
        ("TEL:1", "phone"),
        ("EMAIL:a@b", "email"),
        ("IMPP;X-SERVICE-TYPE=QQ:x-apple:1", "qq"),
        ("IMPP:qq:1", "qq"),
        ("X-QQ:1", "qq"),
        ("IMPP;X-SERVICE-TYPE=MSN:msnim:a@b", "msn"),
        ("X-MSN:a@b", "msn"),
        ("IMPP;X-SERVICE-TYPE=微信号:x-apple:a", "wechat"),
        ("IMPP;SERVICE-TYPE=WeChat:x-apple:a", "wechat"),
        ("IMPP:weixin:a", "wechat"),
        ("IMPP:xmpp:a@b", "im"),
        ("X-AIM:a", "im"),
        ("X-JABBER:a@b", "im"),
        ("X-MS-IMADDRESS:a@b", "im"),
        ("BDAY:1980-03-22", "birthday"),
        ("ANNIVERSARY:20090808", "anniversary"),
        ("X-MS-ANNIVERSARY:20110113", "anniversary"),
        ("X-ABDATE:2009-08-08", "x:x-abdate"),
        ("HOBBY:a", "hobby"),
        ("INTEREST:a", "interest"),
        ("EXPERTISE:a", "expertise"),
        ("X-ABRELATEDNAMES:a", "related"),
        ("X-ABRELATEDNAMES;X-EVERCARD-KIND=bank-account:a", "bank-account"),
        ("X-ABRELATEDNAMES;X-EVERCARD-KIND=photo:a", "related"),
        ("RELATED:urn:uuid:1", "related"),
        ("ADR:;;a;;;;", "address"),
        ("LABEL:a", "address"),
        ("ORG:a", "organization"),
        ("TITLE:a", "title"),
        ("ROLE:a", "role"),
        ("URL:http://a", "url"),
        ("X-SOCIALPROFILE;type=twitter:http://a", "social"),
        ("NOTE:a", "note"),
        ("GENDER:M", "gender"),
        ("LANG:fr", "language"),
        ("CATEGORIES:a", "categories"),
        ("GEO:1;2", "geo"),
        ("TZ:+01:00", "timezone"),
        ("KEY;VALUE=uri:http://a", "key"),
        ("LOGO;VALUE=uri:http://a", "x:logo"),
        ("X-ADDRESSBOOKSERVER-KIND:group", "x:kind"),
        ("KIND:group", "x:kind"),
        ("X-Foo_Bar:a", "x:x-foo-bar"),
        (f"X-{'A' * 80}:a", f"x:x-{'a' * 60}"),
    ],
)
def test_a_property_has_its_kind(line: str, kind: str) -> None:
    assert [field.kind for field in fields(line)] == [kind]


@pytest.mark.parametrize(
    ("name", "label", "kind"),
    [
        ("X-ABRELATEDNAMES", "Bank account", "bank-account"),
        ("X-ABRELATEDNAMES", "银行账号", "bank-account"),
        ("X-ABRELATEDNAMES", "银行帐号", "bank-account"),
        ("X-ABRELATEDNAMES", "学校", "school"),
        ("X-ABRELATEDNAMES", "爱好", "hobby"),
        ("X-ABRELATEDNAMES", "HOBBY", "hobby"),
        ("X-ABRELATEDNAMES", "_$!<Spouse>!$_", "related"),
        ("X-ABDATE", "_$!<Anniversary>!$_", "anniversary"),
        ("X-ABDATE", "纪念日", "anniversary"),
        ("X-ABDATE", "Hobby", "x:x-abdate"),
        ("IMPP", "QQ", "qq"),
        ("TEL", "手机", "mobile"),
    ],
)
def test_a_label_tells_the_kind(name: str, label: str, kind: str) -> None:
    value = {"IMPP": "x-apple:1", "X-ABDATE": "2009-08-08"}.get(name, "1")
    assert [field.kind for field in fields(f"item1.{name}:{value}", f"item1.X-ABLabel:{label}")] == [kind]


def test_the_lines_of_a_group_are_one_field() -> None:
    (field,) = fields("item3.ADR;type=HOME:;;a;;;;", "ITEM3.X-ABADR:us", "item3.X-ABLabel:_$!<Summer>!$_")
    assert [item.name for item in field.properties] == ["ADR", "X-ABADR", "X-ABLABEL"]
    assert {item.group for item in field.properties} == {""}
    assert field.label == "Summer"


def test_a_label_in_front_of_its_property_is_found() -> None:
    assert [field.label for field in fields("a.X-ABLabel:x", "a.TEL:1")] == ["x"]


def test_properties_that_share_a_group_share_its_label() -> None:
    assert [field.label for field in fields("a.TEL:1", "a.EMAIL:b@c", "a.X-ABLabel:x")] == ["x", "x"]


def test_a_label_without_a_property_is_not_lost() -> None:
    assert [field.kind for field in fields("a.X-ABLabel:x", "X-ABLabel:y")] == ["x:x-ablabel", "x:x-ablabel"]


def test_what_sorts_the_name_belongs_to_the_name() -> None:
    first, second, tel = fields("N:a;b;;;", "N;ALTID=1:c;d;;;", "TEL:1", "SORT-STRING:b")
    assert [item.name for item in first.properties] == ["N", "SORT-STRING"]
    assert (len(second.properties), len(tel.properties)) == (1, 1)


def test_identity_and_empty_properties_are_no_fields() -> None:
    assert (
        fields("UID:1", "REV:2", "PRODID:3", "TITLE:", "N:;;;;", "ADR: ;;;,;;;", "PHOTO:", "TEL:1")[0].kind == "phone"
    )
    assert len(fields("UID:1", "REV:2", "PRODID:3", "TITLE:", "N:;;;;", "ADR: ;;;,;;;", "PHOTO:", "TEL:1")) == 1


def test_addresses_lose_the_escapes_they_never_needed() -> None:
    assert fields(r"URL:http\://example.com/?a=1\,2")[0].main.value == "http://example.com/?a=1,2"


def test_means_of_older_versions_are_understood_in_newer_ones() -> None:
    (tel, note) = fields("TEL;CELL:1", "NOTE;ENCODING=QUOTED-PRINTABLE;CHARSET=UTF-8:=E5=BC=A0")
    assert (tel.kind, tel.main.params) == ("mobile", (("TYPE", ("CELL",)),))
    assert (note.main.value, note.main.params) == ("张", ())


def test_what_no_client_may_get_is_taken_out_at_once() -> None:
    (field,) = fields("NOTE;X-A=b\u202e:a\u2028b\x0bc")
    assert (field.main.value, field.main.params) == ("abc", (("X-A", ("b",)),))


def test_a_crowded_group_does_not_multiply() -> None:
    """A thousand numbers and a thousand labels in one group do not make a million lines."""
    found = fields(*["a.TEL:1"] * 900, *["a.X-ABLabel:x"] * 900)
    assert sum(len(field.properties) for field in found) < 9_000


def test_a_value_of_too_many_parts_is_refused() -> None:
    with pytest.raises(LimitExceeded, match="line 3"):
        fields("N:" + ";" * 5_000 + "a")


@pytest.mark.parametrize(
    ("line", "kind", "version"),
    [
        ("TEL;TYPE=home:+1 555", "home-phone", "3.0"),
        ("BDAY:--0820", "birthday", "4.0"),
        ("hobby:Sailing", "hobby", "4.0"),
        ("GEO:geo:1,2", "geo", "4.0"),
        ("GEO:1;2", "geo", "3.0"),
    ],
)
def test_one_line_is_one_field(line: str, kind: str, version: str) -> None:
    field = property_from_line(line)
    assert (field.kind, field.version) == (kind, version)


@pytest.mark.parametrize(
    "line", ["", "TEL", "TEL:", "UID:1", "TEL:1\nTEL:2", "TEL:1\r\nUID:2", "FN:A\nEND:VCARD\nBEGIN:VCARD\nVERSION:3.0"]
)
def test_anything_but_one_line_is_refused(line: str) -> None:
    with pytest.raises(InvalidInput):
        property_from_line(line)


def test_what_evolution_notes_at_a_number_is_not_kept() -> None:
    """It is the number of before when somebody changes it there, which nobody was granted."""
    (found,) = fields('TEL;x-evolution-e164=5550100,"+1";TYPE=CELL;X-EVOLUTION-UI-SLOT=1:+1 555 0199')
    assert found.main.params == (("TYPE", ("CELL",)),)
