"""Whatever is sent, the server answers with something below 500, without a pause, and is there for the next request."""

from __future__ import annotations

import re

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.dav.asking import BOOK, NAMES, report, sync_body
from tests.support.site import ON_SQLITE, Circle, Lasting, Site, basic

METHODS = (
    *("ACL", "COPY", "DELETE", "GET", "HEAD", "LOCK", "MKCALENDAR", "MKCOL", "MOVE", "OPTIONS", "POST", "PROPFIND"),
    *("PROPPATCH", "PUT", "REPORT", "UNLOCK", "TRACE", ""),
)
NAMES_IN_PATHS = ("anna", "ben", "contacts", "", ".", "..", ".web", ".well-known", "carddav", "x.vcf", "%2e%2e", "%00")
HEADER_NAMES = (
    *("Depth", "If-Match", "If-None-Match", "Destination", "Overwrite", "Accept", "Accept-Encoding", "Content-Type"),
    *("Prefer", "Brief", "Host", "X-Script-Name", "X-Forwarded-Host", "X-Forwarded-For", "Cookie", "User-Agent"),
    *("Transfer-Encoding", "Content-Length", "Expect", "Range", "If-Modified-Since"),
)
HEADER_VALUES = ("0", "1", "infinity", "*", '"x"', "gzip", "chunked", "text/vcard", "return=minimal", "t")
LEAVES = (
    *("<D:allprop/>", "<D:propname/>", "<D:prop/>", "<D:sync-token/>", "<D:sync-level>1</D:sync-level>", "<D:href/>"),
    *("<C:address-data/>", '<C:address-data version="4.0"/>', "<D:href>/anna/contacts/x</D:href>", "<D:getetag/>"),
    *('<C:text-match match-type="equals">x</C:text-match>', "<C:nresults>1</C:nresults>", "<C:is-not-defined/>"),
    *("text", "&#13;", "<![CDATA[<]]>", "<S:me-card/>", "<D:resourcetype/>"),
)
BRANCHES = (
    *("D:propfind", "D:prop", "D:sync-collection", "C:addressbook-multiget", "C:addressbook-query", "C:filter", "x:y"),
    *('C:prop-filter name="FN"', 'C:param-filter name="TYPE"', "D:propertyupdate", "D:set", "D:remove", "C:limit"),
    *("S:me-card", "D:href", "D:sync-token"),
)
CARD_LINES = (
    *(
        "BEGIN:VCARD",
        "END:VCARD",
        "VERSION:3.0",
        "VERSION:4.0",
        "FN:x",
        "N:a;b",
        "AGENT:",
        " x",
        "=",
        "BDAY:--0101",
        "GEO:",
    ),
    *(
        "PHOTO;ENCODING=b:AA==",
        "item1.TEL:1",
        "item1.X-ABLabel:x",
        "TEL;TYPE=",
        "NOTE;ENCODING=QUOTED-PRINTABLE:=",
        ":",
    ),
)


def encoded(text: str) -> str:
    """Write *text* as a segment of a path, lone surrogates too."""
    return "".join(f"%{octet:02x}" for octet in text.encode("utf-8", "surrogatepass"))


def enclosed(node: tuple[str, list[str]]) -> str:
    name, inside = node
    return f"<{name}>{''.join(inside)}</{name.split()[0]}>"


def declared(text: str) -> str:
    return text.replace(">", f' {NAMES} xmlns:x="urn:x">', 1) if text.startswith("<") else text


SEGMENTS = st.sampled_from(NAMES_IN_PATHS) | st.text(max_size=8).map(encoded)
PATHS = st.lists(SEGMENTS, max_size=6).map(lambda parts: "/" + "/".join(parts))
LATIN = st.text(st.characters(max_codepoint=255), max_size=40)
HEADERS = st.dictionaries(st.sampled_from(HEADER_NAMES), LATIN | st.sampled_from(HEADER_VALUES), max_size=5)
NODES = st.recursive(
    st.sampled_from(LEAVES),
    lambda children: st.tuples(st.sampled_from(BRANCHES), st.lists(children, max_size=4)).map(enclosed),
    max_leaves=12,
)
DOCUMENTS = NODES.map(declared)
LINES = st.lists(st.sampled_from(CARD_LINES) | st.text(max_size=30), max_size=8).map("\r\n".join)
BODIES = st.binary(max_size=60) | st.builds(lambda text: text.encode("utf-8", "replace"), DOCUMENTS | LINES)
PATIENT = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@PATIENT
@given(st.sampled_from(METHODS), PATHS, HEADERS, BODIES, st.sampled_from(["anna", ""]))
def test_no_request_of_anybody_is_too_much(
    lasting: Lasting, method: str, path: str, headers: dict[str, str], body: bytes, login: str
) -> None:
    """Any method, path, headers and body, with and without a password, to what no request may change."""
    person = lasting.circle.anna if login else None
    answer = lasting.site.call(method, path.replace("anna", "ben"), body, headers, person=person)
    assert answer.status < 500 or answer.status == 501, answer


@PATIENT
@given(st.sampled_from(["PROPFIND", "REPORT"]), DOCUMENTS, st.sampled_from(["0", "1", ""]))
def test_no_question_about_one_s_own_is_too_much(lasting: Lasting, method: str, document: str, depth: str) -> None:
    """Documents made of what requests are made of are answered or refused, and both are well-formed."""
    for path in ("/", "/anna/", "/anna/contacts/", lasting.circle.entry):
        answer = lasting.site.call(method, path, document, {"Depth": depth}, person=lasting.circle.anna)
        assert answer.status in (207, 400, 403, 404, 413, 415), answer
        if answer.header("Content-Type").startswith("application/xml"):
            assert answer.xml.tag in ("{DAV:}multistatus", "{DAV:}error")


@PATIENT
@given(LATIN)
def test_no_authorization_is_too_much(lasting: Lasting, text: str) -> None:
    for header in (text, f"Basic {text}", basic(text.replace(":", ""), text)):
        assert lasting.site.call("PROPFIND", "/", b"", {"Authorization": header}).status == 401


@ON_SQLITE
@PATIENT
@given(
    st.sampled_from(["PUT", "PUT", "DELETE", "PROPPATCH"]),
    st.sampled_from(["own", "entry", "x.vcf"]),
    HEADERS,
    BODIES | LINES,
)
def test_no_change_of_one_s_own_is_too_much(
    site: Site, circle: Circle, method: str, which: str, headers: dict[str, str], body: bytes | str
) -> None:
    """Whatever is done to one's own, a friend's and a private card, the book can be read in both versions."""
    path = {"own": circle.own, "entry": circle.entry}.get(which, BOOK + which)
    if isinstance(body, str):
        served = site.call("GET", path, person=circle.anna).body.decode()
        uid = re.search("^UID:.*$", served, re.MULTILINE)
        start = f"BEGIN:VCARD\r\nVERSION:3.0\r\n{uid[0].strip() if uid else 'UID:x'}\r\nFN:x\r\n"
        body = f"{start}{body}\r\nEND:VCARD\r\n".encode("utf-8", "replace")
        headers = {**headers, "Content-Type": "text/vcard"}
    answer = site.call(method, path, body, headers, person=circle.anna)
    assert answer.status < 500, answer
    for version in ("3.0", "4.0"):
        names = f'<D:getetag/><C:address-data content-type="text/vcard" version="{version}"/>'
        assert report(site, circle.anna, sync_body("", names)).xml.tag == "{DAV:}multistatus"
