"""The reports about principals, RFC 3744, 9.2 to 9.5: nobody finds anybody but themselves."""

from __future__ import annotations

from xml.sax.saxutils import escape

import pytest

from tests.dav.asking import ACCESS_REPORTS, BOOK, NAMES, NS, ask_access, propfind, report, responses
from tests.support.site import SECRETS, Circle, Lasting, Site

EVERYWHERE = ("root", "principal", "book", "own", "entry")
PROPERTIES = (
    *("owner", "group", "acl", "inherited-acl-set", "principal-collection-set", "alternate-URI-set", "principal-URL"),
    *("group-member-set", "group-membership"),
)


def criterion(text: str, names: str = "<D:displayname/>") -> str:
    """Return one search of a principal-property-search."""
    return f"<D:property-search><D:prop>{names}</D:prop><D:match>{escape(text)}</D:match></D:property-search>"


def search(text: str, names: str = "<D:displayname/>", *, everywhere: bool = False) -> str:
    """Return the content of a principal-property-search."""
    apply = "<D:apply-to-principal-collection-set/>" if everywhere else ""
    return f"{criterion(text, names)}<D:prop><D:displayname/></D:prop>{apply}"


@pytest.mark.parametrize("depth", ["1", "infinity", "x"])
@pytest.mark.parametrize("name", ACCESS_REPORTS)
def test_a_report_of_this_standard_has_depth_0(lasting: Lasting, name: str, depth: str) -> None:
    """Any other Depth than 0 is a bad request (RFC 3744, 9.2 to 9.5)."""
    assert ask_access(lasting, name, ACCESS_REPORTS[name], depth=depth).status == 400


@pytest.mark.parametrize("name", ACCESS_REPORTS)
def test_a_missing_depth_is_0(lasting: Lasting, name: str) -> None:
    """A REPORT without Depth has the one of 0 (RFC 3253, 3.6)."""
    assert ask_access(lasting, name, ACCESS_REPORTS[name], depth=None) == ask_access(
        lasting, name, ACCESS_REPORTS[name]
    )


@pytest.mark.parametrize("which", EVERYWHERE)
def test_the_principals_of_a_list_come_once_with_the_properties_asked_for(lasting: Lasting, which: str) -> None:
    """Every principal that the list names by URL has one response, and others none (RFC 3744, 9.2)."""
    answer = ask_access(lasting, "acl-principal-prop-set", "<D:prop><D:displayname/><D:x/></D:prop>", where=which)
    assert list(responses(answer)) == ([] if which == "root" else ["/anna/"])
    if which != "root":
        assert answer.xml.findtext(".//D:displayname", "", NS) == "anna"


def test_the_caller_is_found_among_the_principals(lasting: Lasting) -> None:
    """A principal-match with self finds the current user below the root, with the properties asked for (9.3)."""
    answer = ask_access(lasting, "principal-match", "<D:self/><D:prop><D:principal-URL/></D:prop>")
    assert list(responses(answer)) == ["/anna/"]
    assert answer.xml.findtext(".//D:principal-URL/D:href", "", NS) == "/anna/"


@pytest.mark.parametrize("which", ["principal", "book"])
def test_there_is_no_principal_below_a_principal(lasting: Lasting, which: str) -> None:
    """Only members of the collection are found, and an empty multistatus where there is none (RFC 3744, 9.3)."""
    assert responses(ask_access(lasting, "principal-match", "<D:self/>", where=which)) == {}


@pytest.mark.parametrize("names", ["", "<D:prop><D:owner/></D:prop>"])
@pytest.mark.parametrize("which", ["root", "principal", "book"])
def test_what_a_person_owns_is_found(lasting: Lasting, which: str, names: str) -> None:
    """All members, at any depth, that name the caller in the property are found (RFC 3744, 9.3)."""
    content = f"<D:principal-property><D:owner/></D:principal-property>{names}"
    found = responses(ask_access(lasting, "principal-match", content, where=which))
    entries = {lasting.circle.own, lasting.circle.entry}
    above = {"root": {"/anna/", BOOK}, "principal": {BOOK}, "book": set[str]()}[which]
    assert set(found) == entries | above
    status = "D:propstat/D:status" if names else "D:status"
    assert {node.findtext(status, "", NS) for node in found.values()} == {"HTTP/1.1 200 OK"}


@pytest.mark.parametrize("name", ["getetag", "displayname", "group", "x", "principal-collection-set"])
def test_nothing_is_found_by_a_property_that_names_nobody(lasting: Lasting, name: str) -> None:
    """A property without the URL of the caller matches nothing (RFC 3744, 9.3)."""
    content = f"<D:principal-property><D:{name}/></D:principal-property>"
    assert responses(ask_access(lasting, "principal-match", content)) == {}


@pytest.mark.parametrize("text", ["anna", "ANNA", "nn", "", " anna\n", "aNN"])
@pytest.mark.parametrize("which", ["root", "principal", "book"])
def test_a_person_finds_themselves_by_a_part_of_their_name(lasting: Lasting, which: str, text: str) -> None:
    """A search ignores case and finds parts (RFC 3744, 9.4), and goes to the principals' collection when told to."""
    answer = ask_access(lasting, "principal-property-search", search(text, everywhere=True), where=which)
    assert list(responses(answer)) == ["/anna/"]
    assert answer.xml.findtext(".//D:displayname", "", NS) == "anna"
    found = responses(ask_access(lasting, "principal-property-search", search(text), where=which))
    assert list(found) == (["/anna/"] if which == "root" else [])


@pytest.mark.parametrize("text", ["ben", "nobody", "Ben Beispiel", *SECRETS, "<", "annaa", "\u0131"])
def test_nobody_else_is_found_whether_there_is_such_a_person_or_not(lasting: Lasting, text: str) -> None:
    """Somebody who is there and somebody who is not are the same: an empty multistatus (RFC 3744, 9.4)."""
    for everywhere in (True, False):
        answer = ask_access(lasting, "principal-property-search", search(text, everywhere=everywhere))
        assert answer == ask_access(lasting, "principal-property-search", search("zzz", everywhere=everywhere))
        assert responses(answer) == {}


def test_all_criteria_of_a_search_must_match(lasting: Lasting) -> None:
    """Several searches, and several properties in one, are a logical and (RFC 3744, 9.4)."""
    both = criterion("an") + search("nna")
    assert list(responses(ask_access(lasting, "principal-property-search", both))) == ["/anna/"]
    assert responses(ask_access(lasting, "principal-property-search", criterion("an") + search("ben"))) == {}
    assert responses(ask_access(lasting, "principal-property-search", search("an", "<D:displayname/><D:owner/>"))) == {}


@pytest.mark.parametrize("name", ["<D:owner/>", "<D:principal-URL/>", "<S:email-address-set/>", "<C:address-data/>"])
def test_a_property_that_cannot_be_searched_matches_nobody(lasting: Lasting, name: str) -> None:
    """A search in a property that is not searchable does not match (RFC 3744, 9.4)."""
    assert responses(ask_access(lasting, "principal-property-search", search("anna", name))) == {}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("principal-property-search", ""),
        ("principal-property-search", "<D:prop><D:displayname/></D:prop>"),
        ("principal-property-search", "<D:property-search><D:match>a</D:match></D:property-search>"),
        ("principal-property-search", "<D:property-search><D:prop><D:displayname/></D:prop></D:property-search>"),
        ("principal-property-search", search("a", "<D:displayname/>" * 257)),
        ("principal-match", ""),
        ("principal-match", "<D:principal-property/>"),
        ("principal-match", "<D:prop><D:owner/></D:prop>"),
    ],
)
def test_a_report_that_asks_for_nothing_is_a_bad_request(lasting: Lasting, name: str, content: str) -> None:
    """What the document type does not allow is answered with 400 (RFC 3744, 9.3 and 9.4)."""
    assert ask_access(lasting, name, content).status == 400


@pytest.mark.parametrize("which", ["root", "principal", "book"])
def test_the_properties_that_can_be_searched_are_told(lasting: Lasting, which: str) -> None:
    """Each has a description with its language, and the answer is no multistatus (RFC 3744, 9.5)."""
    answer = ask_access(lasting, "principal-search-property-set", "", where=which)
    assert (answer.status, answer.xml.tag) == (200, "{DAV:}principal-search-property-set")
    (found,) = answer.xml.findall("D:principal-search-property", NS)
    assert [node.tag for node in found.iterfind("D:prop/*", NS)] == ["{DAV:}displayname"]
    assert (
        found.find("D:description[@xml:lang='en']", {**NS, "xml": "http://www.w3.org/XML/1998/namespace"}) is not None
    )


@pytest.mark.parametrize("name", ACCESS_REPORTS)
@pytest.mark.parametrize("below", ["", "contacts/", "contacts/x.vcf"])
def test_no_report_is_answered_about_other_people_s_places(lasting: Lasting, name: str, below: str) -> None:
    """Somebody else's principal, book and entries are refused in the same words as those of nobody."""
    body = f"<D:{name} {NAMES}>{ACCESS_REPORTS[name]}</D:{name}>"
    answer = report(lasting.site, lasting.circle.anna, body, path=f"/ben/{below}")
    assert answer.status == 403
    assert answer == report(lasting.site, lasting.circle.anna, body, path=f"/nobody/{below}")


def test_no_answer_of_a_site_names_somebody_whom_one_does_not_ask_for(site: Site, circle: Circle) -> None:
    """In all properties and reports together, the only principal is the one who asks."""
    wanted = "".join(f"<D:{name}/>" for name in (*PROPERTIES, "current-user-principal", "displayname"))
    answers = [
        propfind(site, where, wanted, depth=depth, person=circle.anna)
        for where in ("/", "/anna/", BOOK, circle.entry)
        for depth in ("0", "1")
    ]
    answers += [
        report(site, circle.anna, f"<D:{name} {NAMES}>{content}</D:{name}>", path=where)
        for name, content in ACCESS_REPORTS.items()
        for where in ("/", "/anna/", BOOK, circle.entry)
    ]
    for answer in answers:
        hrefs = {node.text or "" for node in answer.xml.iter("{DAV:}href")}
        assert [href for href in hrefs if href != "/" and not href.startswith("/anna/")] == []
        assert b"ben" not in answer.body


@pytest.mark.parametrize("name", [name for name, content in ACCESS_REPORTS.items() if "<D:prop>" in content])
def test_a_report_with_two_lists_of_properties_is_a_bad_request(lasting: Lasting, name: str) -> None:
    """Which of them was meant, nobody can tell (RFC 3744, 9.2 to 9.4: at most one)."""
    content = ACCESS_REPORTS[name] + "<D:prop><D:displayname/></D:prop><D:prop><D:owner/></D:prop>"
    assert ask_access(lasting, name, content).status == 400
