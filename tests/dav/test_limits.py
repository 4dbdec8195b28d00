"""Answers that end before everything is told, and cards of which a part is told."""

from __future__ import annotations

import pytest

from tests.dav.asking import BOOK, ETAG, multiget_body, present, query_body, report, responses, sync_body, texts
from tests.support import factories
from tests.support.people import Person
from tests.support.site import ON_SQLITE, Answer, Site

LIMIT = "<D:limit><D:nresults>{}</D:nresults></D:limit>"


def fill(site: Site, person: Person, count: int) -> None:
    """Store *count* private contacts."""
    for number in range(count):
        data = factories.vcard(f"uid-{number}", "NOTE:a", "item1.TEL:+1 555 0100", "item1.X-ABLabel:Desk")
        factories.put(site.database, person.id, f"{number}.vcf", data)


def page(site: Site, person: Person, token: str, count: int) -> tuple[Answer, str, bool]:
    """Ask for at most *count* changes; return the answer, its token, and whether there is more."""
    body = sync_body(token).replace("</D:sync-collection>", LIMIT.format(count) + "</D:sync-collection>")
    answer = report(site, person, body)
    more = "HTTP/1.1 507 Insufficient Storage" in answer.body.decode()
    return answer, answer.xml.findtext("{DAV:}sync-token", ""), more


@pytest.mark.parametrize("count", [1, 3, 100])
def test_nothing_is_lost_between_the_pages_of_a_synchronization(site: Site, anna: Person, count: int) -> None:
    """A client that asks for a few entries at a time ends with what one has that asks for all, also at first."""
    fill(site, anna, 7)
    token, more, held, pages = "", True, dict[str, str](), 0
    while more:
        answer, token, more = page(site, anna, token, count)
        found = {href: etag for href, etag in present(answer).items() if href != BOOK}
        assert len(found) <= count
        held |= found
        pages += 1
        if pages == 2:
            factories.put(site.database, anna.id, "0.vcf", factories.vcard("uid-0", "NOTE:b"))
            factories.delete(site.database, anna.id, "1.vcf")
            held.pop(f"{BOOK}1.vcf", None)
    assert held == present(report(site, anna, sync_body()))
    answer, again, more = page(site, anna, token, count)
    assert (again, more) == (token, False)


def test_an_answer_that_ends_early_says_so_of_the_address_book(site: Site, anna: Person) -> None:
    """The address book itself is answered with 507 and the condition, as RFC 6578, 3.6 has it."""
    fill(site, anna, 3)
    answer, _, more = page(site, anna, "", 2)
    assert more
    book = responses(answer)[BOOK]
    assert book.findtext("{DAV:}status") == "HTTP/1.1 507 Insufficient Storage"
    assert book.find("{DAV:}error/{DAV:}number-of-matches-within-limits") is not None


@ON_SQLITE
def test_a_query_ends_at_its_limit(site: Site, anna: Person) -> None:
    """A query finds no more than was asked for, and says that there is more (RFC 6352, 8.6.1)."""
    fill(site, anna, 3)
    limit = "<C:limit><C:nresults>2</C:nresults></C:limit>"
    answer = report(site, anna, query_body('<C:prop-filter name="NOTE"/>', ETAG, rest=limit))
    assert len([href for href in responses(answer) if href != BOOK]) == 2
    assert responses(answer)[BOOK].findtext("{DAV:}status") == "HTTP/1.1 507 Insufficient Storage"


@ON_SQLITE
@pytest.mark.parametrize("count", ["0", "-1", "x", "", "1e3"])
def test_a_limit_that_is_no_number_is_refused(site: Site, anna: Person, count: str) -> None:
    """Neither report guesses what was meant."""
    body = sync_body().replace("</D:sync-collection>", LIMIT.format(count) + "</D:sync-collection>")
    assert report(site, anna, body).status == 400


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
