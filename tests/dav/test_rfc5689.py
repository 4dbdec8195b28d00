"""Extended MKCOL, RFC 5689, and DELETE of what was made by it."""

from __future__ import annotations

import pytest

from sync import credentials
from tests.dav.asking import NAMES, present, propfind, report, responses, snapshot, sync_body, texts
from tests.support import factories
from tests.support.people import Person
from tests.support.site import ON_SQLITE, Answer, Site

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


@ON_SQLITE
@pytest.mark.parametrize(
    ("path", "props", "status"),
    [
        ("/anna/contacts/", ADDRESS_BOOK, 405),
        ("/anna/", ADDRESS_BOOK, 405),
        ("/", ADDRESS_BOOK, 405),
        ("/anna/contacts/deep/", ADDRESS_BOOK, 403),
        ("/anna/contacts/deep", ADDRESS_BOOK, 403),
        ("/ben/club/", ADDRESS_BOOK, 403),
        ("/anna/club/", "<D:resourcetype><D:collection/></D:resourcetype>", 403),
        ("/anna/club/", "", 403),
        ("/anna/club/", ADDRESS_BOOK + "<D:getetag>x</D:getetag>", 403),
    ],
)
def test_nothing_else_can_be_made(site: Site, anna: Person, path: str, props: str, status: int) -> None:
    """Where there is something, where there can be nothing, and what is no address book is refused (section 3.3)."""
    before = snapshot(site, anna)
    answer = mkcol(site, anna, path, props)
    assert answer.status in (status, 404)
    assert answer.body
    assert snapshot(site, anna) == before


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
