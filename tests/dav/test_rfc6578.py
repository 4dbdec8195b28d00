"""
The sync-collection report and what belongs to it, RFC 6578: how they are asked, and answered.

Which changes are reported, and limited (3.4 to 3.7), is in `test_rfc6578_changes`.

What does not apply, or is done otherwise:

- 3.2, the Depth header: any other than 0 is to be a bad request; Thunderbird sends 1 for the same report, as a draft of
  the standard had it, so 0, 1 and none are the same.
- 3.2, one DAV:sync-level: where it is missing it is 1, as appendix A lets a server read requests of that draft.
- 3.2 and 3.3, members that are collections, also such as cannot be synchronized with their parent: an address book has
  none, so that ``infinite`` is the same as 1, and nothing is ever answered with 403 and sync-traversal-supported. The
  principal and the root do not offer the report, for their members are synchronized one by one (7).
- 3.2, the status of an invalid token: 403, and 400 for Thunderbird, which would never get out of a 403.
"""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from lxml import etree

from sync.models import AddressBook
from tests.dav.asking import (
    BOOK,
    DATA,
    ETAG,
    NAMES,
    NS,
    place,
    present,
    propertyupdate,
    propfind,
    put,
    report,
    responses,
    since,
    snapshot,
    statuses,
    sync_body,
    token,
)
from tests.dav.test_rfc5689 import mkcol
from tests.support import factories
from tests.support.people import Person
from tests.support.site import ON_SQLITE, Circle, Lasting, Site

PATH = BOOK + "x.vcf"
ONE, TWO = factories.vcard("x"), factories.vcard("x", "NOTE:two")
LIMIT = "<D:limit><D:nresults>{}</D:nresults></D:limit>"
DEPTHS = pytest.mark.parametrize("depth", ["0", "1", None])


def test_the_report_is_listed_where_it_is_answered(lasting: Lasting) -> None:
    """Section 3.2: every collection that can be synchronized has it in DAV:supported-report-set, and no other (7)."""
    for which in ("root", "principal", "book", "own"):
        answer = propfind(
            lasting.site, place(lasting.circle, which), "<D:supported-report-set/>", person=lasting.circle.anna
        )
        listed = answer.xml.find(".//D:report/D:sync-collection", NS) is not None
        asked = report(lasting.site, lasting.circle.anna, sync_body(), path=place(lasting.circle, which))
        assert listed == (which == "book")
        assert (asked.status, asked.condition) == ((207, "") if listed else (403, "{DAV:}supported-report"))


@DEPTHS
@pytest.mark.parametrize("level", ["<D:sync-level>1</D:sync-level>", "<D:sync-level>infinite</D:sync-level>", ""])
def test_members_are_told_to_the_level_that_was_asked_for(lasting: Lasting, depth: str | None, level: str) -> None:
    """Section 3.3: both levels MUST be supported; here they are one, and Depth as clients send it changes nothing."""
    body = sync_body().replace("<D:sync-level>1</D:sync-level>", level)
    answer = report(lasting.site, lasting.circle.anna, body, depth=depth)
    assert answer == since(lasting.site, lasting.circle.anna)
    assert set(present(answer)) == {lasting.circle.entry, lasting.circle.own}


@pytest.mark.parametrize(
    "body",
    [
        sync_body().replace("<D:sync-token></D:sync-token>", ""),
        sync_body().replace("<D:sync-level>1</D:sync-level>", "<D:sync-level>2</D:sync-level>"),
        *(
            sync_body().replace("</D:sync-collection>", LIMIT.format(count) + "</D:sync-collection>")
            for count in ("0", "-1", "x", "", "1e3")
        ),
    ],
)
def test_a_report_that_says_not_what_it_wants_is_refused(lasting: Lasting, body: str) -> None:
    """Sections 3.2, 6.2 and 6.3: a token MUST be there, and no level or limit is guessed."""
    assert report(lasting.site, lasting.circle.anna, body).status == 400


def test_the_answer_is_a_multistatus_with_one_token_and_one_response_for_each_member(lasting: Lasting) -> None:
    """Section 3.2: the root is DAV:multistatus; no member comes twice, and the token comes once, at the end (6.4)."""
    answer = since(lasting.site, lasting.circle.anna)
    assert (answer.status, answer.xml.tag) == (207, "{DAV:}multistatus")
    children = [etree.QName(node).localname for node in answer.xml]
    assert children == ["response", "response", "sync-token"]
    assert set(responses(answer)) == {lasting.circle.entry, lasting.circle.own}


@ON_SQLITE
def test_what_changed_has_propstats_and_what_went_has_a_status(site: Site, circle: Circle) -> None:
    """Section 3.2: a changed member has no DAV:status, a removed one a 404 and no DAV:propstat."""
    put(site, circle.anna, PATH, ONE)
    old = token(since(site, circle.anna))
    site.call("DELETE", PATH, person=circle.anna)
    put(site, circle.anna, BOOK + "y.vcf", factories.vcard("y"))
    for names in (ETAG, "", DATA, "<D:nothing/>"):
        found = responses(since(site, circle.anna, old, names))
        assert [etree.QName(node).localname for node in found[PATH]] == ["href", "status"]
        assert found[PATH].findtext("D:status", "", NS) == "HTTP/1.1 404 Not Found"
        kinds = [etree.QName(node).localname for node in found[BOOK + "y.vcf"]]
        assert kinds == ["href", *["propstat"] * (len(kinds) - 1)]
        assert len(kinds) > 1


def test_a_token_is_a_uri(lasting: Lasting) -> None:
    """Sections 3.2 and 6.2: so that it can stand in an If header."""
    found = urlsplit(token(since(lasting.site, lasting.circle.anna)))
    assert found.scheme == "urn"
    assert found.path.isascii()
    assert not set(found.path) & set(' <>"{}|\\^`')


@pytest.mark.parametrize("agent", ["Mozilla/5.0 Gecko/20100101 Thunderbird/153.7.0", "DAVx5/4.5", ""])
@pytest.mark.parametrize("kind", ["uuid", "future", "book", "epoch", "letters", "long", "negative", "digit"])
def test_a_token_that_is_none_starts_a_client_again(lasting: Lasting, agent: str, kind: str) -> None:
    """Section 3.2, DAV:valid-sync-token: every client is told so, Thunderbird with the status that it knows."""
    site, circle = lasting.site, lasting.circle
    newest = token(since(site, circle.anna))
    head, _, revision = newest.rpartition("/")
    others = token(report(site, circle.ben, sync_body(), path="/ben/contacts/"))
    wrong = {
        "uuid": "b905a5fd-6cb3-4c50-9c14-9c0d1f6a1c59",
        "future": f"{head}/{int(revision) + 1}",
        "book": others,
        "epoch": newest.replace("sync/", "sync/1"),
        "letters": f"{head}/x",
        "long": f"{head}/{'9' * 5000}",
        "negative": f"{head}/-1",
        "digit": f"{head}/١",
    }[kind]
    answer = report(site, circle.anna, sync_body(wrong), **{"User-Agent": agent})
    assert answer.status == (400 if "Thunderbird" in agent else 403)
    assert answer.condition == "{DAV:}valid-sync-token"
    assert wrong not in answer.body.decode()


@ON_SQLITE
def test_the_token_of_a_collection_that_was_deleted_and_made_anew_is_none(site: Site, anna: Person) -> None:
    """Section 3.2: a token can become invalid when the collection is deleted and recreated."""
    mkcol(site, anna, "/anna/club/")
    old = token(report(site, anna, sync_body(), path="/anna/club/"))
    site.call("DELETE", "/anna/club/", person=anna)
    mkcol(site, anna, "/anna/club/")
    assert report(site, anna, sync_body(old), path="/anna/club/").condition == "{DAV:}valid-sync-token"


def test_the_property_is_what_the_report_says(lasting: Lasting) -> None:
    """Section 4: the value is the token of the report at the same time; the ctag is it as well."""
    site, anna = lasting.site, lasting.circle.anna
    answer = propfind(site, BOOK, "<D:sync-token/><S:getctag/>", person=anna)
    newest = token(since(site, anna))
    assert [answer.xml.findtext(f".//{name}", "", NS) for name in ("D:sync-token", "S:getctag")] == [newest] * 2


@pytest.mark.parametrize("change", ["<D:set><D:prop>{}</D:prop></D:set>", "<D:remove><D:prop>{}</D:prop></D:remove>"])
def test_the_property_is_protected(lasting: Lasting, change: str) -> None:
    """Section 4: it MUST be protected."""
    body = propertyupdate(change.format("<D:sync-token>urn:x</D:sync-token>"))
    answer = lasting.site.call("PROPPATCH", BOOK, body, person=lasting.circle.anna)
    assert statuses(answer) == {"sync-token": "HTTP/1.1 403 Forbidden"}


@pytest.mark.parametrize("body", ["", f"<D:propfind {NAMES}><D:allprop/></D:propfind>"])
def test_who_asks_for_all_properties_does_not_get_it(lasting: Lasting, body: str) -> None:
    """Section 4: it SHOULD NOT be returned by a PROPFIND for all properties."""
    answer = lasting.site.call("PROPFIND", BOOK, body, {"Depth": "0"}, person=lasting.circle.anna)
    assert answer.status == 207
    assert b"sync-token" not in answer.body


@pytest.mark.parametrize("tag", [f"<{BOOK}> ", f"<http://evercard.test{BOOK}>", f"<{BOOK[:-1]}>"])
def test_a_change_can_be_made_to_depend_on_the_state_of_the_book(site: Site, anna: Person, tag: str) -> None:
    """Section 5: a token MUST be usable in an If header, and what it names MUST be unchanged."""
    newest = token(since(site, anna))
    assert put(site, anna, PATH, ONE, If=f"{tag}(<{newest}>)").status == 201
    before = snapshot(site, anna)
    for method, path, body in (
        ("PUT", PATH, TWO),
        ("PUT", BOOK + "y.vcf", factories.vcard("y")),
        ("DELETE", PATH, b""),
        ("MOVE", PATH, b""),
        ("COPY", PATH, b""),
        ("PROPPATCH", BOOK, propertyupdate("<D:set><D:prop><D:displayname>x</D:displayname></D:prop></D:set>")),
    ):
        headers = {"If": f"{tag}(<{newest}>)", "Destination": BOOK + "z.vcf"}
        assert site.call(method, path, body, headers, person=anna).status == 412, method
    assert snapshot(site, anna) == before
    made = "<D:resourcetype><D:collection/><C:addressbook/></D:resourcetype>"
    body = f"<D:mkcol {NAMES}><D:set><D:prop>{made}</D:prop></D:set></D:mkcol>"
    assert site.call("MKCOL", "/anna/club/", body, {"If": f"{tag}(<{newest}>)"}, person=anna).status == 412
    assert site.call("MKCOL", "/anna/club/", body, {"If": f"{tag}(<{before[1]}>)"}, person=anna).status == 201


@ON_SQLITE
def test_a_report_of_nothing_writes_nothing(site: Site, anna: Person) -> None:
    """Section 7: what a synchronization costs is what changed; the report moves no revision itself."""
    newest = token(since(site, anna))
    for _ in range(3):
        assert token(since(site, anna, newest)) == newest
    with site.database.reading() as session:
        book = session.get(AddressBook, (anna.id, factories.book(site.database, anna.id).id))
        assert book is not None
        assert newest.endswith(f"/{book.revision}")
