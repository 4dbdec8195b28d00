"""
XML as it is read and written, RFC 4918, 8.2, 13, 14 and 16 to 19.

What does not apply, or is done otherwise:

- 11.2, 422: bodies that ask for nonsense are bad requests (400).
- 13.2, redirects in a multistatus: there are none.
- 14.5, errors in XML: a refusal that no standard has a condition for is a sentence of plain text. In an error the
  sentence is the DAV:responsedescription, which whoever does not know it ignores (17).
- 20.6, entities: no document type is read at all.
"""

from __future__ import annotations

import pytest
from lxml import etree

from tests.dav.asking import (
    BOOK,
    NAMES,
    NS,
    place,
    propertyupdate,
    propfind,
    put,
    report,
    statuses,
    sync_body,
)
from tests.dav.test_rfc4918 import CARD, EVERYWHERE, PATH, multistatuses
from tests.support.people import Person
from tests.support.site import ON_SQLITE, Answer, Circle, Lasting, Site


@pytest.mark.parametrize("kind", ["application/xml", "text/xml", 'text/xml; charset="utf-8"', "APPLICATION/XML", ""])
def test_both_types_of_xml_are_taken(lasting: Lasting, kind: str) -> None:
    """Section 8.2: text/xml and application/xml MUST be accepted; answers SHOULD be application/xml."""
    title = propertyupdate("<D:set><D:prop><D:getetag/></D:prop></D:set>")
    for method, body in (
        ("PROPFIND", f"<D:propfind {NAMES}><D:propname/></D:propfind>"),
        ("REPORT", sync_body()),
        ("PROPPATCH", title),
    ):
        answer = lasting.site.call(method, BOOK, body, {"Content-Type": kind, "Depth": "0"}, person=lasting.circle.anna)
        assert answer.status == 207
        assert answer.header("Content-Type") == "application/xml; charset=utf-8"


@pytest.mark.parametrize(
    "body", ["<", "<a>", "<a></b>", "x", "<D:propfind/>", '<a xmlns:D=""/>', "<a/><b/>", "\ufeff<"]
)
@pytest.mark.parametrize("method", ["PROPFIND", "PROPPATCH", "REPORT", "MKCOL"])
def test_what_is_not_well_formed_is_a_bad_request(lasting: Lasting, method: str, body: str) -> None:
    """Section 8.2: MUST be rejected as a whole with 400; namespaces are part of it."""
    path = "/anna/club/" if method == "MKCOL" else BOOK
    answer = lasting.site.call(method, path, body, {"Content-Type": "text/xml"}, person=lasting.circle.anna)
    assert answer.status == 400


@ON_SQLITE
@pytest.mark.parametrize("charset", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "iso-8859-1"])
def test_xml_is_read_in_its_own_encoding(site: Site, anna: Person, charset: str) -> None:
    """Sections 8.2 and 19: UTF-8 and UTF-16 MUST be read, with and without a mark, and what XML itself declares."""
    declared = {"utf-8-sig": "utf-8", "utf-16-le": "", "utf-16-be": ""}.get(charset, charset)
    head = f'<?xml version="1.0" encoding="{declared}"?>' if declared else '<?xml version="1.0"?>'
    body = head + propertyupdate("<D:set><D:prop><D:displayname>Freünde</D:displayname></D:prop></D:set>")
    answer = site.call("PROPPATCH", BOOK, body.encode(charset), {"Content-Type": "application/xml"}, person=anna)
    assert statuses(answer) == {"displayname": "HTTP/1.1 200 OK"}
    found = propfind(site, BOOK, "<D:displayname/>", person=anna)
    assert found.xml.findtext(".//D:displayname", "", NS) == "Freünde"


@ON_SQLITE
def test_a_multistatus_is_what_its_definition_says(site: Site, circle: Circle) -> None:
    """Sections 13, 14.16, 14.22, 14.24 and 14.28: each href once, with a status or with propstats, never both."""
    order = ["href", "propstat", "status", "error", "responsedescription"]
    answers = multistatuses(site, circle)
    for answer in answers:
        assert (answer.status, answer.xml.tag) == (207, "{DAV:}multistatus")
        hrefs = []
        for node in answer.xml.findall("D:response", NS):
            parts = [etree.QName(child).localname for child in node]
            assert parts == sorted(parts, key=order.index)
            assert parts[0] == "href"
            assert ("propstat" in parts) != (parts.count("status") == 1)
            hrefs.append(node.findtext("D:href", "", NS))
            for part in node.findall("D:propstat", NS):
                inside = [etree.QName(child).localname for child in part]
                assert inside in (["prop", "status"], ["prop", "status", "error"])
        assert len(set(hrefs)) == len(hrefs)
        for status in answer.xml.iter("{DAV:}status"):
            version, code, reason = (status.text or "").split(" ", 2)
            assert (version, 200 <= int(code) < 600, bool(reason)) == ("HTTP/1.1", True, True)
        assert "Location" not in dict(answer.headers)
    assert len(answers) == 16


@ON_SQLITE
def test_a_violated_condition_is_the_child_of_an_error(site: Site, circle: Circle) -> None:
    """Sections 14.5 and 16: MUST be inside of an error, at the top or in the propstat concerned, without text."""
    put(site, circle.anna, PATH, CARD)
    refused = [
        propfind(site, "/", "<D:x/>", depth="infinity", person=circle.anna),
        report(site, circle.anna, sync_body("urn:x")),
        report(site, circle.anna, f"<D:unknown {NAMES}/>"),
        put(site, circle.anna, PATH, "no card"),
        put(site, circle.anna, BOOK + "y.vcf", CARD),
        site.call("DELETE", "/anna/", person=circle.anna),
        site.call("ACL", BOOK, person=circle.anna),
    ]
    for answer in refused:
        assert answer.xml.tag == "{DAV:}error"
        assert answer.condition
        assert not (answer.xml.text or "").strip()
        assert not any((child.tail or "").strip() for child in answer.xml)
    set_etag = propertyupdate("<D:set><D:prop><D:getetag/></D:prop></D:set>")
    changed = site.call("PROPPATCH", BOOK, set_etag, person=circle.anna)
    assert changed.xml.find("D:response/D:propstat/D:error/D:cannot-modify-protected-property", NS) is not None


@pytest.mark.parametrize(
    ("doctype", "condition"),
    [
        ('<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>', "{DAV:}no-external-entities"),
        ('<!DOCTYPE a [<!ENTITY % x SYSTEM "http://example.org/x">]>', "{DAV:}no-external-entities"),
        ('<!DOCTYPE a SYSTEM "http://example.org/x">', "{DAV:}no-external-entities"),
        ('<!DOCTYPE a PUBLIC "-//x" "x">', "{DAV:}no-external-entities"),
        ('<!DOCTYPE a [<!ENTITY x "y">]>', ""),
        ("<!DOCTYPE a>", ""),
    ],
)
@pytest.mark.parametrize("method", ["PROPFIND", "PROPPATCH", "REPORT"])
def test_other_documents_are_never_read(lasting: Lasting, method: str, doctype: str, condition: str) -> None:
    """Sections 8.2, 16 and 20.6: no-external-entities SHOULD be the answer, and 400 MAY be for what is questionable."""
    answer = lasting.site.call(method, BOOK, f"{doctype}<a/>", {"Depth": "0"}, person=lasting.circle.anna)
    assert (answer.status, answer.condition) == (403 if condition else 400, condition)


@EVERYWHERE
def test_what_is_not_expected_is_not_there(lasting: Lasting, which: str) -> None:
    """Section 17: unknown elements and attributes MUST be ignored with all that is in them, instructions SHOULD be."""
    odd = '<x:odd xmlns:x="urn:x"><D:allprop/><D:prop><D:owner/></D:prop></x:odd>'
    for plain, strange in (
        ("<D:propname/>", f'{odd}<?pi?><D:propname x:a="1" xmlns:x="urn:x" b="2">{odd}</D:propname>{odd}<!-- c -->'),
        ("<D:prop><D:resourcetype/></D:prop>", f"{odd}<D:prop y='1'><D:resourcetype>{odd}</D:resourcetype></D:prop>"),
        ("<D:allprop/>", f"<D:owner/><D:allprop><D:prop/></D:allprop>{odd}"),
    ):
        answers = [
            propfind_body(lasting, which, f"<D:propfind {NAMES}>{content}</D:propfind>") for content in (plain, strange)
        ]
        assert answers[0].status == 207
        assert answers[0] == answers[1]


def propfind_body(lasting: Lasting, which: str, body: str) -> Answer:
    """Send a PROPFIND as it is."""
    path = place(lasting.circle, which)
    return lasting.site.call("PROPFIND", path, body, {"Depth": "0"}, person=lasting.circle.anna)


@ON_SQLITE
def test_unknown_elements_of_other_requests_are_not_there_either(site: Site, circle: Circle) -> None:
    """Section 17, for REPORT and PROPPATCH."""
    odd = (
        '<x:odd xmlns:x="urn:x"><D:set><D:prop><D:getetag/></D:prop></D:set><D:sync-token>urn:x</D:sync-token></x:odd>'
    )
    body = sync_body()
    strange = body.replace("<D:sync-token>", f"{odd}<D:sync-token a='1'>").replace(
        "</D:sync-collection>", odd + "</D:sync-collection>"
    )
    assert report(site, circle.anna, strange) == report(site, circle.anna, body)
    title = f"{odd}<D:set a='1'>{odd}<D:prop><D:displayname>New</D:displayname></D:prop></D:set>{odd}"
    answer = site.call("PROPPATCH", BOOK, propertyupdate(title), person=circle.anna)
    assert statuses(answer) == {"displayname": "HTTP/1.1 200 OK"}
