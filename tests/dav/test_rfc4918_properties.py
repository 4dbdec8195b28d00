"""
Properties, RFC 4918, 9.1 (PROPFIND), 14 and 15; how they are set is in `test_rfc4918_proppatch`.

What does not apply, or is done otherwise:

- 9.1, Depth infinity, which SHOULD be supported and MAY be disabled: it is refused. A missing Depth is to be infinity;
  it is 0, for some clients leave it out where they mean that.
- 14.1, 14.4, 14.6, 14.10 to 14.15, 14.17, 14.27, 14.29, 14.30, 15.8 and 15.10, locks: class 2 is not offered.
- 14.9, location: nothing in a multistatus is redirected.
- 15.1, creationdate, which SHOULD be defined: when a card was made is not recorded, so it is undefined, as it
  then SHOULD be; of somebody else's card it would tell more than they show.
- 15.2, displayname, which SHOULD NOT be protected: the principal's is the login, and that of the root the server's.
  Cards have none: their names are in them.
- 15.3, getcontentlanguage: no card has a Content-Language.
"""

from __future__ import annotations

from email.utils import parsedate_to_datetime

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
    responses,
    statuses,
)
from tests.support import factories
from tests.support.site import ON_SQLITE, Answer, Circle, Lasting, Site

EVERYWHERE = pytest.mark.parametrize("which", ["root", "principal", "book", "own", "entry"])
OK = "HTTP/1.1 200 OK"
OF_CONTENT = {
    "getcontentlength": "Content-Length",
    "getcontenttype": "Content-Type",
    "getetag": "ETag",
    "getlastmodified": "Last-Modified",
}


def ask(lasting: Lasting, which: str, body: str = "", **headers: str) -> Answer:
    """Send a PROPFIND with this content."""
    content = f"<D:propfind {NAMES}>{body}</D:propfind>" if body else ""
    given = {"Depth": "0", "Content-Type": "application/xml", **headers}
    return lasting.site.call("PROPFIND", place(lasting.circle, which), content, given, person=lasting.circle.anna)


def found(answer: Answer) -> dict[str, etree._Element]:
    """Return the properties that are there, by local names; each comes once."""
    parts = [part for part in answer.xml.iter("{DAV:}propstat") if part.findtext("D:status", "", NS) == OK]
    nodes = [(etree.QName(node).localname, node) for part in parts for node in part.iterfind("D:prop/*", NS)]
    assert len(dict(nodes)) == len(nodes)
    return dict(nodes)


@EVERYWHERE
def test_what_is_there_and_what_is_not_are_told_apart(lasting: Lasting, which: str) -> None:
    """Section 9.1: named properties come with values, and one that does not exist MUST be noted with 404."""
    names = '<D:prop><D:resourcetype/><D:nothing/><x:y xmlns:x="urn:x"/></D:prop>'
    answer = ask(lasting, which, names)
    assert statuses(answer) == {
        "resourcetype": OK,
        "nothing": "HTTP/1.1 404 Not Found",
        "y": "HTTP/1.1 404 Not Found",
    }
    assert answer.xml.find(".//{urn:x}y") is not None


@EVERYWHERE
def test_an_empty_body_asks_for_all(lasting: Lasting, which: str) -> None:
    """Section 9.1: no body MUST be treated as allprop, which gets values and no 404."""
    answer = ask(lasting, which)
    assert answer == ask(lasting, which, "<D:allprop/>")
    assert found(answer)["resourcetype"] is not None
    assert set(statuses(answer).values()) == {OK}


@EVERYWHERE
def test_all_has_what_this_standard_defines(lasting: Lasting, which: str) -> None:
    """Section 14.2: allprop returns the live properties of this document that exist on the resource."""
    got = set(found(ask(lasting, which, "<D:allprop/>")))
    defined = (
        {"resourcetype", "displayname"} if which in ("root", "principal", "book") else {"resourcetype", *OF_CONTENT}
    )
    assert defined <= got


@EVERYWHERE
def test_more_can_be_included_in_all(lasting: Lasting, which: str) -> None:
    """Sections 9.1 and 14.8: properties in DAV:include are returned besides, also where there is no such property."""
    plain = found(ask(lasting, which, "<D:allprop/>"))
    include = "<D:include><D:owner/><D:resourcetype/><D:nothing/></D:include>"
    answer = ask(lasting, which, f"<D:allprop/>{include}")
    assert set(found(answer)) == {*plain, "owner"}
    assert statuses(answer)["nothing"] == "HTTP/1.1 404 Not Found"


@EVERYWHERE
def test_names_come_without_values(lasting: Lasting, which: str) -> None:
    """Sections 9.1 and 14.21: propname returns the name of every property that there is, and none of the values."""
    answer = ask(lasting, which, "<D:propname/>")
    names = found(answer)
    assert [name for name, node in names.items() if len(node) or node.text] == []
    assert set(found(ask(lasting, which, "<D:allprop/>"))) <= set(names)
    asked = "".join(f'<x:{etree.QName(n).localname} xmlns:x="{etree.QName(n).namespace}"/>' for n in names.values())
    there = statuses(ask(lasting, which, f"<D:prop>{asked}</D:prop>"))
    assert there == dict.fromkeys(names, OK)


@pytest.mark.parametrize(("path", "members"), [("/", ["/anna/"]), ("/anna/", [BOOK]), (BOOK, None)])
def test_depth_says_whether_members_come(lasting: Lasting, path: str, members: list[str] | None) -> None:
    """Section 9.1: 0 and 1 MUST be supported; every member has one response, and each has its href."""
    inside = members or [lasting.circle.entry, lasting.circle.own]
    alone = responses(propfind(lasting.site, path, "<D:resourcetype/>", person=lasting.circle.anna))
    assert list(alone) == [path]
    listed = responses(propfind(lasting.site, path, "<D:resourcetype/>", depth="1", person=lasting.circle.anna))
    assert set(listed) == {path, *inside}
    missing = propfind(lasting.site, path, "<D:resourcetype/>", depth=None, person=lasting.circle.anna)
    assert list(responses(missing)) == [path]


@pytest.mark.parametrize("path", ["/", "/anna/", BOOK])
@pytest.mark.parametrize("depth", ["infinity", "Infinity", "INFINITY"])
def test_the_whole_tree_is_never_listed(lasting: Lasting, path: str, depth: str) -> None:
    """Section 9.1.1: refused with 403 and propfind-finite-depth, as it SHOULD be."""
    answer = propfind(lasting.site, path, "<D:resourcetype/>", depth=depth, person=lasting.circle.anna)
    assert (answer.status, answer.condition) == (403, "{DAV:}propfind-finite-depth")


@pytest.mark.parametrize("depth", ["0", "1", "infinity", "2", "x", None])
@pytest.mark.parametrize("which", ["own", "entry"])
def test_depth_means_nothing_where_there_are_no_members(lasting: Lasting, which: str, depth: str | None) -> None:
    """Section 10.2: on a resource without internal members the Depth header MUST be ignored."""
    path = place(lasting.circle, which)
    answer = propfind(lasting.site, path, "<D:getetag/>", depth=depth, person=lasting.circle.anna)
    assert list(responses(answer)) == [path]


@pytest.mark.parametrize("path", [BOOK + "missing.vcf", "/anna/elsewhere/", "/anna/elsewhere/x.vcf", "/anna/a/b/c"])
@pytest.mark.parametrize("method", ["PROPFIND", "PROPPATCH"])
def test_what_is_not_there_has_no_properties(lasting: Lasting, path: str, method: str) -> None:
    """Sections 9.1 and 9.2: 404 for the request as a whole."""
    body = propertyupdate("<D:set><D:prop><D:displayname/></D:prop></D:set>") if method == "PROPPATCH" else ""
    answer = lasting.site.call(method, path, body, {"Depth": "0"}, person=lasting.circle.anna)
    assert answer.status == 404


@ON_SQLITE
@pytest.mark.parametrize("version", ["3.0", "4.0", "2.1"])
def test_properties_of_content_are_the_headers_of_a_get(site: Site, circle: Circle, version: str) -> None:
    """Sections 15.4 to 15.7: each MUST be defined where GET returns the header, as a GET without Accept has it."""
    data = factories.vcard("x", "NOTE:ä" if version != "2.1" else "NOTE:a")
    put(site, circle.anna, BOOK + "x.vcf", data.replace(b"VERSION:3.0", f"VERSION:{version}".encode()))
    for path in (BOOK + "x.vcf", circle.entry, circle.own):
        headers = site.call("GET", path, person=circle.anna)
        for which, depth in ((path, "0"), (BOOK, "1")):
            asked = propfind(site, which, "".join(f"<D:{n}/>" for n in OF_CONTENT), depth=depth, person=circle.anna)
            node = responses(asked)[path]
            told = {name: node.findtext(f".//D:{name}", "", NS) for name in OF_CONTENT}
            assert told == {name: headers.header(header) for name, header in OF_CONTENT.items()}
            assert all(value == value.strip() for value in told.values())
            assert parsedate_to_datetime(told["getlastmodified"]).utcoffset() is not None


@EVERYWHERE
def test_every_resource_has_a_type(lasting: Lasting, which: str) -> None:
    """Section 15.9 and 14.3: MUST be defined everywhere, MUST have collection where it is one, and no text."""
    kind = found(ask(lasting, which, "<D:prop><D:resourcetype/></D:prop>"))["resourcetype"]
    assert (kind.find("D:collection", NS) is not None) == (which in ("root", "principal", "book"))
    assert not (kind.text or "").strip()
    assert all(not (node.tail or "").strip() for node in kind)


@EVERYWHERE
@pytest.mark.parametrize("name", ["creationdate", "getcontentlanguage", "lockdiscovery", "supportedlock"])
def test_what_is_not_offered_is_not_there(lasting: Lasting, which: str, name: str) -> None:
    """Sections 15.1, 15.3, 15.8 and 15.10, where they do not apply."""
    assert statuses(ask(lasting, which, f"<D:prop><D:{name}/></D:prop>")) == {name: "HTTP/1.1 404 Not Found"}
