"""The addressbook-multiget report (RFC 6352, 8.7): entries by name, as many as a client likes."""

from __future__ import annotations

import pytest

from sync.books import entries
from sync.database.engine import Session
from tests.dav.asking import BOOK, DATA, NS, gone, multiget_body, present, propfind, report, responses, sync_body, texts
from tests.support import factories
from tests.support.site import ON_SQLITE, Circle, Lasting, Site


@pytest.mark.parametrize(
    "href",
    [
        *("/ben/contacts/x.vcf", "/nobody/contacts/x.vcf", "/anna/contacts/", "/anna/", "/", "", "x.vcf", "//", "%"),
        *(
            "../ben/contacts/",
            "http://evil.example/anna/contacts/x.vcf",
            "mailto:x",
            "/anna/contacts/%ff.vcf",
            "http://[",
        ),
        *(
            "/anna/contacts/../x",
            "/anna/elsewhere/x.vcf",
            "/anna/contacts/.x.vcf",
            "/anna/contacts/a/b.vcf",
            "x" * 60_000,
        ),
    ],
)
def test_an_href_of_something_else_is_not_there(lasting: Lasting, href: str) -> None:
    """Whatever it is, it is answered as missing under the very href that was sent, so that the client can match it."""
    answer = report(lasting.site, lasting.circle.anna, multiget_body([href, lasting.circle.entry]))
    assert list(texts(answer)) == [lasting.circle.entry]
    assert len(gone(answer)) == 1
    if not href.startswith("http://evil"):
        assert gone(answer) == {href}


def test_an_href_may_be_a_whole_url(lasting: Lasting) -> None:
    """A URL with scheme and host names the entry of its path, and the answer has the one spelling of it."""
    entry = lasting.circle.entry
    answer = report(lasting.site, lasting.circle.anna, multiget_body([f"http://evercard.test{entry}"]))
    assert list(texts(answer)) == [entry]


def test_an_entry_asked_for_twice_comes_once(lasting: Lasting) -> None:
    entry = lasting.circle.entry
    spelled = entry.replace("-", "%2D")
    answer = report(lasting.site, lasting.circle.anna, multiget_body([entry, entry, spelled, BOOK + "x", BOOK + "%78"]))
    assert sorted(responses(answer)) == sorted([entry, BOOK + "x"])


@pytest.mark.parametrize("count", [500, 5_000])
def test_many_hrefs_are_one_answer(lasting: Lasting, count: int) -> None:
    """Thunderbird names 500 entries at a time and vdirsyncer all that there are."""
    circle = lasting.circle
    asked = [BOOK + f"{number}.vcf" for number in range(count)]
    answer = report(
        lasting.site, circle.anna, multiget_body([*asked[: count // 2], circle.entry, *asked[count // 2 :]])
    )
    assert list(texts(answer)) == [circle.entry]
    assert gone(answer) == set(asked)


@ON_SQLITE
def test_every_one_of_many_cards_comes(site: Site, circle: Circle) -> None:
    """More cards than fit into one statement or into memory at once arrive whole, each under its own name."""
    note = "x" * 2_000

    def fill(session: Session) -> None:
        book = factories.book_in(session, circle.anna.id)
        for number in range(1_100):
            data = factories.vcard(f"uid-{number}", f"NOTE:{note}")
            entries.write(session, book, f"{number}.vcf", data, factories.anyway)

    site.database.write(fill)
    asked = [BOOK + f"{number}.vcf" for number in range(1_100)]
    answer = report(site, circle.anna, multiget_body(asked))
    assert set(texts(answer)) == set(asked)
    assert all(f"UID:uid-{href[len(BOOK) : -4]}\r\n" in text for href, text in texts(answer).items())
    assert texts(report(site, circle.anna, sync_body("", DATA))).items() >= texts(answer).items()


def test_all_that_clients_ask_of_an_entry_is_there(lasting: Lasting) -> None:
    """The constant properties of reports and listings: vdirsyncer drops an entry without a type of content."""
    names = "<D:resourcetype/><D:getcontenttype/><D:getetag/><D:getlastmodified/><D:getcontentlength/>"
    circle = lasting.circle
    for answer in (
        report(lasting.site, circle.anna, multiget_body([circle.entry], names + "<C:address-data/>")),
        propfind(lasting.site, circle.entry, names + "<C:address-data/>", person=circle.anna),
    ):
        node = responses(answer)[circle.entry]
        assert [status.text for status in node.findall("D:propstat/D:status", NS)] == ["HTTP/1.1 200 OK"]
        assert node.findtext(".//D:getcontenttype", "", NS).startswith("text/vcard")
        text = node.findtext(".//C:address-data", "", NS)
        assert node.findtext(".//D:getcontentlength", "", NS) == str(len(text.encode()))
        assert [len(kind) for kind in node.findall(".//D:resourcetype", NS)] == [0]


def test_a_listing_for_vdirsyncer_has_etag_and_type_of_every_entry(lasting: Lasting) -> None:
    names = "<D:resourcetype/><D:getcontenttype/><D:getetag/>"
    answer = propfind(lasting.site, BOOK, names, depth="1", person=lasting.circle.anna)
    listed = {href: node for href, node in responses(answer).items() if href != BOOK}
    assert set(listed) == {lasting.circle.entry, lasting.circle.own}
    for node in listed.values():
        assert node.findtext(".//D:getcontenttype", "", NS).startswith("text/vcard")
        assert node.findtext(".//D:getetag", "", NS).startswith('"')
    assert {etag for href, etag in present(answer).items() if href == BOOK} == {""}
