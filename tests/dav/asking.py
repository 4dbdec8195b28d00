"""Requests in XML and how their answers are read, for tests of single requests (`tests.support.dav` is a client)."""

from __future__ import annotations

from collections.abc import Iterable
from xml.sax.saxutils import escape

from lxml import etree

from tests.support.people import Person
from tests.support.site import Answer, Circle, Lasting, Site

NAMES = 'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav" xmlns:S="http://calendarserver.org/ns/"'
NS = {"D": "DAV:", "C": "urn:ietf:params:xml:ns:carddav", "S": "http://calendarserver.org/ns/"}
#: What the full name of an element of CardDAV begins with.
CARD = f"{{{NS['C']}}}"
ETAG = "<D:getetag/>"
DATA = "<D:getetag/><C:address-data/>"
BOOK = "/anna/contacts/"
#: The reports of CardDAV by which cards are fetched (RFC 6352, 8).
REPORTS = ("addressbook-query", "addressbook-multiget")
#: The reports of access control, with something to ask in each (RFC 3744, 9).
ACCESS_REPORTS = {
    "expand-property": '<D:property name="owner"/>',
    "acl-principal-prop-set": "<D:prop><D:displayname/></D:prop>",
    "principal-match": "<D:self/>",
    "principal-property-search": "<D:property-search><D:prop><D:displayname/></D:prop><D:match>a</D:match>"
    "</D:property-search>",
    "principal-search-property-set": "",
}


def propfind(
    site: Site, path: str, names: str = "", *, depth: str | None = "0", person: Person | None = None, **headers: str
) -> Answer:
    """Ask for properties; without *names* the body is empty, without *depth* there is no such header."""
    body = f'<?xml version="1.0"?><D:propfind {NAMES}><D:prop>{names}</D:prop></D:propfind>' if names else ""
    given = {"Content-Type": "text/xml", **headers, **({"Depth": depth} if depth is not None else {})}
    return site.call("PROPFIND", path, body, given, person=person)


def report(
    site: Site, person: Person, body: str, *, depth: str | None = None, path: str = BOOK, **headers: str
) -> Answer:
    """Send a REPORT whose body has the prefixes D, C and S declared by `NAMES` in it."""
    given = {"Content-Type": "application/xml", **headers, **({"Depth": depth} if depth is not None else {})}
    return site.call("REPORT", path, body, given, person=person)


def sync_body(token: str = "", names: str = ETAG) -> str:
    """Return the body of a sync-collection report."""
    return (
        f"<D:sync-collection {NAMES}><D:sync-token>{escape(token)}</D:sync-token><D:sync-level>1</D:sync-level>"
        f"<D:prop>{names}</D:prop></D:sync-collection>"
    )


def since(site: Site, person: Person, old: str = "", names: str = ETAG) -> Answer:
    """Ask for what changed in a person's address book since a token."""
    return report(site, person, sync_body(old, names), path=f"/{person.login}/contacts/")


def multiget_body(hrefs: Iterable[str], names: str = DATA) -> str:
    """Return the body of an addressbook-multiget report."""
    wanted = "".join(f"<D:href>{escape(href)}</D:href>" for href in hrefs)
    return f"<C:addressbook-multiget {NAMES}><D:prop>{names}</D:prop>{wanted}</C:addressbook-multiget>"


def query_body(filters: str, names: str = DATA, *, test: str = "", rest: str = "") -> str:
    """Return the body of an addressbook-query report."""
    attribute = f' test="{test}"' if test else ""
    return (
        f"<C:addressbook-query {NAMES}><D:prop>{names}</D:prop><C:filter{attribute}>{filters}</C:filter>{rest}"
        "</C:addressbook-query>"
    )


def propertyupdate(content: str) -> str:
    """Return the body of a PROPPATCH."""
    return f"<D:propertyupdate {NAMES}>{content}</D:propertyupdate>"


def put(site: Site, person: Person, path: str, data: bytes | str, **headers: str) -> Answer:
    """Store a card; an underscore in the name of a header is a hyphen."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return site.call("PUT", path, data, {"Content-Type": "text/vcard; charset=utf-8", **given}, person=person)


def statuses(answer: Answer) -> dict[str, str]:
    """Return the status line of each property in an answer about one resource, by the local name of the property."""
    assert answer.status == 207, (answer.status, answer.body[:500])
    parts = answer.xml.findall("D:response/D:propstat", NS)
    return {
        etree.QName(node).localname: part.findtext("D:status", "", NS)
        for part in parts
        for node in part.iterfind("D:prop/*", NS)
    }


def body_of(name: str, names: str, hrefs: Iterable[str]) -> str:
    """Return the body of one of `REPORTS` that asks for properties of all entries, or of those that it names."""
    return multiget_body(hrefs, names) if name == "addressbook-multiget" else query_body("", names)


def responses(answer: Answer) -> dict[str, etree._Element]:
    """Return the responses of a multistatus by href; each comes once."""
    assert answer.status == 207, (answer.status, answer.body[:500])
    found = [(node.findtext("D:href", "", NS), node) for node in answer.xml.findall("D:response", NS)]
    assert len(dict(found)) == len(found)
    return dict(found)


def present(answer: Answer) -> dict[str, str]:
    """Return the ETags of the entries in an answer by href, without those that are gone."""
    return {
        href: node.findtext("D:propstat/D:prop/D:getetag", "", NS)
        for href, node in responses(answer).items()
        if node.find("D:status", NS) is None
    }


def texts(answer: Answer) -> dict[str, str]:
    """Return the cards in an answer by href."""
    return {
        href: node.findtext("D:propstat/D:prop/C:address-data", "", NS)
        for href, node in responses(answer).items()
        if node.find("D:status", NS) is None
    }


def gone(answer: Answer) -> set[str]:
    """Return the hrefs in an answer of what is not there, checked to say so in the exact words that clients compare."""
    found = {href: node.find("D:status", NS) for href, node in responses(answer).items()}
    assert {status.text for status in found.values() if status is not None} <= {"HTTP/1.1 404 Not Found"}
    return {href for href, status in found.items() if status is not None}


def token(answer: Answer) -> str:
    """Return the sync token of an answer."""
    return answer.xml.findtext("D:sync-token", "", NS)


def href_in(answer: Answer, name: str) -> str:
    """Return the href in the one property of this prefixed name."""
    (node,) = answer.xml.findall(f".//D:propstat/D:prop/{name}/D:href", NS)
    return node.text or ""


def snapshot(site: Site, person: Person) -> tuple[dict[str, str], str]:
    """Return all that a person has: every card, and the state of the book."""
    answer = report(site, person, sync_body("", DATA), path=f"/{person.login}/contacts/")
    return texts(answer), token(answer)


def place(circle: Circle, which: str) -> str:
    """Return the path of one of the resources that there are."""
    places = {"root": "/", "principal": "/anna/", "book": BOOK, "own": circle.own, "entry": circle.entry}
    return places[which]


def ask_access(lasting: Lasting, name: str, content: str, *, where: str = "root", depth: str | None = "0") -> Answer:
    """Send one of the reports of this standard."""
    body = f"<D:{name} {NAMES}>{content}</D:{name}>"
    return report(lasting.site, lasting.circle.anna, body, depth=depth, path=place(lasting.circle, where))
