"""
Conditional requests, RFC 9110, 8.8 and 13, with which no update is lost and nothing is sent twice.

What does not apply, or is done otherwise:

- 8.8.1, weak validators: there are none; every ETag names octets.
- 13.1.5, If-Range, and 14, ranges: a card is small, so no part of one is ever sent, and Range is ignored, as may be.
- 13.2.1, conditions of PROPFIND and REPORT: no representation is selected, so they are not looked at.
- 13.2.1, a condition of MKCOL: what is there cannot be made, whatever its state; If, of WebDAV, is heeded.
"""

from __future__ import annotations

from email.utils import formatdate, parsedate_to_datetime

import pytest

from tests.dav.asking import BOOK, multiget_body, present, propertyupdate, propfind, put, report, snapshot
from tests.dav.test_rfc5689 import mkcol
from tests.support import factories
from tests.support.people import Person
from tests.support.site import ON_SQLITE, Circle, Lasting, Site

PATH = BOOK + "x.vcf"
ONE, TWO = factories.vcard("x"), factories.vcard("x", "NOTE:two")
PAST, FUTURE = formatdate(0, usegmt=True), formatdate(4_000_000_000, usegmt=True)
NO_DATE = pytest.mark.parametrize("date", ["", "yesterday", "2026-01-01", "0", "Mon, 99 Jan 2026 00:00:00 GMT"])


@ON_SQLITE
def test_validators_are_those_of_the_properties(site: Site, circle: Circle) -> None:
    """Section 8.8: GET and HEAD SHOULD have an ETag and a Last-Modified, as every other door has them."""
    for path in (circle.entry, circle.own):
        answer = site.call("GET", path, person=circle.anna)
        assert present(report(site, circle.anna, multiget_body([path])))[path] == answer.header("ETag")
        found = propfind(site, path, "<D:getlastmodified/>", person=circle.anna)
        assert found.xml.findtext(".//{DAV:}getlastmodified") == answer.header("Last-Modified")
        assert parsedate_to_datetime(answer.header("Last-Modified")).timestamp() > 1_700_000_000
        head = site.call("HEAD", path, person=circle.anna)
        assert [head.header(name) for name in ("ETag", "Last-Modified")] == [
            answer.header(name) for name in ("ETag", "Last-Modified")
        ]


@ON_SQLITE
@pytest.mark.parametrize("stored", ["3.0", "4.0"])
def test_no_two_representations_have_one_etag(site: Site, anna: Person, stored: str) -> None:
    """Section 8.8.3.3: a card in 3.0 and in 4.0 has two ETags, by each of which it can be changed."""
    data = ONE.replace(b"VERSION:3.0", f"VERSION:{stored}".encode())
    put(site, anna, PATH, data)
    found = dict[bytes, set[str]]()
    for accept in ("", "text/vcard; version=3.0", "text/vcard; version=4.0"):
        answer = site.call("GET", PATH, b"", {"Accept": accept}, person=anna)
        assert (answer.status, answer.header("Vary")) == (200, "Accept")
        found.setdefault(answer.body, set()).add(answer.header("ETag"))
    assert [len(etags) for etags in found.values()] == [1, 1]
    three, four = (next(iter(etags)) for etags in found.values())
    assert three != four
    for etag, accept, status in ((three, "3.0", 304), (four, "4.0", 304), (three, "4.0", 200), (four, "3.0", 200)):
        headers = {"Accept": f"text/vcard; version={accept}", "If-None-Match": etag}
        swapped = stored == "4.0"
        assert site.call("GET", PATH, b"", headers, person=anna).status == ((504 - status) if swapped else status)
    for etag in (three, four):
        assert put(site, anna, PATH, data, If_Match=etag).status == 204
        assert put(site, anna, PATH, data, If_None_Match=etag).status == 412


def test_an_etag_changes_with_the_octets_and_never_comes_back(site: Site, anna: Person) -> None:
    """Section 8.8.1: a strong validator changes whenever what GET sends does."""
    etags = []
    for data in (ONE, TWO, factories.vcard("x", "NOTE:three")):
        etags.append(put(site, anna, PATH, data).header("ETag"))
        assert site.call("GET", PATH, person=anna).header("ETag") == etags[-1]
    assert len(set(etags)) == len(etags)
    assert not any(etag.startswith("W/") for etag in etags)


@ON_SQLITE
def test_a_put_that_is_not_stored_as_it_came_has_no_validator(site: Site, circle: Circle) -> None:
    """Section 9.3.4: a validator MUST NOT be sent with a PUT whose octets were changed on the way."""
    for path in (circle.own, circle.entry):
        text = site.call("GET", path, person=circle.anna).body
        answer = put(site, circle.anna, path, text.replace(b"END:VCARD", b"NOTE:mine\r\nEND:VCARD"))
        assert (answer.status, answer.header("ETag"), answer.header("Last-Modified")) == (204, "", "")


def test_if_match_and_if_none_match_decide_about_a_put(site: Site, anna: Person) -> None:
    """Sections 13.1.1 and 13.1.2: with one ETag, a list or a star; a violated one changes nothing."""
    assert put(site, anna, PATH, ONE, If_Match="*").status == 412
    assert put(site, anna, PATH, ONE, If_Match='"any"').status == 412
    assert put(site, anna, PATH, ONE, If_None_Match="*").status == 201
    assert put(site, anna, PATH, TWO, If_None_Match="*").status == 412
    etag = site.call("GET", PATH, person=anna).header("ETag")
    for wrong in ('"other"', '"a", "b"', 'W/"other"', "garbage", etag.strip('"')):
        assert put(site, anna, PATH, TWO, If_Match=wrong).status == 412, wrong
    assert put(site, anna, PATH, TWO, If_None_Match=f'"a", {etag}').status == 412
    assert put(site, anna, PATH, TWO, If_None_Match=f"W/{etag}").status == 412
    assert site.call("GET", PATH, person=anna).body == ONE
    changed = put(site, anna, PATH, TWO, If_Match=f'"a", {etag} , "b"')
    assert (changed.status, changed.header("ETag") != etag) == (204, True)
    assert put(site, anna, PATH, ONE, If_Match=etag).status == 412
    assert put(site, anna, PATH, ONE, If_Match="*").status == 204
    assert put(site, anna, PATH, TWO).status == 204


@ON_SQLITE
@pytest.mark.parametrize("header", ["", "no etag", "\xe4"])
def test_a_condition_that_cannot_be_understood_is_not_met(site: Site, anna: Person, header: str) -> None:
    """Section 13.1.1: a garbled If-Match never makes a PUT unconditional."""
    put(site, anna, PATH, ONE)
    assert put(site, anna, PATH, TWO, If_Match=header).status == 412
    assert site.call("GET", PATH, person=anna).body == ONE


def test_if_match_and_if_none_match_decide_about_a_delete(site: Site, circle: Circle) -> None:
    """Sections 13.1.1 and 13.1.2."""
    put(site, circle.anna, PATH, ONE)
    etag = site.call("GET", PATH, person=circle.anna).header("ETag")
    before = snapshot(site, circle.anna)
    for wrong in ({"If-Match": '"other"'}, {"If-None-Match": "*"}, {"If-Match": 'W/"other"'}, {"If-None-Match": etag}):
        assert site.call("DELETE", PATH, b"", wrong, person=circle.anna).status == 412
    assert site.call("DELETE", BOOK + "missing", b"", {"If-Match": "*"}, person=circle.anna).status == 412
    assert snapshot(site, circle.anna) == before
    assert site.call("DELETE", PATH, b"", {"If-Match": f'"a", {etag}'}, person=circle.anna).status == 204


@ON_SQLITE
@pytest.mark.parametrize("which", ["own", "entry"])
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_the_cards_of_people_are_changed_under_a_condition_as_well(
    site: Site, circle: Circle, which: str, method: str
) -> None:
    """Section 13.1.1, for the own card and a connection's."""
    path = circle.own if which == "own" else circle.entry
    text = site.call("GET", path, person=circle.anna).body.replace(b"END:VCARD", b"NOTE:mine\r\nEND:VCARD")
    body = text if method == "PUT" else b""
    before = snapshot(site, circle.anna)
    for wrong in ({"If-Match": '"other"'}, {"If-None-Match": "*"}, {"If-Unmodified-Since": PAST}):
        headers = {"Content-Type": "text/vcard", **wrong}
        assert site.call(method, path, body, headers, person=circle.anna).status == 412
    assert snapshot(site, circle.anna) == before


@ON_SQLITE
@pytest.mark.parametrize("method", ["MOVE", "COPY"])
def test_a_transfer_is_of_the_state_that_was_named(site: Site, anna: Person, method: str) -> None:
    """Section 13.1.1: a MOVE or COPY whose source changed meanwhile MUST NOT be done."""
    mkcol(site, anna, "/anna/club/")
    put(site, anna, PATH, ONE)
    etag = site.call("GET", PATH, person=anna).header("ETag")
    put(site, anna, PATH, TWO)
    for wrong in ({"If-Match": etag}, {"If-None-Match": "*"}, {"If-Unmodified-Since": PAST}):
        headers = {"Destination": "/anna/club/y.vcf", **wrong}
        assert site.call(method, PATH, b"", headers, person=anna).status == 412
    assert site.call("GET", "/anna/club/y.vcf", person=anna).status == 404
    assert site.call("GET", PATH, person=anna).body == TWO


@ON_SQLITE
@pytest.mark.parametrize(("header", "met"), [("*", True), ('"any"', False), ("garbage", False)])
def test_a_collection_has_no_etag_that_a_condition_could_name(site: Site, anna: Person, header: str, met: bool) -> None:  # noqa: FBT001
    """Section 13.1.1: a star is met by an address book, which exists; an ETag is not, for it has none."""
    mkcol(site, anna, "/anna/club/")
    body = propertyupdate("<D:set><D:prop><D:displayname>New</D:displayname></D:prop></D:set>")
    answer = site.call("PROPPATCH", "/anna/club/", body, {"If-Match": header}, person=anna)
    assert answer.status == (207 if met else 412)
    found = propfind(site, "/anna/club/", "<D:displayname/>", person=anna)
    assert found.xml.findtext(".//{DAV:}displayname") == ("New" if met else "club")
    assert site.call("DELETE", "/anna/club/", b"", {"If-Match": header}, person=anna).status == (204 if met else 412)


def test_what_a_client_has_is_not_sent_again(lasting: Lasting) -> None:
    """Sections 13.1.2 and 15.4.5: 304 to GET and HEAD, with the headers that the 200 would have had."""
    entry, anna, site = lasting.circle.entry, lasting.circle.anna, lasting.site
    full = site.call("GET", entry, person=anna)
    etag = full.header("ETag")
    for header in (etag, f'"other", {etag}', f"W/{etag}", "*"):
        for method in ("GET", "HEAD"):
            answer = site.call(method, entry, b"", {"If-None-Match": header}, person=anna)
            assert (answer.status, answer.body) == (304, b"")
            for name in ("ETag", "Vary", "Last-Modified"):
                assert answer.header(name) == full.header(name)
    assert site.call("GET", entry, b"", {"If-None-Match": '"other"'}, person=anna).status == 200


def test_what_did_not_change_since_is_not_sent_again(lasting: Lasting) -> None:
    """Section 13.1.3: only where there is no If-None-Match, which is the better condition."""
    entry, anna, site = lasting.circle.entry, lasting.circle.anna, lasting.site
    date = site.call("GET", entry, person=anna).header("Last-Modified")
    for since, status in ((date, 304), (FUTURE, 304), (PAST, 200)):
        for method in ("GET", "HEAD"):
            assert site.call(method, entry, b"", {"If-Modified-Since": since}, person=anna).status == status
    headers = {"If-Modified-Since": FUTURE, "If-None-Match": '"other"'}
    assert site.call("GET", entry, b"", headers, person=anna).status == 200


@NO_DATE
def test_a_date_that_is_none_is_no_condition(lasting: Lasting, date: str) -> None:
    """Sections 13.1.3 and 13.1.4: a field that is not an HTTP date MUST be ignored."""
    for name in ("If-Modified-Since", "If-Unmodified-Since"):
        answer = lasting.site.call("GET", lasting.circle.entry, b"", {name: date}, person=lasting.circle.anna)
        assert answer.status == 200


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_what_changed_since_is_left_alone(site: Site, anna: Person, method: str) -> None:
    """Section 13.1.4: the method MUST NOT be performed; If-Match is the better condition, and what is not there new."""
    put(site, anna, PATH, ONE, If_Unmodified_Since=PAST)
    etag = site.call("GET", PATH, person=anna).header("ETag")
    body = TWO if method == "PUT" else b""
    assert site.call(method, PATH, body, {"If-Unmodified-Since": PAST}, person=anna).status == 412
    assert site.call("GET", PATH, person=anna).body == ONE
    both = {"If-Unmodified-Since": PAST, "If-Match": etag}
    assert site.call(method, PATH, body, both, person=anna).status == 204
    put(site, anna, PATH, ONE)
    assert site.call(method, PATH, body, {"If-Unmodified-Since": FUTURE}, person=anna).status == 204


@ON_SQLITE
def test_a_get_is_of_the_state_that_was_named(site: Site, anna: Person) -> None:
    """Sections 13.1.1 and 13.1.4 for GET and HEAD."""
    put(site, anna, PATH, ONE)
    etag = site.call("GET", PATH, person=anna).header("ETag")
    for method in ("GET", "HEAD"):
        for headers, status in (
            ({"If-Match": etag}, 200),
            ({"If-Match": "*"}, 200),
            ({"If-Match": '"other"'}, 412),
            ({"If-Unmodified-Since": PAST}, 412),
            ({"If-Match": etag, "If-None-Match": etag}, 304),
            ({"If-Match": '"other"', "If-None-Match": etag}, 412),
        ):
            assert site.call(method, PATH, b"", headers, person=anna).status == status


CONDITIONS = [{"If-Match": '"other"'}, {"If-None-Match": "*"}, {"If-Unmodified-Since": PAST}]


@pytest.mark.parametrize("headers", CONDITIONS)
@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("PUT", BOOK + "x.vcf", "no card", 403),
        ("PUT", "/anna/none/x.vcf", ONE, 409),
        ("PUT", "/ben/contacts/x.vcf", ONE, 403),
        ("GET", BOOK + "missing.vcf", "", 404),
        ("GET", BOOK, "", 405),
        ("POST", BOOK, "", 405),
        ("DELETE", BOOK, "", 412),
        ("DELETE", "/anna/", "", 403),
        ("OPTIONS", BOOK, "", 200),
    ],
)
def test_a_condition_is_not_looked_at_where_it_does_not_matter(
    lasting: Lasting, method: str, path: str, body: str, status: int, headers: dict[str, str]
) -> None:
    """Section 13.2.1: what fails in any case fails as it does without conditions, and OPTIONS has none."""
    answer = lasting.site.call(method, path, body, headers, person=lasting.circle.anna)
    plain = lasting.site.call(method, path, body, person=lasting.circle.anna)
    assert answer.status == (status if status != 412 or headers != CONDITIONS[2] else 403)
    assert answer == plain or status == 412


@pytest.mark.parametrize("headers", CONDITIONS)
def test_who_may_not_see_a_card_learns_nothing_from_a_condition(lasting: Lasting, headers: dict[str, str]) -> None:
    """Section 13.2.1 with RFC 4918, 8.5: who asks is looked at before any condition."""
    for person, status in ((None, 401), (lasting.circle.ben, 403)):
        answers = [
            lasting.site.call("PUT", path, ONE, headers, person=person)
            for path in (lasting.circle.entry, BOOK + "nothing.vcf")
        ]
        assert [answer.status for answer in answers] == [status, status]
        assert answers[0] == answers[1]


def test_a_part_of_a_card_is_never_sent(lasting: Lasting) -> None:
    """Section 14.2: Range MAY be ignored, and If-Range with it (13.1.5)."""
    entry, anna, site = lasting.circle.entry, lasting.circle.anna, lasting.site
    full = site.call("GET", entry, person=anna)
    for headers in ({"Range": "bytes=0-3"}, {"Range": "bytes=0-3", "If-Range": '"other"'}):
        assert site.call("GET", entry, b"", headers, person=anna) == full
