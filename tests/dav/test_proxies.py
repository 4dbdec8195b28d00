"""What proxies and browsers on the way may do with answers, and what they make of ETags."""

from __future__ import annotations

import pytest

from tests.dav.asking import BOOK, put
from tests.support import factories
from tests.support.people import Person
from tests.support.site import Site

REWRITTEN = ('W/"{}"', '"{}-gzip"', 'W/"{}-gzip"', '"{}-br"', '"{};gzip"', '"{}--gzip"', '"{}-zstd"')


@pytest.mark.parametrize("rewritten", REWRITTEN)
def test_an_etag_is_recognised_as_proxies_rewrite_it(site: Site, anna: Person, rewritten: str) -> None:
    """In every condition: a card can be changed, is not modified, and stays when it is another by now."""
    path = BOOK + "x.vcf"
    etag = put(site, anna, path, factories.vcard("x")).header("ETag")
    seen = rewritten.format(etag.strip('"'))
    assert site.call("GET", path, headers={"If-None-Match": seen}, person=anna).status == 304
    assert put(site, anna, path, factories.vcard("x", "NOTE:1"), If_None_Match=seen).status == 412
    assert put(site, anna, path, factories.vcard("x", "NOTE:1"), If=f"([{seen}])").status == 204
    etag = site.call("GET", path, person=anna).header("ETag")
    seen = rewritten.format(etag.strip('"'))
    assert put(site, anna, path, factories.vcard("x", "NOTE:2"), If_Match=seen).status == 204
    assert put(site, anna, path, factories.vcard("x", "NOTE:3"), If_Match=seen).status == 412


@pytest.mark.parametrize("etag", ['"-gzip"', 'W/""', '"gzip"', '"x-gzip-gzip"', 'W/W/"x"'])
def test_an_etag_that_was_never_ours_meets_no_condition(site: Site, anna: Person, etag: str) -> None:
    put(site, anna, BOOK + "x.vcf", factories.vcard("x"))
    assert put(site, anna, BOOK + "x.vcf", factories.vcard("x", "NOTE:1"), If_Match=etag).status == 412


def test_nobody_keeps_a_card_for_others_or_takes_it_for_something_else(site: Site, anna: Person) -> None:
    put(site, anna, BOOK + "x.vcf", factories.vcard("x", "NOTE:<script>"))
    for method in ("GET", "HEAD"):
        answer = site.call(method, BOOK + "x.vcf", person=anna)
        assert "private" in answer.header("Cache-Control")
        assert answer.header("X-Content-Type-Options") == "nosniff"


@pytest.mark.parametrize(
    "kind", ["", "application/xml", "application/x-www-form-urlencoded", "text/html", "image/png", "x", "text/vcard"]
)
def test_whatever_it_is_called_a_vcard_is_stored(site: Site, anna: Person, kind: str) -> None:
    """JavaScript programs call it XML and curl a form; what is no vCard is refused by what it is."""
    card = factories.vcard("x")
    assert site.call("PUT", BOOK + "x.vcf", card, {"Content-Type": kind}, person=anna).status == 201
    assert site.call("GET", BOOK + "x.vcf", person=anna).body == card
    answer = site.call("PUT", BOOK + "y.vcf", b"<D:x/>", {"Content-Type": kind}, person=anna)
    assert (answer.status, answer.condition) == (403, "{urn:ietf:params:xml:ns:carddav}valid-address-data")


@pytest.mark.parametrize("path", ["/anna/elsewhere/", "/anna/elsewhere", "/anna/elsewhere/x.vcf", BOOK + "no.vcf"])
def test_what_is_not_there_is_not_found(site: Site, anna: Person, path: str) -> None:
    for method in ("GET", "HEAD", "PROPFIND"):
        assert site.call(method, path, person=anna).status == 404, method


@pytest.mark.parametrize("method", ["PUT"])
@pytest.mark.parametrize("path", ["/x.vcf", "/anna/x.vcf", "/anna/contacts/", "/ben/contacts/x.vcf", "/%20/.x/y.vcf"])
def test_a_put_that_is_refused_for_its_place_alarms_nobody(site: Site, anna: Person, method: str, path: str) -> None:
    """DAVx5 shows an error for a 403 that does not say which privilege is needed (client fact D-8)."""
    answer = site.call(method, path, factories.vcard("x"), {"Content-Type": "text/vcard"}, person=anna)
    assert answer.status in (403, 409)
    assert answer.status == 409 or answer.condition == "{DAV:}need-privileges"


@pytest.mark.parametrize(("octets", "status"), [(17_000, 431), (9_000, 431), (7_000, 207)])
def test_header_lines_are_limited(site: Site, anna: Person, octets: int, status: int) -> None:
    headers = {"Depth": "0", "X-Long": "x" * octets}
    assert site.call("PROPFIND", BOOK, headers=headers, person=anna).status == status
    many = {"Depth": "0", **{f"X-{number}": "x" * 100 for number in range(octets // 100)}}
    assert site.call("PROPFIND", BOOK, headers=many, person=anna).status == (431 if octets > 16_384 else 207)


def test_an_address_is_limited(site: Site, anna: Person) -> None:
    assert site.call("GET", f"{BOOK}{'x' * 9_000}.vcf", person=anna).status == 414
