"""
Methods under access control, RFC 3744, 3, 7 and 8, and which reports there are (9).

What does not apply, or is done otherwise:

- 3.1, read, which MUST control OPTIONS: OPTIONS tells everybody the same, also of what is not there.
- 7.1.1, the resource in need-privileges: other people's places are refused in the same words whether there is something
  or not, so that these words name no resource.
- 8.1, changing an access control list, with all that it must not contain (8.1.1): every list is protected as a whole,
  and nobody has write-acl. Who may see what is decided by a person's groups and grants.
- 7.5, locks: nothing can be locked.
"""

from __future__ import annotations

import pytest
from lxml import etree

from tests.dav.asking import (
    ACCESS_REPORTS,
    BOOK,
    NS,
    ask_access,
    place,
    propfind,
    put,
)
from tests.dav.test_rfc3744 import EVERYWHERE, privileges, prop
from tests.dav.test_rfc5689 import mkcol
from tests.support import factories
from tests.support.people import Person
from tests.support.site import ON_SQLITE, Lasting, Site

CARD_REPORTS = {"addressbook-multiget", "addressbook-query"}
BOOK_REPORTS = {"sync-collection", *CARD_REPORTS}
ANYWHERE_REPORTS = {"expand-property", "acl-principal-prop-set"}
REPORTS = ANYWHERE_REPORTS | {"principal-match", "principal-property-search", "principal-search-property-set"}


@ON_SQLITE
@pytest.mark.parametrize("method", ["PUT", "COPY", "MOVE"])
def test_the_list_of_a_new_card_is_the_same_however_it_came(site: Site, anna: Person, method: str) -> None:
    """A COPY has the list of a card that was just made, and a MOVE does not change it (RFC 3744, 7.3 and 7.4)."""
    mkcol(site, anna, "/anna/club/")
    put(site, anna, BOOK + "x.vcf", factories.vcard("x"))
    put(site, anna, BOOK + "y.vcf", factories.vcard("y"))
    if method == "PUT":
        put(site, anna, "/anna/club/x.vcf", factories.vcard("x"))
    else:
        site.call(method, BOOK + "x.vcf", b"", {"Destination": "/anna/club/x.vcf"}, person=anna)
    lists = []
    for path in ("/anna/club/x.vcf", BOOK + "y.vcf"):
        (acl,) = propfind(site, path, "<D:acl/>", person=anna).xml.findall(".//D:acl", NS)
        lists.append(etree.tostring(acl))
    assert lists[0] == lists[1]


@pytest.mark.parametrize("which", EVERYWHERE)
def test_options_name_what_there_is(lasting: Lasting, which: str) -> None:
    """Any resource has access-control in DAV, and the ACL method in Allow (RFC 3744, 7.2)."""
    answer = lasting.site.call("OPTIONS", place(lasting.circle, which))
    assert "access-control" in answer.header("DAV").split(", ")
    assert {"ACL", "REPORT", "PROPFIND"} <= set(answer.header("Allow").split(", "))


@pytest.mark.parametrize("which", ["root", "principal", "book"])
@pytest.mark.parametrize(
    ("method", "missing"),
    [("PUT", "write-content"), ("DELETE", "unbind"), ("MOVE", "unbind"), ("COPY", "bind"), ("ACL", "write-acl")],
)
def test_a_refusal_names_the_privilege_that_is_missing(lasting: Lasting, which: str, method: str, missing: str) -> None:
    """A 403 for lack of a privilege MUST say need-privileges, of what resource and which (RFC 3744, 7.1.1)."""
    where = place(lasting.circle, which)
    body = factories.vcard("x") if method == "PUT" else b""
    answer = lasting.site.call(method, where, body, {"Destination": "/anna/other/x.vcf"}, person=lasting.circle.anna)
    assert (answer.status, answer.condition) == (403, "{DAV:}need-privileges")
    assert answer.xml.findtext("*/D:resource/D:href", "", NS) == where
    assert privileges(answer.xml.find("*/D:resource", NS)) == [missing]


@pytest.mark.parametrize(
    "method", ["GET", "PROPFIND", "PUT", "DELETE", "MOVE", "COPY", "MKCOL", "PROPPATCH", "REPORT", "ACL"]
)
def test_without_a_privilege_nothing_is_allowed(lasting: Lasting, method: str) -> None:
    """Who has none on a resource MUST be denied any access, with 403 (RFC 3744, 3)."""
    for path in ("/ben/", "/ben/contacts/", "/ben/contacts/x.vcf", "/nobody/"):
        answer = lasting.site.call(method, path, b"", person=lasting.circle.anna)
        assert (answer.status, answer.condition) == (403, "{DAV:}need-privileges")


ACL = (
    '<D:acl xmlns:D="DAV:"><D:ace><D:principal><D:href>/ben/</D:href></D:principal><D:grant><D:privilege><D:read/>'
    "</D:privilege></D:grant></D:ace></D:acl>"
)


@pytest.mark.parametrize("which", EVERYWHERE)
@pytest.mark.parametrize("body", [ACL, "", "<"])
def test_nobody_changes_who_may_do_what(lasting: Lasting, which: str, body: str) -> None:
    """An ACL is refused with the resource and the privilege that is missing (RFC 3744, 7.1.1 and 8.1)."""
    where = place(lasting.circle, which)
    answer = lasting.site.call("ACL", where, body, person=lasting.circle.anna)
    assert (answer.status, answer.condition) == (403, "{DAV:}need-privileges")
    assert answer.xml.findtext("*/D:resource/D:href", "", NS) == where
    assert privileges(answer.xml.find("*/D:resource", NS)) == ["write-acl"]


def test_what_is_not_there_has_no_access_control(lasting: Lasting) -> None:
    """A resource of one's own that does not exist is answered with 404."""
    for where in ("/anna/contacts/nothing.vcf", "/anna/elsewhere/"):
        assert lasting.site.call("ACL", where, ACL, person=lasting.circle.anna).status == 404


@pytest.mark.parametrize("which", EVERYWHERE)
def test_the_supported_reports_are_exactly_those_that_are_answered(lasting: Lasting, which: str) -> None:
    """What supported-report-set has is answered, and all else refused (RFC 3253, 3.1.5; RFC 3744, 9)."""
    told = {
        etree.QName(node[0]).localname for node in prop(lasting, which, "supported-report-set").iter("{DAV:}report")
    }
    of_entries = ANYWHERE_REPORTS | CARD_REPORTS
    expected = {"book": REPORTS | BOOK_REPORTS, "own": of_entries, "entry": of_entries}
    assert told == expected.get(which, REPORTS)
    for name, content in ACCESS_REPORTS.items():
        answer = ask_access(lasting, name, content, where=which)
        expected_answer = (403, "{DAV:}supported-report")
        if name in told:
            expected_answer = (200 if name == "principal-search-property-set" else 207, "")
        assert (answer.status, answer.condition) == expected_answer
