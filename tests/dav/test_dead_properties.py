"""
Dead properties, RFC 4918, 4: what clients note about a home, an address book or a contact is kept as they wrote it.

What does not apply, or is done otherwise: nothing is kept about a card of somebody who keeps it themselves.
"""

from __future__ import annotations

import pytest
from lxml import etree

from sync.revisions import dead_properties
from tests.dav.asking import BOOK, NAMES, NS, propfind, put, report, responses, since, statuses
from tests.dav.test_rfc4918_properties import OK
from tests.dav.test_rfc4918_proppatch import FAILED, FORBIDDEN, proppatch, removing, setting, title
from tests.support import factories
from tests.support.people import Person
from tests.support.site import ON_SQLITE, Circle, Site

pytestmark = ON_SQLITE
MISSING = "HTTP/1.1 404 Not Found"
CARD = BOOK + "one.vcf"
WHERE = pytest.mark.parametrize("path", ["/anna/", BOOK, CARD])
X = 'xmlns:x="urn:x"'
COLOUR = f'<x:colour {X} xml:lang="de" x:a="1&amp;2">rot &lt;<x:b/>&#13; 红</x:colour>'


@pytest.fixture(autouse=True)
def _contact(site: Site, circle: Circle) -> None:
    put(site, circle.anna, CARD, factories.vcard("one"))


def colour(site: Site, person: Person, path: str, name: str = f"<x:colour {X}/>") -> etree._Element | None:
    """Return a property as it is answered, None where it is told not to be there."""
    answer = propfind(site, path, name, person=person)
    (status,) = statuses(answer).values()
    node = answer.xml.find("D:response/D:propstat/D:prop/*", NS)
    assert node is not None
    assert status == OK or (status == MISSING and not len(node) and not node.text)
    return node if status == OK else None


def canonical(node: etree._Element) -> bytes:
    text = etree.tostring(node, with_tail=False)
    return etree.tostring(etree.fromstring(text), method="c14n", exclusive=True)


@WHERE
def test_what_a_client_notes_is_kept_as_it_wrote_it(site: Site, circle: Circle, path: str) -> None:
    """Sections 4.3 and 9.2: attributes, languages and what is inside of it stay; to remove it leaves nothing."""
    anna = circle.anna
    assert statuses(proppatch(site, anna, setting(COLOUR), path)) == {"colour": OK}
    found = colour(site, anna, path)
    assert found is not None
    assert canonical(found) == canonical(etree.fromstring(COLOUR))
    assert statuses(proppatch(site, anna, setting(f"<x:colour {X}>blue</x:colour>"), path)) == {"colour": OK}
    changed = colour(site, anna, path)
    assert changed is not None
    assert (changed.text, dict(changed.attrib)) == ("blue", {})
    assert statuses(proppatch(site, anna, removing(f"<x:colour {X}/>"), path)) == {"colour": OK}
    assert colour(site, anna, path) is None


@WHERE
def test_the_language_of_what_it_is_in_is_its_language(site: Site, circle: Circle, path: str) -> None:
    """Section 4.3: xml:lang in scope is part of the value, wherever it stands."""
    body = f'<D:propertyupdate {NAMES} xml:lang="fr"><D:set><D:prop><x:colour {X}>rouge</x:colour></D:prop></D:set>'
    answer = site.call("PROPPATCH", path, body + "</D:propertyupdate>", person=circle.anna)
    assert statuses(answer) == {"colour": OK}
    found = colour(site, circle.anna, path)
    assert found is not None
    assert found.get("{http://www.w3.org/XML/1998/namespace}lang") == "fr"


@WHERE
def test_all_and_the_names_of_all_have_them(site: Site, circle: Circle, path: str) -> None:
    """Sections 9.1 and 14.2: allprop returns dead properties, and propname their names."""
    proppatch(site, circle.anna, setting(COLOUR), path)
    for content, is_full in (("<D:allprop/>", True), ("<D:propname/>", False)):
        body = f"<D:propfind {NAMES}>{content}</D:propfind>"
        answer = site.call("PROPFIND", path, body, {"Depth": "0"}, person=circle.anna)
        node = answer.xml.find(".//{urn:x}colour")
        assert node is not None
        assert bool(node.text) is is_full


def test_members_say_theirs_in_every_listing(site: Site, circle: Circle) -> None:
    proppatch(site, circle.anna, setting(COLOUR), CARD)
    put(site, circle.anna, BOOK + "two.vcf", factories.vcard("two"))
    names = f"<D:getetag/><x:colour {X}/>"
    for answer in (
        propfind(site, BOOK, names, depth="1", person=circle.anna),
        since(site, circle.anna, names=names),
    ):
        found = responses(answer)
        assert {href: node.findtext(".//{urn:x}colour", "") != "" for href, node in found.items()} == {
            href: href == CARD for href in found
        }
        assert "200" in found[CARD].findtext("D:propstat/D:status", "", NS)


@pytest.mark.parametrize("name", ["own", "entry"])
def test_a_card_that_is_kept_elsewhere_takes_none(site: Site, circle: Circle, name: str) -> None:
    answer = proppatch(site, circle.anna, setting(COLOUR), getattr(circle, name))
    assert statuses(answer) == {"colour": FORBIDDEN}


def test_they_go_with_the_contact_and_stay_with_its_next_state(site: Site, circle: Circle) -> None:
    proppatch(site, circle.anna, setting(COLOUR), CARD)
    put(site, circle.anna, CARD, factories.vcard("one", "NOTE:new"))
    assert colour(site, circle.anna, CARD) is not None
    site.call("DELETE", CARD, person=circle.anna)
    put(site, circle.anna, CARD, factories.vcard("one"))
    assert colour(site, circle.anna, CARD) is None


@pytest.mark.parametrize("method", ["COPY", "MOVE"])
def test_they_go_along_to_another_place(site: Site, circle: Circle, method: str) -> None:
    """Sections 9.8.2 and 9.9.1."""
    proppatch(site, circle.anna, setting(COLOUR), CARD)
    site.call("MKCOL", "/anna/club/", ADDRESS_BOOK, person=circle.anna)
    answer = site.call(method, CARD, b"", {"Destination": "/anna/club/x.vcf"}, person=circle.anna)
    assert answer.status == 201
    assert colour(site, circle.anna, "/anna/club/x.vcf") is not None


ADDRESS_BOOK = (
    f"<D:mkcol {NAMES}><D:set><D:prop><D:resourcetype><D:collection/><C:addressbook/></D:resourcetype></D:prop></D:set>"
    "</D:mkcol>"
)


def test_a_book_that_is_made_again_has_none(site: Site, circle: Circle) -> None:
    for _ in range(2):
        assert site.call("MKCOL", "/anna/club/", ADDRESS_BOOK, person=circle.anna).status == 201
        assert colour(site, circle.anna, "/anna/club/") is None
        proppatch(site, circle.anna, setting(COLOUR), "/anna/club/")
        assert site.call("DELETE", "/anna/club/", person=circle.anna).status == 204


def test_they_are_bounded(site: Site, circle: Circle) -> None:
    """Section 9.2.1: 507 for what cannot be kept, and nothing of the request is done."""
    many = "".join(f"<x:n{number} {X}>1</x:n{number}>" for number in range(dead_properties.MOST + 1))
    for content, names in ((many, dead_properties.MOST + 1), (f"<x:big {X}>{'x' * 10_000}</x:big>", 1)):
        answer = proppatch(site, circle.anna, setting(f"<D:displayname>New</D:displayname>{content}"))
        found = statuses(answer)
        assert len(found) == names + 1
        assert set(found.values()) == {FAILED, "HTTP/1.1 507 Insufficient Storage"}
        assert title(site, circle.anna) == "Contacts"
    assert colour(site, circle.anna, BOOK, f"<x:n0 {X}/>") is None


@pytest.mark.parametrize("name", ["D:displayname", "C:addressbook-description"])
def test_title_and_purpose_say_what_is_stored_and_can_be_removed(site: Site, circle: Circle, name: str) -> None:
    """With the language that they are in; a title that is too long is not cut off without a word."""
    anna = circle.anna
    local = name.partition(":")[2]
    assert statuses(proppatch(site, anna, setting(f'<{name} xml:lang="de">Leute &amp; mehr</{name}>'))) == {local: OK}
    found = colour(site, anna, BOOK, f"<{name}/>")
    assert found is not None
    assert (found.text, *found.attrib.values()) == ("Leute & mehr", "de")
    assert statuses(proppatch(site, anna, setting(f"<{name}>People</{name}>"))) == {local: OK}
    found = colour(site, anna, BOOK, f"<{name}/>")
    assert found is not None
    assert (found.text, *found.attrib.values()) == ("People",)
    long = "x" * 3_000
    assert statuses(proppatch(site, anna, setting(f"<{name}>{long}</{name}>"))) == {
        local: "HTTP/1.1 507 Insufficient Storage"
    }
    assert statuses(proppatch(site, anna, removing(f"<{name}/>"))) == {local: OK}
    assert colour(site, anna, BOOK, f"<{name}/>") is None
    assert report(site, anna, f"<C:addressbook-multiget {NAMES}><D:prop/></C:addressbook-multiget>").status < 500
