"""
The cards in reports, whole and in part, as RFC 6352, 8.4, 8.5 and 10.4 have them.

`test_rfc6352_resources` says where the other sections are. What these require is a test here, or else one of these:

* 10.4, "CR MAY be omitted" and "MAY be invalid [...] if [...] did not specify required vCard properties": CR is always
  there, and so is VERSION, without which the rest means nothing.
* 10.4, address-data "is not a WebDAV property and as such it is not returned in PROPFIND responses": not by propname
  and allprop, nor by expand-property. A PROPFIND that names it gets it all the same, as from other servers.
"""

from __future__ import annotations

import pytest

from tests.dav.asking import (
    BOOK,
    DATA,
    ETAG,
    NAMES,
    NS,
    REPORTS,
    body_of,
    multiget_body,
    put,
    report,
    responses,
    texts,
)
from tests.support import factories
from tests.support.people import Person
from tests.support.site import ON_SQLITE, Lasting, Site

BOTH = pytest.mark.parametrize("name", REPORTS)


@BOTH
@pytest.mark.parametrize(
    ("asked", "version"),
    [
        ("<C:address-data/>", "3.0"),
        ('<C:address-data content-type="text/vcard"/>', "3.0"),
        ('<C:address-data version="3.0"/>', "3.0"),
        ('<C:address-data content-type="text/vcard" version="3.0"/>', "3.0"),
        ('<C:address-data content-type="text/vcard" version="4.0"/>', "4.0"),
        ('<C:address-data version="4.0"><C:allprop/></C:address-data>', "4.0"),
    ],
)
def test_a_card_comes_whole_in_the_version_that_is_named(lasting: Lasting, name: str, asked: str, version: str) -> None:
    """
    Without CARDDAV:prop it is returned in its entirety, in the format that was asked for, else in 3.0 (10.4).

    The attributes of the element say which that is, and mean 3.0 where they are not there.
    """
    entry = lasting.circle.entry
    answer = report(lasting.site, lasting.circle.anna, body_of(name, asked, [entry]))
    text = texts(answer)[entry]
    (node,) = responses(answer)[entry].iterfind("D:propstat/D:prop/C:address-data", NS)
    assert (node.get("content-type", "text/vcard"), node.get("version", "3.0")) == ("text/vcard", version)
    headers = {"Accept": f"text/vcard; version={version}"}
    assert text.encode() == lasting.site.call("GET", entry, b"", headers, person=lasting.circle.anna).body
    assert text.startswith(f"BEGIN:VCARD\r\nVERSION:{version}\r\n")


LINES = ("NOTE:a\\, b & <c> ]]>", "item1.TEL;TYPE=cell:+1 555 0100", "item1.X-ABLabel:Desk", "TEL:2", "ITEM2.tel:3")
PARTS = {
    "a property": ('<C:prop name="FN"/>', ["FN:Private Person"]),
    "several, in any case": ('<C:prop name="fn"/><C:prop name="Uid"/>', ["UID:x", "FN:Private Person"]),
    "in every group": ('<C:prop name="TEL"/>', ["item1.TEL;TYPE=cell:+1 555 0100", "TEL:2", "ITEM2.TEL:3"]),
    "in one group": ('<C:prop name="item1.TEL"/>', ["item1.TEL;TYPE=cell:+1 555 0100"]),
    "in a group of another case": ('<C:prop name="item2.TEL"/>', ["ITEM2.TEL:3"]),
    "in no such group": ('<C:prop name="item3.TEL"/>', []),
    "not standard": ('<C:prop name="X-ABLABEL"/>', ["item1.X-ABLabel:Desk"]),
    "without its value": ('<C:prop name="item1.TEL" novalue="yes"/>', ["item1.TEL;TYPE=cell:"]),
    "with its value": ('<C:prop name="NOTE" novalue="no"/>', [LINES[0]]),
    "not there": ('<C:prop name="EMAIL"/>', []),
}


@ON_SQLITE
@BOTH
def test_a_part_of_a_card_is_what_was_asked_for(site: Site, anna: Person, name: str) -> None:
    """
    Only the properties that CARDDAV:prop names are returned (8.4, 10.4.2), those that are not standard as well (8.5).

    A name without a group MUST match in all of them, and one with a group exactly there. With novalue, the name,
    parameters and colon are what is left.
    """
    put(site, anna, BOOK + "x.vcf", factories.vcard("x", *LINES))
    for claim, (parts, expected) in PARTS.items():
        asked = f"<C:address-data>{parts}</C:address-data>"
        text = texts(report(site, anna, body_of(name, asked, [BOOK + "x.vcf"])))[BOOK + "x.vcf"]
        assert text.split("\r\n") == ["BEGIN:VCARD", "VERSION:3.0", *expected, "END:VCARD", ""], claim


@ON_SQLITE
@BOTH
def test_a_card_survives_xml(site: Site, anna: Person, name: str) -> None:
    """Character data is encoded as XML has it, so that every octet arrives, CR included (10.4)."""
    data = factories.vcard("x", *LINES, "X-ODD:&amp; ]]> <![CDATA[ &#13; \t é 张")
    put(site, anna, BOOK + "x.vcf", data)
    assert texts(report(site, anna, body_of(name, DATA, [BOOK + "x.vcf"])))[BOOK + "x.vcf"].encode() == data


@pytest.mark.parametrize("asked", ['<C:prop name=""/>', "<C:prop/>"])
def test_a_part_without_a_name_is_refused(lasting: Lasting, asked: str) -> None:
    """The name is required (10.4.2)."""
    body = multiget_body([lasting.circle.entry], f"<C:address-data>{asked}</C:address-data>")
    assert report(lasting.site, lasting.circle.anna, body).status == 400


@pytest.mark.parametrize("body", ["<D:allprop/>", "<D:propname/>"])
def test_the_text_of_a_card_is_no_property(lasting: Lasting, body: str) -> None:
    """Whoever asks for all properties or their names is not told of address-data (10.4)."""
    entry, anna = lasting.circle.entry, lasting.circle.anna
    wanted = f"<D:propfind {NAMES}>{body}</D:propfind>"
    answers = [lasting.site.call("PROPFIND", entry, wanted, {"Depth": "0"}, person=anna)]
    for name in REPORTS:
        asked = body_of(name, ETAG, [entry]).replace(f"<D:prop>{ETAG}</D:prop>", body)
        answers.append(report(lasting.site, anna, asked))
    for answer in answers:
        assert responses(answer)[entry].find(".//D:getetag", NS) is not None
        assert b"address-data" not in answer.body
