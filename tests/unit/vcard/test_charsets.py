"""Octets become the text that was meant, with a CHARSET or without, and never keep a card from being read."""

from __future__ import annotations

import codecs
import os

import pytest

from sync.vcard import parse_one, text_of

SAMPLES = [
    ("张薇", "gbk"),
    ("陈;安娜", "gbk"),
    ("龚琳娜", "gbk"),
    ("喆", "gbk"),
    ("李娜 Li Na", "gbk"),
    ("腾讯QQ公司", "gbk"),
    ("山田太郎", "shift_jis"),
    ("表;予", "shift_jis"),
    ("ヤマダ タロウ", "shift_jis"),
    ("さくら", "shift_jis"),
    ("佐々木 翔", "shift_jis"),
    ("Jürgen Müller", "cp1252"),
    ("O’Brien “Bob” – 10 €", "cp1252"),
    ("René;Zoë Größe", "latin-1"),
    ("Özil", "latin-1"),
    ("ÄÖÜ GmbH", "latin-1"),
    ("José Ñandú", "latin-1"),
    ("Ågård;Øystein", "latin-1"),
]


def written(line: str, charset: str) -> bytes:
    return f"BEGIN:VCARD\r\nVERSION:2.1\r\n{line}\r\nTEL;CELL:1\r\nEND:VCARD\r\n".encode(charset)


@pytest.mark.parametrize(("text", "charset"), SAMPLES)
def test_raw_octets_without_a_charset_are_read_as_they_were_written(text: str, charset: str) -> None:
    assert parse_one(written(f"NOTE:{text}", charset)).properties[0].value == text


@pytest.mark.parametrize(("text", "charset"), SAMPLES)
def test_raw_octets_with_a_charset_are_read_by_it_and_lose_it(text: str, charset: str) -> None:
    """What is text is in no other character set any more."""
    item = parse_one(written(f"NOTE;CHARSET={charset};HOME:{text}", charset)).properties[0]
    assert (item.value, item.params) == (text, (("HOME", ()),))


@pytest.mark.parametrize("charset", ["GB2312", "gb18030", "windows-1252", "ISO-8859-1", "Shift_JIS", "SJIS"])
def test_a_charset_may_have_any_of_its_names(charset: str) -> None:
    text = "é" if codecs.lookup(charset).name in ("cp1252", "iso8859-1") else "东"
    text = "東" if "JIS" in charset.upper() else text
    assert parse_one(written(f"NOTE;CHARSET={charset}:{text}", charset)).properties[0].value == text


def test_a_line_with_a_charset_tells_what_the_others_are_in() -> None:
    octets = written("NOTE;CHARSET=iso-8859-2:Łódź", "iso8859-2").replace(b"TEL;CELL:1", "ORG:Łąka".encode("iso8859-2"))
    assert [item.value for item in parse_one(octets).properties] == ["Łódź", "Łąka"]


def test_what_is_unicode_stays_so_beside_what_is_not() -> None:
    octets = "BEGIN:VCARD\nVERSION:3.0\nFN:张三\n".encode() + b"NOTE:Andr\xe9\nEND:VCARD\n"
    assert [item.value for item in parse_one(octets).properties] == ["张三", "André"]


def test_a_letter_that_was_cut_by_a_fold_is_whole() -> None:
    octets = "张".encode()
    text = b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:a" + octets[:1] + b"\r\n " + octets[1:] + b"\r\nEND:VCARD\r\n"
    assert parse_one(text).properties[0].value == "a张"


def test_one_damaged_letter_does_not_make_another_language_of_the_rest() -> None:
    text = parse_one(written("NOTE:北京市海淀区", "utf-8").replace("区".encode(), b"\xe5\x8c")).properties[0].value
    assert text.startswith("北京市海淀")


@pytest.mark.parametrize("length", [1, 100, 30_000])
def test_any_octets_are_some_text(length: int) -> None:
    assert isinstance(text_of(os.urandom(length)), str)
