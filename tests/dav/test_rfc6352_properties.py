"""
What a server says of address books and principals, as RFC 6352, 6.1, 6.2, 7.1 and 8.3.1 has it.

`test_rfc6352_resources` says where the other sections are. What these require is a test here, or else one of these:

* 6.2 and 7.1, "MUST be preserved in COPY and MOVE operations", of every property: neither an address book nor a
  principal can be copied or moved.
* 6.2.1, "the xml:lang attribute can be used": it is accepted, and not kept.
* 6.2.2, "any attempt [...] to store [...] a media type not listed MUST result in an error": kept but for vCard 2.1,
  which old phones and exports have. It is stored as it came and served in 3.0 or 4.0 to whoever asks; it is not listed,
  so that nobody asks for it. Of types of content, the names are taken that vCard had before, and those that say
  nothing; the card itself must be one in any case.
* 7.1.1 and 7.1.2, "MAY be protected": both are. Which card is principal-address is chosen by ``CS:me-card``.
"""

from __future__ import annotations

from xml.sax.saxutils import escape

import pytest

from sync.vcard import parse
from tests.dav.asking import (
    BOOK,
    CARD,
    NAMES,
    NS,
    href_in,
    place,
    propertyupdate,
    propfind,
    put,
    responses,
    snapshot,
    statuses,
)
from tests.dav.test_discovery import HOME, IOS_PRINCIPAL, books
from tests.dav.test_rfc5689 import ADDRESS_BOOK, mkcol
from tests.support import factories
from tests.support.people import Person
from tests.support.site import ON_SQLITE, Lasting, Site

DESCRIPTION = '<C:addressbook-description xml:lang="en">{}</C:addressbook-description>'
OF_BOOKS = ("supported-address-data", "max-resource-size", "supported-collation-set")
OF_PRINCIPALS = ("addressbook-home-set", "principal-address")
PROTECTED = [*((name, BOOK) for name in OF_BOOKS), *((name, "/anna/") for name in OF_PRINCIPALS)]


@pytest.mark.parametrize("which", ["root", "principal", "book", "own", "entry"])
def test_every_resource_says_that_it_is_carddav(lasting: Lasting, which: str) -> None:
    """OPTIONS on any resource that has to do with address books has "addressbook" in DAV (6.1)."""
    answer = lasting.site.call("OPTIONS", place(lasting.circle, which), person=lasting.circle.anna)
    assert answer.status == 200
    assert {"1", "3", "addressbook"} <= set(answer.header("DAV").split(", "))


@ON_SQLITE
@pytest.mark.parametrize("path", [BOOK, "/anna/club/"])
def test_every_address_book_has_the_properties(site: Site, anna: Person, path: str) -> None:
    """The media types, the largest size and the collations are told of each, also of one by MKCOL (6.2, 8.3.1)."""
    mkcol(site, anna, "/anna/club/")
    names = "".join(f"<C:{name}/>" for name in OF_BOOKS)
    answer = propfind(site, path, names, person=anna)
    types = [dict(node.attrib) for node in answer.xml.iterfind(".//C:supported-address-data/C:address-data-type", NS)]
    assert types == [{"content-type": "text/vcard", "version": version} for version in ("3.0", "4.0")]
    size = answer.xml.findtext(".//C:max-resource-size", "", NS)
    assert size.isdecimal()
    assert int(size) >= 256 * 1024
    told = [node.text for node in answer.xml.iterfind(".//C:supported-collation-set/C:supported-collation", NS)]
    assert {"i;ascii-casemap", "i;unicode-casemap"} <= set(told)
    assert len(told) == len(set(told))


@pytest.mark.parametrize("which", ["own", "entry"])
def test_whatever_answers_queries_tells_its_collations(lasting: Lasting, which: str) -> None:
    """Any resource that supports reports that use collations has the set of them (8.3): a card too."""
    (of_book, of_card) = (
        propfind(lasting.site, where, "<C:supported-collation-set/>", person=lasting.circle.anna)
        for where in (BOOK, place(lasting.circle, which))
    )
    told = [
        [node.text for node in answer.xml.iterfind(".//C:supported-collation", NS)] for answer in (of_book, of_card)
    ]
    assert told[0]
    assert told[0] == told[1]


@pytest.mark.parametrize(("name", "path"), PROTECTED)
def test_what_the_server_says_of_itself_is_protected(lasting: Lasting, name: str, path: str) -> None:
    """Setting it is refused, and it stays (6.2.2, 6.2.3, 8.3.1: MUST; 7.1.1, 7.1.2: MAY)."""
    anna, site = lasting.circle.anna, lasting.site
    before = propfind(site, path, f"<C:{name}/>", person=anna)
    body = propertyupdate(f"<D:set><D:prop><C:{name}>1</C:{name}></D:prop></D:set>")
    answer = site.call("PROPPATCH", path, body, person=anna)
    assert statuses(answer) == {name: "HTTP/1.1 403 Forbidden"}
    assert answer.xml.find(".//D:error/D:cannot-modify-protected-property", NS) is not None
    assert propfind(site, path, f"<C:{name}/>", person=anna).body == before.body


@pytest.mark.parametrize("path", [BOOK, "/anna/"])
@pytest.mark.parametrize("body", ["", f"<D:propfind {NAMES}><D:allprop/></D:propfind>"], ids=["empty", "allprop"])
def test_who_asks_for_all_properties_gets_none_of_these(lasting: Lasting, path: str, body: str) -> None:
    """Each of them SHOULD NOT be returned by DAV:allprop (6.2.1 to 6.2.3, 7.1.1, 7.1.2, 8.3.1)."""
    answer = lasting.site.call("PROPFIND", path, body, {"Depth": "1"}, person=lasting.circle.anna)
    found = {str(node.tag) for node in answer.xml.iterfind(".//D:prop/*", NS)}
    assert "{DAV:}resourcetype" in found
    assert {name for name in found if name.startswith(CARD)} == set()


@pytest.mark.parametrize(("name", "path"), PROTECTED)
def test_who_asks_for_the_names_of_properties_is_told_these(lasting: Lasting, name: str, path: str) -> None:
    """DAV:propname has every property that is there (RFC 4918, 9.1)."""
    body = f"<D:propfind {NAMES}><D:propname/></D:propfind>"
    answer = lasting.site.call("PROPFIND", path, body, {"Depth": "0"}, person=lasting.circle.anna)
    assert answer.xml.find(f".//D:prop/C:{name}", NS) is not None


@ON_SQLITE
@pytest.mark.parametrize("name", ["contacts", "club"])
def test_the_largest_card_is_as_large_as_is_told(site: Site, anna: Person, name: str) -> None:
    """A card of exactly this many octets is stored, and one of an octet more is refused with its condition (6.2.3)."""
    mkcol(site, anna, "/anna/club/")
    path = f"/anna/{name}/"
    told = propfind(site, path, "<C:max-resource-size/>", person=anna).xml.findtext(".//C:max-resource-size", "", NS)
    room = int(told) - len(factories.vcard("x", "NOTE:"))
    # No line may be longer than what some programs can read.
    lines = ["NOTE:" + "x" * (room % 1000), *["NOTE:" + "x" * (1000 - 7)] * (room // 1000)]
    data = factories.vcard("x", *lines)
    assert len(data) == int(told)
    assert put(site, anna, path + "x.vcf", data).status == 201
    answer = put(site, anna, path + "x.vcf", data.replace(b"NOTE:x", b"NOTE:xx", 1))
    assert (answer.status, answer.condition) == (403, f"{CARD}max-resource-size")
    assert site.call("GET", path + "x.vcf", person=anna).body == data


@pytest.mark.parametrize("octets", [8 * 1024 * 1024 + 1, 9 * 1024 * 1024])
def test_a_card_that_is_not_even_read_is_refused_for_its_size(lasting: Lasting, octets: int) -> None:
    """However large it is, the condition is the same (6.2.3)."""
    data = factories.vcard("x", "NOTE:" + "x" * octets)
    answer = put(lasting.site, lasting.circle.anna, BOOK + "x.vcf", data)
    assert (answer.status, answer.condition) == (413, f"{CARD}max-resource-size")


@pytest.mark.parametrize("names", [HOME, IOS_PRINCIPAL, f"<D:displayname/><D:group-membership/>{HOME}"])
def test_the_principal_names_its_home(lasting: Lasting, names: str) -> None:
    """addressbook-home-set has the collection that the person's address books are in (7.1.1)."""
    anna, site = lasting.circle.anna, lasting.site
    home = href_in(propfind(site, "/anna/", names, person=anna), "C:addressbook-home-set")
    listed = propfind(site, home, "<D:resourcetype/><D:owner/>", depth="1", person=anna)
    assert books(listed) == [BOOK]
    assert responses(listed)[BOOK].findtext(".//D:owner/D:href", "", NS) == "/anna/"


def test_the_principal_names_its_own_card(lasting: Lasting) -> None:
    """principal-address has the address object resource of the person themselves (7.1.2)."""
    anna, site = lasting.circle.anna, lasting.site
    path = href_in(propfind(site, "/anna/", "<C:principal-address/>", person=anna), "C:principal-address")
    assert path == lasting.circle.own
    (card,) = parse(site.call("GET", path, person=anna).body)
    assert card.uid


@pytest.mark.parametrize("which", ["root", "book", "own", "entry"])
def test_what_is_no_principal_has_no_home(lasting: Lasting, which: str) -> None:
    """The properties of section 7.1 are those of principals."""
    names = "".join(f"<C:{name}/>" for name in OF_PRINCIPALS)
    answer = propfind(lasting.site, place(lasting.circle, which), names, person=lasting.circle.anna)
    assert b"200 OK" not in answer.body


WORDS = "Bücher & <Freunde>\n of the club"


@ON_SQLITE
@pytest.mark.parametrize("path", [BOOK, "/anna/club/"])
def test_people_say_what_an_address_book_is_for(site: Site, anna: Person, path: str) -> None:
    """The description SHOULD NOT be protected: it can be set, replaced and removed (6.2.1)."""
    mkcol(site, anna, "/anna/club/")
    before = snapshot(site, anna)
    for change, expected in (
        (f"<D:set><D:prop>{DESCRIPTION.format(escape(WORDS))}</D:prop></D:set>", WORDS),
        (f"<D:set><D:prop>{DESCRIPTION.format('x')}<D:displayname>t</D:displayname></D:prop></D:set>", "x"),
        (f"<D:remove><D:prop>{DESCRIPTION.format('')}</D:prop></D:remove>", ""),
    ):
        answer = site.call("PROPPATCH", path, propertyupdate(change), person=anna)
        assert set(statuses(answer).values()) == {"HTTP/1.1 200 OK"}
        told = propfind(site, path, "<C:addressbook-description/>", person=anna)
        assert told.xml.findtext(".//C:addressbook-description", None, NS) == expected
    assert snapshot(site, anna) == before


@ON_SQLITE
def test_a_new_address_book_can_say_what_it_is_for(site: Site, anna: Person) -> None:
    """MKCOL may set the description together with the title (6.3.1.1, 5.2), and what can be said has an end."""
    properties = f"{ADDRESS_BOOK}<D:displayname>Club</D:displayname>"
    assert mkcol(site, anna, "/anna/club/", properties + DESCRIPTION.format(escape(WORDS))).status == 201
    listed = responses(propfind(site, "/anna/", "<C:addressbook-description/>", depth="1", person=anna))
    assert listed["/anna/club/"].findtext(".//C:addressbook-description", "", NS) == WORDS
    named = site.call("PROPFIND", "/anna/club/", f"<D:propfind {NAMES}><D:propname/></D:propfind>", person=anna)
    assert named.xml.find(".//D:prop/C:addressbook-description", NS) is not None
    assert mkcol(site, anna, "/anna/more/", properties + DESCRIPTION.format("x" * 2001)).status == 507
    change = f"<D:set><D:prop>{DESCRIPTION.format('x' * 2001)}</D:prop></D:set>"
    answer = site.call("PROPPATCH", "/anna/club/", propertyupdate(change), person=anna)
    assert statuses(answer) == {"addressbook-description": "HTTP/1.1 507 Insufficient Storage"}
    assert responses(propfind(site, "/anna/", "<D:displayname/>", depth="1", person=anna)).keys() == listed.keys()
