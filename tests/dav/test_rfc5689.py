"""
Extended MKCOL, RFC 5689: further address books; where they can be made and deleted is in `test_rfc4918_methods`.

What does not apply, or is done otherwise:

- 3, other types of collections than address books, and none: none can be made, also not by a MKCOL without a body.
- 3, the body of a success, which MAY say that each property was set: it is empty, which means the same.
- 4, MKCALENDAR in its place: there are no calendars.
"""

from __future__ import annotations

import pytest
from lxml import etree

from sync.sign_in import credentials
from tests.dav.asking import NAMES, NS, present, propfind, report, responses, snapshot, sync_body, texts
from tests.support import factories
from tests.support.people import Person
from tests.support.site import ON_SQLITE, Answer, Lasting, Site

ADDRESS_BOOK = "<D:resourcetype><D:collection/><C:addressbook/></D:resourcetype>"


def mkcol(site: Site, person: Person, path: str, props: str = ADDRESS_BOOK) -> Answer:
    """Send an extended MKCOL."""
    body = f"<D:mkcol {NAMES}><D:set><D:prop>{props}</D:prop></D:set></D:mkcol>"
    return site.call("MKCOL", path, body, {"Content-Type": "application/xml"}, person=person)


@pytest.mark.parametrize("path", ["/anna/club/", "/anna/club"])
def test_an_address_book_is_made_with_and_without_a_last_slash(site: Site, anna: Person, path: str) -> None:
    """It is listed behind the first one, empty, with its title, and takes private contacts (section 3)."""
    assert mkcol(site, anna, path, ADDRESS_BOOK + "<D:displayname>Chess club</D:displayname>").status == 201
    home = responses(propfind(site, "/anna/", "<D:displayname/>", depth="1", person=anna))
    assert list(home) == ["/anna/", "/anna/contacts/", "/anna/club/"]
    assert home["/anna/club/"].findtext(".//{DAV:}displayname") == "Chess club"
    data = factories.vcard("u", "NOTE:a")
    assert site.call("PUT", "/anna/club/x.vcf", data, person=anna).status == 201
    answer = report(site, anna, sync_body(), path="/anna/club/")
    assert list(present(answer)) == ["/anna/club/x.vcf"]
    assert "/anna/club/x.vcf" not in present(report(site, anna, sync_body()))
    token = answer.xml.findtext("{DAV:}sync-token", "")
    assert present(report(site, anna, sync_body(token), path="/anna/club/")) == {}
    assert report(site, anna, sync_body(token)).condition == "{DAV:}valid-sync-token"


def test_a_synchronized_private_book_says_nothing_of_the_connections(site: Site, anna: Person) -> None:
    """What a device has of its connections is not told by how far it is with another address book."""
    mkcol(site, anna, "/anna/club/")
    for number in range(9):
        site.call("PUT", f"/anna/club/{number}.vcf", factories.vcard(str(number)), person=anna)
    report(site, anna, sync_body(), path="/anna/club/")
    with site.database.reading() as session:
        (device,) = credentials.devices(session, anna.id)
        assert device.synced_revision == 0


def test_options_say_that_it_can_be_extended(lasting: Lasting) -> None:
    """Section 3.1: extended-mkcol MUST be in DAV of the answer to OPTIONS, everywhere."""
    for path in ("/", "/anna/", "/anna/contacts/", "/anna/club/"):
        assert "extended-mkcol" in lasting.site.call("OPTIONS", path).header("DAV").split(", ")


@ON_SQLITE
@pytest.mark.parametrize("kind", ["text/xml", "application/xml; charset=utf-8", ""])
def test_the_body_is_xml(site: Site, anna: Person, kind: str) -> None:
    """Section 3: its type MUST be one of XML; some programs leave it out."""
    body = f"<D:mkcol {NAMES}><D:set><D:prop>{ADDRESS_BOOK}</D:prop></D:set></D:mkcol>"
    assert site.call("MKCOL", "/anna/club/", body, {"Content-Type": kind}, person=anna).status == 201


@pytest.mark.parametrize("root", ["D:mkcalendar", "D:propertyupdate", "C:mkcol"])
def test_another_root_is_not_understood(lasting: Lasting, root: str) -> None:
    """Section 3: bodies with another root than DAV:mkcol are reserved, and answered with 415 (RFC 4918, 9.3)."""
    body = f"<{root} {NAMES}><D:set><D:prop>{ADDRESS_BOOK}</D:prop></D:set></{root}>"
    answer = lasting.site.call("MKCOL", "/anna/club/", body, {"Content-Type": "text/xml"}, person=lasting.circle.anna)
    assert answer.status == 415


@ON_SQLITE
def test_several_sets_are_followed_in_their_order(site: Site, anna: Person) -> None:
    """Section 3: one or more DAV:set, MUST be processed in document order, so that the last title counts."""
    sets = "".join(
        f"<D:set><D:prop>{props}</D:prop></D:set>"
        for props in ("<D:displayname>One</D:displayname>", ADDRESS_BOOK, "<D:displayname>Two</D:displayname>")
    )
    body = f"<D:mkcol {NAMES}>{sets}</D:mkcol>"
    assert site.call("MKCOL", "/anna/club/", body, {"Content-Type": "text/xml"}, person=anna).status == 201
    answer = propfind(site, "/anna/club/", "<D:displayname/><D:resourcetype/>", person=anna)
    assert answer.xml.findtext(".//{DAV:}displayname") == "Two"
    assert answer.xml.find(".//D:resourcetype/C:addressbook", NS) is not None


@ON_SQLITE
@pytest.mark.parametrize(
    ("props", "told"),
    [
        ("<D:resourcetype><D:collection/></D:resourcetype>", {"resourcetype": "valid-resourcetype"}),
        ("<D:resourcetype><C:addressbook/></D:resourcetype>", {"resourcetype": "valid-resourcetype"}),
        (
            '<D:resourcetype><D:collection/><x:y xmlns:x="urn:x"/></D:resourcetype><D:displayname>x</D:displayname>',
            {"resourcetype": "valid-resourcetype", "displayname": None},
        ),
        ("<D:displayname>x</D:displayname>", {"displayname": None, "resourcetype": "valid-resourcetype"}),
        ("", {"resourcetype": "valid-resourcetype"}),
        (ADDRESS_BOOK + "<D:getetag>x</D:getetag>", {"resourcetype": None, "getetag": ""}),
        (
            ADDRESS_BOOK + '<D:displayname>x</D:displayname><x:odd xmlns:x="urn:x"/>',
            {"resourcetype": None, "displayname": None, "odd": ""},
        ),
    ],
)
def test_all_is_set_or_nothing_is_made(site: Site, anna: Person, props: str, told: dict[str, str | None]) -> None:
    """Sections 3 and 3.3: a failure MUST be told in a DAV:mkcol-response, with a propstat for each property."""
    before = snapshot(site, anna)
    answer = mkcol(site, anna, "/anna/club/", props)
    assert (answer.status, answer.xml.tag) == (403, "{DAV:}mkcol-response")
    found = dict[str, str | None]()
    for part in answer.xml:
        (node,) = part.findall("D:prop/*", NS)
        assert [etree.QName(child).localname for child in part][:2] == ["prop", "status"]
        refused = part.findtext("D:status", "", NS) == "HTTP/1.1 403 Forbidden"
        assert refused or part.findtext("D:status", "", NS) == "HTTP/1.1 424 Failed Dependency"
        why = [etree.QName(child).localname for child in part.iterfind("D:error/*", NS)]
        found[etree.QName(node).localname] = "".join(why) if refused else None
    assert found == told
    assert snapshot(site, anna) == before
    assert propfind(site, "/anna/club/", "<D:resourcetype/>", person=anna).status == 404


@ON_SQLITE
def test_a_second_one_does_not_replace_the_first(site: Site, anna: Person) -> None:
    """Section 3: in all other respects it is a MKCOL, which fails where there is something (RFC 4918, 9.3)."""
    mkcol(site, anna, "/anna/club/", ADDRESS_BOOK + "<D:displayname>One</D:displayname>")
    site.call("PUT", "/anna/club/x.vcf", factories.vcard("u"), person=anna)
    assert mkcol(site, anna, "/anna/club/", ADDRESS_BOOK + "<D:displayname>Two</D:displayname>").status == 405
    listed = responses(propfind(site, "/anna/club/", "<D:displayname/>", depth="1", person=anna))
    assert list(listed) == ["/anna/club/", "/anna/club/x.vcf"]
    assert listed["/anna/club/"].findtext(".//{DAV:}displayname") == "One"


@ON_SQLITE
def test_a_plain_mkcol_is_refused(site: Site, anna: Person) -> None:
    """A collection that is no address book cannot be made."""
    answer = site.call("MKCOL", "/anna/club/", "", person=anna)
    assert (answer.status, answer.condition) == (403, "{DAV:}valid-resourcetype")


def test_only_what_was_made_can_be_deleted(site: Site, anna: Person) -> None:
    """An address book of the person's own making goes with its contacts; the first one and the principal stay."""
    mkcol(site, anna, "/anna/club/")
    site.call("PUT", "/anna/club/x.vcf", factories.vcard("u"), person=anna)
    assert site.call("DELETE", "/anna/club/", person=anna).status == 204
    assert report(site, anna, sync_body(), path="/anna/club/").status == 404
    assert site.call("PUT", "/anna/club/x.vcf", factories.vcard("u"), person=anna).status == 409
    for path in ("/anna/contacts/", "/anna/contacts", "/anna/", "/"):
        assert site.call("DELETE", path, person=anna).status == 403
    assert texts(report(site, anna, sync_body("", "<C:address-data/>")))
