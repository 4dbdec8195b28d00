"""
What a client of WebDAV can prefer, RFC 8144.

What does not apply, as RFC 7240, 2 leaves it to the server:

- 2.1, ``Brief: t``: the older name of return=minimal for PROPFIND and REPORT is heeded; it has no Preference-Applied.
- 2.3, MKCALENDAR: there are no calendars.
- 3, return=representation after PUT, COPY, MOVE or a 412: no client of address books asks for it; a card
  is fetched with the others that changed.
- 4, depth-noroot with a REPORT: no report that is answered here tells of the resource that it was sent to.
"""

from __future__ import annotations

import pytest

from tests.dav.asking import (
    ACCESS_REPORTS,
    BOOK,
    NAMES,
    NS,
    multiget_body,
    propertyupdate,
    propfind,
    put,
    query_body,
    report,
    responses,
    statuses,
    sync_body,
)
from tests.support import factories
from tests.support.people import Person
from tests.support.site import ON_SQLITE, Lasting, Site

MINIMAL = {"Prefer": "return=minimal"}
ROOTLESS = {"Prefer": "depth-noroot"}
HEADERS = pytest.mark.parametrize("headers", [MINIMAL, {"Brief": "t"}, {"Prefer": "foo, return=minimal"}])
TITLE = "<D:set><D:prop><D:displayname>{}</D:displayname></D:prop></D:set>"


def applied(headers: dict[str, str]) -> str:
    """Return what the answer must say to have heeded."""
    return "return=minimal" if "Prefer" in headers else ""


@HEADERS
@pytest.mark.parametrize("path", ["/", "/anna/", BOOK])
def test_a_propfind_leaves_out_what_is_not_there(lasting: Lasting, path: str, headers: dict[str, str]) -> None:
    """Section 2.1: 404 propstats SHOULD be omitted; a response without any other MUST have an empty one of 200."""
    names = "<D:resourcetype/><D:getetag/><D:nothing/>"
    full = propfind(lasting.site, path, names, depth="1", person=lasting.circle.anna)
    answer = propfind(lasting.site, path, names, depth="1", person=lasting.circle.anna, **headers)
    assert answer.header("Preference-Applied") == applied(headers)
    assert b" 404 " in full.body
    assert b" 404 " not in answer.body
    assert list(responses(answer)) == list(responses(full))
    nothing = propfind(lasting.site, path, "<D:nothing/>", depth="1", person=lasting.circle.anna, **headers)
    for node in responses(nothing).values():
        assert [len(part) for part in node.iterfind("D:propstat/D:prop", NS)] == [0]
        assert node.findtext("D:propstat/D:status", "", NS) == "HTTP/1.1 200 OK"


@HEADERS
@pytest.mark.parametrize("kind", ["sync", "multiget", "query", "expand"])
def test_a_report_leaves_out_what_is_not_there(lasting: Lasting, kind: str, headers: dict[str, str]) -> None:
    """Section 2.1, for each of the reports of an address book, and for expand-property."""
    names = "<D:getetag/><D:nothing/>"
    expanded = '<D:property name="owner"><D:property name="nothing"/></D:property><D:property name="nothing"/>'
    body = {
        "sync": sync_body("", names),
        "multiget": multiget_body([lasting.circle.entry], names),
        "query": query_body("", names),
        "expand": f"<D:expand-property {NAMES}>{expanded}</D:expand-property>",
    }[kind]
    full = report(lasting.site, lasting.circle.anna, body)
    answer = report(lasting.site, lasting.circle.anna, body, **headers)
    assert b" 404 " in full.body
    assert b" 404 " not in answer.body
    assert list(responses(answer)) == list(responses(full))
    assert answer.header("Preference-Applied") == applied(headers)


@pytest.mark.parametrize("headers", [MINIMAL, {"Brief": "t"}])
@pytest.mark.parametrize("name", ["acl-principal-prop-set", "principal-match", "principal-property-search"])
def test_a_report_about_principals_leaves_out_what_is_not_there(
    lasting: Lasting, name: str, headers: dict[str, str]
) -> None:
    """Section 2.1, for the reports of RFC 3744."""
    content = ACCESS_REPORTS[name].partition("<D:prop><D:displayname/></D:prop>" if name.startswith("acl") else "\0")[0]
    body = f"<D:{name} {NAMES}>{content}<D:prop><D:displayname/><D:nothing/></D:prop></D:{name}>"
    where = BOOK if name.startswith("acl") else "/"
    answer = report(lasting.site, lasting.circle.anna, body, path=where, **headers)
    assert list(responses(answer)) == ["/anna/"]
    assert b" 404 " not in answer.body
    assert answer.header("Preference-Applied") == applied(headers)
    plain = report(lasting.site, lasting.circle.anna, body, path=where)
    assert b" 404 " in plain.body
    assert plain.header("Preference-Applied") == ""


@ON_SQLITE
def test_what_is_gone_is_told_all_the_same(site: Site, anna: Person) -> None:
    """Section 2.1: only propstats are left out; a member that was removed or is missing still has its 404."""
    put(site, anna, BOOK + "x.vcf", factories.vcard("x"))
    old = report(site, anna, sync_body()).xml.findtext("{DAV:}sync-token", "")
    site.call("DELETE", BOOK + "x.vcf", person=anna)
    for body in (sync_body(old), multiget_body([BOOK + "x.vcf"])):
        answer = report(site, anna, body, **MINIMAL)
        assert responses(answer)[BOOK + "x.vcf"].findtext("D:status", "", NS) == "HTTP/1.1 404 Not Found"


@ON_SQLITE
def test_a_proppatch_that_did_all_has_no_body(site: Site, anna: Person) -> None:
    """Section 2.2: a success SHOULD be answered with 200 or 204 in place of a multistatus, a refusal in full."""
    answer = site.call("PROPPATCH", BOOK, propertyupdate(TITLE.format("New")), MINIMAL, person=anna)
    assert (answer.status, answer.body, answer.header("Preference-Applied")) == (204, b"", "return=minimal")
    found = propfind(site, BOOK, "<D:displayname/>", person=anna)
    assert found.xml.findtext(".//D:displayname", "", NS) == "New"
    body = propertyupdate(TITLE.format("Newer") + "<D:set><D:prop><D:getetag>x</D:getetag></D:prop></D:set>")
    answer = site.call("PROPPATCH", BOOK, body, MINIMAL, person=anna)
    assert statuses(answer) == {
        "displayname": "HTTP/1.1 424 Failed Dependency",
        "getetag": "HTTP/1.1 403 Forbidden",
    }
    assert answer.header("Preference-Applied") == ""


@ON_SQLITE
def test_a_new_address_book_has_no_body(site: Site, anna: Person) -> None:
    """Section 2.3: an extended MKCOL that succeeded SHOULD have a 201 without a body."""
    made = "<D:resourcetype><D:collection/><C:addressbook/></D:resourcetype>"
    body = f"<D:mkcol {NAMES}><D:set><D:prop>{made}</D:prop></D:set></D:mkcol>"
    answer = site.call("MKCOL", "/anna/club/", body, {"Content-Type": "text/xml", **MINIMAL}, person=anna)
    assert (answer.status, answer.body, answer.header("Preference-Applied")) == (201, b"", "return=minimal")


@pytest.mark.parametrize("path", ["/", "/anna/", BOOK])
def test_a_listing_can_be_had_without_the_collection(lasting: Lasting, path: str) -> None:
    """Section 4: with depth-noroot, a PROPFIND with Depth 1 is about the members alone."""
    full = propfind(lasting.site, path, "<D:resourcetype/>", depth="1", person=lasting.circle.anna)
    answer = propfind(lasting.site, path, "<D:resourcetype/>", depth="1", person=lasting.circle.anna, **ROOTLESS)
    assert list(responses(answer)) == [href for href in responses(full) if href != path]
    assert responses(answer)
    assert answer.header("Preference-Applied") == "depth-noroot"


def test_what_was_asked_for_itself_always_comes(lasting: Lasting) -> None:
    """Section 4: with Depth 0, and where there are no members, there is no root to be left out."""
    for path, depth in (("/", "0"), ("/anna/", "0"), (BOOK, "0"), (lasting.circle.entry, "1"), (BOOK, None)):
        plain = propfind(lasting.site, path, "<D:resourcetype/>", depth=depth, person=lasting.circle.anna)
        found = propfind(lasting.site, path, "<D:resourcetype/>", depth=depth, person=lasting.circle.anna, **ROOTLESS)
        assert found == plain
        assert list(responses(found)) == [path]


def test_two_preferences_are_heeded_together(lasting: Lasting) -> None:
    """Sections 2.1 and 4; both are said to be applied (RFC 7240, 3)."""
    both = {"Prefer": "return=minimal, depth-noroot"}
    answer = propfind(lasting.site, BOOK, "<D:nothing/>", depth="1", person=lasting.circle.anna, **both)
    assert set(responses(answer)) == {lasting.circle.entry, lasting.circle.own}
    assert b" 404 " not in answer.body
    assert set(answer.header("Preference-Applied").split(", ")) == {"return=minimal", "depth-noroot"}
