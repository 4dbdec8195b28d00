"""Answers that end before everything is told, and cards of which a part is told."""

from __future__ import annotations

from tests.dav.asking import BOOK, ETAG, multiget_body, query_body, report, responses, texts
from tests.support import factories
from tests.support.people import Person
from tests.support.site import ON_SQLITE, Site

LIMIT = "<D:limit><D:nresults>{}</D:nresults></D:limit>"


def fill(site: Site, person: Person, count: int) -> None:
    """Store *count* private contacts."""
    for number in range(count):
        data = factories.vcard(f"uid-{number}", "NOTE:a", "item1.TEL:+1 555 0100", "item1.X-ABLabel:Desk")
        factories.put(site.database, person.id, f"{number}.vcf", data)


@ON_SQLITE
def test_a_query_ends_at_its_limit(site: Site, anna: Person) -> None:
    """A query finds no more than was asked for, and says that there is more (RFC 6352, 8.6.1)."""
    fill(site, anna, 3)
    limit = "<C:limit><C:nresults>2</C:nresults></C:limit>"
    answer = report(site, anna, query_body('<C:prop-filter name="NOTE"/>', ETAG, rest=limit))
    assert len([href for href in responses(answer) if href != BOOK]) == 2
    assert responses(answer)[BOOK].findtext("{DAV:}status") == "HTTP/1.1 507 Insufficient Storage"


@ON_SQLITE
def test_a_part_of_a_card_is_what_was_asked_for(site: Site, anna: Person) -> None:
    """address-data has the named properties, in every group, without their values where that is asked."""
    fill(site, anna, 1)
    parts = '<C:prop name="FN"/><C:prop name="tel"/><C:prop name="NOTE" novalue="yes"/><C:prop name="item1.X-ABLABEL"/>'
    names = f"<C:address-data>{parts}</C:address-data>"
    (card,) = texts(report(site, anna, multiget_body([f"{BOOK}0.vcf"], names))).values()
    assert card == (
        "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Private Person\r\nNOTE:\r\n"
        "item1.TEL:+1 555 0100\r\nitem1.X-ABLabel:Desk\r\nEND:VCARD\r\n"
    )
