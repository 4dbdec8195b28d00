"""
Address books and what is in them, as RFC 6352, 3 to 5 and 13, has it.

The RFC is tested in six files: this one, `test_rfc6352_properties` (6.1, 6.2, 7), `test_rfc6352_writing` (6.3),
`test_rfc6352_reports` (8, 10.3, 10.6, 10.7), `test_rfc6352_address_data` (8.4, 8.5, 10.4) and `test_rfc6352_filters`
(8.3, 8.5, 10.5). Sections 9 and 11 bind clients and administrators, 12 and 14 nobody. What the sections of this file
require is a test here, or else one of these:

* 3, WebDAV class 3, access control (also 7), extended MKCOL (also 6.3.1), current-user-principal (also 9.3): that the
  server says so is tested here; the standards themselves have files of their own, `test_rfc4918_*`, `test_rfc3744`,
  `test_rfc5689` and `test_rfc5397`.
* 3 and 13, TLS: `test_tls`, where the server has it by itself, and not from a reverse proxy. "SHOULD prevent use of
  Basic authentication when TLS is not in use": behind a proxy a server cannot see what is in use. Instead it listens to
  nobody but its own machine unless it is told to.
* 3, ETags: 6.3.2.3. Reports: 8. 5.1, one vCard with a UID of its own in each resource: 6.3.2.1.
* 5.1.1, a single card that cannot be converted: there is none, every card that can be stored is served in 3.0 and 4.0.
  A line that the other version has no room for is left out there and stays stored.
* 5.2 a, collections that are no address books inside of an address book: they may be, and are not.
* 13, "when provisioning address books [...] MUST ensure that the correct privileges are applied on creation": every
  address book is its owner's alone. That nobody else gets at it is the matter of `test_strangers`.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sync.vcard import parse
from tests.dav.asking import (
    BOOK,
    CARD,
    ETAG,
    NS,
    multiget_body,
    place,
    propfind,
    put,
    query_body,
    report,
    responses,
    texts,
)
from tests.dav.test_rfc5689 import mkcol
from tests.support import factories
from tests.support.people import Person
from tests.support.site import ON_SQLITE, Lasting, Site

EVERYWHERE = ("root", "principal", "book", "own", "entry")
METHODS = ("PROPFIND", "REPORT", "PUT", "DELETE", "PROPPATCH", "COPY")
CONVERSION = f"{CARD}supported-address-data-conversion"


@pytest.mark.parametrize("feature", ["1", "3", "access-control", "extended-mkcol", "addressbook"])
def test_the_server_says_what_it_supports(lasting: Lasting, feature: str) -> None:
    """WebDAV class 3, access control, extended MKCOL and CardDAV are supported, and said to be (section 3)."""
    assert feature in lasting.site.call("OPTIONS", "/").header("DAV").split(", ")


@ON_SQLITE
@pytest.mark.parametrize("version", ["3.0", "4.0"])
def test_cards_of_both_versions_are_stored_and_served(site: Site, anna: Person, version: str) -> None:
    """Version 3.0 MUST be supported, and 4.0 SHOULD be (section 3); what is advertised has to be taken (5.1.1)."""
    data = factories.vcard("x").replace(b"VERSION:3.0", f"VERSION:{version}".encode())
    for kind in ("text/vcard", f"text/vcard; version={version}"):
        assert put(site, anna, BOOK + "x.vcf", data, Content_Type=kind).status in (201, 204)
    got = site.call("GET", BOOK + "x.vcf", b"", {"Accept": f"text/vcard; version={version}"}, person=anna)
    assert (got.status, got.body) == (200, data)
    assert got.header("Content-Type").startswith("text/vcard")


ACCEPTED = {
    "": "3.0",
    "*/*": "3.0",
    "text/*": "3.0",
    "text/vcard": "3.0",
    "text/x-vcard": "3.0",
    "text/html, */*;q=0.1": "3.0",
    "text/vcard; version=3.0": "3.0",
    "text/vcard; version=4.0": "4.0",
    'TEXT/VCARD;version="4.0", text/vcard;q=0.5': "4.0",
    "text/vcard;version=4.0, text/vcard;charset=utf-8;q=0.8, */*;q=0.1": "4.0",
    "text/vcard;version=4.0, */*": "4.0",
    "text/vcard;version=4.0, text/vcard;version=3.0": "3.0",
    "text/vcard;version=4.0;q=0.5, text/vcard;version=3.0": "3.0",
    "text/vcard;version=4.0;q=0.5, text/vcard": "3.0",
    "*/*, text/vcard;version=4.0;q=0": "3.0",
    "*/*, text/vcard;version=3.0;q=0": "4.0",
    "application/json; version=4.0, text/vcard": "3.0",
    "text/vcard;version=4.0;q=much": "4.0",
    "nonsense": "3.0",
}


@pytest.mark.parametrize("accept", ACCEPTED)
def test_a_card_comes_in_the_version_that_is_accepted(lasting: Lasting, accept: str) -> None:
    """Content negotiation chooses (5.1.1); 4.0 comes only where it is named, because everything reads 3.0."""
    for which in ("entry", "own"):
        path = place(lasting.circle, which)
        answer = lasting.site.call("GET", path, b"", {"Accept": accept}, person=lasting.circle.anna)
        assert f"\r\nVERSION:{ACCEPTED[accept]}\r\n" in answer.body.decode()
        assert answer.header("Vary") == "Accept"


@ON_SQLITE
@pytest.mark.parametrize(("stored", "wanted"), [("3.0", "4.0"), ("4.0", "3.0"), ("2.1", "3.0"), ("2.1", "4.0")])
@pytest.mark.parametrize("broken", [0, 1, 200])
def test_a_stored_card_is_converted(site: Site, anna: Person, stored: str, wanted: str, broken: int) -> None:
    """What is stored in one version is returned in the other, by GET and in reports, whatever is in it (5.1.1)."""
    lines = ["NOTE:a", *["PHOTO;ENCODING=b;TYPE=JPEG:!!!"] * broken]
    put(site, anna, BOOK + "x.vcf", factories.vcard("x", *lines).replace(b"3.0", stored.encode()))
    got = site.call("GET", BOOK + "x.vcf", b"", {"Accept": f"text/vcard; version={wanted}"}, person=anna)
    asked = multiget_body([BOOK + "x.vcf"], f'<C:address-data content-type="text/vcard" version="{wanted}"/>')
    (reported,) = texts(report(site, anna, asked)).values()
    for text in (got.body.decode(), reported):
        (card,) = parse(text)
        assert (card.version, card.uid, "NOTE:a" in text) == (wanted, "x", True)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    "accept", ["application/json", "text/vcard; version=2.1", "text/vcard;q=0, */*", "image/*", "text/html, x/y;q=1"]
)
def test_what_a_card_cannot_be_is_not_acceptable(lasting: Lasting, method: str, accept: str) -> None:
    """A GET for another media type violates the precondition on conversion (5.1.1, 5.1.1.1)."""
    answer = lasting.site.call(method, lasting.circle.entry, b"", {"Accept": accept}, person=lasting.circle.anna)
    assert answer.status == 406
    assert method == "HEAD" or answer.condition == CONVERSION
    assert b"VCARD" not in answer.body


@pytest.mark.parametrize("body", [multiget_body, lambda _, names: query_body("", names)], ids=["multiget", "query"])
@pytest.mark.parametrize(
    "kind", ['content-type="text/plain"', 'version="2.1"', 'version="5"', 'content-type="x" version="3.0"']
)
def test_another_format_is_not_reported(lasting: Lasting, body: Callable[[list[str], str], str], kind: str) -> None:
    """What no card can be converted to fails the whole report (5.1.1), as does what is not supported (8.6, 8.7)."""
    answer = report(lasting.site, lasting.circle.anna, body([lasting.circle.entry], f"<C:address-data {kind}/>"))
    assert answer.status == 415
    assert {node.tag for node in answer.xml} >= {CONVERSION, f"{CARD}supported-address-data"}
    assert b"VCARD" not in answer.body


@ON_SQLITE
def test_an_address_book_says_that_it_is_one(site: Site, anna: Person) -> None:
    """Provisioned or made by MKCOL, its type has DAV:collection and CARDDAV:addressbook (5.2, 10.1)."""
    assert mkcol(site, anna, "/anna/club/").status == 201
    for path in (BOOK, "/anna/club/"):
        kind = propfind(site, path, "<D:resourcetype/>", person=anna).xml.find(".//D:resourcetype", NS)
        assert kind is not None
        assert {node.tag for node in kind} == {"{DAV:}collection", f"{CARD}addressbook"}
        assert [list(node) for node in kind] == [[], []]


def test_there_are_only_cards_in_an_address_book(lasting: Lasting) -> None:
    """Every member is no collection, has the type of a vCard, and is one when it is fetched (5.1, 5.2 a)."""
    anna = lasting.circle.anna
    listed = responses(propfind(lasting.site, BOOK, f"<D:resourcetype/>{ETAG}", depth="1", person=anna))
    members = {href: node for href, node in listed.items() if href != BOOK}
    assert set(members) == {lasting.circle.entry, lasting.circle.own}
    for href, node in members.items():
        assert [len(kind) for kind in node.iterfind(".//D:resourcetype", NS)] == [0]
        got = lasting.site.call("GET", href, person=anna)
        assert got.header("Content-Type").startswith("text/vcard")
        (card,) = parse(got.body)
        assert card.uid


@ON_SQLITE
@pytest.mark.parametrize("method", ["MKCOL", "MOVE", "COPY"])
@pytest.mark.parametrize("outer", ["contacts", "club"])
@pytest.mark.parametrize("below", ["inner/", "inner", "deep/inner/"])
def test_there_is_no_address_book_in_an_address_book(
    site: Site, anna: Person, method: str, outer: str, below: str
) -> None:
    """Neither made there nor moved there, at any depth (5.2 b)."""
    for path in ("/anna/club/", "/anna/other/"):
        assert mkcol(site, anna, path).status == 201
    listed = responses(propfind(site, f"/anna/{outer}/", ETAG, depth="1", person=anna))
    target = f"/anna/{outer}/{below}"
    if method == "MKCOL":
        answer = mkcol(site, anna, target)
    else:
        answer = site.call(method, "/anna/other/", b"", {"Destination": target}, person=anna)
    assert answer.status in (403, 404, 409)
    assert propfind(site, target, "<D:resourcetype/>", person=anna).status == 404
    assert responses(propfind(site, f"/anna/{outer}/", ETAG, depth="1", person=anna)).keys() == listed.keys()


@ON_SQLITE
def test_a_collection_may_have_several_address_books(site: Site, anna: Person) -> None:
    """Further ones are children of the same collection (5.2)."""
    for name in ("club", "sales"):
        mkcol(site, anna, f"/anna/{name}/")
    home = responses(propfind(site, "/anna/", "<D:resourcetype/>", depth="1", person=anna))
    books = {href for href, node in home.items() if node.find(".//C:addressbook", NS) is not None}
    assert books == {BOOK, "/anna/club/", "/anna/sales/"}


@pytest.mark.parametrize(
    ("method", "which"),
    [
        *((method, which) for method in METHODS for which in EVERYWHERE),
        # The root is a page for people.
        *(("GET", which) for which in EVERYWHERE if which != "root"),
    ],
)
def test_nothing_is_open_to_whoever_is_not_signed_in(lasting: Lasting, method: str, which: str) -> None:
    """Private address books MUST NOT be accessible without authentication (13)."""
    body = query_body("") if method == "REPORT" else ""
    answer = lasting.site.call(method, place(lasting.circle, which), body, {"Destination": BOOK + "x.vcf"})
    assert answer.status == 401
    assert b"Ben" not in answer.body
