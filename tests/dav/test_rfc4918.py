"""
What holds for all of WebDAV, RFC 4918, 5, 8 and 10.

Its XML is in `test_rfc4918_xml`; properties, methods and the If header are in `test_rfc4918_properties`,
`test_rfc4918_proppatch`, `test_rfc4918_methods` and `test_rfc4918_if`.

What does not apply, or is done otherwise:

- 5.1, resources outside of the tree: every resource is a member of its parent; the parent of a principal is the root.
- 6, 7, 10.5, 10.7, 11.3, locks: class 2 is not offered.
- 8.1, authorization errors before all others: a request that is none (length, path, method) is refused before
  anybody is asked who they are, and in the same words for everybody.
- 8.3, one format of hrefs in an answer: an href of a multiget that names nothing here comes back as it was sent.
- 8.4, a body that would be ignored: OPTIONS is answered whatever comes with it, because clients find the server by it.
  What refuses a request anyway (ACL, POST, LOCK) does so without a look at the body.
- 9.1, caching: answers to PROPFIND and REPORT have nothing by which they could be kept.
- 20.5, privacy: what nobody may learn of others is in `test_strangers`.
"""

from __future__ import annotations

from urllib.parse import unquote

import pytest

from tests.dav.asking import (
    ACCESS_REPORTS,
    BOOK,
    DATA,
    NAMES,
    NS,
    multiget_body,
    propertyupdate,
    propfind,
    put,
    query_body,
    report,
    responses,
    since,
    snapshot,
    sync_body,
    token,
)
from tests.support import factories
from tests.support.people import Person
from tests.support.site import ON_SQLITE, Answer, Circle, Lasting, Site

EVERYWHERE = pytest.mark.parametrize("which", ["root", "principal", "book", "own", "entry"])
PATH = BOOK + "x.vcf"
CARD = factories.vcard("x")


def multistatuses(site: Site, circle: Circle) -> list[Answer]:
    """Return answers of every kind that has more than one part."""
    anna = circle.anna
    put(site, anna, BOOK + "ä b.vcf", CARD)
    old = token(since(site, anna))
    site.call("DELETE", BOOK + "%C3%A4%20b.vcf", person=anna)
    names = DATA + "<D:nothing/>"
    limited = sync_body().replace(
        "</D:sync-collection>", "<D:limit><D:nresults>1</D:nresults></D:limit></D:sync-collection>"
    )
    title = "<D:set><D:prop><D:displayname>x</D:displayname>{}</D:prop></D:set>"
    bodies = [
        sync_body(old, names),
        limited,
        multiget_body([circle.entry, BOOK + "none.vcf"], names),
        query_body("", names),
    ]
    return [
        *(propfind(site, path, each, depth="1", person=anna) for path in ("/", "/anna/", BOOK) for each in ("", names)),
        *(report(site, anna, body) for body in bodies),
        *(
            report(site, anna, f"<D:{name} {NAMES}>{content}</D:{name}>", path="/")
            for name, content in ACCESS_REPORTS.items()
            if name != "principal-search-property-set"
        ),
        *(site.call("PROPPATCH", BOOK, propertyupdate(title.format(m)), person=anna) for m in ("", "<D:getetag/>")),
    ]


def test_every_collection_has_the_members_that_are_below_it(lasting: Lasting) -> None:
    """Section 5.1: for a resource U/SEGMENT, U MUST be a collection that contains it."""
    anna, site = lasting.circle.anna, lasting.site
    for path in ("/anna/", BOOK, lasting.circle.entry, lasting.circle.own):
        parent = path.rstrip("/").rpartition("/")[0] + "/"
        listed = responses(propfind(site, parent, "<D:resourcetype/>", depth="1", person=anna))
        assert path in listed
        assert listed[parent].find(".//D:resourcetype/D:collection", NS) is not None


@pytest.mark.parametrize("path", ["/anna", "/anna/contacts"])
def test_a_collection_without_its_slash_says_where_it_is(lasting: Lasting, path: str) -> None:
    """Section 5.2: handled as if the slash were there, with a Content-Location, as there SHOULD be."""
    asked = propfind(lasting.site, path, "<D:resourcetype/>", person=lasting.circle.anna)
    assert list(responses(asked)) == [f"{path}/"]
    assert asked.header("Content-Location") == f"{path}/"
    plain = propfind(lasting.site, f"{path}/", "<D:resourcetype/>", person=lasting.circle.anna)
    assert (plain.body, plain.header("Content-Location")) == (asked.body, "")


@pytest.mark.parametrize(
    "method", ["PROPFIND", "PROPPATCH", "REPORT", "MKCOL", "PUT", "DELETE", "COPY", "MOVE", "LOCK"]
)
def test_who_may_not_is_told_so_before_anything_else(lasting: Lasting, method: str) -> None:
    """Sections 8.1 and 8.5: authorization errors MUST come before all others, those of conditions included."""
    headers = {"If": "(", "If-Match": '"x"', "Depth": "x", "Content-Type": "x/y", "Destination": "", "Overwrite": "F"}
    for body in ("", "<", "no card"):
        for person, status in ((None, 401), (lasting.circle.ben, 403)):
            for path in (BOOK, lasting.circle.entry, "/anna/nothing/"):
                assert lasting.site.call(method, path, body, headers, person=person).status == status


@ON_SQLITE
def test_every_href_is_a_path_that_can_be_asked_for(site: Site, circle: Circle) -> None:
    """Section 8.3: one format, without dots, encoded, ending in a slash where it is a collection's."""
    put(site, circle.anna, BOOK + "张 %25&.vcf", CARD)
    for answer in multistatuses(site, circle):
        for node in answer.xml.iter("{DAV:}href"):
            path = node.text or ""
            assert path.isascii()
            assert path.startswith("/")
            assert not path.startswith("//")
            assert not {".", ".."} & set(unquote(path).split("/"))
    listed = propfind(site, BOOK, "<D:resourcetype/>", depth="1", person=circle.anna)
    for path, node in responses(listed).items():
        assert path.endswith("/") == (node.find(".//D:resourcetype/D:collection", NS) is not None)
        assert propfind(site, path, "<D:resourcetype/>", person=circle.anna).status == 207


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "COPY", "MOVE"])
@pytest.mark.parametrize("body", ["x", "<D:propertybehavior xmlns:D='DAV:'/>"])
def test_a_body_that_nobody_would_read_is_refused(lasting: Lasting, method: str, body: str) -> None:
    """Section 8.4: MUST be rejected with 415, so that a client does not take it for understood."""
    headers = {"Destination": BOOK + "y.vcf"}
    answer = lasting.site.call(method, lasting.circle.entry, body, headers, person=lasting.circle.anna)
    assert answer.status == 415


def test_the_same_bytes_again_change_nothing(site: Site, anna: Person) -> None:
    """Section 8.6: an ETag SHOULD NOT change while body and location stay as they are."""
    put(site, anna, PATH, CARD)
    before = snapshot(site, anna)
    assert put(site, anna, PATH, CARD).status == 204
    assert snapshot(site, anna) == before


@ON_SQLITE
def test_what_was_at_a_url_before_has_another_etag(site: Site, anna: Person) -> None:
    """Section 8.8: an ETag MUST NOT be used again for something else at the same URL, however it came there."""
    seen: dict[str, bytes] = {}
    for number in range(3):
        data = factories.vcard("x", f"NOTE:{number}")
        put(site, anna, PATH, data)
        answer = site.call("GET", PATH, person=anna)
        assert seen.setdefault(answer.header("ETag"), answer.body) == data
        site.call("DELETE", PATH, person=anna)
        put(site, anna, BOOK + "y.vcf", factories.vcard(f"y{number}"))
        site.call("MOVE", BOOK + "y.vcf", b"", {"Destination": PATH}, person=anna)
        moved = site.call("GET", PATH, person=anna)
        assert seen.setdefault(moved.header("ETag"), moved.body) == moved.body
        site.call("DELETE", PATH, person=anna)
    assert len(seen) == 6


@pytest.mark.parametrize("path", ["/", "/anna/", BOOK, "/anna/contacts/x.vcf", "/nobody/"])
def test_options_tell_what_is_supported(lasting: Lasting, path: str) -> None:
    """Sections 10.1, 18.1 and 18.3: DAV with 1 MUST be on every answer; 3 without 2 means all but locks."""
    for person in (None, lasting.circle.anna):
        answer = lasting.site.call("OPTIONS", path, person=person)
        classes = answer.header("DAV").split(", ")
        assert answer.status == 200
        assert {"1", "3"} <= set(classes)
        assert set(classes).isdisjoint({"2"})
        allowed = set(answer.header("Allow").split(", "))
        assert {"PROPFIND", "PROPPATCH", "MKCOL", "COPY", "MOVE", "OPTIONS"} <= allowed
        assert not {"LOCK", "UNLOCK"} & allowed


def test_without_a_condition_none_fails(lasting: Lasting) -> None:
    """Section 12.1: 412 MUST NOT be used where the client sent no conditional header."""
    for method in ("GET", "PUT", "DELETE", "COPY", "MOVE", "MKCOL", "PROPFIND", "PROPPATCH", "REPORT"):
        for path in ("/", BOOK, BOOK + "missing.vcf", "/anna/none/x.vcf"):
            headers = {"Destination": lasting.circle.own}
            assert lasting.site.call(method, path, b"", headers, person=lasting.circle.anna).status != 412
