"""MOVE and COPY of private contacts, RFC 4918, 9.8 and 9.9."""

from __future__ import annotations

import pytest

from tests.dav.asking import present, report, snapshot, sync_body
from tests.dav.test_rfc5689 import mkcol
from tests.support import factories
from tests.support.people import Person
from tests.support.site import ON_SQLITE, Answer, Circle, Site

DATA = factories.vcard("u", "NOTE:a")


def transfer(site: Site, person: Person, method: str, source: str, target: str, **headers: str) -> Answer:
    """Send a MOVE or a COPY."""
    return site.call(method, source, "", {"Destination": target, **headers}, person=person)


def test_a_contact_moves_to_another_name_and_book(site: Site, anna: Person) -> None:
    """The bytes stay, the old name is gone for whoever synchronizes, and the destination may be a whole URL."""
    mkcol(site, anna, "/anna/club/")
    site.call("PUT", "/anna/contacts/x.vcf", DATA, person=anna)
    token = report(site, anna, sync_body()).xml.findtext("{DAV:}sync-token", "")
    assert transfer(site, anna, "MOVE", "/anna/contacts/x.vcf", "http://localhost/anna/club/y%20z.vcf").status == 201
    assert site.call("GET", "/anna/club/y%20z.vcf", person=anna).body == DATA
    assert site.call("GET", "/anna/contacts/x.vcf", person=anna).status == 404
    assert b"HTTP/1.1 404 Not Found" in report(site, anna, sync_body(token)).body


def test_overwriting_is_as_the_header_says(site: Site, anna: Person) -> None:
    """Overwrite: F leaves both as they were with 412; otherwise what was there is replaced with 204."""
    mkcol(site, anna, "/anna/club/")
    paths = ("/anna/contacts/x.vcf", "/anna/club/y.vcf")
    for path, note in zip(paths, "ab", strict=True):
        site.call("PUT", path, factories.vcard("u", f"NOTE:{note}"), person=anna)
    before = present(report(site, anna, sync_body()))
    assert transfer(site, anna, "MOVE", *paths, Overwrite="F").status == 412
    assert present(report(site, anna, sync_body())) == before
    assert transfer(site, anna, "MOVE", *paths).status == 204
    assert site.call("GET", paths[1], person=anna).body == factories.vcard("u", "NOTE:a")


def test_a_copy_leaves_what_it_was_made_of(site: Site, anna: Person) -> None:
    """Afterwards there are two, in two address books; in one, their UIDs would conflict (`test_rfc6352_writing`)."""
    mkcol(site, anna, "/anna/club/")
    site.call("PUT", "/anna/contacts/x.vcf", DATA, person=anna)
    assert transfer(site, anna, "COPY", "/anna/contacts/x.vcf", "/anna/club/x.vcf").status == 201
    for path in ("/anna/contacts/x.vcf", "/anna/club/x.vcf"):
        assert site.call("GET", path, person=anna).body == DATA


@ON_SQLITE
@pytest.mark.parametrize("method", ["MOVE", "COPY"])
@pytest.mark.parametrize(
    "target",
    ["", "/", "/anna/", "/anna/contacts/", "/ben/contacts/x.vcf", "/anna/none/x.vcf", "/anna/contacts/x.vcf", "x.vcf"],
)
def test_no_contact_goes_where_there_is_no_place(site: Site, anna: Person, method: str, target: str) -> None:
    """A destination that is no entry of an own address book, or the source itself, is refused."""
    site.call("PUT", "/anna/contacts/x.vcf", DATA, person=anna)
    before = snapshot(site, anna)
    assert transfer(site, anna, method, "/anna/contacts/x.vcf", target).status in (403, 409)
    assert snapshot(site, anna) == before


@ON_SQLITE
@pytest.mark.parametrize("method", ["MOVE", "COPY"])
def test_cards_of_people_are_neither_moved_nor_replaced(site: Site, anna: Person, circle: Circle, method: str) -> None:
    """The own card and those of connections stay, and so do address books and the principal."""
    site.call("PUT", "/anna/contacts/x.vcf", DATA, person=anna)
    before = snapshot(site, anna)
    for owner in (circle.anna, circle.ben):
        card = f"/anna/contacts/{factories.href_of(site.database, anna.id, owner.id)}"
        assert transfer(site, anna, method, card, "/anna/contacts/y.vcf").status == 403
        assert transfer(site, anna, method, "/anna/contacts/x.vcf", card).status == 403
    for path in ("/anna/contacts/", "/anna/", "/"):
        assert transfer(site, anna, method, path, "/anna/other/").status == 403
    assert snapshot(site, anna) == before
