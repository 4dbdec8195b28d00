"""GET and HEAD of one card."""

from __future__ import annotations

import pytest

from tests.dav.asking import BOOK, multiget_body, present, propfind, report, sync_body, texts
from tests.support import factories
from tests.support.site import ON_SQLITE, Circle, Lasting, Site

#: Names as clients make them: with what URLs encode, what they must not, and what is not ASCII.
SPELLINGS = {
    "plain.vcf": "plain.vcf",
    "ä b,c:'.vcf": "%C3%A4%20b,c:'.vcf",
    "a@b+c=d;e&f$g!.vcf": "a@b+c=d;e%26f$g!.vcf",
    "a%b.vcf": "a%25b.vcf",
    "a?b#c.vcf": "a%3Fb%23c.vcf",
    'q"<>\\^`{|}.vcf': "q%22%3C%3E%5C%5E%60%7B%7C%7D.vcf",
    "张三.vcf": "%E5%BC%A0%E4%B8%89.vcf",
    "no extension": "no%20extension",
    "(a)*~_-.vcf": "(a)*~_-.vcf",
}


def test_a_card_is_the_same_as_in_reports(lasting: Lasting) -> None:
    """Text and ETag are those of the multiget, and HEAD is GET without the text."""
    entry, anna, site = lasting.circle.entry, lasting.circle.anna, lasting.site
    answer = site.call("GET", entry, person=anna)
    reported = report(site, anna, multiget_body([entry]))
    assert (answer.status, answer.body.decode()) == (200, texts(reported)[entry])
    assert answer.header("ETag") == present(reported)[entry]
    assert answer.header("Content-Type") == "text/vcard; charset=utf-8"
    head = site.call("HEAD", entry, person=anna)
    assert (head.status, head.headers, head.body) == (200, answer.headers, b"")


@pytest.mark.parametrize("path", ["/anna/contacts/missing.vcf", "/anna/elsewhere/x.vcf"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "PROPFIND"])
def test_what_is_not_there_is_not_found(lasting: Lasting, path: str, method: str) -> None:
    assert lasting.site.call(method, path, b"", {"Depth": "0"}, person=lasting.circle.anna).status == 404


@ON_SQLITE
def test_a_name_is_spelled_in_one_way_everywhere(site: Site, circle: Circle) -> None:
    """Thunderbird compares hrefs as text: listing, report, multiget and single PROPFIND write the same one."""
    for number, (name, spelled) in enumerate(SPELLINGS.items()):
        data = factories.vcard(f"u{number}")
        assert site.call("PUT", BOOK + spelled, data, {"Content-Type": "text/vcard"}, person=circle.anna).status == 201
        assert site.call("GET", BOOK + spelled, person=circle.anna).body == data
        every = "".join(f"%{octet:02x}" for octet in name.encode())
        assert site.call("GET", BOOK + every, person=circle.anna).body == data
        assert list(present(propfind(site, BOOK + every, "<D:getetag/>", person=circle.anna))) == [BOOK + spelled]
        assert list(present(report(site, circle.anna, multiget_body([BOOK + every])))) == [BOOK + spelled]
    wanted = {BOOK + spelled for spelled in SPELLINGS.values()} | {circle.entry, circle.own}
    assert set(present(report(site, circle.anna, sync_body()))) == wanted
    assert set(present(propfind(site, BOOK, "<D:getetag/>", depth="1", person=circle.anna))) == wanted | {BOOK}
