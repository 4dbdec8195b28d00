"""
Creating and changing cards, as RFC 6352, 6.3 has it.

`test_rfc6352_resources` says where the other sections are. What these require is a test here, or else one of these:

* 6.3.1, extended MKCOL: `test_rfc5689`.
* 6.3.2, "the client SHOULD use [...] If-None-Match: *", and 9.2, If-Match, bind clients; `test_put` has what they get.
* 6.3.2.1, supported-address-data, valid-address-data and max-resource-size of COPY and MOVE: what is stored was of a
  supported type, valid and small enough when it was stored, and no address book is stricter than another.
* 6.3.2.1, addressbook-collection-location-ok: address books cannot be copied or moved at all, wherever to.
* 6.3.2.2, "MAY reject any attempt [...] to change" private properties: there are none. Those with X- in what the server
  writes by itself are Apple's, by the names that Apple's programs and others know them by.
* 6.3.2.2, parameters of a note on a connection's card: it is put together with the owner's into one, because programs
  show no more than one, and has none of its own.
* 6.3.2.3, what is changed on the way in: a person's own card and those of connections are never served as they were
  sent (fields that were not granted, a new REV), so an answer to PUT there has no ETag.
"""

from __future__ import annotations

import pytest

from tests.dav.asking import (
    BOOK,
    CARD,
    DATA,
    ETAG,
    NS,
    multiget_body,
    propfind,
    put,
    report,
    responses,
    snapshot,
    texts,
)
from tests.dav.test_put import GOOD
from tests.dav.test_rfc5689 import mkcol
from tests.support import factories
from tests.support.people import Person
from tests.support.site import ON_SQLITE, Circle, Lasting, Site


@ON_SQLITE
def test_a_card_is_made_by_put_and_changed_by_put(site: Site, anna: Person) -> None:
    """At a URL where nothing is, whatever its name, PUT creates a card, and where one is, it changes that (6.3.2)."""
    for number, name in enumerate(("x.vcf", "no-suffix", "%E5%BC%A0%20(1).vcf", "1234.VCF")):
        one, two = (factories.vcard(str(number), f"NOTE:{note}") for note in "ab")
        assert put(site, anna, BOOK + name, one, If_None_Match="*").status == 201
        assert put(site, anna, BOOK + name, two, If_None_Match="*").status == 412
        assert site.call("GET", BOOK + name, person=anna).body == one
        assert put(site, anna, BOOK + name, two).status == 204
        assert site.call("GET", BOOK + name, person=anna).body == two


@pytest.mark.parametrize("version", ["1.0", "2.2", "5.0"])
def test_another_version_is_refused(lasting: Lasting, version: str) -> None:
    """A vCard of a version that is not supported is no supported media type (6.2.2, 6.3.2.1)."""
    answer = put(lasting.site, lasting.circle.anna, BOOK + "x.vcf", GOOD.replace("VERSION:3.0", f"VERSION:{version}"))
    assert (answer.status, answer.condition) == (403, f"{CARD}supported-address-data")


@pytest.mark.parametrize(
    ("body", "condition"),
    [
        ("", "valid-address-data"),
        ("hello", "valid-address-data"),
        ("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nUID:x\r\nEND:VCALENDAR\r\n", "valid-address-data"),
        (GOOD.replace("UID:x", "UID:x\r\nUID:y"), "valid-address-data"),
        (GOOD.replace("UID:x", f"UID:{'x' * 256}"), "valid-address-data"),
        (GOOD + GOOD.replace("UID:x", "UID:y"), "valid-address-data"),
        (GOOD.replace("END:VCARD\r\n", ""), "valid-address-data"),
        (GOOD.replace("FN:", f"NOTE:{'x' * 300_000}\r\nFN:"), "max-resource-size"),
        (GOOD.replace("FN:", "X-A:1\r\n" * 10_001 + "FN:"), "valid-address-data"),
    ],
)
def test_what_is_not_one_card_with_one_uid_is_refused(lasting: Lasting, body: str, condition: str) -> None:
    """A resource MUST be one valid vCard, with no two UIDs, of a size that is told (5.1, 6.3.2.1)."""
    answer = put(lasting.site, lasting.circle.anna, BOOK + "x.vcf", body)
    assert (answer.status, answer.condition) == (403, CARD + condition)
    assert len(answer.xml.findtext("D:responsedescription", "", NS)) > 10


@pytest.mark.parametrize("data", [GOOD.encode("utf-16")[2:], GOOD.encode("utf-32")])
def test_what_is_not_utf_8_is_refused(lasting: Lasting, data: bytes) -> None:
    """A vCard is text in UTF-8, and not valid otherwise (6.3.2.1)."""
    answer = put(lasting.site, lasting.circle.anna, BOOK + "x.vcf", data)
    assert (answer.status, answer.condition) == (403, f"{CARD}valid-address-data")


def test_a_uid_is_one_card_s(site: Site, circle: Circle) -> None:
    """
    A UID that another card of the address book has MUST be refused, and another than the card had (5.1, 6.3.2.1).

    The answer names the URL of the card that has it.
    """
    put(site, circle.anna, BOOK + "ä 1.vcf", factories.vcard("one"))
    before = snapshot(site, circle.anna)
    answer = put(site, circle.anna, BOOK + "2.vcf", factories.vcard("one"))
    assert (answer.status, answer.condition) == (409, f"{CARD}no-uid-conflict")
    assert answer.xml[0].findtext("D:href", "", NS) == BOOK + "%C3%A4%201.vcf"
    answer = put(site, circle.anna, BOOK + "%C3%A4%201.vcf", factories.vcard("another"))
    assert (answer.status, answer.condition) == (409, f"{CARD}no-uid-conflict")
    served = texts(report(site, circle.anna, multiget_body([circle.entry])))[circle.entry]
    uid = next(line[4:] for line in served.split("\r\n") if line.startswith("UID:"))
    answer = put(site, circle.anna, BOOK + "3.vcf", factories.vcard(uid))
    assert (answer.status, answer.xml[0].findtext("D:href", "", NS)) == (409, circle.entry)
    assert snapshot(site, circle.anna) == before


@ON_SQLITE
def test_a_uid_may_be_in_two_address_books(site: Site, anna: Person) -> None:
    """It is unique in its address book, which is all that is required (5.1)."""
    mkcol(site, anna, "/anna/club/")
    for path in (BOOK, "/anna/club/"):
        assert put(site, anna, path + "x.vcf", factories.vcard("one")).status == 201


@ON_SQLITE
@pytest.mark.parametrize("method", ["COPY", "MOVE"])
@pytest.mark.parametrize(
    ("target", "conflict"),
    [("/anna/club/new.vcf", "/anna/club/same.vcf"), ("/anna/club/other.vcf", "/anna/club/other.vcf")],
    ids=["in use", "overwriting another"],
)
def test_a_uid_stays_one_card_s(site: Site, anna: Person, method: str, target: str, conflict: str) -> None:
    """COPY and MOVE MUST NOT bring a UID that is in use, nor replace a card that has another one (6.3.2.1)."""
    mkcol(site, anna, "/anna/club/")
    cards = {BOOK + "x.vcf": "one", "/anna/club/other.vcf": "two"}
    if target.endswith("new.vcf"):
        cards["/anna/club/same.vcf"] = "one"
    for path, uid in cards.items():
        put(site, anna, path, factories.vcard(uid))
    answer = site.call(method, BOOK + "x.vcf", b"", {"Destination": target}, person=anna)
    assert (answer.status, answer.condition) == (409, f"{CARD}no-uid-conflict")
    assert answer.xml[0].findtext("D:href", "", NS) == conflict
    for path, uid in cards.items():
        assert site.call("GET", path, person=anna).body == factories.vcard(uid)


@ON_SQLITE
def test_a_copy_in_the_same_address_book_would_share_its_uid(site: Site, anna: Person) -> None:
    """A COPY needs another address book, and a MOVE does not (6.3.2.1)."""
    put(site, anna, BOOK + "x.vcf", factories.vcard("one"))
    answer = site.call("COPY", BOOK + "x.vcf", b"", {"Destination": BOOK + "y.vcf"}, person=anna)
    assert (answer.status, answer.condition) == (409, f"{CARD}no-uid-conflict")
    assert answer.xml[0].findtext("D:href", "", NS) == BOOK + "x.vcf"
    assert site.call("MOVE", BOOK + "x.vcf", b"", {"Destination": BOOK + "y.vcf"}, person=anna).status == 201


STRANGE = ("X-ABC-PRIVATE;X-HOW=loud;TYPE=x-mine:kept as it is", "TEL;X-SEEN=yes:+49 555 0155")


@ON_SQLITE
@pytest.mark.parametrize("which", ["private", "own", "connection"])
def test_what_is_not_standard_is_supported(site: Site, circle: Circle, which: str) -> None:
    """Non-standard properties and parameters that are put MUST be supported (6.3.2.2), on every kind of card."""
    path = {"private": BOOK + "x.vcf", "own": circle.own, "connection": circle.entry}[which]
    data = factories.vcard("x").decode()
    if which != "private":
        data = texts(report(site, circle.anna, multiget_body([path])))[path]
    answer = put(site, circle.anna, path, data.replace("END:VCARD", "\r\n".join([*STRANGE, "END:VCARD"])))
    assert answer.status in (201, 204)
    served = site.call("GET", path, person=circle.anna).body.decode().split("\r\n")
    assert [line for line in STRANGE if line not in served] == []


def test_every_card_has_a_strong_etag(lasting: Lasting) -> None:
    """The property getetag is set, to a strong entity tag, and GET and HEAD have it as a header (6.3.2.3)."""
    anna, site = lasting.circle.anna, lasting.site
    listed = responses(propfind(site, BOOK, ETAG, depth="1", person=anna))
    for path in (lasting.circle.entry, lasting.circle.own):
        etag = listed[path].findtext("D:propstat/D:prop/D:getetag", "", NS)
        assert etag.startswith('"')
        assert etag.endswith('"')
        for method in ("GET", "HEAD"):
            assert site.call(method, path, person=anna).header("ETag") == etag


@ON_SQLITE
def test_a_card_that_is_stored_as_it_came_has_its_etag_in_the_answer(site: Site, anna: Person) -> None:
    """After such a PUT the ETag is what PROPFIND has, and changes with every change of the card (6.3.2.3)."""
    etags = []
    for note in "aab":
        told = put(site, anna, BOOK + "x.vcf", factories.vcard("x", f"NOTE:{note}")).header("ETag")
        found = responses(propfind(site, BOOK + "x.vcf", ETAG, person=anna))[BOOK + "x.vcf"]
        assert told == found.findtext("D:propstat/D:prop/D:getetag", "", NS)
        etags.append(told)
    assert (etags[0] == etags[1], etags[1] == etags[2]) == (True, False)


@ON_SQLITE
@pytest.mark.parametrize("which", ["own", "connection", "control character", "vCard 4.0", "vCard 2.1"])
def test_a_card_that_is_served_otherwise_has_no_etag_in_the_answer(site: Site, circle: Circle, which: str) -> None:
    """A strong entity tag MUST NOT be returned where not the very octets are stored (6.3.2.3)."""
    path = {"own": circle.own, "connection": circle.entry}.get(which, BOOK + "x.vcf")
    data = texts(report(site, circle.anna, multiget_body([path], DATA))).get(path, "")
    sent = {
        "control character": factories.vcard("x", "NOTE:\x01"),
        "vCard 4.0": factories.vcard("x").replace(b"3.0", b"4.0"),
        "vCard 2.1": factories.vcard("x").replace(b"3.0", b"2.1"),
    }.get(which, data.replace("END:VCARD", "NOTE:mine\r\nEND:VCARD").encode())
    answer = put(site, circle.anna, path, sent)
    assert answer.status in (201, 204)
    assert answer.header("ETag") == ""
