"""What the sync-collection report does that its standard leaves open; what it says is in `test_rfc6578`."""

from __future__ import annotations

from sync.profiles import profiles
from sync.revisions import address_books
from tests.dav.asking import (
    BOOK,
    DATA,
    ETAG,
    NS,
    multiget_body,
    present,
    propfind,
    query_body,
    report,
    responses,
    sync_body,
    texts,
    token,
)
from tests.support import factories, people
from tests.support.people import Person
from tests.support.site import Circle, Lasting, Site


def rename(site: Site, circle: Circle, name: str) -> None:
    content = factories.content("name", name)
    site.database.write(lambda session: profiles.set_field(session, circle.ben.id, circle.shown, content))


def put(site: Site, person: Person, name: str, uid: str) -> None:
    answer = site.call("PUT", BOOK + name, factories.vcard(uid), {"Content-Type": "text/vcard"}, person=person)
    assert answer.status == 201


def test_the_token_moves_with_what_is_seen_and_with_nothing_else(site: Site, circle: Circle) -> None:
    """A change that anna is not shown leaves her token, ctag and ETags as they are: they tell nothing."""
    before = report(site, circle.anna, sync_body())
    factories.field(site.database, circle.ben.id, "mobile", "+49 555 0100")
    rename(site, circle, "Ben Beispiel")
    site.call("PROPFIND", BOOK, b"", {"Depth": "1"}, person=circle.anna)
    assert report(site, circle.anna, sync_body()) == before


def test_after_a_backup_was_put_back_every_token_is_refused(site: Site, circle: Circle) -> None:
    old = token(report(site, circle.anna, sync_body()))
    site.database.write(address_books.begin_new_epoch)
    assert report(site, circle.anna, sync_body(old)).condition == "{DAV:}valid-sync-token"


def test_without_properties_members_still_come(lasting: Lasting) -> None:
    """An empty DAV:prop asks for hrefs only, and gets every member with a status of 200."""
    answer = report(lasting.site, lasting.circle.anna, sync_body("", ""))
    statuses = {node.findtext("D:propstat/D:status", "", NS) for node in responses(answer).values()}
    assert set(responses(answer)) == {lasting.circle.entry, lasting.circle.own}
    assert statuses == {"HTTP/1.1 200 OK"}


def test_a_private_card_between_other_changes_is_not_missed(site: Site, circle: Circle) -> None:
    start = token(report(site, circle.anna, sync_body()))
    put(site, circle.anna, "x.vcf", "x")
    rename(site, circle, "Ben Neu")
    put(site, circle.anna, "y.vcf", "y")
    answer = report(site, circle.anna, sync_body(start, ETAG))
    assert set(present(answer)) == {BOOK + "x.vcf", BOOK + "y.vcf", circle.entry}


def test_two_people_s_tokens_move_alone(site: Site, circle: Circle) -> None:
    before = token(report(site, circle.ben, sync_body(), path="/ben/contacts/"))
    put(site, circle.anna, "x.vcf", "x")
    assert token(report(site, circle.ben, sync_body(), path="/ben/contacts/")) == before


def test_listing_multiget_and_sync_show_the_same(site: Site, circle: Circle) -> None:
    """Three ways to read an address book, one content: hrefs, ETags and texts are equal to the last octet."""
    put(site, circle.anna, "ä b,c:'.vcf", "x")
    factories.connect(site.database, circle.anna.id, people.register(site.database, "carl").id)
    site.call("DELETE", circle.entry, person=circle.anna)
    synced = report(site, circle.anna, sync_body("", DATA))
    listed = propfind(site, BOOK, DATA, depth="1", person=circle.anna)
    hrefs = [href for href in present(listed) if href != BOOK]
    got = report(site, circle.anna, multiget_body(hrefs))
    found = report(site, circle.anna, query_body(""))
    for answer in (synced, got, found):
        assert sorted(texts(answer)) == sorted(hrefs)
        assert texts(answer) == texts(synced)
        assert present(answer) == present(synced)
    assert {href: etag for href, etag in present(listed).items() if href != BOOK} == present(synced)
    assert circle.entry not in hrefs
