"""
The reports on address books, as RFC 6352, 8, 10.3, 10.6 and 10.7 have them.

`test_rfc6352_resources` says where the other sections are. What these require is a test here, or else one of these:

* 8.1, expand-property: `test_expand_property`.
* 8.2, "MAY support the reports defined in this document on ordinary collections": they are refused.
* 8.6, "the request MUST include a Depth header", and 8.7, "MUST include a Depth: 0 header", bind clients, of which some
  send another or none. A query without one means the members, as with 1; a multiget means what it names.
* 8.6, number-of-matches-within-limits of the server's own: there is no limit but the one that was asked for. An answer
  of any size goes through a file.
* 8.6 and 10.3, a query has a filter: one without means every card. 8.7 and 10.7, a multiget has an href: one of an
  address book without means nothing.
* 8.6 and 8.7, supported-address-data, and 8.7.2, a card that cannot be converted: 5.1.1 in `test_rfc6352_resources`.
"""

from __future__ import annotations

import pytest
from lxml import etree

from tests.dav.asking import (
    BOOK,
    CARD,
    DATA,
    ETAG,
    NAMES,
    NS,
    REPORTS,
    body_of,
    gone,
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

DEPTHS = pytest.mark.parametrize("depth", ["0", "1", None])
OK = ["HTTP/1.1 200 OK"]
BOTH = pytest.mark.parametrize("name", REPORTS)


def statuses(node: etree._Element) -> list[str]:
    """Return the statuses of the properties of one resource."""
    return [status.text or "" for status in node.findall("D:propstat/D:status", NS)]


def limited(count: object) -> str:
    """Return a query for at most so many cards that have a name."""
    limit = f"<C:limit><C:nresults>{count}</C:nresults></C:limit>"
    return query_body('<C:prop-filter name="FN"/>', ETAG, rest=limit)


@ON_SQLITE
@pytest.mark.parametrize("path", [BOOK, "/anna/club/", "/anna/club/x.vcf", BOOK + "x.vcf"])
def test_every_address_book_and_card_says_that_it_answers_the_reports(site: Site, anna: Person, path: str) -> None:
    """All of section 8 are in supported-report-set, and answered (3, 8, 8.1, 8.6, 8.7)."""
    mkcol(site, anna, "/anna/club/")
    for book in (BOOK, "/anna/club/"):
        put(site, anna, book + "x.vcf", factories.vcard("x"))
    told = propfind(site, path, "<D:supported-report-set/>", person=anna).xml.iterfind(".//D:report/*", NS)
    assert {str(node.tag) for node in told} >= {*(f"{CARD}{name}" for name in REPORTS), "{DAV:}expand-property"}
    member = path if path.endswith(".vcf") else path + "x.vcf"
    for name in REPORTS:
        assert "UID:x" in texts(report(site, anna, body_of(name, DATA, [member]), path=path))[member]


@BOTH
@pytest.mark.parametrize("path", ["/", "/anna/"])
def test_ordinary_collections_refuse_the_reports(lasting: Lasting, name: str, path: str) -> None:
    """They MAY be supported there (8.2); where they are not, the refusal says so (RFC 3253, 3.6)."""
    answer = report(lasting.site, lasting.circle.anna, body_of(name, DATA, [lasting.circle.entry]), path=path)
    assert (answer.status, answer.condition) == (403, "{DAV:}supported-report")


@BOTH
def test_properties_are_told_as_by_propfind(lasting: Lasting, name: str) -> None:
    """One that is not there is in a part with 404, and the others in one with 200 (8.4, 8.6)."""
    names = f"{DATA}<D:getcontenttype/><D:getcontentlength/><D:resourcetype/>"
    entry, anna = lasting.circle.entry, lasting.circle.anna
    answer = report(lasting.site, anna, body_of(name, names + '<x xmlns="urn:x"/>', [entry]))
    node = responses(answer)[entry]
    assert statuses(node) == ["HTTP/1.1 200 OK", "HTTP/1.1 404 Not Found"]
    assert node.find("D:propstat[2]/D:prop/{urn:x}x", NS) is not None
    plain = responses(propfind(lasting.site, entry, names.replace("<C:address-data/>", ""), person=anna))[entry]
    for wanted in ("D:getetag", "D:getcontenttype", "D:getcontentlength", "D:resourcetype"):
        (told, expected) = (one.findtext(f"D:propstat/D:prop/{wanted}", None, NS) for one in (node, plain))
        assert told == expected
        assert told is not None


@BOTH
def test_all_properties_or_their_names_can_be_asked_for(lasting: Lasting, name: str) -> None:
    """A report asks for properties by name, for all of them, for their names, or for none (8.4, 10.3, 10.7)."""
    entry = lasting.circle.entry
    found = {}
    for wanted in ("<D:allprop/>", "<D:propname/>", ""):
        body = body_of(name, ETAG, [entry]).replace(f"<D:prop>{ETAG}</D:prop>", wanted)
        node = responses(report(lasting.site, lasting.circle.anna, body))[entry]
        assert statuses(node) == OK
        found[wanted] = {str(child.tag): child for child in node.iterfind("D:propstat/D:prop/*", NS)}
    assert found["<D:allprop/>"]["{DAV:}getetag"].text
    assert "{DAV:}getetag" in found["<D:propname/>"]
    assert [child.text for child in found["<D:propname/>"].values() if child.text] == []
    assert found[""] == {}


@BOTH
@pytest.mark.parametrize("path", ["book", "entry"])
def test_what_is_not_there_answers_no_report(lasting: Lasting, name: str, path: str) -> None:
    """Neither an address book nor a card that does not exist has something to report."""
    where = {"book": "/anna/none/", "entry": BOOK + "none.vcf"}[path]
    assert report(lasting.site, lasting.circle.anna, body_of(name, DATA, [where]), path=where).status == 404


def test_a_query_answers_with_each_card_that_matches(lasting: Lasting) -> None:
    """The answer is a multistatus with one response for each, and the card inside of propstat (8.6)."""
    answer = report(lasting.site, lasting.circle.anna, query_body('<C:prop-filter name="FN"/>'), depth="1")
    assert (answer.status, answer.xml.tag) == (207, "{DAV:}multistatus")
    found = responses(answer)
    assert set(found) == {lasting.circle.entry, lasting.circle.own}
    for href, node in found.items():
        assert statuses(node) == OK
        got = lasting.site.call("GET", href, person=lasting.circle.anna)
        assert node.findtext("D:propstat/D:prop/C:address-data", "", NS).encode() == got.body
        assert node.findtext("D:propstat/D:prop/D:getetag", "", NS) == got.header("ETag")


def test_a_query_that_finds_nothing_has_an_empty_answer(lasting: Lasting) -> None:
    """Where there are no responses, the multistatus is empty (8.6)."""
    for path in (BOOK, lasting.circle.entry):
        body = query_body('<C:prop-filter name="X-NOBODY-HAS-THIS"/>')
        answer = report(lasting.site, lasting.circle.anna, body, depth="1", path=path)
        assert (answer.status, answer.xml.tag, len(answer.xml)) == (207, "{DAV:}multistatus", 0)


@pytest.mark.parametrize(
    ("which", "depth", "found"),
    [
        ("book", "0", set()),
        *(("book", depth, {"own", "entry"}) for depth in ("1", "infinity", None)),
        *(("entry", depth, {"entry"}) for depth in ("0", "1", "infinity", None)),
        *(("own", depth, {"own"}) for depth in ("0", "1", "infinity", None)),
    ],
)
def test_the_depth_is_the_scope_of_a_query(lasting: Lasting, which: str, depth: str | None, found: set[str]) -> None:
    """A query of an address book looks into it with 1 or infinity, and one of a card looks at the card (8.6)."""
    answer = report(lasting.site, lasting.circle.anna, query_body(""), depth=depth, path=place(lasting.circle, which))
    assert set(responses(answer)) == {place(lasting.circle, one) for one in found}


@ON_SQLITE
@pytest.mark.parametrize("wanted", [0, 1, 4, 5])
def test_a_limit_is_kept_and_told(site: Site, anna: Person, wanted: int) -> None:
    """
    The answer to a query of which more matches than was asked for has as many, and 507 for the Request-URI.

    That one has a DAV:error with its condition, and does not count (8.6.1, 8.6.2, 10.6).
    """
    for number in range(4):
        factories.put(site.database, anna.id, f"{number}.vcf", factories.vcard(str(number)))
    answer = report(site, anna, limited(wanted), depth="1")
    listed = responses(answer)
    # Anna's own card is the fifth.
    assert len(set(listed) - {BOOK}) == wanted
    assert (BOOK in listed) == (wanted < 5)
    if wanted < 5:
        assert listed[BOOK].findtext("D:status", "", NS) == "HTTP/1.1 507 Insufficient Storage"
        assert listed[BOOK].find("D:error/D:number-of-matches-within-limits", NS) is not None


def test_a_limit_is_kept_for_a_card_too(lasting: Lasting) -> None:
    """The Request-URI is the card's then (8.6.2)."""
    entry = lasting.circle.entry
    for count, expected in ((0, "HTTP/1.1 507 Insufficient Storage"), (1, "")):
        answer = report(lasting.site, lasting.circle.anna, limited(count), path=entry)
        assert responses(answer)[entry].findtext("D:status", "", NS) == expected


@pytest.mark.parametrize("count", ["-1", "x", "", "1e3", "9" * 50, "1 2", "٣"])
def test_a_limit_that_is_no_number_is_refused(lasting: Lasting, count: str) -> None:
    """It is an unsigned integer and MUST be digits (10.6.1)."""
    assert report(lasting.site, lasting.circle.anna, limited(count)).status == 400


@DEPTHS
def test_a_multiget_answers_for_every_href(lasting: Lasting, depth: str | None) -> None:
    """There is a response for each, with the card or with the status that fetching it has (8.7)."""
    circle = lasting.circle
    asked = [BOOK + "missing.vcf", circle.entry, BOOK + "ä b.vcf", circle.own]
    answer = report(lasting.site, circle.anna, multiget_body(asked), depth=depth)
    assert (answer.status, answer.xml.tag) == (207, "{DAV:}multistatus")
    assert set(texts(answer)) == {circle.entry, circle.own}
    assert gone(answer) == {BOOK + "missing.vcf", BOOK + "%C3%A4%20b.vcf"}
    assert all(statuses(responses(answer)[href]) == OK for href in (circle.entry, circle.own))


def test_a_multiget_of_a_card_is_about_that_card(lasting: Lasting) -> None:
    """Its scope is the resource itself; what is no member of that is not found (8.7)."""
    circle = lasting.circle
    for asked in ([], [circle.entry]):
        answer = report(lasting.site, circle.anna, multiget_body(asked), path=circle.entry)
        assert (list(texts(answer)), gone(answer)) == ([circle.entry], set())
    answer = report(lasting.site, circle.anna, multiget_body([circle.own, circle.entry]), path=circle.entry)
    assert (list(texts(answer)), gone(answer)) == ([circle.entry], {circle.own})


@ON_SQLITE
def test_an_href_must_be_a_member(site: Site, anna: Person) -> None:
    """A card of another address book is no member of this one (8.7)."""
    mkcol(site, anna, "/anna/club/")
    put(site, anna, "/anna/club/x.vcf", factories.vcard("x"))
    assert gone(report(site, anna, multiget_body(["/anna/club/x.vcf"]))) == {"/anna/club/x.vcf"}
    assert list(texts(report(site, anna, multiget_body(["/anna/club/x.vcf"]), path="/anna/club/")))


@pytest.mark.parametrize("body", [f"<C:addressbook-multiget {NAMES}>", "", f"<C:addressbook {NAMES}/>"])
def test_a_body_that_is_no_report_is_refused(lasting: Lasting, body: str) -> None:
    """The body MUST be the element of the report (8.6, 8.7)."""
    assert report(lasting.site, lasting.circle.anna, body).status in (400, 403)
