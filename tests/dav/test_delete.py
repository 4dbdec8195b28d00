"""DELETE: a private card goes, a connection's is hidden, one's own comes back, and a collection stays."""

from __future__ import annotations

import pytest

from sync.sharing import connections
from tests.dav.asking import DATA, gone, report, responses, snapshot, sync_body, texts, token
from tests.support import factories
from tests.support.site import Circle, Lasting, Site


def test_a_connection_s_card_is_hidden_and_both_stay_connected(site: Site, circle: Circle) -> None:
    """It goes from anna's devices and comes back where she wants; ben notices nothing, and keeps her card."""
    others = snapshot(site, circle.ben)
    first = report(site, circle.anna, sync_body("", DATA))
    assert site.call("DELETE", circle.entry, person=circle.anna).status == 204
    hidden = report(site, circle.anna, sync_body(token(first)))
    assert (gone(hidden), texts(hidden)) == ({circle.entry}, {})
    assert snapshot(site, circle.ben) == others
    with site.database.reading() as session:
        assert connections.is_connected(session, circle.ben.id, circle.anna.id)
    factories.set_field(site.database, circle.ben.id, circle.shown, "Ben Neu", "name")
    assert responses(report(site, circle.anna, sync_body(token(hidden)))) == {}
    site.database.write(lambda session: connections.show(session, circle.anna.id, circle.ben.id))
    back = texts(report(site, circle.anna, sync_body(token(hidden), DATA)))
    assert list(back) == [circle.entry]
    assert "Ben Neu" in back[circle.entry]


def test_one_s_own_card_is_given_again(site: Site, circle: Circle) -> None:
    """No server can force a phone; it takes the deletion, and with the next synchronization has the card again."""
    first = report(site, circle.anna, sync_body("", DATA))
    assert site.call("DELETE", circle.own, person=circle.anna).status == 204
    answer = report(site, circle.anna, sync_body(token(first), DATA))
    assert (gone(answer), list(texts(answer))) == (set(), [circle.own])
    assert site.call("GET", circle.own, person=circle.anna).status == 200


def test_a_card_that_its_owner_took_away_is_not_made_again(site: Site, circle: Circle) -> None:
    """A client that still has the card of somebody who disconnected cannot store it as if nothing had happened."""
    text = site.call("GET", circle.entry, person=circle.anna).body
    site.database.write(lambda session: connections.disconnect(session, circle.anna.id, circle.ben.id))
    since = token(report(site, circle.anna, sync_body()))
    answer = site.call("PUT", circle.entry, text, {"Content-Type": "text/vcard"}, person=circle.anna)
    assert (answer.status, answer.condition) == (403, "{DAV:}need-privileges")
    assert site.call("DELETE", circle.entry, person=circle.anna).status == 404
    assert responses(report(site, circle.anna, sync_body(since))) == {}


CARD = b"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:x\r\nFN:x\r\nEND:VCARD\r\n"
RESOURCETYPE = (
    b'<D:propertyupdate xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:set><D:prop><D:resourcetype>'
    b"<D:collection/><C:calendar/></D:resourcetype></D:prop></D:set><D:remove><D:prop><D:resourcetype/></D:prop>"
    b"</D:remove></D:propertyupdate>"
)
MKCOL = (
    b'<D:mkcol xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav"><D:set><D:prop><D:resourcetype><D:collection/>'
    b"<C:addressbook/></D:resourcetype></D:prop></D:set></D:mkcol>"
)


@pytest.mark.parametrize(
    "body", [b"", CARD, CARD + CARD.replace(b"UID:x", b"UID:y"), RESOURCETYPE, MKCOL, b"\x00" * 9_000]
)
@pytest.mark.parametrize(
    "path", ["/", "/anna/", "/anna", "/anna/contacts", "/anna/contacts/", "/ben/contacts/", "/anna/contacts/new/"]
)
def test_nothing_empties_or_removes_a_collection(lasting: Lasting, path: str, body: bytes) -> None:
    """No method with any body, chunked or not, changes a person's book by way of the collection (security rule R3)."""
    site, anna = lasting.site, lasting.circle.anna
    for method in (
        "PUT",
        "DELETE",
        "MOVE",
        "COPY",
        "MKCOL",
        "MKCALENDAR",
        "PROPPATCH",
        "POST",
        "LOCK",
        "ACL",
        "UNLOCK",
    ):
        for headers in (
            {},
            {"Overwrite": "T", "Destination": "http://evercard.test/anna/contacts/"},
            {"If-Match": "*"},
        ):
            for environ in ({}, {"CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked"}):
                answer = site.call(method, path, body, headers, person=anna, environ=environ)
                protected = answer.status == 207 and b"403 Forbidden" in answer.body and b"200 OK" not in answer.body
                assert protected or 400 <= answer.status < 500, (method, path, answer)


@pytest.mark.parametrize("destination", ["/anna/", "/anna/contacts/", "/anna/contacts/y.vcf", "/ben/contacts/y.vcf"])
def test_the_card_of_a_person_cannot_be_moved_or_copied(lasting: Lasting, destination: str) -> None:
    for method in ("MOVE", "COPY"):
        for path in (lasting.circle.entry, lasting.circle.own):
            headers = {"Destination": f"http://evercard.test{destination}", "Overwrite": "T"}
            assert lasting.site.call(method, path, b"", headers, person=lasting.circle.anna).status == 403
