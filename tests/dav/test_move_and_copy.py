"""What MOVE and COPY do to an address book besides what `test_rfc4918_methods` has: UIDs, and the cards of people."""

from __future__ import annotations

import pytest

from tests.dav.asking import snapshot
from tests.dav.test_rfc4918_methods import DATA, transfer
from tests.dav.test_rfc5689 import mkcol
from tests.support import factories
from tests.support.people import Person
from tests.support.site import ON_SQLITE, Circle, Site


def test_a_copy_leaves_what_it_was_made_of(site: Site, anna: Person) -> None:
    """Afterwards there are two, in two address books; in one, their UIDs would conflict (`test_rfc6352_writing`)."""
    mkcol(site, anna, "/anna/club/")
    site.call("PUT", "/anna/contacts/x.vcf", DATA, person=anna)
    assert transfer(site, anna, "COPY", "/anna/contacts/x.vcf", "/anna/club/x.vcf").status == 201
    for path in ("/anna/contacts/x.vcf", "/anna/club/x.vcf"):
        assert site.call("GET", path, person=anna).body == DATA


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
