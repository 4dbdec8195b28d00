"""
Bodies that were made to stop a server: each costs no more than its size, is refused with a reason, and breaks nothing.

The inputs are those that were seen to stop Radicale or vobject for seconds, for ever or with a crash. The time limits
are wide; what they tell from us is minutes.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from tests.dav.asking import BOOK, NAMES, NS, multiget_body, propfind, query_body, report, snapshot, sync_body
from tests.support.people import Person
from tests.support.site import ON_SQLITE, Answer, Lasting, Site

#: Seconds for one request on a loaded machine.
PATIENCE = 8.0


def card(*lines: str) -> str:
    return "\r\n".join(["BEGIN:VCARD", "VERSION:3.0", "UID:x", "FN:x", *lines, "END:VCARD", ""])


#: Lines whose reading took 2^n or n² steps, by what they are made of.
LINES: dict[str, Callable[[int], str]] = {
    "equals signs before a quote": lambda n: "TEL;A" + "=" * n + '"',
    "listed values before a quote": lambda n: "TEL;A=" + "b," * n + '"',
    "quoted parameters before a quote": lambda n: "TEL" + ';A="b"' * n + '"',
    "parameters without a colon": lambda n: "TEL" + ";A=b" * n,
    "TZID with colons": lambda n: "TZID:" * n,
    "TZID with equals signs": lambda n: "TZID=" * n,
    "encodings": lambda n: "PHOTO" + ";ENCODING=b" * n,
    "a long value": lambda n: "NOTE:" + "x" * n,
    "a folded photo": lambda n: "PHOTO;ENCODING=b;TYPE=JPEG:" + "\r\n ".join(["A" * 74] * (n // 75)),
    "soft line breaks": lambda n: "NOTE;ENCODING=QUOTED-PRINTABLE:" + "=\r\n".join(["x" * 70] * (n // 70)),
    "empty folds": lambda n: "NOTE:x" + "\r\n " * n,
    "backslashes": lambda n: "NOTE:" + "\\" * n,
    "semicolons": lambda n: "N:" + ";" * n,
    "commas": lambda n: "CATEGORIES:" + "," * n,
    "groups": lambda n: "a." * n + "TEL:1",
    "carets": lambda n: "TEL;A=" + "^" * n + ":1",
    "cards": lambda n: "BEGIN:VCARD\r\n" * n,
    "agents": lambda n: "AGENT:\r\nBEGIN:VCARD\r\n" * n,
    "properties": lambda n: "\r\n".join(["X-A:1"] * n),
}


FIND = '<C:prop-filter name="TEL"><C:text-match>1</C:text-match></C:prop-filter>'


def put(site: Site, person: Person, path: str, body: str) -> tuple[Answer, float]:
    started = time.perf_counter()
    answer = site.call("PUT", path, body, {"Content-Type": "text/vcard"}, person=person)
    return answer, time.perf_counter() - started


@ON_SQLITE
@pytest.mark.parametrize("name", LINES)
def test_no_line_of_a_card_costs_more_than_its_length(site: Site, anna: Person, name: str) -> None:
    """From 40 repetitions, for ever in vobject, to a quarter of a megabyte, wherever the card is read again."""
    for size in (24, 40, 1_000, 20_000, 250_000 // len(LINES[name](1))):
        answer, seconds = put(site, anna, BOOK + "x.vcf", card(LINES[name](size)))
        assert answer.status in (201, 204) or 400 <= answer.status < 500, (size, answer)
        assert seconds < PATIENCE, size
        if answer.status in (201, 204):
            started = time.perf_counter()
            found = report(
                site, anna, query_body('<C:prop-filter name="TEL"><C:text-match>1</C:text-match></C:prop-filter>')
            )
            four = report(site, anna, sync_body("", '<D:getetag/><C:address-data version="4.0"/>'))
            assert (found.status, four.status) == (207, 207)
            assert time.perf_counter() - started < PATIENCE


@ON_SQLITE
@pytest.mark.parametrize("name", LINES)
def test_no_line_over_one_s_own_card_or_a_friend_s_does_harm(site: Site, anna: Person, name: str) -> None:
    """The profile and overlays are made of fields: whatever is taken, the book can be read in both versions."""
    (path, text) = next(iter(snapshot(site, anna)[0].items()))
    uid = next(line for line in text.split("\r\n") if line.startswith("UID:"))
    answer, seconds = put(site, anna, path, card(LINES[name](2_000)).replace("UID:x", uid))
    assert answer.status == 204 or 400 <= answer.status < 500, answer
    assert seconds < PATIENCE
    for version in ("3.0", "4.0"):
        names = f'<D:getetag/><C:address-data content-type="text/vcard" version="{version}"/>'
        assert report(site, anna, sync_body("", names)).status == 207


def asked(*properties: str, attributes: str = "") -> str:
    """Return a PROPFIND for properties that are written out."""
    return f"<D:propfind {NAMES} {attributes}><D:prop>{''.join(properties)}</D:prop></D:propfind>"


def nested(name: str, depth: int) -> str:
    return f"<{name}>" * depth + f"</{name}>" * depth


ENTITIES = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
MANY = range(100_000)
FILE = 'SYSTEM "file:///etc/passwd"'
XML: dict[str, str | bytes] = {
    "nested 1,500 deep": asked(nested("D:a", 1_500)),
    "nested 131,600 deep": asked(nested("D:a", 131_600)),
    "nested filters": f"<C:addressbook-query {NAMES}>{nested('C:filter', 100_000)}</C:addressbook-query>",
    "never closed": "<a>" * 100_000,
    "a billion laughs": f'<!DOCTYPE a [<!ENTITY l0 "lol">{ENTITIES}]>{asked("&l9;")}',
    "a quadratic blow-up": f'<!DOCTYPE a [<!ENTITY x "{"x" * 50_000}">]><a>{"&x;" * 50_000}</a>',
    "an outside file": f"<!DOCTYPE a [<!ENTITY x {FILE}>]>{asked('&x;')}",
    "an outside DTD": f'<!DOCTYPE a SYSTEM "http://192.0.2.1/x.dtd">{asked()}',
    "a parameter entity": f"<!DOCTYPE a [<!ENTITY % x {FILE}> %x;]>{asked()}",
    "an empty document type": f"<!DOCTYPE a>{asked()}",
    "100,000 namespaces": asked(*(f'<a xmlns="urn:{n}"/>' for n in MANY)),
    "100,000 prefixes": asked(attributes=" ".join(f'xmlns:n{n}="urn:{n}"' for n in MANY)),
    "many properties": asked(*(f"<D:p{n}/>" for n in range(60_000))),
    "many attributes": asked(attributes=" ".join(f'a{n}="1"' for n in MANY)),
    "a long attribute": asked(attributes=f'a="{"x" * 7_000_000}"'),
    "a long name": asked(f"<{'a' * 5_000_000}/>"),
    "an unknown encoding": f'<?xml version="1.0" encoding="nosuch"?>{asked()}',
    "a wrong encoding": f'<?xml version="1.0" encoding="utf-16"?>{asked()}',
    "octets that are no text": b"\xff\xfe\x00\x00\xd8" * 100,
    "a NUL": asked("\x00"),
    "an undefined prefix": "<X:propfind/>",
    "an unknown element": "<a/>",
    "no XML": "hello",
    "JSON": "{}",
    "spaces": "  \r\n ",
    "an undefined entity": asked("&nothing;"),
    "a control character": asked("&#1;"),
    "comments": f"<D:report {NAMES}>{'<!-- -->' * 100_000}</D:report>",
    "instructions": f"<D:report {NAMES}>{'<?a?>' * 100_000}</D:report>",
    "a wrong root": f"<D:multistatus {NAMES}/>",
}
#: What one method may answer, because it is what it looks like: large, or nothing.
HARMLESS = {("PROPFIND", "many attributes"), ("PROPFIND", "a long attribute"), ("PROPFIND", "spaces")}


@pytest.mark.parametrize("method", ["PROPFIND", "REPORT", "PROPPATCH"])
@pytest.mark.parametrize("name", XML)
def test_no_document_costs_more_than_its_length(lasting: Lasting, method: str, name: str) -> None:
    """Depth, entities, names and numbers are bounded before anything is built of them."""
    started = time.perf_counter()
    answer = lasting.site.call(method, BOOK, XML[name], {"Depth": "0"}, person=lasting.circle.anna)
    assert time.perf_counter() - started < PATIENCE
    assert 400 <= answer.status < 500 or (method, name) in HARMLESS, answer
    assert len(answer.body) > 10
    assert b"root:" not in answer.body


@pytest.mark.parametrize("name", ["nested 131,600 deep", "a billion laughs", "100,000 namespaces"])
def test_nothing_is_parsed_for_strangers(lasting: Lasting, name: str) -> None:
    assert lasting.site.call("PROPFIND", BOOK, XML[name]).status == 401


def test_too_many_hrefs_are_refused(lasting: Lasting) -> None:
    """100,000 missing entries would be an answer of ten megabytes."""
    hrefs = (f"{BOOK}{number}" for number in range(100_000))
    answer = report(lasting.site, lasting.circle.anna, multiget_body(hrefs))
    assert answer.status == 413
    assert len(answer.body) < 1_000


@pytest.mark.parametrize("charset", ["nosuch", "punycode", "idna", "utf-7", "x" * 5_000, "\x00", "utf-16", ""])
@pytest.mark.parametrize("method", ["PROPFIND", "PUT", "POST"])
def test_a_charset_is_never_looked_up(lasting: Lasting, charset: str, method: str) -> None:
    kind = {"PUT": "text/vcard", "POST": "application/x-www-form-urlencoded"}.get(method, "text/xml")
    headers = {"Content-Type": f"{kind}; charset={charset}", "Depth": "0"}
    for path in ("/anna/", "/.web/", "/nothing/at/all/here"):
        answer = lasting.site.call(
            method, path, b"\xff" if method != "PROPFIND" else b"", headers, person=lasting.circle.anna
        )
        assert answer.status < 500


def test_names_in_a_request_come_back_as_names_only(lasting: Lasting) -> None:
    """A property that is not known is answered as one, whatever its name is made of."""
    for names in ("<D:getetag-x/><D:a.b-c/>", '<a xmlns="urn:&amp;&#39;"/>', '<é xmlns="urn:x"/>'):
        for depth in ("0", "1"):
            answer = propfind(lasting.site, BOOK, names, depth=depth, person=lasting.circle.anna)
            assert answer.status == 207
            for node in answer.xml.findall("D:response", NS):
                assert node.findtext("D:propstat/D:status", "", NS) == "HTTP/1.1 404 Not Found"


@pytest.mark.parametrize("namespace", ["", "&quot;&gt;&lt;D:href&gt;", "&#10;", "a b", "\\", "{", "%s", "\1", "]]&gt;"])
def test_no_namespace_becomes_markup(lasting: Lasting, namespace: str) -> None:
    """A namespace with quotes and brackets in it is refused or written back as a namespace, well-formed."""
    answer = propfind(lasting.site, BOOK, f'<a xmlns="{namespace}"/>', depth="1", person=lasting.circle.anna)
    assert answer.status in (207, 400)
    if answer.status == 207:
        assert len(answer.xml.findall("D:response", NS)) == 3
