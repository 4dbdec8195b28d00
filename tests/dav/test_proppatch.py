"""PROPPATCH: the title of the address book, and nothing that the server looks after."""

from __future__ import annotations

import pytest

from tests.dav.asking import BOOK, NAMES, NS, href_in, propfind, snapshot
from tests.support.people import Person
from tests.support.site import ON_SQLITE, Answer, Circle, Lasting, Site


def proppatch(site: Site, person: Person, names: str, path: str = BOOK) -> Answer:
    body = f"<D:propertyupdate {NAMES}><D:set><D:prop>{names}</D:prop></D:set></D:propertyupdate>"
    return site.call("PROPPATCH", path, body, person=person)


def statuses(answer: Answer) -> list[str]:
    return [node.text or "" for node in answer.xml.findall(".//D:propstat/D:status", NS)]


@ON_SQLITE
def test_a_book_can_be_renamed_and_keeps_its_content(site: Site, anna: Person) -> None:
    before = snapshot(site, anna)
    title = "Freunde &amp; <![CDATA[<Familie>]]>"
    assert statuses(proppatch(site, anna, f"<D:displayname>{title}</D:displayname>")) == ["HTTP/1.1 200 OK"]
    answer = propfind(site, BOOK, "<D:displayname/>", person=anna)
    assert answer.xml.findtext(".//D:displayname", "", NS) == "Freunde & <Familie>"
    assert snapshot(site, anna) == before


@pytest.mark.parametrize(
    "protected",
    [
        "<D:resourcetype/>",
        "<D:getetag>x</D:getetag>",
        "<D:sync-token>x</D:sync-token>",
        "<D:current-user-privilege-set/>",
        "<D:owner><D:href>/ben/</D:href></D:owner>",
        '<x xmlns="urn:x">1</x>',
    ],
)
def test_what_is_protected_is_refused_and_takes_the_rest_along(lasting: Lasting, protected: str) -> None:
    """All or nothing: the property itself is 403 with its precondition, the others fail with it (RFC 4918, 9.2)."""
    answer = proppatch(lasting.site, lasting.circle.anna, f"<D:displayname>New</D:displayname>{protected}")
    assert statuses(answer) == ["HTTP/1.1 424 Failed Dependency", "HTTP/1.1 403 Forbidden"]
    assert answer.xml.find(".//D:error/D:cannot-modify-protected-property", NS) is not None
    title = propfind(lasting.site, BOOK, "<D:displayname/>", person=lasting.circle.anna)
    assert title.xml.findtext(".//D:displayname", "", NS) == "Contacts"


@pytest.mark.parametrize("path", ["/", "/anna/", "/anna/contacts/%C3%A4%20b.vcf"])
def test_outside_the_book_nothing_can_be_set(lasting: Lasting, path: str) -> None:
    """The refusal is about the very resource that was named."""
    answer = proppatch(lasting.site, lasting.circle.anna, "<D:displayname>x</D:displayname>", path)
    assert statuses(answer) == ["HTTP/1.1 403 Forbidden"]
    assert answer.xml.findtext(".//D:href", "", NS) == path


@ON_SQLITE
def test_a_card_of_one_s_own_can_be_named_on_a_mac(site: Site, circle: Circle) -> None:
    """An old Mac crashes where it cannot say which card is its user's; what it may not say is refused."""
    for path, status in ((circle.own, 207), ("http://evercard.test" + circle.entry, 207), ("/ben/contacts/x.vcf", 409)):
        me = f"<S:me-card><D:href>{path}</D:href></S:me-card>"
        answer = proppatch(site, circle.anna, me, "/anna/")
        assert answer.status == status
        assert status != 207 or statuses(answer) == ["HTTP/1.1 200 OK"]
        if status == 207:
            found = propfind(site, "/anna/", "<S:me-card/>", person=circle.anna)
            assert path.endswith(href_in(found, "S:me-card"))
