"""
Methods, RFC 4918, 9.3 to 9.9: MKCOL, GET, DELETE, PUT, COPY and MOVE; extended MKCOL is in `test_rfc5689`.

What does not apply, or is done otherwise:

- 9.3, MKCOL without a body: only address books can be made, which a request has to say (RFC 5689).
- 9.5, POST for collections: there is none but that of `tests/dav/test_push.py`.
- 9.6, a card of somebody else that is deleted is hidden, which looks the same; the own card comes back at once, because
  it is the profile, so that its URL is not 404 afterwards.
- 9.6.1, DELETE of a collection whose member cannot be deleted: all members of an address book that can be deleted can.
- 9.7.1, PUT on a card of a person: it replaces what of it is theirs who sent it. Content types are those of a vCard.
- 9.8.3, 9.9.2 and 9.8.4, COPY and MOVE of collections: they are refused, as support of the methods leaves open.
- 9.8.5, 502 for a destination on another server: the host of a destination is not looked at, for behind a proxy nobody
  knows by what names the server is reached. The path is a place here, or refused.
- 9.10 and 9.11, LOCK and UNLOCK: class 2 is not offered. So nothing is ever answered with 423, and no locks move.
"""

from __future__ import annotations

import pytest

from sync.sharing import connections
from tests.dav.asking import BOOK, gone, propfind, put, report, responses, since, snapshot, sync_body, token
from tests.dav.test_rfc5689 import mkcol
from tests.support import factories
from tests.support.people import Person
from tests.support.site import ON_SQLITE, Answer, Circle, Lasting, Site

CLUB = "/anna/club/"
PATH = BOOK + "x.vcf"
DATA = factories.vcard("u", "NOTE:a")
TRANSFERS = pytest.mark.parametrize("method", ["MOVE", "COPY"])


def transfer(site: Site, person: Person, method: str, source: str, target: str, **headers: str) -> Answer:
    """Send a MOVE or a COPY."""
    return site.call(method, source, "", {"Destination": target, **headers}, person=person)


@ON_SQLITE
def test_a_collection_is_a_member_of_its_parent_and_empty(site: Site, anna: Person) -> None:
    """Section 9.3: the parent has it as a member, and it SHOULD have no members itself."""
    assert mkcol(site, anna, CLUB).status == 201
    assert CLUB in responses(propfind(site, "/anna/", "<D:resourcetype/>", depth="1", person=anna))
    assert list(responses(propfind(site, CLUB, "<D:resourcetype/>", depth="1", person=anna))) == [CLUB]


@ON_SQLITE
@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/", 405),
        ("/anna/", 405),
        (BOOK, 405),
        (BOOK + "new/", 403),
        (BOOK + "new", 403),
        ("/anna/none/deep/", 409),
        ("/anna/none/deep", 409),
        (BOOK + "new/deep/", 409),
        ("/ben/club/", 403),
    ],
)
def test_a_collection_is_made_where_there_can_be_one(site: Site, anna: Person, path: str, status: int) -> None:
    """Sections 9.3 and 9.3.1: 405 where there is something, 403 where none can be, 409 MUST be where no parent is."""
    before = snapshot(site, anna)
    assert mkcol(site, anna, path).status == status
    assert snapshot(site, anna) == before
    home = propfind(site, "/anna/", "<D:resourcetype/>", depth="1", person=anna)
    assert list(responses(home)) == ["/anna/", BOOK]


@pytest.mark.parametrize(
    ("kind", "body"),
    [("text/plain", "x"), ("application/json", "{}"), ("text/vcard", DATA), ("application/xml", "<a/>")],
)
def test_a_body_that_says_something_else_makes_nothing(lasting: Lasting, kind: str, body: bytes | str) -> None:
    """Section 9.3: a MKCOL with an entity that is not understood MUST be answered with 415."""
    answer = lasting.site.call("MKCOL", CLUB, body, {"Content-Type": kind}, person=lasting.circle.anna)
    assert answer.status == 415


def test_a_get_of_a_collection_is_refused(lasting: Lasting) -> None:
    """Section 9.4: it has no content of its own, so that GET and HEAD are not allowed there."""
    for path in ("/anna/", BOOK):
        for method in ("GET", "HEAD"):
            assert lasting.site.call(method, path, person=lasting.circle.anna).status == 405


def test_what_was_deleted_is_nowhere(site: Site, circle: Circle) -> None:
    """Section 9.6: the mapping MUST be removed, and GET, HEAD and PROPFIND MUST be answered with 404."""
    put(site, circle.anna, PATH, DATA)
    old = token(since(site, circle.anna))
    for path in (PATH, circle.entry):
        answer = site.call("DELETE", path, person=circle.anna)
        assert (answer.status, answer.body) == (204, b"")
        for method in ("GET", "HEAD", "PROPFIND", "PROPPATCH", "DELETE"):
            body = "<D:propertyupdate xmlns:D='DAV:'/>" if method == "PROPPATCH" else ""
            assert site.call(method, path, body, {"Depth": "0"}, person=circle.anna).status == 404
        assert path not in responses(propfind(site, BOOK, "<D:getetag/>", depth="1", person=circle.anna))
    assert gone(since(site, circle.anna, old)) == {PATH, circle.entry}
    assert put(site, circle.anna, BOOK + "y.vcf", DATA).status == 201
    assert put(site, circle.anna, PATH, factories.vcard("z")).status == 201


def test_a_collection_is_deleted_with_its_members(site: Site, anna: Person) -> None:
    """Section 9.6.1: MUST act as with Depth infinity, and leave a consistent namespace."""
    mkcol(site, anna, CLUB)
    for name in ("x", "y"):
        put(site, anna, f"{CLUB}{name}.vcf", factories.vcard(name))
    assert site.call("DELETE", CLUB, person=anna).status == 204
    for path in (CLUB, CLUB + "x.vcf", CLUB + "y.vcf"):
        assert propfind(site, path, "<D:resourcetype/>", person=anna).status == 404
    mkcol(site, anna, CLUB)
    assert list(responses(propfind(site, CLUB, "<D:resourcetype/>", depth="1", person=anna))) == [CLUB]


def test_a_collection_that_stays_keeps_its_members(lasting: Lasting) -> None:
    """Section 9.6.1: a collection is deleted with all of its members, or nothing of it is."""
    for path in (BOOK, "/anna/", "/"):
        assert lasting.site.call("DELETE", path, person=lasting.circle.anna).status == 403


def test_a_put_replaces_what_a_get_returns(site: Site, anna: Person) -> None:
    """Section 9.7.1: and with it the properties that come from the content."""
    two = DATA.replace(b"NOTE:a", b"NOTE:longer")
    assert put(site, anna, PATH, DATA).status == 201
    assert put(site, anna, PATH, two).status == 204
    assert site.call("GET", PATH, person=anna).body == two
    length = propfind(site, PATH, "<D:getcontentlength/>", person=anna)
    assert length.xml.findtext(".//{DAV:}getcontentlength") == str(len(two))


@pytest.mark.parametrize("path", ["/anna/none/x.vcf", BOOK + "none/x.vcf", "/anna/none/deep/x.vcf"])
def test_a_put_without_a_parent_makes_none(lasting: Lasting, path: str) -> None:
    """Section 9.7.1: it MUST fail with 409."""
    assert put(lasting.site, lasting.circle.anna, path, DATA).status == 409


@pytest.mark.parametrize("path", ["/", "/anna/", BOOK, BOOK[:-1]])
def test_a_put_does_not_replace_a_collection(lasting: Lasting, path: str) -> None:
    """Section 9.7.2: what it would do is not defined, and it is refused."""
    assert put(lasting.site, lasting.circle.anna, path, DATA).status == 403


@TRANSFERS
def test_a_card_goes_to_another_name_and_book(site: Site, anna: Person, method: str) -> None:
    """Sections 9.8.1 and 9.9: 201, the same content; the source stays or goes; the destination may be a whole URL."""
    mkcol(site, anna, CLUB)
    put(site, anna, PATH, DATA)
    old = token(since(site, anna))
    assert transfer(site, anna, method, PATH, "http://localhost/anna/club/y%20z.vcf").status == 201
    assert site.call("GET", "/anna/club/y%20z.vcf", person=anna).body == DATA
    assert site.call("GET", PATH, person=anna).status == (404 if method == "MOVE" else 200)
    assert gone(since(site, anna, old)) == ({PATH} if method == "MOVE" else set())


@ON_SQLITE
def test_a_copy_and_its_source_are_two(site: Site, anna: Person) -> None:
    """Section 9.8.1: changes of either do not modify the other."""
    mkcol(site, anna, CLUB)
    put(site, anna, PATH, DATA)
    assert transfer(site, anna, "COPY", PATH, CLUB + "y.vcf").status == 201
    two = DATA.replace(b"NOTE:a", b"NOTE:b")
    put(site, anna, CLUB + "y.vcf", two)
    assert site.call("GET", PATH, person=anna).body == DATA
    site.call("DELETE", PATH, person=anna)
    assert site.call("GET", CLUB + "y.vcf", person=anna).body == two


@TRANSFERS
@pytest.mark.parametrize("headers", [{"Overwrite": "T"}, {}])
def test_overwriting_is_as_the_header_says(site: Site, anna: Person, method: str, headers: dict[str, str]) -> None:
    """Sections 9.8.4, 9.9.3 and 10.6: F MUST fail with 412 and change nothing; T, and no header, replace with 204."""
    mkcol(site, anna, CLUB)
    target, other = CLUB + "y.vcf", factories.vcard("u", "NOTE:another")
    put(site, anna, PATH, DATA)
    # Another UID may never be replaced (RFC 6352, 6.3.2.1).
    other = factories.vcard("u", "NOTE:other")
    put(site, anna, target, other)
    before = snapshot(site, anna)
    assert transfer(site, anna, method, PATH, target, Overwrite="F").status == 412
    assert snapshot(site, anna) == before
    assert site.call("GET", target, person=anna).body == other
    assert transfer(site, anna, method, PATH, target, **headers).status == 204
    assert site.call("GET", target, person=anna).body == DATA


@TRANSFERS
def test_where_nothing_is_replaced_overwrite_does_not_matter(site: Site, anna: Person, method: str) -> None:
    """Section 10.6: F is about a destination that is mapped."""
    mkcol(site, anna, CLUB)
    put(site, anna, PATH, DATA)
    assert transfer(site, anna, method, PATH, CLUB + "y.vcf", Overwrite="F").status == 201


@ON_SQLITE
@TRANSFERS
@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("", 400),
        ("/" + "x" * 5_000, 400),
        ("/", 403),
        ("/anna/", 403),
        (BOOK, 403),
        ("/ben/contacts/x.vcf", 403),
        ("http://elsewhere.example/ben/x.vcf", 403),
        ("/anna/none/x.vcf", 409),
        (PATH, 403),
        ("x.vcf", 403),
        ("%ff", 403),
    ],
)
def test_no_card_goes_where_there_is_no_place(site: Site, anna: Person, method: str, target: str, status: int) -> None:
    """Sections 9.8.5, 9.9.4 and 10.3: 400 SHOULD be for what is no destination, 409 for one without a parent."""
    put(site, anna, PATH, DATA)
    before = snapshot(site, anna)
    assert transfer(site, anna, method, PATH, target).status == status
    assert snapshot(site, anna) == before


@TRANSFERS
def test_without_a_destination_nothing_goes(lasting: Lasting, method: str) -> None:
    """Sections 9.8 and 9.9: the Destination header MUST be present."""
    assert lasting.site.call(method, lasting.circle.own, person=lasting.circle.anna).status == 400


@TRANSFERS
@pytest.mark.parametrize("source", [BOOK + "missing.vcf", "/anna/none/x.vcf"])
def test_what_is_not_there_does_not_go(lasting: Lasting, method: str, source: str) -> None:
    """Sections 9.8 and 9.9: 404 is about the source."""
    assert transfer(lasting.site, lasting.circle.anna, method, source, BOOK + "y.vcf").status == 404


@TRANSFERS
@pytest.mark.parametrize("depth", ["0", "infinity", None])
@pytest.mark.parametrize("path", [BOOK, "/anna/", "/"])
def test_a_collection_stays_where_it_is(lasting: Lasting, method: str, path: str, depth: str | None) -> None:
    """Sections 9.8.3 and 9.9.2, where they do not apply: refused as a whole."""
    headers = {} if depth is None else {"Depth": depth}
    assert transfer(lasting.site, lasting.circle.anna, method, path, "/anna/other/", **headers).status == 403


@pytest.mark.parametrize("method", ["LOCK", "UNLOCK"])
def test_nothing_can_be_locked(lasting: Lasting, method: str) -> None:
    """Sections 9.10 and 9.11, where they do not apply: the methods are refused, and named nowhere."""
    for path in (BOOK, lasting.circle.entry, BOOK + "new.vcf"):
        answer = lasting.site.call(method, path, person=lasting.circle.anna)
        assert answer.status == 405
        assert method not in answer.header("Allow").split(", ")


def test_who_was_disconnected_is_gone_as_if_deleted(site: Site, circle: Circle) -> None:
    """Section 9.6: what nobody maps any more is 404 for every method."""
    site.database.write(lambda session: connections.disconnect(session, circle.anna.id, circle.ben.id))
    for method in ("GET", "HEAD", "PROPFIND", "DELETE"):
        assert site.call(method, circle.entry, b"", {"Depth": "0"}, person=circle.anna).status == 404
    assert circle.entry not in report(site, circle.anna, sync_body()).body.decode()
