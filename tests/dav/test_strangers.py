"""Nobody gets at what belongs to somebody else, by any method, nor learns whether there is such a person."""

from __future__ import annotations

import pytest

from tests.dav.asking import multiget_body, propfind, query_body, report, snapshot, sync_body
from tests.support.people import Person
from tests.support.site import SECRETS, Answer, Lasting, Site, basic

METHODS = (
    *("ACL", "COPY", "DELETE", "GET", "HEAD", "LOCK", "MKCALENDAR", "MKCOL", "MOVE", "POST", "PROPFIND", "PROPPATCH"),
    *("PUT", "REPORT", "UNLOCK"),
)
BODIES = {
    "PUT": b"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:x\r\nFN:x\r\nEND:VCARD\r\n",
    "REPORT": sync_body().encode(),
    "PROPPATCH": b'<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><D:displayname>x</D:displayname></D:prop></D:set>'
    b"</D:propertyupdate>",
}


def ask(site: Site, method: str, path: str, person: Person | None, **headers: str) -> Answer:
    given = {"Destination": "/anna/contacts/stolen.vcf", "Content-Type": "text/vcard", **headers}
    return site.call(method, path, BODIES.get(method, b""), given, person=person)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("below", ["", "contacts", "contacts/", "contacts/x.vcf", "elsewhere/"])
def test_other_people_s_places_refuse_in_the_same_words_whoever_they_are(
    lasting: Lasting, method: str, below: str
) -> None:
    """403, and to the last octet the same for a person who does not exist."""
    before = snapshot(lasting.site, lasting.circle.ben)
    answer = ask(lasting.site, method, f"/ben/{below}", lasting.circle.anna)
    assert answer.status == 403
    assert answer == ask(lasting.site, method, f"/nobody/{below}", lasting.circle.anna)
    assert snapshot(lasting.site, lasting.circle.ben) == before


@pytest.mark.parametrize("method", METHODS)
def test_an_entry_that_exists_is_refused_as_one_that_does_not(lasting: Lasting, method: str) -> None:
    own = next(iter(snapshot(lasting.site, lasting.circle.ben)[0]))
    answer = ask(lasting.site, method, own, lasting.circle.anna)
    assert answer.status == 403
    assert answer == ask(lasting.site, method, "/ben/contacts/nothing.vcf", lasting.circle.anna)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("path", ["/ben/", "/ben/contacts/", "/nobody/contacts/x.vcf", "/ben/contacts/a/b", "/.hidden"])
def test_without_a_password_every_place_is_the_same(lasting: Lasting, method: str, path: str) -> None:
    answer = ask(lasting.site, method, path, None)
    assert answer.status == 401
    assert answer == ask(lasting.site, method, "/", None) or method in ("GET", "HEAD")


@pytest.mark.parametrize("login", ["ben", "nobody", "", "a" * 300, "ben/contacts", "ann\0a"])
def test_a_wrong_password_says_nothing_about_the_login(lasting: Lasting, login: str) -> None:
    for password in ("", "wrong", lasting.circle.anna.password, "x" * 5000, "ä:ö"):
        answer = lasting.site.call("PROPFIND", "/", b"", {"Authorization": basic(login, password)})
        assert answer == lasting.site.call("PROPFIND", "/", b"")


def test_another_person_s_entries_cannot_be_named_in_a_multiget(lasting: Lasting) -> None:
    """Asked for by href, what belongs to somebody else is missing, and nothing of it comes along."""
    hrefs = [*snapshot(lasting.site, lasting.circle.ben)[0], "/ben/contacts/nothing.vcf", "/ben/contacts/", "/ben/"]
    hrefs += [href.replace("/ben/", "/anna/../ben/") for href in hrefs]
    answer = report(lasting.site, lasting.circle.anna, multiget_body(hrefs))
    text = answer.body.decode()
    assert text.count("HTTP/1.1 404 Not Found") == len(hrefs)
    assert "address-data" not in text


def test_what_a_person_hides_is_in_no_answer(lasting: Lasting) -> None:
    """By no report, property or representation do ungranted values reach the one who is connected."""
    names = "<D:getetag/><C:address-data/><D:displayname/><D:getcontentlength/>"
    answers = [
        report(lasting.site, lasting.circle.anna, sync_body("", names)),
        report(lasting.site, lasting.circle.anna, multiget_body([lasting.circle.entry], names)),
        report(
            lasting.site, lasting.circle.anna, multiget_body([lasting.circle.entry], '<C:address-data version="4.0"/>')
        ),
        report(lasting.site, lasting.circle.anna, query_body("", names)),
        propfind(lasting.site, "/anna/contacts/", names, depth="1", person=lasting.circle.anna),
        propfind(lasting.site, lasting.circle.entry, names, person=lasting.circle.anna),
        propfind(lasting.site, lasting.circle.entry, person=lasting.circle.anna),
        lasting.site.call("GET", lasting.circle.entry, person=lasting.circle.anna),
        lasting.site.call(
            "GET", lasting.circle.entry, b"", {"Accept": "text/vcard; version=4.0"}, person=lasting.circle.anna
        ),
    ]
    for answer in answers:
        assert b"Ben Beispiel" in answer.body or b"address-data" not in answer.body
        text = answer.body.decode().replace("\r\n ", "") + repr(answer.headers)
        assert [secret for secret in SECRETS if secret in text or secret.replace(" ", "") in text] == []
