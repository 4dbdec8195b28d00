"""What one version says, the other says in its own words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sync.fields import FieldContent, fields_of, meaning, render, same_meaning
from sync.vcard import parse_one


def body(version: str, *lines: str, into: str, remote_media: bool = True) -> list[str]:
    card = parse_one("\r\n".join(["BEGIN:VCARD", f"VERSION:{version}", "FN:A", "N:A;;;;", *lines, "END:VCARD"]))
    text = render(fields_of(card), into, fallback_name="login", remote_media=remote_media)
    return text.replace("\r\n ", "").split("\r\n")[2:-2]


PAIRS = [
    # (3.0, 4.0), each of which becomes the other
    (["TEL;TYPE=CELL;TYPE=pref:+1 555"], ["TEL;TYPE=cell;PREF=1:+1 555"]),
    (["TEL;TYPE=HOME;TYPE=VOICE:1"], ["TEL;TYPE=home,voice:1"]),
    (["EMAIL;TYPE=HOME:a@b"], ["EMAIL;TYPE=home:a@b"]),
    (["LANG;PREF=2:en"], ["LANG;PREF=2:en"]),
    (["BDAY:1980-03-22"], ["BDAY:19800322"]),
    (["BDAY;X-APPLE-OMIT-YEAR=1604:1604-08-20"], ["BDAY:--0820"]),
    (["BDAY:1985-04"], ["BDAY:1985-04"]),
    (["BDAY;VALUE=text:about 1800"], ["BDAY;VALUE=text:about 1800"]),
    (["BDAY:1980-03-22Tnoon"], ["BDAY:1980-03-22Tnoon"]),
    (["BDAY:1980-03-22T-"], ["BDAY:1980-03-22T-"]),
    (["IMPP:somebody"], ["IMPP:somebody"]),
    (["KEY;ENCODING=b;TYPE=OCTET-STREAM:AAAA"], ["KEY:data:application/octet-stream;base64,AAAA"]),
    (["item1.X-ABDATE:2009-08-08", "item1.X-ABLabel:_$!<Anniversary>!$_"], ["ANNIVERSARY:20090808"]),
    (
        ["item1.X-ABDATE;X-EVERCARD-KIND=anniversary:2009-08-08", "item1.X-ABLabel:Wedding"],
        ["item1.ANNIVERSARY:20090808", "item1.X-ABLabel:Wedding"],
    ),
    (["item1.X-ABDATE:1970-01-01", "item1.X-ABLabel:First"], ["item1.X-ABDATE:1970-01-01", "item1.X-ABLabel:First"]),
    (["item1.IMPP;X-SERVICE-TYPE=QQ:x-apple:123", "item1.X-ABLabel:QQ"], ["IMPP:qq:123"]),
    (
        ["item1.IMPP;X-SERVICE-TYPE=QQ:x-apple:123", "item1.X-ABLabel:Games"],
        ["item1.IMPP:qq:123", "item1.X-ABLabel:Games"],
    ),
    (["item1.IMPP;X-SERVICE-TYPE=MSN:msnim:a@b", "item1.X-ABLabel:MSN"], ["IMPP:msnim:a@b"]),
    (["item1.IMPP;X-SERVICE-TYPE=微信号:x-apple:a_b", "item1.X-ABLabel:WeChat"], ["IMPP:wechat:a_b"]),
    (["IMPP;X-SERVICE-TYPE=Skype:skype:a"], ["IMPP:skype:a"]),
    (["IMPP;X-SERVICE-TYPE=GoogleTalk:xmpp:a@b"], ["IMPP;X-SERVICE-TYPE=GoogleTalk:xmpp:a@b"]),
    (["IMPP;X-SERVICE-TYPE=own:own:a"], ["IMPP:own:a"]),
    (
        ["item1.X-ABRELATEDNAMES:Sailing", "item1.X-ABLabel:Hobby"],
        ["item1.X-ABRELATEDNAMES:Sailing", "item1.X-ABLabel:Hobby"],
    ),
    (
        ["item1.X-ABRELATEDNAMES:Jazz", "item1.X-ABLabel:Interest"],
        ["item1.X-ABRELATEDNAMES:Jazz", "item1.X-ABLabel:Interest"],
    ),
    (
        ["item1.X-ABRELATEDNAMES:X", "item1.X-ABLabel:Expertise"],
        ["item1.X-ABRELATEDNAMES:X", "item1.X-ABLabel:Expertise"],
    ),
    (["item1.X-ABRELATEDNAMES:航海", "item1.X-ABLabel:爱好"], ["item1.X-ABRELATEDNAMES:航海", "item1.X-ABLabel:爱好"]),
    (["item1.X-ABRELATEDNAMES:1", "item1.X-ABLabel:School"], ["item1.X-ABRELATEDNAMES:1", "item1.X-ABLabel:School"]),
    (["item1.X-ABRELATEDNAMES:Jenny", "item1.X-ABLabel:_$!<Spouse>!$_"], ["RELATED;TYPE=spouse;VALUE=text:Jenny"]),
    (["item1.X-ABRELATEDNAMES:B", "item1.X-ABLabel:colleague"], ["RELATED;TYPE=colleague;VALUE=text:B"]),
    (
        ["item1.X-ABRELATEDNAMES:B", "item1.X-ABLabel:_$!<Mother>!$_"],
        ["item1.RELATED;VALUE=text:B", "item1.X-ABLabel:_$!<Mother>!$_"],
    ),
    (["X-ABRELATEDNAMES;VALUE=uri:urn:uuid:1"], ["RELATED;VALUE=uri:urn:uuid:1"]),
    (["GEO:37.38;-122.08"], ["GEO:geo:37.38,-122.08"]),
    (["TZ:-05:00"], ["TZ;VALUE=utc-offset:-0500"]),
    (["TZ;VALUE=text:Asia/Shanghai"], ["TZ:Asia/Shanghai"]),
    (["X-GENDER:M"], ["GENDER:M"]),
    (["X-ADDRESSBOOKSERVER-KIND:group"], ["KIND:group"]),
    (["X-ADDRESSBOOKSERVER-MEMBER:urn:uuid:1"], ["MEMBER:urn:uuid:1"]),
    (["KEY;ENCODING=b;TYPE=PGP:AAAA"], ["KEY:data:application/pgp-keys;base64,AAAA"]),
    (["KEY;ENCODING=b;TYPE=X509;TYPE=WORK:AAAA"], ["KEY;TYPE=work:data:application/pkix-cert;base64,AAAA"]),
    (["KEY;VALUE=uri:http://a/b"], ["KEY:http://a/b"]),
    (["LOGO;ENCODING=b;TYPE=PNG:AAAA"], ["LOGO:data:image/png;base64,AAAA"]),
    (["SOUND;ENCODING=b;TYPE=OGG:AAAA"], ["SOUND:data:audio/ogg;base64,AAAA"]),
    (["SOUND;ENCODING=b;MEDIATYPE=application/ogg:AAAA"], ["SOUND:data:application/ogg;base64,AAAA"]),
    (["PHOTO;VALUE=uri:http://a/b.jpg"], ["PHOTO:http://a/b.jpg"]),
    (["item1.ADR;TYPE=HOME:;;a;;;;", r"item1.LABEL:a\, b\nc"], ['ADR;TYPE=home;LABEL="a, b^nc":;;a;;;;']),
    (["item1.ADR:;;a;;;;", "item1.X-ABADR:us"], ["item1.ADR:;;a;;;;", "item1.X-ABADR:us"]),
    (["X-PHONETIC-LAST-NAME:a"], ["X-PHONETIC-LAST-NAME:a"]),
    (["CLASS:PUBLIC"], ["CLASS:PUBLIC"]),
    (["MAILER:x"], ["MAILER:x"]),
    (["LABEL:x"], ["LABEL:x"]),
    (["X-ABSHOWAS:COMPANY"], ["X-ABShowAs:COMPANY"]),
]
ONE_WAY = [
    *(
        # What came in a version is written by the rules of that version all the same.
        (version, lines, "3.0", expected)
        for version in ("3.0", "4.0")
        for lines, expected in (
            (['TEL;TYPE="CELL,VOICE":+86 1'], ["TEL;TYPE=CELL;TYPE=VOICE:+86 1"]),
            (["X-QQ:12345"], ["item1.IMPP;X-SERVICE-TYPE=QQ:x-apple:12345", "item1.X-ABLabel:QQ"]),
            (["X-SKYPE:ruth"], ["IMPP;X-SERVICE-TYPE=Skype:skype:ruth"]),
            (["X-ANNIVERSARY:20181206"], ["item1.X-ABDATE:2018-12-06", "item1.X-ABLabel:_$!<Anniversary>!$_"]),
            (["BDAY;VALUE=date:1604-06-26"], ["BDAY;X-APPLE-OMIT-YEAR=1604:1604-06-26"]),
            (["BDAY:1980-03-22T14:30:00-05:00"], ["BDAY:1980-03-22"]),
            (["BDAY:19800322T25"], ["BDAY:1980-03-22"]),
            (["HOBBY:Sailing"], ["item1.X-ABRELATEDNAMES:Sailing", "item1.X-ABLabel:Hobby"]),
            (["X-SPOUSE:Wang Wu"], ["item1.X-ABRELATEDNAMES:Wang Wu", "item1.X-ABLabel:_$!<Spouse>!$_"]),
            (["X-MANAGER:Li"], ["item1.X-ABRELATEDNAMES:Li", "item1.X-ABLabel:_$!<Manager>!$_"]),
            (["GENDER:F"], ["X-GENDER:F"]),
        )
    ),
    *(
        (version, lines, "4.0", expected)
        for version in ("3.0", "4.0")
        for lines, expected in (
            (['TEL;TYPE="CELL,VOICE":+86 1'], ["TEL;TYPE=cell,voice:+86 1"]),
            (["BDAY;VALUE=date:1604-06-26"], ["BDAY:--0626"]),
            (["BDAY:1980-03-22T14:30:00Z"], ["BDAY:19800322"]),
            (["X-ANNIVERSARY:20181206"], ["ANNIVERSARY:20181206"]),
            (["HOBBY:Sailing"], ["item1.X-ABRELATEDNAMES:Sailing", "item1.X-ABLabel:Hobby"]),
            (["X-SPOUSE:Wang Wu"], ["RELATED;TYPE=spouse;VALUE=text:Wang Wu"]),
            (["X-MANAGER:Li"], ["item1.RELATED;VALUE=text:Li", "item1.X-ABLabel:_$!<Manager>!$_"]),
            (["IMPP;X-SERVICE-TYPE=QQ:x-apple:123"], ["IMPP:qq:123"]),
        )
    ),
    ("3.0", ["X-QQ:123"], "4.0", ["IMPP:qq:123"]),
    ("3.0", ["X-JABBER:a@b"], "4.0", ["IMPP:xmpp:a@b"]),
    ("3.0", ["X-MS-IMADDRESS:a@b"], "4.0", ["X-MS-IMADDRESS:a@b"]),
    ("3.0", ["KEY;ENCODING=b:AAAA"], "4.0", ["KEY:data:application/octet-stream;base64,AAAA"]),
    ("3.0", ["EMAIL;TYPE=INTERNET;TYPE=HOME:a@b"], "4.0", ["EMAIL;TYPE=home:a@b"]),
    ("3.0", ["X-GENDER:female"], "4.0", ["GENDER:F"]),
    ("3.0", ["X-GENDER:it's complicated"], "4.0", ["GENDER:;it's complicated"]),
    ("3.0", ["X-MS-ANNIVERSARY:20110113"], "4.0", ["ANNIVERSARY:20110113"]),
    ("3.0", ["KEY;ENCODING=B;TYPE=x509:AA AA"], "4.0", ["KEY:data:application/pkix-cert;base64,AAAA"]),
    ("3.0", ["item1.X-ABRELATEDNAMES:A", "item1.X-ABLabel:Spouse"], "4.0", ["RELATED;TYPE=spouse;VALUE=text:A"]),
    ("4.0", ['TEL;VALUE=uri;TYPE="voice,home":tel:+1-555;ext=5'], "3.0", ["TEL;TYPE=VOICE;TYPE=HOME:+1-555;ext=5"]),
    ("4.0", ["LOGO:data:image/svg+xml,%3Csvg/%3E"], "3.0", ["LOGO;ENCODING=b;TYPE=SVG+XML:PHN2Zy8+"]),
    ("4.0", ["RELATED;TYPE=spouse:Jenny"], "3.0", ["item1.X-ABRELATEDNAMES:Jenny", "item1.X-ABLabel:_$!<Spouse>!$_"]),
    ("4.0", ["RELATED:urn:uuid:1"], "3.0", ["X-ABRELATEDNAMES;VALUE=uri:urn:uuid:1"]),
    ("4.0", ["GEO;VALUE=uri:geo:1.5,2"], "3.0", ["GEO:1.5;2"]),
    ("4.0", ["GEO:geo:1,2;u=5"], "3.0", ["GEO:geo:1,2;u=5"]),
    ("4.0", ["SOCIALPROFILE;SERVICE-TYPE=X:https://a/b"], "3.0", ["X-SOCIALPROFILE;SERVICE-TYPE=X:https://a/b"]),
]


@pytest.mark.parametrize(("classic", "modern"), PAIRS, ids=lambda lines: lines[0][:40])
def test_each_version_becomes_the_other(classic: list[str], modern: list[str]) -> None:
    spelled = [line.replace("X-ABSHOWAS", "X-ABShowAs") for line in classic]
    assert body("3.0", *classic, into="4.0") == modern
    assert body("4.0", *modern, into="3.0") == spelled


@pytest.mark.parametrize(("classic", "modern"), PAIRS, ids=lambda lines: lines[0][:40])
def test_what_is_in_a_version_stays_as_it_is(classic: list[str], modern: list[str]) -> None:
    spelled = [line.replace("X-ABSHOWAS", "X-ABShowAs") for line in classic]
    assert body("3.0", *classic, into="3.0") == spelled
    assert body("4.0", *modern, into="4.0") == modern


@pytest.mark.parametrize(("version", "lines", "other", "expected"), ONE_WAY, ids=lambda part: str(part)[:40])
def test_other_spellings_become_the_usual_one(version: str, lines: list[str], other: str, expected: list[str]) -> None:
    assert body(version, *lines, into=other) == expected


def test_what_sorts_the_name_is_a_line_in_3_and_a_parameter_in_4() -> None:
    classic = parse_one("BEGIN:VCARD\nVERSION:3.0\nFN:A\nN:a;b;;;\nSORT-STRING:b a\nEND:VCARD")
    text = render(fields_of(classic), "4.0", fallback_name="")
    assert text == "FN:A\r\nN;SORT-AS=b a:a;b;;;\r\nEND:VCARD\r\n"
    modern = parse_one("BEGIN:VCARD\nVERSION:4.0\n" + text)
    assert render(fields_of(modern), "3.0", fallback_name="") == "FN:A\r\nN:a;b;;;\r\nSORT-STRING:b a\r\nEND:VCARD\r\n"


def meaning_of(version: str, *lines: str) -> list[FieldContent]:
    return fields_of(parse_one("\n".join(["BEGIN:VCARD", f"VERSION:{version}", *lines, "END:VCARD"])))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (["TEL;TYPE=CELL:1"], ["TEL;type=CELL;type=VOICE:1"]),
        (["TEL;TYPE=HOME,WORK:1"], ["TEL;type=work;type=home:1"]),
        (["NOTE:a, b"], [r"NOTE:a\, b"]),
        (["N:a;b"], ["N:a;b;;;"]),
        (["EMAIL:a@b"], ["EMAIL;TYPE=INTERNET:a@b"]),
        (["X-QQ:1"], ["a.IMPP;X-SERVICE-TYPE=QQ:x-apple:1", "a.X-ABLabel:QQ"]),
        (["BDAY:19800322"], ["BDAY;value=date:1980-03-22"]),
        (["X-SPOUSE:a"], ["RELATED;TYPE=spouse;VALUE=text:a"]),
        (["X-MANAGER:a"], ["a.X-ABRELATEDNAMES:a", "a.X-ABLabel:_$!<Manager>!$_"]),
        (["BDAY:1604-06-26"], ["BDAY:--0626"]),
        (["HOBBY:a"], ["a.X-ABRELATEDNAMES:a", "a.X-ABLabel:爱好"]),
        (["a.TEL:1", "a.X-ABLabel:_$!<Mobile>!$_"], ["b.TEL:1", "b.X-ABLabel:Mobile"]),
    ],
)
def test_spelling_is_not_meaning(one: list[str], other: list[str]) -> None:
    (first,), (second,) = meaning_of("3.0", *one), meaning_of("3.0", *other)
    assert same_meaning(first, second)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (["TEL;TYPE=CELL:1"], ["TEL;TYPE=CELL:2"]),
        (["TEL;TYPE=CELL:1"], ["TEL;TYPE=CELL;TYPE=pref:1"]),
        (["TEL;TYPE=CELL:1"], ["a.TEL;TYPE=CELL:1", "a.X-ABLabel:x"]),
        (["CATEGORIES:a,b"], [r"CATEGORIES:a\,b"]),
        (["NOTE:a"], ["TITLE:a"]),
        (["FN:a"], ["N:a"]),
        (["NOTE:a"], ["NOTE:A"]),
    ],
)
def test_what_differs_is_told_apart(one: list[str], other: list[str]) -> None:
    (first,), (second,) = meaning_of("3.0", *one), meaning_of("3.0", *other)
    assert not same_meaning(first, second)


def test_a_changed_copy_of_a_field_is_another_field() -> None:
    """What is remembered of a field is not taken for what its copy says."""
    (content,) = meaning_of("3.0", "TEL;TYPE=CELL:1")
    remembered = {content: meaning(content)}
    changed = replace(content, properties=(replace(content.main, value="2"),))
    assert changed not in remembered
    assert meaning(changed) != meaning(content)
    assert remembered[replace(changed, properties=content.properties)] == meaning(content)
